"""The centre's ledger: which case is where, as far as what passed through the centre tells. Pure."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from . import messages as m
from .history import Recorded


class Observed(Struct, frozen=True, kw_only=True, tag="ledger.observed", tag_field="type"):
    """A message of a department passed the centre on its way to intake. ``state`` is what it makes of the case."""

    sequence: int
    message_type: str
    state: str
    department: str
    at: datetime


class Raised(Struct, frozen=True, kw_only=True, tag="ledger.raised", tag_field="type"):
    """A case came before a centre: it is overdue, or was escalated, or an order was given. ``order`` names the matter."""

    sequence: int
    order: str
    stage: m.SupervisionStage
    light: m.Light
    centre: str
    department: str
    at: datetime


class Answered(Struct, frozen=True, kw_only=True, tag="ledger.answered", tag_field="type"):
    """The department answered an order."""

    sequence: int
    order: str
    result: str
    at: datetime


Event = Observed | Raised | Answered


class Entry(Struct, frozen=True, kw_only=True):
    """One case in the ledger: its newest known state, since when, and at which department.

    ``raised`` is what came before a centre, the newest word on each matter by its name; ``answers`` are the results of orders.
    """

    state: str
    sequence: int
    department: str
    since: datetime
    version: int
    seen: frozenset[int] = frozenset()
    raised: dict[str, Raised] = {}
    answers: dict[str, str] = {}

    @property
    def is_terminal(self) -> bool:
        """Whether the case has ended as far as the centre knows."""
        return self.state in m.TERMINAL


def evolve(state: Entry | None, recorded: Recorded[Event]) -> Entry:
    """Folds one recorded event into the state: the highest sequence wins, whatever order they came in; an end stays."""
    event = recorded.event
    version = (state.version if state else 0) + 1
    seen = (state.seen if state else frozenset()) | {event.sequence}
    if isinstance(event, Answered):
        known = state or _unheard_of(event.at)
        return replace(known, version=version, seen=seen, answers={**known.answers, event.order: event.result})
    if isinstance(event, Raised):
        known = state or _unheard_of(event.at, event.department)
        before = known.raised.get(event.order)
        newest = event if before is None or before.sequence < event.sequence else before
        if before is not None and "order" in (before.stage, event.stage):
            newest = replace(newest, stage="order")  # escalated, it is an order still
        return replace(known, version=version, seen=seen, raised={**known.raised, event.order: newest})
    if state is not None and not _changes(state, event):
        return replace(state, version=version, seen=seen)
    return Entry(
        state=event.state,
        sequence=event.sequence,
        department=event.department,
        since=event.at,
        version=version,
        seen=seen,
        raised=state.raised if state else {},
        answers=state.answers if state else {},
    )


def _unheard_of(at: datetime, department: str = "") -> Entry:
    """A case of which nothing else has come through yet: anything that does is newer."""
    return Entry(state="in_review", sequence=0, department=department, since=at, version=0)


def _changes(state: Entry, event: Observed) -> bool:
    """Whether news make something of a case: the newest do, and an end stays unless the decision was revoked."""
    if event.state == "corrected" or state.state == "voided":
        return False
    return event.state == "voided" or (not state.is_terminal and state.sequence <= event.sequence)


def observe(state: Entry | None, *, sequence: int, at: datetime, message: m.Progress) -> Sequence[Event]:
    """Enters a message into the ledger; the same sequence a second time is no event."""
    if state is not None and sequence in state.seen:
        return []
    kind = m.type_of(type(message))
    department = message.to if isinstance(message, m.CaseTransferred) else message.department
    return [Observed(sequence=sequence, message_type=kind, state=_state(message), department=department, at=at)]


def supervise(
    state: Entry | None, *, sequence: int, at: datetime, message: m.CaseSupervised | m.OrderAnswered
) -> Sequence[Event]:
    """Enters what came before a centre, and what was answered; the same sequence a second time is no event."""
    if state is not None and sequence in state.seen:
        return []
    if isinstance(message, m.OrderAnswered):
        return [Answered(sequence=sequence, order=message.order, result=message.result, at=at)]
    raised = Raised(
        sequence=sequence,
        order=message.order,
        stage=message.stage,
        light=message.light,
        centre=message.centre,
        department=message.department,
        at=message.at,
    )
    return [raised]


def outstanding(state: Entry) -> tuple[Raised, ...]:
    """What a centre still has to look at: all that was raised of a case in hand, and orders that nobody has answered."""
    return tuple(
        one
        for order, one in state.raised.items()
        if order not in state.answers and (one.stage == "order" or not state.is_terminal)
    )


def holder(state: Entry) -> str | None:
    """The centre that looks after it now: the one that heard of it last; None when there is nothing to look at."""
    found = outstanding(state)
    return max(found, key=lambda one: one.sequence).centre if found else None


def _state(message: m.Progress) -> str:
    match message:
        case m.CaseAccepted():
            return "collaborating" if message.awaits else "accepted"
        case m.SupplementRequested():
            return "supplementing"
        case m.CaseRefused():
            return "refused"
        case m.CaseReturned():
            return "returned"
        case m.CaseTransferred():
            return "transferred"
        case m.CaseSuspended():
            return "suspended"
        case m.StepCompleted() | m.StepReturned() | m.CaseResumed() | m.CaseExtended():
            return "in_review"
        case m.CaseDecided():
            return message.outcome
        case m.DecisionRevoked():
            return "voided"
        case m.DecisionCorrected() | m.CertificateRevoked() | m.CertificateReissued():
            return "corrected"
