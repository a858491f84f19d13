"""审批: the clerk's desk: worklist, one case with its personal data opened, and completing a step."""

from datetime import datetime
from typing import Any

from msgspec import Struct

from ..aggregates import CASE, Key
from ..domain import approval
from ..domain import messages as m
from ..domain.approval import CompleteStep
from ..domain.case import Case, next_step, waits_for_clerk
from ..domain.catalogue import Text
from ..domain.errors import NotFound
from ..http import Request, limit_of
from ..processing import act
from ..sealing import Sealing
from ..store import Store, Stored
from ..timeline import Entry, of_history
from .department import Department


class CaseSummary(Struct, frozen=True, kw_only=True):
    """A case as a worklist shows it. ``step`` is the step it stands before."""

    case_no: str
    task_code: str
    task_name: Text
    status: str
    step: str | None
    received_at: datetime


class Worklist(Struct, frozen=True, kw_only=True):
    """A page of the department's cases that wait for a clerk, oldest first."""

    cases: tuple[CaseSummary, ...]
    cursor: str | None = None


class CaseDetail(Struct, frozen=True, kw_only=True):
    """A case as a clerk of its department sees it.

    ``attachments`` are the materials that are there as files or certificates, every version.
    ``personal`` was opened for this look; ``conclusions`` say what other departments answered, with their reasons.
    """

    case: CaseSummary
    form: dict[str, Any]
    materials: tuple[str, ...]
    attachments: tuple[m.Attachment, ...]
    personal: dict[str, Any]
    conclusions: tuple[m.CollaborationConcluded, ...]
    timeline: tuple[Entry, ...]


class Approval:
    """Cases of the caller's own department only; others' are not found."""

    def __init__(self, store: Store, department: Department, sealing: Sealing) -> None:
        self.store = store
        self._department = department
        self._sealing = sealing

    def worklist(self, request: Request) -> Worklist:
        """What waits for a clerk of the caller's department."""
        keys, cursor = self.store.held_by(
            CASE, request.by.department, limit=limit_of(request), cursor=request.query.get("cursor")
        )
        loaded = self.store.load(keys)
        return Worklist(cases=tuple(self._summary(loaded[key]) for key in keys), cursor=cursor)

    def case(self, request: Request) -> CaseDetail:
        """One case in full."""
        stored = self._own(request)
        state: Case = stored.state
        personal: dict[str, Any] = {}
        for sealed in state.sealed:
            personal |= self._sealing.open(sealed, department=state.department, case_no=stored.key.id)
        return CaseDetail(
            case=self._summary(stored),
            form=state.form,
            materials=tuple(sorted(state.materials)),
            attachments=state.attachments,
            personal=personal,
            conclusions=state.conclusions,
            timeline=of_history(stored.history, self._department.catalogue.organisation),
        )

    def complete(self, request: Request) -> CaseSummary:
        """Completes the step that the case stands before."""
        stored = self._own(request)
        wish: CompleteStep = request.body

        def decide(state: Case, now: datetime) -> Any:
            item = self._department.item(state.application)
            return approval.complete_step(
                state, wish, clerk=request.by.subject, item=item, evaluate=self._department.rules.evaluate, now=now
            )

        return self._summary(act(self.store, request, stored, decide))

    def _own(self, request: Request) -> Stored:
        key = Key(CASE.name, request.path["case_no"])
        stored = self.store.load([key])[key]
        if not stored.history or stored.state.department != request.by.department:
            raise NotFound(f"your department has no case {key.id}")
        return stored

    def _summary(self, stored: Stored) -> CaseSummary:
        state: Case = stored.state
        item = self._department.item(state.application)
        step = next_step(state, item)
        return CaseSummary(
            case_no=stored.key.id,
            task_code=item.task_code,
            task_name=item.name,
            status=state.status,
            step=step.name if step is not None and waits_for_clerk(state, item) else None,
            received_at=stored.history[0].at,
        )
