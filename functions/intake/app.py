"""收件系统: the citizen applies, follows, supplements and withdraws."""

from typing import Any

from liangwang import wiring
from liangwang.http import Route, Routes, serve
from liangwang.http_content import EITHER
from liangwang.services.intake import Apply, CaseList, CaseView, Supplement, Withdrawal
from liangwang.services.receipts import SealedReceipt
from liangwang.services.results import HTML, JOSE, Result

app = wiring.intake()
results, receipts = wiring.results(app)

ROUTES: Routes = {
    "POST /api/applications": Route(app.apply, "Apply", "application.submit", body=Apply, status=201, result=CaseView),
    "GET /api/applications": Route(app.mine, "My cases", "application.list", result=CaseList),
    "GET /api/applications/{case_no}": Route(app.follow, "Follow one of my cases", "application.read", result=CaseView),
    "GET /api/applications/{case_no}/result": Route(
        results.result, "What a case ended with", "application.read", result=Result, gives=(*EITHER, HTML, JOSE)
    ),
    "GET /api/applications/{case_no}/receipt": Route(
        receipts.receipt,
        "What a department accepted",
        "application.read",
        result=SealedReceipt,
        gives=(*EITHER, HTML, JOSE),
    ),
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
