"""文书: what applicants get in writing, as PDF: receipts, notices, decisions, certificates."""

from typing import Any

from liangwang import wiring
from liangwang.http import Route, Routes, serve
from liangwang.services.documents import PDF, DocumentList

app = wiring.documents()

ROUTES: Routes = {
    "GET /api/applications/{case_no}/documents": Route(
        app.every, "The documents of one of my cases", "application.read", result=DocumentList
    ),
    "GET /api/applications/{case_no}/documents/{name}": Route(
        app.one, "A document of one of my cases, signed", "application.read", gives=(PDF,)
    ),
}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """HTTP in, HTTP out."""
    return serve(ROUTES, event, function="documents")
