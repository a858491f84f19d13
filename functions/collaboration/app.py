"""协同: creates, routes and concludes collaboration events; shows operators one of them, and what came before their centre."""

from typing import Any

from liangwang import wiring
from liangwang.consuming import consume
from liangwang.http import Route, Routes, serve
from liangwang.services.event_views import EventView
from liangwang.services.oversight import OverdueList

app, oversight = wiring.collaboration(), wiring.oversight()

ROUTES: Routes = {
    "GET /api/collaborations/{collaboration_id}": Route(
        app.event, "One collaboration event and its way", "collaboration.read", result=EventView
    ),
    "GET /api/supervision": Route(
        oversight.overdue,
        "Cases that came before my centre: overdue, escalated, ordered",
        "supervision.list",
        result=OverdueList,
    ),
}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """A batch of ``collaboration-requests`` or ``collaboration-reports``, or an operator's HTTP request."""
    if "records" in event:
        return consume(event, consumer="collaboration", store=app.store, route=app.route)
    return serve(ROUTES, event, function="collaboration")
