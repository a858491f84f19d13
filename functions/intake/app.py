"""收件系统: the citizen looks up items, applies, follows, supplements and withdraws."""

from typing import Any

from liangwang import wiring
from liangwang.domain.catalogue import Item
from liangwang.http import Route, Routes, serve
from liangwang.services.intake import Apply, CaseList, CaseView, ItemList, Supplement, Withdrawal

app = wiring.intake()

ROUTES: Routes = {
    "GET /api/items": Route(app.items, "Search the items one can apply for", None, result=ItemList),
    "GET /api/items/{task_code}": Route(app.item, "One item in full", None, result=Item),
    "POST /api/applications": Route(app.apply, "Apply", "application.submit", body=Apply, status=201, result=CaseView),
    "GET /api/applications": Route(app.mine, "My cases", "application.list", result=CaseList),
    "GET /api/applications/{case_no}": Route(app.follow, "Follow one of my cases", "application.read", result=CaseView),
    "POST /api/applications/{case_no}/supplement": Route(
        app.supplement, "Answer a supplement notice", "application.supplement", body=Supplement, result=CaseView
    ),
    "POST /api/applications/{case_no}/withdrawal": Route(
        app.withdraw, "Withdraw a case", "application.withdraw", body=Withdrawal, result=CaseView
    ),
}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """HTTP in, HTTP out."""
    return serve(ROUTES, event, function="intake")
