"""态势: what is open before a governance centre, how tasks flow, how long departments take, and what is changing."""

from typing import Any

from liangwang import wiring
from liangwang.http import Route, Routes, serve
from liangwang.http_content import JSON
from liangwang.services.console import ConsoleView, OpenEventList
from liangwang.services.console_changes import EVENT_STREAM, ChangesView
from liangwang.services.console_figures import DepartmentsView, FlowView

console, figures, changes = wiring.console()

ROUTES: Routes = {
    "GET /api/console": Route(
        console.now, "What is open in a region, by state and light", "console.read", result=ConsoleView
    ),
    "GET /api/console/events": Route(
        console.events, "The open events behind these figures", "console.read", result=OpenEventList
    ),
    "GET /api/console/changes": Route(
        changes.changes,
        "What has changed in a region since a cursor",
        "console.read",
        result=ChangesView,
        gives=(JSON, EVENT_STREAM),
    ),
    "GET /api/console/flow": Route(
        figures.flow, "How tasks went between levels and departments", "console.read", result=FlowView
    ),
    "GET /api/console/departments": Route(
        figures.departments,
        "How long departments took, what was on time, declined and slowest",
        "console.read",
        result=DepartmentsView,
    ),
}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """HTTP in, HTTP out."""
    return serve(ROUTES, event, function="console")
