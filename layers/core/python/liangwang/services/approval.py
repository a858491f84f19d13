"""审批: the department's desk: worklist, search and export, one case, its personal data, and completing a step."""

from datetime import datetime
from typing import Any

from msgspec import Struct, structs

from ..access import granted, mask
from ..accesses import Accesses
from ..aggregates import CASE, Key
from ..domain import approval, policy
from ..domain import messages as m
from ..domain.approval import CompleteStep
from ..domain.case import Case
from ..domain.catalogue import Text
from ..domain.course import next_step, waits_for_clerk
from ..domain.errors import Forbidden, Invalid, NotFound, Violation, require_reason
from ..http import Answer, Request, limit_of
from ..objects import Link, Objects
from ..processing import act
from ..sealing import Sealing
from ..store import Store, Stored
from ..timeline import Entry, of_history
from . import case_search
from .department import Department
from .departments import Departments
from .materials import file_link


class CaseSummary(Struct, frozen=True, kw_only=True):
    """A case as a worklist shows it. ``step`` is the step it stands before."""

    case_no: str
    task_code: str
    task_name: Text
    status: str
    step: str | None
    received_at: datetime


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


class Unmask(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why somebody has to see personal data in full, and which fields (none named: all of them)."""

    reason: m.Remark
    fields: tuple[str, ...] = ()


class OpenFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why somebody has to open a file of the applicant's, and which version of it (none named: the newest)."""

    reason: m.Remark
    version: int = 0


class PersonalData(Struct, frozen=True, kw_only=True):
    """The applicant's personal data in full; that it was shown, to whom and why, is on record."""

    case_no: str
    personal: dict[str, Any]


class Approval:
    """Cases as the policy shows them: those of the caller's own department; others' are not found."""

    def __init__(self, store: Store, department: Department, sealing: Sealing, objects: Objects) -> None:
        self.store = store
        self._accesses = Accesses(store)
        self._department = department
        self._departments = Departments(department.catalogue.organisation)
        self._sealing = sealing
        self._objects = objects

    def worklist(self, request: Request) -> Worklist:
        """What waits for a clerk of the caller's department, or of the named one; narrowed by criteria."""
        found, cursor = self._search(request, "case.list", default=20)
        return Worklist(cases=tuple(self._summary(stored) for stored in found), cursor=cursor)

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
        stored, shown = self._own(request, "case.read")
        state: Case = stored.state
        return CaseDetail(
            case=self._summary(stored),
            form=state.form,
            materials=tuple(sorted(state.materials)),
            attachments=state.attachments,
            personal=mask(self._opened(stored), shown),
            conclusions=state.conclusions,
            timeline=of_history(stored.history, self._department.catalogue.organisation),
        )

    def unmask(self, request: Request) -> PersonalData:
        """Personal data in full, after it was put on record who sees what of which case, and why.

        Raises Invalid without a reason, and for a field that the case does not have; when the record cannot be written,
        nothing is shown.
        """
        wish: Unmask = request.body
        stored, shown = self._own(request, "case.unmask")
        require_reason(wish.reason, field="reason", what="seeing personal data in full")
        opened = self._opened(stored)
        found = [
            Violation(f"fields[{position}]", f"no personal field of this case; known: {', '.join(sorted(opened))}")
            for position, name in enumerate(wish.fields)
            if name not in opened
        ]
        if found:
            raise Invalid("these fields cannot be shown", violations=tuple(found))
        wanted = {name: value for name, value in opened.items() if not wish.fields or name in wish.fields}
        self._accesses.record(
            request.by, request.now, action="case.unmask", subject=stored.key.id, fields=wanted, reason=wish.reason
        )
        return PersonalData(case_no=stored.key.id, personal=mask(wanted, shown))

    def open_file(self, request: Request) -> Link:
        """A link by which a file of the case is fetched within five minutes, after it was put on record who opens it and why:
        a scanned document is personal data in full. Raises NotFound when the case has no such file.
        """
        wish: OpenFile = request.body
        stored, _ = self._own(request, "case.material")
        require_reason(wish.reason, field="reason", what="opening a file")
        code = request.path["code"]
        state: Case = stored.state
        files = [
            one
            for one in state.attachments
            if one.code == code and one.material_id and wish.version in (0, one.version)
        ]
        if not files:
            raise NotFound(f"case {stored.key.id} has no file {code} of this version")
        field = f"{code}/{files[-1].version}"
        self._accesses.record(
            request.by, request.now, action="case.material", subject=stored.key.id, fields=[field], reason=wish.reason
        )
        return file_link(self._objects, files[-1].material_id, media_type=files[-1].media_type, now=request.now)

    def complete(self, request: Request) -> CaseSummary:
        """Completes the step that the case stands before. Raises Forbidden for a step that is not the caller's role's."""
        stored, _ = self._own(request, "case.step")
        wish: CompleteStep = request.body
        step = policy.STEPS.get(wish.step)
        if step is not None and policy.fields(request.by.role, step, _standing(request, stored)) is None:
            raise Forbidden(f"role {request.by.role} does not complete step {wish.step}")

        def decide(state: Case, now: datetime) -> Any:
            practice = self._department.practice(state.application)
            return approval.complete_step(state, wish, clerk=request.by.subject, on=practice, now=now)

        return self._summary(act(self.store, request, stored, decide))

    def _search(self, request: Request, action: policy.Action, *, default: int) -> tuple[list[Stored], str | None]:
        """A page of cases in a department's hands: one query and one read, whatever is looked for."""
        department = self._departments.one(request, action)
        wanted = case_search.criteria(request)
        keys, cursor = self.store.held_by(
            CASE,
            department,
            limit=limit_of(request, default=default),
            cursor=request.query.get("cursor"),
            since=wanted.since,
            until=wanted.until,
        )
        loaded = self.store.load(keys)
        return [loaded[key] for key in keys if loaded[key].history and wanted.match(loaded[key].state)], cursor

    def _own(self, request: Request, action: policy.Action) -> tuple[Stored, policy.Fields]:
        key = Key(CASE.name, request.path["case_no"])
        stored = self.store.load([key])[key]
        what = f"your department has no case {key.id}"
        if not stored.history:
            raise NotFound(what)
        return stored, granted(request.by, action, _standing(request, stored), what=what)

    def _opened(self, stored: Stored) -> dict[str, Any]:
        """The applicant's personal data; what a supplement changed stands in the place of what was there before."""
        state: Case = stored.state
        personal: dict[str, Any] = {}
        for sealed in state.sealed:
            personal |= self._sealing.open(sealed, department=state.department, case_no=stored.key.id)
        return personal

    def _row(self, stored: Stored) -> CaseRow:
        summary, state = self._summary(stored), stored.state
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

    def _summary(self, stored: Stored) -> CaseSummary:
        state: Case = stored.state
        item = self._department.item(state.application)
        step = next_step(state, item)
        return CaseSummary(
            case_no=stored.key.id,
            task_code=item.task_code,
            task_name=item.name,
            status=state.status,
            step=step.key if step is not None and waits_for_clerk(state, item) else None,
            received_at=stored.history[0].at,
        )


def _standing(request: Request, stored: Stored) -> frozenset[policy.Relation]:
    state: Case = stored.state
    return policy.relations(request.by, policy.Thing(department=state.department))
