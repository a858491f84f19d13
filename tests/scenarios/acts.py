"""What people do in scenarios, as requests over HTTP: one line an act. Whoever reads a scenario finds its words here."""

from datetime import timedelta
from hashlib import sha256
from typing import NamedTuple

from liangwang.aggregates import CASE, COLLABORATION, TASK
from liangwang.domain.steps import open_steps
from liangwang.objects import Link
from msgspec import convert

REASON = {"reason": "示例：不属于本部门职责"}
URGE = {"reason": "示例：申请人急需"}
LIFT = {"reason": "示例：需市级协调"}
OF_TASK = "POST /api/collaborations/{collaboration_id}/tasks/{task_id}"
GRID_REPORT = {"origin": "hotline", "place": "990101001", "description": "示例：市民反映"}
QUESTION = {"days": 3, "on_timeout": "lift", "join": {"policy": "all"}}
CITIZEN = "citizen"
PHOTO = b"\xff\xd8\xff\xe0 what was found on site"


class NotYet(Exception):
    """What the act is about is not there: it has not arrived, or never will."""


class Act(NamedTuple):
    """A route, who may use it, and the body that is sent unless the step says otherwise; ``about`` names what stands in the path."""

    route: str
    role: str
    body: dict | None = None
    about: str = "case"


ACTS = {
    "withdraws": Act("POST /api/applications/{case_no}/withdrawal", CITIZEN, {"reason": "计划有变"}),
    "accepts": Act("POST /api/cases/{case_no}/acceptance", "clerk", {"explanation": "材料齐全"}),
    "signs": Act("POST /api/tasks/{task_id}/sign", "clerk", about="task"),
    "agrees": Act(
        "POST /api/tasks/{task_id}/report", "clerk", {"opinion": "agree", "explanation": "现场核查无误"}, "task"
    ),
    "disagrees": Act(
        "POST /api/tasks/{task_id}/report", "clerk", {"opinion": "disagree", "explanation": "现场不符合要求"}, "task"
    ),
    "declines": Act("POST /api/tasks/{task_id}/decline", "clerk", REASON, "task"),
    "asks others": Act("POST /api/cases/{case_no}/collaborations", "clerk", QUESTION),
    "takes back": Act("POST /api/cases/{case_no}/collaborations/{request_id}/cancel", "clerk", REASON, "request"),
    "urges": Act("POST /api/cases/{case_no}/collaborations/{request_id}/urge", "clerk", URGE, "request"),
    "asks for time": Act(
        "POST /api/tasks/{task_id}/extension", "clerk", {"days": 2, "reason": "示例：需要复测"}, "task"
    ),
    "opens personal data": Act("POST /api/tasks/{task_id}/personal", "clerk", {"reason": "示例：联系现场"}, "task"),
    "is called back": Act("POST /api/grid-events/{event_no}/return-call", "system", {"satisfied": True}, "grid"),
    "puts to the case": Act("POST /api/grid-events/{event_no}/evidence", "operator", {}, "evidence"),
    "lifts": Act("POST /api/collaborations/{collaboration_id}/lift", "operator", LIFT, "event"),
    "extends": Act("POST /api/collaborations/{collaboration_id}/extend", "operator", {"days": 3, **URGE}, "event"),
    "checks": Act(f"{OF_TASK}/check", "operator", {"verdict": "pass"}, "event task"),
    "names": Act(f"{OF_TASK}/assign", "operator", {"explanation": "示例：由其承担"}, "event task"),
    "recalls": Act(f"{OF_TASK}/recall", "operator", {"reason": "示例：派错部门"}, "event task"),
    "answers for time": Act(
        f"{OF_TASK}/extension", "operator", {"verdict": "refuse", "reason": "示例：时间足够"}, "event task"
    ),
    "asks on": Act("POST /api/tasks/{task_id}/collaborations", "clerk", QUESTION, "task"),
}

SAID = {"signs": "signed", "agrees": "reported", "disagrees": "reported", "declines": "declined"}


def caller(scenario, who, role):
    """Who asks, as the authorizer names them; everybody in a scenario is somebody of their own."""
    if role == CITIZEN:
        return {"subject": f"citizen-{scenario}", "role": "citizen", "applicant_type": "2", "level": "2"}
    if role == "system":
        return {"subject": who, "role": "system", "scope": "grid"}
    where = {"region": who} if role == "operator" else {"department": who}
    return {"subject": f"{role}-{who.lower()}", "role": role, **where}


