"""审批: takes in what other departments answer, lets clerks ask them and complete steps, decides."""

from typing import Any

from liangwang import wiring
from liangwang.consuming import consume
from liangwang.domain.approval import CompleteStep
from liangwang.domain.question import AskOthers
from liangwang.http import Route, Routes, serve
from liangwang.objects import Link
from liangwang.services.approval import Approval
from liangwang.services.batches import Batches, BatchResults, CompleteSteps, GiveSteps
from liangwang.services.case_detail import CaseDetail
from liangwang.services.case_requests import CaseCollaboration, CaseRequests, RequestReason
from liangwang.services.case_search import CSV, JSON_LINES
from liangwang.services.desk import Worklist
from liangwang.services.disclosure import OpenFile, PersonalData
from liangwang.services.own_cases import CaseSummary
from liangwang.services.personal import Unmask

cases, desk, details, disclosure, requester = wiring.approval()
approval, collaboration = Approval(cases), CaseCollaboration(cases)
batches = Batches(cases, approval)

ROUTES: Routes = {
    "GET /api/cases": Route(
        desk.worklist, "Search what waits for a clerk of my department", "case.list", result=Worklist
    ),
    "GET /api/cases/export": Route(desk.export, "The same as a file", "case.export", gives=(CSV, JSON_LINES)),
    "GET /api/cases/{case_no}": Route(details.case, "One case of my department", "case.read", result=CaseDetail),
    "POST /api/cases/{case_no}/personal": Route(
        disclosure.unmask, "See personal data in full, and say why", "case.unmask", body=Unmask, result=PersonalData
    ),
    "POST /api/cases/{case_no}/materials/{code}": Route(
        disclosure.open_file, "A link to a file of a case, and say why", "case.material", body=OpenFile, result=Link
    ),
    "POST /api/cases/batch/steps": Route(
        batches.complete_many,
        "Complete the same step of many cases",
        "case.step",
        body=CompleteSteps,
        result=BatchResults,
    ),
    "POST /api/cases/batch/officer": Route(
        batches.give_many,
        "Claim the same step of many cases, or give it",
        "case.give",
        body=GiveSteps,
        result=BatchResults,
    ),
    "POST /api/cases/{case_no}/steps": Route(
        approval.complete, "Complete the step a case stands before", "case.step", body=CompleteStep, result=CaseSummary
    ),
    "POST /api/cases/{case_no}/collaborations": Route(
        collaboration.ask, "Ask other departments", "case.collaborate", body=AskOthers, result=CaseRequests
    ),
    "POST /api/cases/{case_no}/collaborations/{request_id}/urge": Route(
        collaboration.urge, "Urge who has not answered", "case.collaborate", body=RequestReason, result=CaseRequests
    ),
    "POST /api/cases/{case_no}/collaborations/{request_id}/cancel": Route(
        collaboration.cancel, "Take my question back", "case.collaborate", body=RequestReason, result=CaseRequests
    ),
}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """A batch of ``collaboration-results``, or a clerk's HTTP request."""
    if "records" in event:
        return consume(event, consumer="approval", store=cases.store, route=requester.route, then=requester.disclose)
    return serve(ROUTES, event, function="approval")
