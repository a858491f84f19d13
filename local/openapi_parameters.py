"""What an operation of the OpenAPI document is asked with beside its body: in the path, the query and the headers. Pure.

A function reads its query by itself, so what may stand there is written here; tests/unit/test_contracts.py compares.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple, get_args

from liangwang.domain.event_queue import Waits
from liangwang.domain.open_events import LIGHTS, STAGES
from liangwang.http import LONGEST_KEY
from liangwang.services.case_search import CHOICES

from local.template import HttpRoute


class Query(NamedTuple):
    """A query parameter: its name, schema, and what it is for."""

    name: str
    schema: dict[str, Any]
    description: str


_PAGE = (
    Query("limit", {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}, "How many to answer at most"),
    Query("cursor", {"type": "string"}, "The `cursor` of the page before, unchanged"),
)

_DEPARTMENT = Query(
    "department", {"type": "string"}, "The department's code; needed by callers who have none themselves"
)
_OFFICER = Query("officer", {"type": "string"}, "Another officer of the department, where a supervisor asks")
_MONTH = {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}$"}


def _choice(name: str) -> dict[str, Any]:
    return {"type": "string", "enum": list(CHOICES[name])}


_CASES = (
    _DEPARTMENT,
    Query("mine", _choice("mine"), "Cases with a step that is in the caller's hands, waiting ones too"),
    Query("group", _choice("group"), "Cases with a step that nobody has claimed and the caller could"),
    Query("light", _choice("light"), "Cases whose clock has this light 红黄灯 only"),
    Query("due_before", {"type": "string"}, "Due before this day (2027-03-01) or moment"),
    Query("sort", _choice("sort"), "Soonest due first (`due`, the default), or latest first (`-due`)"),
    Query(
        "in_hand",
        _choice("in_hand"),
        "`true` (the default): the department has to act next; `false`: it waits for the applicant, other departments or a "
        "special procedure; `any`: both",
    ),
    Query("status", _choice("status"), "Cases in this state only, whether or not they wait"),
    Query("task_code", {"type": "string"}, "Cases of this item only"),
    Query("received_from", {"type": "string"}, "Received on this day (2027-03-01) or moment, or later"),
    Query("received_to", {"type": "string"}, "Received on this day or moment, or before"),
)

_REGION = Query("region", {"type": "string"}, "The centre's region, by code; without it the caller's own")
_DAYS = (
    Query("from", {"type": "string", "format": "date"}, "The first day; the first of the month without it"),
    Query("to", {"type": "string", "format": "date"}, "The last day, at most the 92nd; today without it"),
)

QUERIES: dict[str, tuple[Query, ...]] = {
    "GET /api/items": (
        Query(
            "q", {"type": "string", "maxLength": 100}, "Words of the item's name, an alias, its summary or a material"
        ),
        Query("department", {"type": "string"}, "Only what this department handles"),
        Query(
            "audience", {"type": "string", "enum": ["1", "2", "3", "4", "5", "6"]}, "Only for this type of applicant"
        ),
        Query(
            "level", {"type": "string", "enum": ["3", "4", "5"]}, "Only what is handled in the city, a district, a town"
        ),
        Query("scenario", {"type": "string"}, "Only what belongs to this scenario; see GET /api/scenarios"),
        Query("kind", {"type": "string", "enum": ["1", "2", "9"]}, "Only 即办件, 承诺件, others"),
        *_PAGE,
    ),
    "GET /api/mandates": (
        _PAGE[0],
        Query("given_cursor", {"type": "string"}, "The `given_cursor` of the page before, unchanged"),
        Query("received_cursor", {"type": "string"}, "The `received_cursor` of the page before, unchanged"),
    ),
    "GET /api/applications": (
        *_PAGE,
        Query("on_behalf_of", {"type": "string"}, "The account of somebody who gave the caller a mandate to read"),
    ),
    "GET /api/joint-applications": _PAGE,
    "GET /api/notifications": _PAGE,
    "GET /api/ratings": (
        _DEPARTMENT,
        Query("month", _MONTH, "The month they were given in; the present one without it"),
        *_PAGE,
    ),
    "GET /api/ratings/summary": (
        _DEPARTMENT,
        Query("first", _MONTH, "The first month that is counted; the present one without it"),
        Query("last", _MONTH, "The last month that is counted, at most the twelfth; the present one without it"),
    ),
    "GET /api/statistics": (
        _DEPARTMENT._replace(description="The department's code; without it, all that the caller may look at"),
        Query(
            "from",
            {"type": "string", "format": "date"},
            "The first day that is counted; the first of the month without it",
        ),
        Query("to", {"type": "string", "format": "date"}, "The last day that is counted; today without it"),
        Query(
            "now", {"type": "string", "enum": ["true", "false"]}, "What is open at this moment too, by state and light"
        ),
    ),
    "GET /api/rectifications": (_DEPARTMENT, *_PAGE),
    "GET /api/cases": (*_PAGE, *_CASES),
    "GET /api/cases/export": (_PAGE[0]._replace(schema={**_PAGE[0].schema, "default": 100}), _PAGE[1], *_CASES),
    "POST /api/routing/simulate": (_PAGE[0]._replace(schema={**_PAGE[0].schema, "default": 50}), _PAGE[1]),
    "GET /api/rechecks": (*_PAGE, _DEPARTMENT),
    "GET /api/absence": (_OFFICER,),
    "DELETE /api/absence": (_OFFICER,),
    "GET /api/tasks": (
        *_PAGE,
        _DEPARTMENT,
        Query("light", {"type": "string", "enum": ["green", "yellow", "red", "overdue"]}, "Tasks of this light only"),
        Query("status", {"type": "string", "enum": ["open", "signed", "returned"]}, "Tasks in this state only"),
    ),
    "GET /api/orders": (_DEPARTMENT, *_PAGE),
    "GET /api/supervision": (_REGION, *_PAGE),
    "GET /api/collaborations": (
        _REGION,
        Query("waits", {"type": "string", "enum": list(get_args(Waits))}, "Events that wait for this"),
        Query("light", {"type": "string", "enum": list(LIGHTS)}, "Events of this light only"),
        Query(
            "case_no", {"type": "string"}, "All events of this case, concluded ones too; the others do not count then"
        ),
        *_PAGE,
    ),
    "GET /api/console": (_REGION,),
    "GET /api/console/events": (
        _REGION,
        Query("state", {"type": "string", "enum": list(STAGES)}, "Events in this state only"),
        Query("light", {"type": "string", "enum": list(LIGHTS)}, "Events with this light 红黄灯 only"),
        Query("department", {"type": "string"}, "Events of which this department has an open task only"),
        *_PAGE,
    ),
    "GET /api/console/changes": (
        _REGION,
        Query("since", {"type": "string"}, "The `since` of the answer before, unchanged; without it, from now on"),
        _PAGE[0]._replace(schema={"type": "integer", "minimum": 1, "maximum": 500, "default": 100}),
    ),
    "GET /api/console/flow": (_REGION, *_DAYS),
    "GET /api/console/departments": (_REGION, *_DAYS),
    "GET /api/grid-events/{event_no}": (
        Query("nearby", {"type": "string", "enum": ["true", "false"]}, "Matching cases elsewhere in the district too"),
    ),
    "GET /api/grid-events": (
        Query("region", {"type": "string"}, "The centre's region, by code; without it the caller's own"),
        Query(
            "waiting_for",
            {"type": "string", "enum": ["handling", "awaiting_call"], "default": "handling"},
            "What the events wait for: the departments, or a return call 回访",
        ),
        Query("overdue", {"type": "string", "enum": ["true", "false"]}, "Only those whose limit has passed"),
        *_PAGE,
    ),
    "GET /api/materials": _PAGE,
    "GET /api/drafts": (
        *_PAGE,
        Query("on_behalf_of", {"type": "string"}, "The account of somebody who gave the caller a mandate for drafts"),
    ),
    "GET /exchange/department/messages": (
        Query(
            "limit",
            {"type": "integer", "minimum": 1, "maximum": 100, "default": 20},
            "Of how many cases to answer the messages at most",
        ),
        _PAGE[1],
    ),
    "GET /api/mailboxes": (Query("department", {"type": "string"}, "The mailbox of this department only"),),
    "GET /api/reconciliation": _PAGE,
    "GET /exchange/cases": (
        Query("limit", {"type": "integer", "minimum": 1, "maximum": 100, "default": 100}, "How many cases at most"),
        Query("case_no", {"type": "array", "items": {"type": "string"}}, "These cases, ended ones too, and no page"),
        Query("cursor", {"type": "string"}, "The `cursor` of the page before, unchanged"),
    ),
    "GET /exchange/applications": (
        Query("limit", {"type": "integer", "minimum": 1, "maximum": 100, "default": 100}, "How many cases at most"),
        Query(
            "case_no",
            {"type": "array", "items": {"type": "string"}},
            "What these cases have to say; without it, what is due to be carried (again)",
        ),
        Query(
            "again",
            {"type": "string", "enum": ["true", "false"]},
            "With `case_no`: all that was ever said of these cases",
        ),
    ),
}

PATH_PARAMETERS = {
    "name": "The document's name: `receipt`, `supplement`, `decision` or `certificate`",
    "certificate_no": "A certificate's number, as printed on it",
    "task_code": "The item's implementation code 实施编码",
    "case_no": "The case number 办件编号",
    "attachment_id": "The id of a file that an officer added",
    "request_id": "The id of a request to other departments",
    "step": "The step's key within the item",
    "joint_code": "The joint item's code",
    "joint_no": "The number of a joint application",
    "mandate_id": "The mandate's id",
    "notification_id": "The notification's id",
    "code": "Of a draft its short code; of a material its code as the item has it",
    "material_id": "The material's id",
    "userId": "The user's id, which is the username",
    "procedure_id": "The procedure's id, as the case's ledger has it",
    "task_id": "The task's id",
    "order": "The order's name in the list of orders: the rule's number, and what it is about",
    "event_no": "The grid event's number 网格事件编号",
    "collaboration_id": "The collaboration event's id",
}


def described(place: HttpRoute, *, takes_key: bool) -> list[dict[str, Any]]:
    """The parameters of one operation. ``takes_key``: whether its acts honour an ``Idempotency-Key``."""
    found: list[dict[str, Any]] = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string"},
            "description": PATH_PARAMETERS[name],
        }
        for name in re.findall(r"{(\w+)}", place.path)
    ]
    for name, schema, description in QUERIES.get(place.key, ()):
        found.append({"name": name, "in": "query", "schema": schema, "description": description})
    if place.method != "GET" and takes_key:
        text = "Any text unique to this wish. A request that is sent again with its key has one effect."
        key = {"type": "string", "maxLength": LONGEST_KEY}
        found.append({"name": "Idempotency-Key", "in": "header", "schema": key, "description": text})
    return found
