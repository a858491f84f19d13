"""对账: where a case is by the centre's ledger, and on what the systems differ; a run by hand. The relay's schedule does the runs."""

from typing import Any

from liangwang import wiring
from liangwang.http import Route, Routes, serve
from liangwang.services.reconciliation import LedgerView, ReconciliationView, RunView

app = wiring.reconciliation()

ROUTES: Routes = {
    "GET /api/ledger/{case_no}": Route(
        app.case, "Where a case is, since when, and what it waits for", "ledger.read", result=LedgerView
    ),
    "GET /api/reconciliation": Route(
        app.newest, "The newest reconciliation and what differs", "reconciliation.read", result=ReconciliationView
    ),
    "POST /api/reconciliation": Route(app.begin, "Reconcile now", "reconciliation.run", status=202, result=RunView),
}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """HTTP in, HTTP out."""
    return serve(ROUTES, event, function="reconciliation")
