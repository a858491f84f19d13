"""The one way in and out of intake for other systems: pending applications, acknowledgements, progress."""

from typing import Any

from liangwang import wiring
from liangwang.exchange import CALL_LIMIT, Acknowledgements, CasePage, PendingPage, ProgressDelivery, Receipt
from liangwang.http import Route, Routes, serve
from liangwang.http_content import EITHER

app = wiring.exchange()

ROUTES: Routes = {
    "GET /exchange/applications": Route(
        app.pending, "What waits to be carried", "exchange.carry", result=PendingPage, gives=EITHER
    ),
    "GET /exchange/cases": Route(
        app.cases, "Open cases as intake knows them", "exchange.carry", result=CasePage, gives=EITHER
    ),
    "POST /exchange/acknowledgements": Route(
        app.acknowledge,
        "Acknowledge what was carried",
        "exchange.carry",
        body=Acknowledgements,
        result=Receipt,
        limit=CALL_LIMIT,
        takes=EITHER,
        gives=EITHER,
    ),
    "POST /exchange/progress": Route(
        app.progress,
        "Deliver progress",
        "exchange.carry",
        body=ProgressDelivery,
        result=Receipt,
        limit=CALL_LIMIT,
        takes=EITHER,
        gives=EITHER,
    ),
}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """HTTP in, HTTP out."""
    return serve(ROUTES, event, function="exchange")