def act(stage, scenario, case_no, step):
    """One step of a scenario: the status and the document that it is answered with. Raises NotYet."""
    if special := SPECIAL.get(step.does):
        return special(stage, scenario, case_no, step)
    if step.who in stage.outsiders:
        return outside(stage, case_no, step)
    chosen = ACTS[step.does]
    case_no = stage.told[scenario] if step.of == "grid" and chosen.about != "evidence" else case_no
    path = {"case_no": case_no}
    if chosen.about == "task":
        path = {"task_id": task_of(stage, case_no, step)}
    if chosen.about == "request":
        path["request_id"] = f"{case_no}-{step.what}"
    if chosen.about.startswith("event"):
        path = event_of(stage, case_no, step)
    if chosen.about in ("grid", "evidence"):
        path = {"event_no": stage.told[scenario]}
    body = None if chosen.body is None else {**chosen.body, **step.give}
    if chosen.about == "evidence":
        body = {"case_no": case_no}
    if "asks" in step.give:
        body["asks"] = [in_full(one) for one in step.give["asks"]]
    return stage.ask(caller(scenario, step.who, chosen.role), chosen.route, path, body)


def outside(stage, case_no, step):
    """A department with a system of its own says its word, by its own way."""
    outsider = stage.outsiders[step.who]
    task_id = outsider.newest(case_no, step.what)
    if task_id is None:
        raise NotYet(f"{step.who} was told of no task of {case_no}")
    outsider.does(task_id, SAID[step.does], **{**(ACTS[step.does].body or {}), **step.give})
    return 200, {}


def in_full(ask):
    """A question as it is asked: a scenario names the capability only, unless there is more to say."""
    given = {"capability": ask} if isinstance(ask, str) else ask
    return {"question": {"zh": "示例：请核实并答复"}, **given}


def agrees(stage, task_id, department):
    """A clerk of the department agrees, whichever scenario the task is from."""
    chosen = ACTS["agrees"]
    return stage.ask(caller("", department, "clerk"), chosen.route, {"task_id": task_id}, chosen.body)


def applies(stage, scenario):
    """The citizen applies; the case number."""
    wish = scenario.apply
    item = stage.catalogue.items[wish.item]
    body = {
        "task_code": wish.item,
        "place": wish.place,
        "form": {**item.example.form, **wish.form},
        "materials": [one.code for one in item.materials],
        "allow_duplicate": True,
    }
    who = {**caller(scenario.name, CITIZEN, CITIZEN), "applicant_type": str(item.audience[0])}
    status, view = stage.ask(who, "POST /api/applications", {}, body)
    assert status == 201, view
    return view["case_no"]


def task_of(stage, case_no, step):
    """The newest task of the department that acts, of this case."""
    found = [
        name
        for name, state in stage.states("department", TASK)
        if state.task.case_no == case_no
        and state.task.department == step.who
        and step.what in ("", state.task.ask.capability)
    ]
    if not found:
        raise NotYet(f"{step.who} has no task of {case_no}")
    return found[-1]


def decides(stage, scenario, case_no, step):
    """The department's officers complete all steps that are left, each another officer's."""
    state = stage.state("department", CASE, case_no)
    if state is None:
        raise NotYet(f"no department has {case_no}")
    item = stage.catalogue.items[state.application.task_code]
    status, view = 0, {}
    while not (state := stage.state("department", CASE, case_no)).is_terminal:
        open_step = next(iter(open_steps(state, item)), item.steps[-1])
        role = open_step.role or "clerk"
        who = {"subject": f"{role}-{len(state.steps)}", "role": role, "department": step.who}
        body = {"step": open_step.key, "opinion": "agree", "explanation": "按规定办理", **step.give}
        status, view = stage.ask(who, "POST /api/cases/{case_no}/steps", {"case_no": case_no}, body)
        if status != 200:
            break
    return status, view


def sees(stage, scenario, case_no, step):
    """What the citizen sees of the case by then."""
    status, view = stage.ask(
        caller(scenario, step.who, CITIZEN), "GET /api/applications/{case_no}", {"case_no": case_no}
    )
    if view.get("status") != step.give["status"]:
        raise NotYet(f"the citizen sees {view.get('status')}, not {step.give['status']}")
    return status, view


def event_of(stage, case_no, step):
    """The newest event of a case and, by the capability that the step names, its newest task, or the ask that has none."""
    names = stage.events_of(case_no)
    if not names:
        raise NotYet(f"nobody was asked about {case_no}")
    state = stage.state("governance", COLLABORATION, names[-1])
    found = [one.dispatched for one in state.tasks if one.dispatched.ask.capability == step.what]
    places = [number for number, ask in enumerate(state.request.asks, start=1) if ask.capability == step.what]
    task_id = found[-1].task_id if found else f"{names[-1]}-A{places[0]}" if places else ""
    return {"collaboration_id": names[-1], "task_id": task_id}


