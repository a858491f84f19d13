"""职责与路由: shows operators the rules of routing, explains where a question goes, and tries changed rules on a month."""

from typing import Any

from liangwang import wiring
from liangwang.http import Route, Routes, serve
from liangwang.services.routing import ExplainRouting, RoutingExplained, RoutingView
from liangwang.services.routing_trial import RULES_LIMIT, RoutingSimulated, SimulateRouting

app, trial = wiring.routing()

ROUTES: Routes = {
    "GET /api/routing": Route(
        app.overview, "The rules in force, and what nobody answers for", "routing.read", result=RoutingView
    ),
    "POST /api/routing/explain": Route(
        app.explain,
        "Who takes a question, by which rule, who would be next, and the way",
        "routing.read",
        body=ExplainRouting,
        result=RoutingExplained,
    ),
    "POST /api/routing/simulate": Route(
        trial.simulate,
        "What changed rules would have made of a month's questions",
        "routing.simulate",
        body=SimulateRouting,
        result=RoutingSimulated,
        limit=RULES_LIMIT,
    ),
}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """An operator's HTTP request."""
    return serve(ROUTES, event, function="routing")
