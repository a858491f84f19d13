"""办件详情: one case, as far as the caller's part in it needs."""

from datetime import datetime
from typing import Any

from msgspec import Struct

from ..access import mask
from ..clock_text import explain
from ..domain import messages as m
from ..domain import policy, procedure_ledger, statutory_clock
from ..domain.case import Case
from ..domain.catalogue import Item, Text
from ..domain.officers import involved, may_do
from ..domain.procedure_ledger import Entry as Procedure
from ..domain.statutory_clock import Light
from ..domain.steps import open_steps
from ..domain.worklist import due_at
from ..http import Request
from ..sealing import Sealing
from ..store import Stored
from ..timeline import Entry, of_history
from .disclosure import opened
from .own_cases import CaseSummary, OwnCases
from .request_views import RequestView, views


class OpenStep(Struct, frozen=True, kw_only=True):
    """A step that an officer can do now: who has it in hand (nobody: None), and when its own limit ends (None: it has none).

    ``can``: the caller could do it now, or claim it.
    """

    step: str
    officer: str | None = None
    due_at: datetime | None = None
    can: bool = False


class ClockView(Struct, frozen=True, kw_only=True):
    """The case's time: what was told (``due``), the light, the working days left of the statutory limit, and in words how it
    came about."""

    due: m.Due
    light: Light
    remaining: int
    stands: bool
    explanation: Text


class CaseDetail(Struct, frozen=True, kw_only=True):
    """A case as an official of its department sees it.

    ``promised`` are materials that may come later and have not; ``acts`` what the policy lets the caller do with this case.
    What was handed in and answered, from ``form`` on, is there for those who work on the case and who oversees them, and
    null for all others. ``attachments`` are the materials that are there as files or certificates, every version.
    ``personal`` is masked: an officer who needs it in full says why (``Unmask``). ``conclusions`` say what other
    departments answered, and why; ``collaborations`` what they were asked, and where that is.
    """

    case: CaseSummary
    due_at: datetime | None
    clock: ClockView | None
    steps: tuple[OpenStep, ...]
    acts: tuple[policy.Action, ...]
    notices: tuple[m.SupplementRequested, ...]
    promised: tuple[m.Promise, ...]
    procedures: tuple[Procedure, ...]
    supervised: tuple[m.CaseSupervised, ...]
    answered: tuple[m.OrderAnswered, ...]
    timeline: tuple[Entry, ...]
    form: dict[str, Any] | None = None
    materials: tuple[str, ...] | None = None
    attachments: tuple[m.Attachment, ...] | None = None
    personal: dict[str, Any] | None = None
    conclusions: tuple[m.CollaborationConcluded, ...] | None = None
    evidence: tuple[m.EvidenceOffered, ...] | None = None
    collaborations: tuple[RequestView, ...] | None = None


class CaseDetails:
    """Single cases, shown by the policy."""

    def __init__(self, cases: OwnCases, sealing: Sealing) -> None:
        self._cases = cases
        self._sealing = sealing

    def case(self, request: Request) -> CaseDetail:
        """One case. Personal data is masked; who has no part in the case sees its frame alone."""
        stored, shown = self._cases.own(request, "case.read")
        state: Case = stored.state
        department = self._cases.department
        relations = self._cases.standing(request, stored)
        promised = state.accepted.promised if state.accepted is not None else ()
        return CaseDetail(
            case=self._cases.summary(stored),
            due_at=None if state.is_terminal else due_at(state),
            clock=self._clock(state, request.now),
            steps=open_for_officers(
                state, department.item(state.application), role=request.by.role, subject=request.by.subject
            ),
            acts=tuple(one for one in ACTS if policy.fields(request.by.role, one, relations) is not None),
            notices=state.notices,
            promised=tuple(one for one in promised if one.material not in state.materials),
            procedures=procedure_ledger.entries(stored.history),
            supervised=state.supervised,
            answered=state.answered,
            timeline=of_history(stored.history, department.catalogue.organisation),
            **({} if shown == "public" else self._content(stored, shown)),
        )

    def _content(self, stored: Stored, shown: policy.Fields) -> dict[str, Any]:
        state: Case = stored.state
        return {
            "form": state.form,
            "materials": tuple(sorted(state.materials)),
            "attachments": state.attachments,
            "personal": mask(opened(self._sealing, stored), shown),
            "conclusions": state.conclusions,
            "evidence": state.evidence,
            "collaborations": views(stored),
        }

    def _clock(self, state: Case, now: datetime) -> ClockView | None:
        if state.clock is None:
            return None
        clock, calendar = state.clock, self._cases.department.calendar
        at = min(now, state.decided_at) if state.decided_at is not None else now
        return ClockView(
            due=clock.due,
            light=statutory_clock.light(clock, at),
            remaining=statutory_clock.remaining(clock, calendar, at),
            stands=clock.standing_since is not None,
            explanation=explain(clock, calendar, now, decided_at=state.decided_at),
        )


ACTS: tuple[policy.Action, ...] = ("case.step", "case.unmask", "case.material", "case.collaborate")
"""What is told of one's rights on a case; further routes say themselves what they take."""


def open_for_officers(state: Case, item: Item, *, role: str = "", subject: str = "") -> tuple[OpenStep, ...]:
    """The steps that an officer can do now, and whether this one could."""
    return tuple(
        OpenStep(
            step=step.key,
            officer=state.officers.get(step.key),
            due_at=state.opened[step.key].due_at if step.key in state.opened else None,
            can=may_do(role, step)
            and state.officers.get(step.key, subject) == subject
            and subject not in involved(state),
        )
        for step in open_steps(state, item)
        if step.by == "clerk"
    )
