"""特别程序: what a case's limit stands for, and its extension: asked for, approved by another person, ended with a result."""

from typing import Any

from liangwang import wiring
from liangwang.domain.procedures import AskForProcedure
from liangwang.http import Route, Routes, serve
from liangwang.services.procedures import ProcedureLedger, ProcedureResult, Rejection

app = wiring.procedures()

ROUTES: Routes = {
    "GET /api/cases/{case_no}/procedures": Route(
        app.ledger, "What a case's limit stood for", "procedure.read", result=ProcedureLedger
    ),
    "POST /api/cases/{case_no}/procedures": Route(
        app.ask,
        "Ask for a special procedure, or for the extension",
        "procedure.request",
        body=AskForProcedure,
        result=ProcedureLedger,
    ),
    "POST /api/cases/{case_no}/procedures/{procedure_id}/approval": Route(
        app.approve, "Approve what another person asked for", "procedure.approve", result=ProcedureLedger
    ),
    "POST /api/cases/{case_no}/procedures/{procedure_id}/rejection": Route(
        app.reject, "Reject it, and say why", "procedure.approve", body=Rejection, result=ProcedureLedger
    ),
    "POST /api/cases/{case_no}/procedures/{procedure_id}/end": Route(
        app.end, "End it with its result", "procedure.end", body=ProcedureResult, result=ProcedureLedger
    ),
}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """A request of an officer, or of a head."""
    return serve(ROUTES, event, function="procedures")
