"""环节: officers take steps in hand, hand them over and go back; who stands in for whom; files that officers add."""

from typing import Any

from liangwang import wiring
from liangwang.domain.absence import Absent
from liangwang.domain.approval import ReturnStep
from liangwang.domain.officers import GiveStep
from liangwang.http import Route, Routes, serve
from liangwang.objects import Link
from liangwang.services.absences import AbsenceView
from liangwang.services.own_cases import CaseSummary
from liangwang.services.step_files import FileAnnouncement, OpenStepFile, StepFile, StepFiles

approval, absences, files = wiring.steps()

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
    "POST /api/cases/{case_no}/attachments": Route(
        files.announce, "Announce a file for a case", "case.step", body=FileAnnouncement, status=201, result=StepFile
    ),
    "POST /api/cases/{case_no}/attachments/{attachment_id}/completion": Route(
        files.complete, "The file has been sent", "case.step", result=StepFile
    ),
    "GET /api/cases/{case_no}/attachments": Route(
        files.listed, "The files that officers added to a case", "case.read", result=StepFiles
    ),
    "POST /api/cases/{case_no}/attachments/{attachment_id}": Route(
        files.open, "A link to an officer's file, and say why", "case.material", body=OpenStepFile, result=Link
    ),
    "POST /api/cases/{case_no}/collaborations/{request_id}/attachments/{attachment_id}": Route(
        files.open_answered,
        "A link to a file that others answered with, and say why",
        "case.material",
        body=OpenStepFile,
        result=Link,
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
