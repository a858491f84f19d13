"""委托: a citizen lets another act for them, within limits and until a moment."""

from typing import Any

from liangwang import wiring
from liangwang.http import Route, Routes, serve
from liangwang.services.mandates import Give, MandateList, MandateView

app = wiring.mandates()

ROUTES: Routes = {
    "POST /api/mandates": Route(
        app.give, "Let another citizen act for me", "mandate.give", body=Give, status=201, result=MandateView
    ),
    "GET /api/mandates": Route(app.mine, "The mandates I gave and received", "mandate.list", result=MandateList),
    "DELETE /api/mandates/{mandate_id}": Route(
        app.revoke, "Take a mandate back, or give it up", "mandate.revoke", result=MandateView
    ),
}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """HTTP in, HTTP out."""
    return serve(ROUTES, event, function="mandates")
