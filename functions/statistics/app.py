"""统计: what departments did in a time, and what they have open."""

from typing import Any

from liangwang import wiring
from liangwang.http import Route, Routes, serve
from liangwang.services.statistics import StatisticsView

app = wiring.statistics()

ROUTES: Routes = {
    "GET /api/statistics": Route(
        app.read, "What departments did from a day to another", "statistics.read", result=StatisticsView
    ),
}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """HTTP in, HTTP out."""
    return serve(ROUTES, event, function="statistics")
