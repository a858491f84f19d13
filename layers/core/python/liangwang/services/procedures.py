"""特别程序: officers ask, heads approve, and the ledger says what the clock of a case stood for."""

from collections.abc import Callable, Sequence
from datetime import datetime

from msgspec import Struct

from .. import clock_text
from ..domain import messages as m
from ..domain import policy, procedures
from ..domain.case import Case, Event
from ..domain.catalogue import Text
from ..domain.course import Practice
from ..domain.officers import Officer
from ..domain.procedure_ledger import Entry, entries
from ..domain.procedures import AskForProcedure, Level
from ..http import Request
from ..processing import act
from ..store import Stored
from .absences import standing_in
from .own_cases import OwnCases

Decision = Callable[[Case, Practice, datetime], Sequence[Event]]


class Rejection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why the head does not agree."""

    reason: m.Remark


class ProcedureResult(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What came of a special procedure."""

    result: m.Remark


class ProcedureLedger(Struct, frozen=True, kw_only=True):
    """A case's special procedures and stops in the order in which they began, and what is due now.

    ``due`` is None before acceptance; ``explanation`` says how it came about. ``waiting`` names what an approver has to answer.
    """

    case_no: str
    status: str
    due: m.Due | None
    explanation: Text | None
    waiting: tuple[str, ...]
    entries: tuple[Entry, ...]


class Procedures:
    """What the heads and officers of a department do about a case's procedures; the extension goes the same way."""

    def __init__(self, cases: OwnCases) -> None:
        self._cases = cases

    def ledger(self, request: Request) -> ProcedureLedger:
        """What the clock stood for, and what waits for approval."""
        return self._ledger(self._cases.own(request, "procedure.read")[0], request.now)

    def ask(self, request: Request) -> ProcedureLedger:
        """An officer asks for a special procedure, or for the extension."""
        wish: AskForProcedure = request.body
        return self._act(
            request,
            "procedure.request",
            lambda state, on, now: procedures.ask(state, wish, officer=self._officer(request, state), on=on, now=now),
        )

    def approve(self, request: Request) -> ProcedureLedger:
        """The head of the department, or of its region's government, agrees."""
        identity, approver = request.path["procedure_id"], request.by.subject
        return self._act(
            request,
            "procedure.approve",
            lambda state, on, now: procedures.approve(
                state, identity, approver=approver, level=_level(request), on=on, now=now
            ),
        )

    def reject(self, request: Request) -> ProcedureLedger:
        """The head does not agree, and says why."""
        identity, approver = request.path["procedure_id"], request.by.subject
        wish: Rejection = request.body
        return self._act(
            request,
            "procedure.approve",
            lambda state, on, now: procedures.reject(
                state, identity, wish.reason, approver=approver, level=_level(request), on=on
            ),
        )

    def end(self, request: Request) -> ProcedureLedger:
        """What came of a special procedure is there: the case's limit runs again."""
        identity = request.path["procedure_id"]
        wish: ProcedureResult = request.body
        oversees = policy.fields(request.by.role, "procedure.approve", ["department"]) is not None
        return self._act(
            request,
            "procedure.end",
            lambda state, on, now: procedures.end(
                state,
                identity,
                wish.result,
                officer=self._officer(request, state),
                oversees=oversees,
                on=on,
                now=now,
            ),
        )

    def _act(self, request: Request, action: policy.Action, decide: Decision) -> ProcedureLedger:
        stored, _ = self._cases.own(request, action)

        def decided(state: Case, now: datetime) -> Sequence[Event]:
            return decide(state, self._cases.department.practice(state.application), now)

        return self._ledger(act(self._cases.store, request, stored, decided), request.now)

    def _officer(self, request: Request, state: Case) -> Officer:
        """The caller, and for whom of those who have the case in hand they stand in: asked only where they have no step of it."""
        name, holders = request.by.subject, set(state.officers.values())
        others = holders if name not in holders else ()
        absent = standing_in(self._cases.store, state.department, sorted(others), name=name, now=request.now)
        return Officer(name=name, role=request.by.role, stands_in_for=absent)

    def _ledger(self, stored: Stored, now: datetime) -> ProcedureLedger:
        state: Case = stored.state
        return ProcedureLedger(
            case_no=stored.key.id,
            status=state.status,
            due=state.clock.due if state.clock else None,
            explanation=self._explained(state, now),
            waiting=tuple(one.procedure_id for one in state.asked),
            entries=entries(stored.history),
        )

    def _explained(self, state: Case, now: datetime) -> Text | None:
        if state.clock is None:
            return None
        return clock_text.explain(state.clock, self._cases.department.calendar, now, decided_at=state.decided_at)


def _level(request: Request) -> Level:
    """Whose head the caller is: an operator works at a region's centre, all others at a department."""
    return "government" if request.by.region else "department"
