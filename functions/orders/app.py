"""督办: what was escalated to a department's supervisor, what the department was ordered, and its answers."""

from typing import Any

from liangwang import wiring
from liangwang.http import Route, Routes, serve
from liangwang.services.orders import Answer, OrderList, OrderView

app = wiring.orders()

ROUTES: Routes = {
    "GET /api/orders": Route(app.orders, "What my department was ordered and urged", "order.list", result=OrderList),
    "POST /api/orders/{case_no}/{order}/answer": Route(
        app.answer, "Say what came of an order", "order.answer", body=Answer, result=OrderView
    ),
}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """HTTP in, HTTP out."""
    return serve(ROUTES, event, function="orders")
