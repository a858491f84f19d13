"""受理审查: officers accept, ask once, refuse, give back or hand over; and look again at what rules decided."""

from typing import Any

from liangwang import wiring
from liangwang.domain.officer_acceptance import AcceptCase, RefuseCase, RequestSupplement, ReturnCase, TransferCase
from liangwang.domain.recheck import Recheck
from liangwang.http import Route, Routes, serve
from liangwang.services.acceptance_desk import Transferred
from liangwang.services.own_cases import CaseSummary
from liangwang.services.rechecks import RecheckList, RecheckView

app, rechecks = wiring.examination()

ROUTES: Routes = {
    "POST /api/cases/{case_no}/acceptance": Route(
        app.accept, "Accept an application", "case.accept", body=AcceptCase, result=CaseSummary
    ),
    "POST /api/cases/{case_no}/supplement-notice": Route(
        app.request_supplement, "Ask for a supplement, once", "case.ask", body=RequestSupplement, result=CaseSummary
    ),
    "POST /api/cases/{case_no}/refusal": Route(
        app.refuse, "Refuse an application", "case.refuse", body=RefuseCase, result=CaseSummary
    ),
    "POST /api/cases/{case_no}/return": Route(
        app.give_back, "Give an application back", "case.return", body=ReturnCase, result=CaseSummary
    ),
    "POST /api/cases/{case_no}/transfer": Route(
        app.transfer, "Hand over to the right department", "case.transfer", body=TransferCase, result=Transferred
    ),
    "GET /api/rechecks": Route(
        rechecks.waiting, "What rules decided and somebody has to look at", "recheck.list", result=RecheckList
    ),
    "POST /api/cases/{case_no}/recheck": Route(
        rechecks.recheck, "Say whether rules decided rightly", "case.recheck", body=Recheck, result=RecheckView
    ),
}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """HTTP in, HTTP out."""
    return serve(ROUTES, event, function="examination")