def issues_a_link(stage, scenario, case_no, step):
    """The centre's operator issues a link for the task of an outside party."""
    found = [
        (name, task.dispatched)
        for name in stage.events_of(case_no)
        for task in stage.state("governance", COLLABORATION, name).tasks
        if task.dispatched.ask.capability == step.what
    ]
    if not found:
        raise NotYet(f"nobody was asked for {step.what} of {case_no}")
    event, task = found[-1]
    route = "POST /api/collaborations/{collaboration_id}/tasks/{task_id}/link"
    path = {"collaboration_id": event, "task_id": task.task_id}
    status, view = stage.ask(caller(scenario, step.who, "operator"), route, path)
    if status == 201:
        stage.links[case_no, task.department] = view["link"].partition("#")[2]
    return status, view


def tells(stage, scenario, case_no, step):
    """A system tells the centre of a grid event; the number that it is given."""
    at = stage.now - timedelta(minutes=30)
    body = {**GRID_REPORT, "origin_no": f"{scenario}-{step.what}", "occurred_at": at.isoformat(), **step.give}
    status, view = stage.ask(caller(scenario, step.who, "system"), "POST /api/grid-events", {}, body)
    if status == 201:
        stage.told.setdefault(scenario, view["event_no"])
    return status, view


def finds_waiting(stage, scenario, case_no, step):
    """What waits for this in the queue of an operator's centre: the case is there, or (``absent``) is not."""
    query = {"waits": step.what, "limit": "100"}
    status, view = stage.ask(caller(scenario, step.who, "operator"), "GET /api/collaborations", {}, query=query)
    assert "cursor" not in view or view["cursor"] is None, "more than a page waits"
    is_there = case_no in [one["case_no"] for one in view.get("collaborations", ())]
    if is_there == bool(step.give.get("absent")):
        raise NotYet(f"the queue of {step.who} for {step.what} {'has' if is_there else 'lacks'} the case")
    return status, view


def with_a_photo(stage, scenario, case_no, step):
    """A department's officer adds a photo to the task, sends it by the link, and names it in the report."""
    who, path = caller(scenario, step.who, "clerk"), {"task_id": task_of(stage, case_no, step)}
    file = {"media_type": "image/jpeg", "size": len(PHOTO), "sha256": sha256(PHOTO).hexdigest()}
    status, view = stage.ask(who, "POST /api/tasks/{task_id}/attachments", path, file)
    if status != 201:
        return status, view
    stage.objects.send(convert(view["upload"], Link), PHOTO)
    stage.files[case_no] = path["attachment_id"] = view["attachment_id"]
    status, view = stage.ask(who, "POST /api/tasks/{task_id}/attachments/{attachment_id}/completion", path)
    if status != 200:
        return status, view
    body = {**ACTS["agrees"].body, "attachments": [path["attachment_id"]], **step.give}
    return stage.ask(who, ACTS["agrees"].route, path, body)


def opens_the_photo(stage, scenario, case_no, step):
    """An officer opens the photo that an answer names, and it is the one that was sent."""
    route = "POST /api/cases/{case_no}/collaborations/{request_id}/attachments/{attachment_id}"
    path = {"case_no": case_no, "request_id": f"{case_no}-{step.what}", "attachment_id": stage.files[case_no]}
    status, view = stage.ask(caller(scenario, step.who, "clerk"), route, path, {"reason": "示例：核对现场照片"})
    if status == 200:
        assert stage.objects.fetch(view["url"]) == PHOTO
    return status, view


def sees_the_evidence(stage, scenario, case_no, step):
    """What the officer of the case sees of the grid event, and what the operator who put it there sees of the answer."""
    who, path = caller(scenario, step.who, "clerk"), {"case_no": case_no}
    status, view = stage.ask(who, "GET /api/cases/{case_no}", path)
    event = stage.told[scenario]
    if event not in [one["event_no"] for one in view.get("evidence", ())]:
        raise NotYet(f"the case has no evidence of {event}")
    who = caller(scenario, step.give["operator"], "operator")
    status, view = stage.ask(who, "GET /api/grid-events/{event_no}", {"event_no": event})
    found = [(one["case_no"], one["result"]) for one in view["evidence"]]
    if found != [(case_no, "taken")]:
        raise NotYet(f"the grid event was put to {found}")
    return status, view


def by_link(stage, scenario, case_no, step):
    """The party does what its link lets it: no account, no token but the link's."""
    token = stage.links.get((case_no, step.who))
    if token is None:
        raise NotYet(f"{step.who} got no link for {case_no}")
    if step.does == "opens the link":
        return stage.ask({}, "POST /outside/task", {}, {"token": token})
    body = {"token": token, "opinion": "agree", "explanation": "村民代表会议同意", **step.give}
    return stage.ask({}, "POST /outside/report", {}, body)


SPECIAL = {
    "decides": decides,
    "sees": sees,
    "tells": tells,
    "finds waiting": finds_waiting,
    "agrees with a photo": with_a_photo,
    "opens the photo": opens_the_photo,
    "sees the evidence": sees_the_evidence,
    "issues a link": issues_a_link,
    "opens the link": by_link,
    "answers by the link": by_link,
}
"""Acts that are more than one request."""
