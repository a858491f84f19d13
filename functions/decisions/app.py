"""更正与撤销: a supervisor corrects or revokes what was decided, and revokes or reissues certificates."""

from typing import Any

from liangwang import wiring
from liangwang.domain.decisions import CertificateRevocation, Correction, Reissue, Revocation
from liangwang.http import Route, Routes, serve
from liangwang.services.decisions import DecisionView

app = wiring.decisions()

ROUTES: Routes = {
    "POST /api/cases/{case_no}/decision/correction": Route(
        app.correct, "Correct a decision", "case.decision", body=Correction, result=DecisionView
    ),
    "POST /api/cases/{case_no}/decision/revocation": Route(
        app.revoke, "Revoke a decision and its certificate", "case.decision", body=Revocation, result=DecisionView
    ),
    "POST /api/cases/{case_no}/certificate/revocation": Route(
        app.revoke_certificate,
        "Revoke a certificate",
        "case.decision",
        body=CertificateRevocation,
        result=DecisionView,
    ),
    "POST /api/cases/{case_no}/certificate/reissue": Route(
        app.reissue, "Issue a certificate anew", "case.decision", body=Reissue, result=DecisionView
    ),
}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """HTTP in, HTTP out."""
    return serve(ROUTES, event, function="decisions")
