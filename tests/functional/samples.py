"""A request for every route that names a thing, and who may make it: what the sweep over others' things asks in everybody's name.

A new route with a path parameter needs a line in ``SAMPLES``; the sweep says so.
"""

import json
from collections.abc import Callable

from tests.functional.functions import golden
from tests.functional.world import (
    ALL_HELPERS,
    AUDITOR,
    CENTRES,
    CITIZENS,
    CLERK,
    CLERKS,
    DEPARTMENT,
    DESK,
    ELSEWHERE,
    HELPERS,
    IDENTITY_NO,
    JOINT,
    OWN,
    OWNER,
    PHOTO,
    PNG,
    REVIEWERS,
    SUPERVISOR,
    SUPPORTING,
    Sample,
    World,
    official,
)


def _material(world: World) -> dict[str, str]:
    return {"material_id": world.material}


def _case(world: World) -> dict[str, str]:
    return {"case_no": world.case}


def _desk(world: World) -> dict[str, str]:
    return {"case_no": world.at_desk}


def _decided(world: World) -> dict[str, str]:
    return {"case_no": world.decided}


def _closed(world: World) -> dict[str, str]:
    return {"case_no": world.closed_case}


def _task(world: World) -> dict[str, str]:
    return {"task_id": world.task}


ASKS = {
    "asks": [{"capability": "fire-inspection", "question": {"zh": "示例：通道是否畅通？"}}],
    "days": 3,
}


def _grid(world: World) -> dict[str, str]:
    return {"event_no": world.grid_event}


def _event(world: World) -> dict[str, str]:
    return {"collaboration_id": world.collaboration}


IN_CHARGE = frozenset({"operator, own"})
"""A centre's operators act on what is before their own centre; those above see it, and have it once it is lifted."""

USER = {"userId": "zhang"}
BASIS = {"basis": "《行政许可法》第七十条", "reason": "示例"}


def _joint(world: World) -> dict[str, str]:
    return {"joint_no": world.joint}


