"""A department's desk: its worklists, search and export."""

from datetime import datetime
from typing import Any

from msgspec import Struct, structs

from ..domain import policy
from ..domain.case import Case
from ..domain.catalogue import Item
from ..domain.statutory_clock import Light
from ..domain.worklist import Asker, Criteria, Entry, due_at, entry, light, match
from ..http import Answer, Request, limit_of
from ..store import Stored
from . import case_search
from .case_detail import OpenStep, open_for_officers
from .departments import Departments
from .own_cases import CaseSummary, OwnCases

WIDER = 4
"""How many open cases a page looks at for each that it may show, where most of them are looked for."""


class ListedCase(CaseSummary, frozen=True, kw_only=True):
    """An open case as a worklist shows it: when its next thing is due, its light once it is accepted, and its open steps."""

    due_at: datetime
    light: Light | None
    steps: tuple[OpenStep, ...]


class Worklist(Struct, frozen=True, kw_only=True):
    """A page of the department's open cases, soonest due first.

    A page is found by one look at the index, which reaches some thousands of cases; so of a large department it may hold
    fewer than were asked for, even none, and still have a ``cursor``.
    """

    cases: tuple[ListedCase, ...]
    cursor: str | None = None


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
    due_at: str
    light: str | None


class Desk:
    """What officials of a department find."""

    def __init__(self, cases: OwnCases) -> None:
        self._cases = cases
        self._departments = Departments(cases.department.catalogue.organisation)

    def worklist(self, request: Request) -> Worklist:
        """What waits for officers of the caller's department, or of the named one; narrowed by criteria."""
        found, cursor = self._search(request, "case.list", default=20)
        return Worklist(cases=tuple(self._listed(stored, request.now) for stored in found), cursor=cursor)

    def export(self, request: Request) -> Answer:
        """The same as a file, a page at a time; the ``link`` header leads to the next page."""
        found, cursor = self._search(request, "case.export", default=100)
        rows = [self._row(stored, request.now) for stored in found]
        headers = case_search.next_page(request, "/api/cases/export", cursor)
        if request.wants == case_search.JSON_LINES:
            return Answer(case_search.lines(rows), case_search.JSON_LINES, headers=headers)
        head = "cursor" not in request.query
        content = case_search.table((structs.asdict(row) for row in rows), CaseRow.__struct_fields__, head=head)
        kind = f"{case_search.CSV}; charset=utf-8; header={'present' if head else 'absent'}"
        return Answer(content, kind, headers={**headers, "content-disposition": 'attachment; filename="cases.csv"'})

    def _search(self, request: Request, action: policy.Action, *, default: int) -> tuple[list[Stored], str | None]:
        """A page of a department's open cases: one query and one read, whatever is looked for and however many items there
        are. The index may lag a moment behind, so what is read is looked at once more.
        """
        department = self._departments.one(request, action)
        wanted, limit = case_search.criteria(request), limit_of(request, default=default)
        found, following = self._cases.store.on_desk(
            department,
            limit=None if wanted.narrow else limit * WIDER,
            cursor=request.query.get("cursor"),
            until=wanted.due_before,
            latest_first=wanted.latest_first,
        )
        asker = Asker(subject=request.by.subject, role=request.by.role, now=request.now)
        matching = [one for one in found if match(one.entry, wanted, asker, self._item)]
        page = matching[:limit]
        cursor = page[-1].cursor if len(matching) > limit else following
        loaded = self._cases.store.load(one.key for one in page) if page else {}
        cases = [loaded[one.key] for one in page if loaded[one.key].history]
        return [one for one in cases if self._is_wanted(one, department, wanted, asker)], cursor

    def _is_wanted(self, stored: Stored, department: str, wanted: Criteria, asker: Asker) -> bool:
        state: Case = stored.state
        here = state.department == department and not state.is_terminal
        return here and match(entry(state), wanted, asker, self._item)

    def _item(self, found: Entry) -> Item | None:
        return self._cases.department.catalogue.versions.get((found.task_code, found.task_version))

    def _listed(self, stored: Stored, now: datetime) -> ListedCase:
        state: Case = stored.state
        summary = self._cases.summary(stored)
        return ListedCase(
            **structs.asdict(summary),
            due_at=due_at(state),
            light=light(entry(state), now),
            steps=open_for_officers(state, self._cases.department.item(state.application)),
        )

    def _row(self, stored: Stored, now: datetime) -> CaseRow:
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
            due_at=due_at(state).isoformat(),
            light=light(entry(state), now),
        )
