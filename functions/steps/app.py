"""环节: officers take steps in hand, hand them over and go back; who stands in for whom."""

from typing import Any

from liangwang import wiring_departments
from liangwang.domain.absence import Absent
from liangwang.domain.approval import ReturnStep
from liangwang.domain.officers import GiveStep
from liangwang.http import Route, Routes, serve
from liangwang.services.absences import AbsenceView
from liangwang.services.own_cases import CaseSummary

approval, absences = wiring_departments.steps()

ROUTES: Routes = {
    "POST /api/cases/{case_no}/steps/{step}/officer": Route(
        approval.give, "Claim a step, hand it over, give it back", "case.give", body=GiveStep, result=CaseSummary
    ),
    "POST /api/cases/{case_no}/steps/{step}/return": Route(
        approval.go_back,
        "Return to an earlier step, or take my opinion back",
        "case.step",
        body=ReturnStep,
        result=CaseSummary,
    ),
    "GET /api/absence": Route(absences.show, "When I am away", "absence.keep", result=AbsenceView),
    "PUT /api/absence": Route(
        absences.keep, "Say when I am away and who stands in", "absence.keep", body=Absent, result=AbsenceView
    ),
    "DELETE /api/absence": Route(absences.end, "I am back", "absence.keep", result=AbsenceView),
}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """An officer's HTTP request."""
    return serve(ROUTES, event, function="steps")