SAMPLES: dict[str, Callable[[World], Sample]] = {
    # ---- the citizen's own
    "GET /api/applications/{case_no}": lambda w: Sample(_case(w), CITIZENS),
    "POST /api/applications/{case_no}/supplement": lambda w: Sample(
        _case(w), CITIZENS, {"form": {}, "materials": ["layout-plan"]}
    ),
    "POST /api/applications/{case_no}/withdrawal": lambda w: Sample(_case(w), CITIZENS, {"reason": "示例"}),
    "GET /api/applications/{case_no}/documents": lambda w: Sample(_closed(w), CITIZENS),
    "GET /api/applications/{case_no}/documents/{name}": lambda w: Sample({**_closed(w), "name": "decision"}, CITIZENS),
    "POST /api/applications/{case_no}/rating": lambda w: Sample(_closed(w), CITIZENS, {"rating": 1}),
    "GET /api/applications/{case_no}/rating": lambda w: Sample(_closed(w), CITIZENS),
    "POST /api/applications/{case_no}/rating/confirmation": lambda w: Sample(_closed(w), CITIZENS, {"satisfied": True}),
    "POST /api/joint-items/{joint_code}/applications": lambda w: Sample(
        {"joint_code": "open-a-restaurant"}, CITIZENS, {**JOINT, "on_behalf_of": "zhang"}
    ),
    "GET /api/joint-applications/{joint_no}": lambda w: Sample(_joint(w), CITIZENS),
    "POST /api/joint-applications/{joint_no}/withdrawal": lambda w: Sample(_joint(w), CITIZENS, {}),
    "POST /api/notifications/{notification_id}/read": lambda w: Sample({"notification_id": w.notification}, OWNER, {}),
    "POST /api/materials/{material_id}/completion": lambda w: Sample(_material(w), OWNER),
    "PUT /api/materials/{material_id}/content": lambda w: Sample(_material(w), OWNER, PNG),
    "GET /api/materials/{material_id}/content": lambda w: Sample(_material(w), OWNER),
    "GET /api/applications/{case_no}/receipt": lambda w: Sample(_closed(w), CITIZENS),
    "GET /api/applications/{case_no}/result": lambda w: Sample(_closed(w), CITIZENS),
    "GET /api/drafts/{code}": lambda w: Sample({"code": w.draft}, CITIZENS),
    "PUT /api/drafts/{code}": lambda w: Sample(
        {"code": w.draft}, CITIZENS, {"task_code": "food-business-licence", "form": {}, "version": 1}
    ),
    "DELETE /api/drafts/{code}": lambda w: Sample({"code": w.draft}, CITIZENS),
    "POST /api/drafts/{code}/application": lambda w: Sample({"code": w.draft}, CITIZENS, {}),
    "DELETE /api/mandates/{mandate_id}": lambda w: Sample({"mandate_id": "zhang.agent"}, CITIZENS),
    "POST /api/applications: on behalf of": lambda w: Sample(
        {}, CITIZENS, {**json.loads(golden("http_apply")["body"]), "on_behalf_of": "zhang"}
    ),
    "POST /api/applications: another's file": lambda w: Sample({}, OWNER, w.wish_with_file, refusals=(403, 404, 422)),
    "GET /api/user/{userId}": lambda w: Sample(USER, OWNER | AUDITOR),
    "DELETE /api/user/{userId}": lambda w: Sample(USER, OWNER),
    "PATCH /api/user/{userId}": lambda w: Sample(USER, OWNER, {"email": "zhang@example.com"}),
    "POST /api/user/{userId}/verification": lambda w: Sample(
        USER, CLERKS, {"number": IDENTITY_NO, "reason": "示例：居民身份证"}
    ),
    # ---- the department's
    "GET /api/cases/{case_no}": lambda w: Sample(_case(w), DEPARTMENT | AUDITOR),
    "POST /api/cases/{case_no}/personal": lambda w: Sample(_case(w), DESK, {"reason": "示例核对"}),
    "POST /api/cases/{case_no}/materials/{code}": lambda w: Sample(
        {**_case(w), "code": "layout-plan"}, DESK, {"reason": "示例核对"}
    ),
    "POST /api/cases/{case_no}/decision/correction": lambda w: Sample(
        _decided(w), SUPERVISOR, {**BASIS, "valid_until": "2030-01-01T00:00:00+08:00"}
    ),
    "POST /api/cases/{case_no}/decision/revocation": lambda w: Sample(_decided(w), SUPERVISOR, BASIS),
    "POST /api/cases/{case_no}/certificate/revocation": lambda w: Sample(
        _decided(w), SUPERVISOR, {**BASIS, "certificate_no": f"{w.decided}-Z"}
    ),
    "POST /api/cases/{case_no}/certificate/reissue": lambda w: Sample(
        _decided(w), SUPERVISOR, {**BASIS, "certificate_no": f"{w.decided}-Z"}
    ),
    "GET /api/cases/{case_no}/procedures": lambda w: Sample(_desk(w), DEPARTMENT | AUDITOR),
    "POST /api/cases/{case_no}/procedures": lambda w: Sample(_desk(w), DESK, {"kind": "testing", "reason": "示例"}),
    "POST /api/cases/{case_no}/procedures/{procedure_id}/approval": lambda w: Sample(
        {**_desk(w), "procedure_id": f"{w.at_desk}-T1"}, frozenset({"supervisor, own"})
    ),
    "POST /api/cases/{case_no}/procedures/{procedure_id}/rejection": lambda w: Sample(
        {**_desk(w), "procedure_id": f"{w.at_desk}-T1"}, frozenset({"supervisor, own"}), {"reason": "示例"}
    ),
    "POST /api/cases/{case_no}/procedures/{procedure_id}/end": lambda w: Sample(
        {"case_no": w.suspended, "procedure_id": f"{w.suspended}-T1"}, DEPARTMENT, {"result": "示例"}
    ),
    "POST /api/cases/{case_no}/acceptance": lambda w: Sample(_desk(w), CLERK, {}),
    "POST /api/cases/{case_no}/supplement-notice": lambda w: Sample(
        _desk(w), DESK, {"points": [{"field": "area", "reason": "示例"}]}
    ),
    "POST /api/cases/{case_no}/refusal": lambda w: Sample(_desk(w), CLERK, {"reasons": ["示例"], "basis": "示例"}),
    "POST /api/cases/{case_no}/return": lambda w: Sample(_desk(w), CLERK, {"reason": "示例"}),
    "POST /api/cases/{case_no}/transfer": lambda w: Sample(_desk(w), CLERK, {"to": ELSEWHERE, "reason": "示例"}),
    "POST /api/cases/{case_no}/recheck": lambda w: Sample(_desk(w), REVIEWERS, {"finding": "right"}),
    "POST /api/cases/{case_no}/steps": lambda w: Sample(_desk(w), DEPARTMENT, {"step": "approve", "opinion": "agree"}),
    "POST /api/cases/{case_no}/steps/{step}/officer": lambda w: Sample({**_desk(w), "step": "approve"}, DEPARTMENT, {}),
    "POST /api/cases/{case_no}/steps/{step}/return": lambda w: Sample(
        {**_desk(w), "step": "approve"}, DEPARTMENT, {"to": "review", "reason": "示例"}
    ),
    "GET /api/cases/{case_no}/attachments": lambda w: Sample(_desk(w), DEPARTMENT | AUDITOR),
    "POST /api/cases/{case_no}/attachments": lambda w: Sample(_desk(w), DEPARTMENT, PHOTO),
    "POST /api/cases/{case_no}/attachments/{attachment_id}/completion": lambda w: Sample(
        {**_desk(w), "attachment_id": w.photo}, DEPARTMENT
    ),
    "POST /api/cases/{case_no}/attachments/{attachment_id}": lambda w: Sample(
        {**_desk(w), "attachment_id": w.photo}, DESK, {"reason": "示例核对"}
    ),
    "POST /api/cases/{case_no}/collaborations": lambda w: Sample(_desk(w), DESK, ASKS),
    "POST /api/cases/{case_no}/collaborations/{request_id}/urge": lambda w: Sample(
        {**_case(w), "request_id": w.request}, DESK, {"reason": "示例"}
    ),
    "POST /api/cases/{case_no}/collaborations/{request_id}/cancel": lambda w: Sample(
        {**_case(w), "request_id": w.request}, DESK, {"reason": "示例"}
    ),
    "POST /api/cases/{case_no}/collaborations/{request_id}/attachments/{attachment_id}": lambda w: Sample(
        {**_desk(w), "request_id": f"{w.at_desk}-R1", "attachment_id": w.task_photo}, DESK, {"reason": "示例核对"}
    ),
    "POST /api/orders/{case_no}/{order}/answer": lambda w: Sample(
        {**_desk(w), "order": "JD-06"}, SUPERVISOR, {"result": "示例：周五前办结"}
    ),
    "GET /api/rectifications/{case_no}": lambda w: Sample(_closed(w), frozenset({"supervisor, own"}) | CENTRES),
    "POST /api/rectifications/{case_no}/response": lambda w: Sample(
        _closed(w), frozenset({"supervisor, own"}), {"response": "示例"}
    ),
    # ---- the supporting department's
    "GET /api/tasks/{task_id}": lambda w: Sample(_task(w), ALL_HELPERS | AUDITOR),
    "POST /api/tasks/{task_id}/sign": lambda w: Sample(_task(w), HELPERS, {}),
    "POST /api/tasks/{task_id}/decline": lambda w: Sample(_task(w), HELPERS, {"reason": "示例"}),
    "POST /api/tasks/{task_id}/report": lambda w: Sample(_task(w), HELPERS, {"opinion": "agree"}),
    "POST /api/tasks/{task_id}/extension": lambda w: Sample(_task(w), HELPERS, {"days": 1, "reason": "示例"}),
    "POST /api/tasks/{task_id}/collaborations": lambda w: Sample(_task(w), HELPERS, ASKS),
    "POST /api/tasks/{task_id}/personal": lambda w: Sample(_task(w), HELPERS, {"reason": "示例核对"}),
    "GET /api/tasks/{task_id}/attachments": lambda w: Sample(_task(w), ALL_HELPERS | AUDITOR),
    "POST /api/tasks/{task_id}/attachments": lambda w: Sample(_task(w), HELPERS, PHOTO),
    "POST /api/tasks/{task_id}/attachments/{attachment_id}/completion": lambda w: Sample(
        {**_task(w), "attachment_id": w.task_photo}, HELPERS
    ),
    "POST /api/tasks/{task_id}/attachments/{attachment_id}": lambda w: Sample(
        {**_task(w), "attachment_id": w.task_photo}, HELPERS, {"reason": "示例核对"}
    ),
    # ---- the centre's
    "POST /api/collaborations/{collaboration_id}/tasks/{task_id}/link": lambda w: Sample(
        {"collaboration_id": w.collaboration, "task_id": w.task}, CENTRES
    ),
    "POST /api/collaborations/{collaboration_id}/lift": lambda w: Sample(_event(w), IN_CHARGE, {"reason": "示例"}),
    "POST /api/collaborations/{collaboration_id}/extend": lambda w: Sample(
        _event(w), IN_CHARGE, {"days": 1, "reason": "示例"}
    ),
    "POST /api/collaborations/{collaboration_id}/urge": lambda w: Sample(_event(w), IN_CHARGE, {"reason": "示例"}),
    "POST /api/collaborations/{collaboration_id}/tasks/{task_id}/check": lambda w: Sample(
        {**_event(w), **_task(w)}, IN_CHARGE, {"verdict": "pass"}
    ),
    "POST /api/collaborations/{collaboration_id}/tasks/{task_id}/assign": lambda w: Sample(
        {**_event(w), **_task(w)}, IN_CHARGE, {"department": SUPPORTING, "explanation": "示例"}
    ),
    "POST /api/collaborations/{collaboration_id}/tasks/{task_id}/recall": lambda w: Sample(
        {**_event(w), **_task(w)}, IN_CHARGE, {"reason": "示例"}
    ),
    "POST /api/collaborations/{collaboration_id}/tasks/{task_id}/extension": lambda w: Sample(
        {**_event(w), **_task(w)}, IN_CHARGE, {"verdict": "grant"}
    ),
    "GET /api/ledger/{case_no}": lambda w: Sample(_case(w), CENTRES | AUDITOR),
    "GET /api/collaborations/{collaboration_id}": lambda w: Sample(
        {"collaboration_id": w.collaboration}, CENTRES | AUDITOR
    ),
    # ---- the centre's grid events
    "GET /api/grid-events/{event_no}": lambda w: Sample(_grid(w), CENTRES | AUDITOR),
    "POST /api/grid-events/{event_no}/return-call": lambda w: Sample(_grid(w), CENTRES, {"satisfied": True}),
    "POST /api/grid-events/{event_no}/evidence": lambda w: Sample(_grid(w), CENTRES, {"case_no": w.case}),
}
"""A request for every route that names a thing in its path and is not public; and, after a colon, what is named elsewhere."""

