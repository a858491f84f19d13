"""草稿: kept while it is not finished, resumed on another channel by its code, submitted once."""

from typing import Any

from liangwang import wiring
from liangwang.http import Route, Routes, serve
from liangwang.services.drafts import DraftContent, DraftList, DraftView, Submission
from liangwang.services.intake import CaseView

app = wiring.drafts()

ROUTES: Routes = {
    "POST /api/drafts": Route(app.begin, "Keep a draft", "draft.keep", body=DraftContent, status=201, result=DraftView),
    "GET /api/drafts": Route(app.mine, "My drafts", "draft.keep", result=DraftList),
    "GET /api/drafts/{code}": Route(app.read, "One of my drafts", "draft.keep", result=DraftView),
    "PUT /api/drafts/{code}": Route(app.save, "Save a draft", "draft.keep", body=DraftContent, result=DraftView),
    "DELETE /api/drafts/{code}": Route(app.discard, "Throw a draft away", "draft.keep", result=DraftView),
    "POST /api/drafts/{code}/application": Route(
        app.submit, "Apply with a draft", "draft.keep", body=Submission, status=201, result=CaseView
    ),
}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """HTTP in, HTTP out."""
    return serve(ROUTES, event, function="drafts")
