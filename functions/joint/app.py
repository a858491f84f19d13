"""一件事联办: one form and one set of materials become several cases, each when it is its turn."""

from typing import Any

from liangwang import wiring
from liangwang.http import Route, Routes, serve
from liangwang.services.joint import JointApply, JointList, JointView, JointWithdrawal

app = wiring.joint()

ROUTES: Routes = {
    "POST /api/joint-items/{joint_code}/applications": Route(
        app.apply,
        "Apply for several items at once",
        "application.submit",
        body=JointApply,
        status=201,
        result=JointView,
    ),
    "GET /api/joint-applications": Route(app.mine, "My joint applications", "application.list", result=JointList),
    "GET /api/joint-applications/{joint_no}": Route(
        app.follow, "Follow one of my joint applications", "application.read", result=JointView
    ),
    "POST /api/joint-applications/{joint_no}/withdrawal": Route(
        app.withdraw,
        "Withdraw a joint application or some of its items",
        "application.withdraw",
        body=JointWithdrawal,
        result=JointView,
    ),
}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """HTTP in, HTTP out."""
    return serve(ROUTES, event, function="joint")
