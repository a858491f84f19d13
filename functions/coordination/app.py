"""协调: what operators of a governance centre have to do with collaboration events, and what they do."""

from typing import Any

from liangwang import wiring
from liangwang.http import Route, Routes, serve
from liangwang.services.coordination import (
    AnswerExtension,
    AssignTask,
    CheckReport,
    ExtendEvent,
    LiftEvent,
    RecallTask,
    UrgeEvent,
)
from liangwang.services.event_views import CollaborationList, EventView

app = wiring.coordination()

ROUTES: Routes = {
    "GET /api/collaborations": Route(
        app.queue, "Open events before my centre, or all of a case", "collaboration.list", result=CollaborationList
    ),
    "POST /api/collaborations/{collaboration_id}/lift": Route(
        app.lift, "Lift an event to the centre above", "collaboration.act", body=LiftEvent, result=EventView
    ),
    "POST /api/collaborations/{collaboration_id}/extend": Route(
        app.extend, "Extend an event's limit", "collaboration.act", body=ExtendEvent, result=EventView
    ),
    "POST /api/collaborations/{collaboration_id}/urge": Route(
        app.urge, "Urge everybody who has not reported", "collaboration.act", body=UrgeEvent, result=EventView
    ),
    "POST /api/collaborations/{collaboration_id}/tasks/{task_id}/check": Route(
        app.check, "Pass a report, or send it back", "collaboration.act", body=CheckReport, result=EventView
    ),
    "POST /api/collaborations/{collaboration_id}/tasks/{task_id}/assign": Route(
        app.assign,
        "Name the department for a question that nobody has",
        "collaboration.act",
        body=AssignTask,
        result=EventView,
    ),
    "POST /api/collaborations/{collaboration_id}/tasks/{task_id}/recall": Route(
        app.recall, "Take a task back from a department", "collaboration.act", body=RecallTask, result=EventView
    ),
    "POST /api/collaborations/{collaboration_id}/tasks/{task_id}/extension": Route(
        app.extension,
        "Grant or refuse a department more time",
        "collaboration.act",
        body=AnswerExtension,
        result=EventView,
    ),
}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """HTTP in, HTTP out."""
    return serve(ROUTES, event, function="coordination")
