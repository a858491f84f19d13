"""A department's desk: its worklist, search and export, and one case."""

from typing import Any

from msgspec import Struct, structs

from ..access import mask
from ..aggregates import CASE
from ..domain import messages as m
from ..domain import policy
from ..domain.case import Case
from ..http import Answer, Request, limit_of
from ..sealing import Sealing
from ..store import Stored
from ..timeline import Entry, of_history
from . import case_search
from .departments import Departments
from .disclosure import opened
from .own_cases import CaseSummary, OwnCases


class Worklist(Struct, frozen=True, kw_only=True):
    """A page of the department's cases that wait for a clerk, oldest first.

    A search looks at ``limit`` of them a page, so a page may hold fewer, even none, and still have a ``cursor``.
    """

    cases: tuple[CaseSummary, ...]
    cursor: str | None = None


class CaseDetail(Struct, frozen=True, kw_only=True):
    """A case as an official of its department sees it.

    ``attachments`` are the materials that are there as files or certificates, every version. ``personal`` is masked: a
    clerk who needs it in full says why (``Unmask``). ``conclusions`` say what other departments answered, and why.
    """

    case: CaseSummary
    form: dict[str, Any]
    materials: tuple[str, ...]
    attachments: tuple[m.Attachment, ...]
    personal: dict[str, Any]
    conclusions: tuple[m.CollaborationConcluded, ...]
    timeline: tuple[Entry, ...]


class CaseRow(Struct, frozen=True, kw_only=True):
    """A case as it leaves in a file: nothing personal. ``form`` is the part of the form that is not."""

    case_no: str
    task_code: str
    task_name: str
    status: str
    step: str | None
    received_at: str
    place: str
    channel: str
    applicant_type: int
    materials: tuple[str, ...]
    form: dict[str, Any]


class Desk:
    """What officials of a department see of its cases."""

    def __init__(self, cases: OwnCases, sealing: Sealing) -> None:
        self._cases = cases
        self._organisation = cases.department.catalogue.organisation
        self._departments = Departments(self._organisation)
        self._sealing = sealing

    def worklist(self, request: Request) -> Worklist:
        """What waits for a clerk of the caller's department, or of the named one; narrowed by criteria."""
        found, cursor = self._search(request, "case.list", default=20)
        return Worklist(cases=tuple(self._cases.summary(stored) for stored in found), cursor=cursor)

    def export(self, request: Request) -> Answer:
        """The same as a file, a page at a time; the ``link`` header leads to the next page."""
        found, cursor = self._search(request, "case.export", default=100)
        rows = [self._row(stored) for stored in found]
        headers = case_search.next_page(request, "/api/cases/export", cursor)
        if request.wants == case_search.JSON_LINES:
            return Answer(case_search.lines(rows), case_search.JSON_LINES, headers=headers)
        head = "cursor" not in request.query
        content = case_search.table((structs.asdict(row) for row in rows), CaseRow.__struct_fields__, head=head)
        kind = f"{case_search.CSV}; charset=utf-8; header={'present' if head else 'absent'}"
        return Answer(content, kind, headers={**headers, "content-disposition": 'attachment; filename="cases.csv"'})

    def case(self, request: Request) -> CaseDetail:
        """One case, its personal data masked."""
        stored, shown = self._cases.own(request, "case.read")
        state: Case = stored.state
        return CaseDetail(
            case=self._cases.summary(stored),
            form=state.form,
            materials=tuple(sorted(state.materials)),
            attachments=state.attachments,
            personal=mask(opened(self._sealing, stored), shown),
            conclusions=state.conclusions,
            timeline=of_history(stored.history, self._organisation),
        )

    def _search(self, request: Request, action: policy.Action, *, default: int) -> tuple[list[Stored], str | None]:
        """A page of cases in a department's hands: one query and one read, whatever is looked for."""
        department = self._departments.one(request, action)
        wanted = case_search.criteria(request)
        keys, cursor = self._cases.store.held_by(
            CASE,
            department,
            limit=limit_of(request, default=default),
            cursor=request.query.get("cursor"),
            since=wanted.since,
            until=wanted.until,
        )
        loaded = self._cases.store.load(keys)
        return [loaded[key] for key in keys if loaded[key].history and wanted.match(loaded[key].state)], cursor

    def _row(self, stored: Stored) -> CaseRow:
        summary, state = self._cases.summary(stored), stored.state
        return CaseRow(
            case_no=summary.case_no,
            task_code=summary.task_code,
            task_name=summary.task_name.zh,
            status=summary.status,
            step=summary.step,
            received_at=summary.received_at.isoformat(),
            place=state.application.place,
            channel=state.application.channel,
            applicant_type=state.application.applicant_type,
            materials=tuple(sorted(state.materials)),
            form=state.form,
        )
