"""协同: creates, routes and concludes collaboration events; shows one to an operator."""

from typing import Any

from liangwang import wiring_governance
from liangwang.consuming import consume
from liangwang.http import Route, Routes, serve
from liangwang.services.centre import EventView

app = wiring_governance.collaboration()

ROUTES: Routes = {
    "GET /api/collaborations/{collaboration_id}": Route(
        app.event, "One collaboration event and its way", "collaboration.read", result=EventView
    ),
}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """A batch of ``collaboration-requests`` or ``collaboration-reports``, or an operator's HTTP request."""
    if "records" in event:
        return consume(event, consumer="collaboration", store=app.store, route=app.route)
    return serve(ROUTES, event, function="collaboration")
