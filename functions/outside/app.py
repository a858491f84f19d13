"""外部单位: a party without an account answers one task by a link that works once and expires."""

from typing import Any

from liangwang import wiring
from liangwang.http import Route, Routes, serve
from liangwang.services.outside import (
    HTML,
    OutsideKey,
    OutsideLink,
    OutsideReceipt,
    OutsideReport,
    OutsideTask,
)

app = wiring.outside_parties()
door = wiring.door()

ROUTES: Routes = {
    "POST /api/collaborations/{collaboration_id}/tasks/{task_id}/link": Route(
        app.issue,
        "A link by which an outside party answers one task, once",
        "link.issue",
        status=201,
        result=OutsideLink,
    ),
    "GET /outside": Route(app.page, "The page that such a link opens", None, gives=(HTML,)),
    "POST /outside/task": Route(app.task, "What the link's holder is asked", None, body=OutsideKey, result=OutsideTask),
    "POST /outside/report": Route(
        app.report, "The answer of the link's holder", None, body=OutsideReport, result=OutsideReceipt
    ),
}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """HTTP in, HTTP out."""
    return serve(ROUTES, event, function="outside", door=door)
