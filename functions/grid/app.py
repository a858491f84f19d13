"""网格: takes grid events in, follows their handling and the return call, and puts them to cases as evidence."""

from typing import Any

from liangwang import wiring
from liangwang.consuming import consume
from liangwang.domain.grid import GridReport, ReturnCall
from liangwang.http import Route, Routes, serve
from liangwang.services.grid import GridReceipt, OfferEvidence
from liangwang.services.grid_desk import GridEventView, GridList

app, desk = wiring.grid()

ROUTES: Routes = {
    "POST /api/grid-events": Route(
        app.report, "Tell of a grid event", "grid.report", body=GridReport, status=201, result=GridReceipt
    ),
    "GET /api/grid-events": Route(desk.events, "My centre's open grid events", "grid.list", result=GridList),
    "GET /api/grid-events/{event_no}": Route(
        desk.event, "One grid event and its handling", "grid.read", result=GridEventView
    ),
    "POST /api/grid-events/{event_no}/return-call": Route(
        app.call, "Record the return call", "grid.call", body=ReturnCall, result=GridReceipt
    ),
    "POST /api/grid-events/{event_no}/evidence": Route(
        app.offer, "Put a grid event to a case as evidence", "grid.evidence", body=OfferEvidence, result=GridReceipt
    ),
}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """A batch of ``collaboration-results`` or ``collaboration-reports``, or an HTTP request."""
    if "records" in event:
        return consume(event, consumer="grid", store=app.store, route=app.route)
    return serve(ROUTES, event, function="grid")