LISTS: dict[str, tuple[dict[str, str], frozenset[str]]] = {
    "GET /api/applications": ({"on_behalf_of": "zhang"}, CITIZENS),
    "GET /api/drafts": ({"on_behalf_of": "zhang"}, CITIZENS),
    "GET /api/cases": ({"department": OWN}, DEPARTMENT | AUDITOR),
    "GET /api/cases/export": ({"department": OWN}, DEPARTMENT | AUDITOR),
    "GET /api/rechecks": ({"department": OWN}, REVIEWERS | AUDITOR),
    "GET /api/absence": (
        {"officer": official("clerk", department=OWN)["subject"]},
        frozenset({"clerk, own", "supervisor, own"}),
    ),
    "GET /api/statistics": ({"department": OWN}, frozenset({"supervisor, own"}) | CENTRES | AUDITOR),
    "GET /api/orders": ({"department": OWN}, SUPERVISOR | AUDITOR),
    "GET /api/collaborations": ({"region": "990101"}, CENTRES | AUDITOR),
    "GET /api/supervision": ({"region": "990101"}, CENTRES | AUDITOR),
    "GET /api/grid-events": ({"region": "990101"}, CENTRES | AUDITOR),
    "GET /api/tasks": ({"department": SUPPORTING}, ALL_HELPERS | AUDITOR),
    "GET /api/ratings": ({"department": OWN}, frozenset({"supervisor, own"}) | CENTRES),
    "GET /api/ratings/summary": ({"department": OWN}, DEPARTMENT | CENTRES),
    "GET /api/rectifications": ({"department": OWN}, frozenset({"supervisor, own"}) | CENTRES),
}
"""Lists in which somebody may name whose things they want."""
