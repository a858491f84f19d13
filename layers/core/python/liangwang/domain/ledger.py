"""The centre's ledger: which case is where, as far as what passed through the centre tells. Pure."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from . import messages as m
from .errors import DomainError
from .history import Recorded


class AnotherIntake(DomainError):
    """A case number that another intake system has used: whoever came first keeps it, and nothing is mixed."""

    code = "another_intake"


class Carried(Struct, frozen=True, kw_only=True, tag="ledger.carried", tag_field="type"):
    """The centre is about to carry a case: from which ``intake`` system, to which department, for which item and place.

    ``applied_at`` is when the citizen applied, ``at`` when the centre first took the case up.
    """

    intake: str
    department: str
    task_code: str
    place: str
    applied_at: datetime
    at: datetime


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


Event = Carried | Observed | Raised | Answered


class Entry(Struct, frozen=True, kw_only=True):
    """One case in the ledger: its newest known state, since when, and at which department.

    ``carried``: no department has said anything of it yet. ``intake`` is the system that the case is from, ``task_code`` and
    ``place`` what it is about; empty for a case that the centre carried before it noted them. ``raised`` is what came before a centre, the newest word on each matter by its name; ``answers`` are the results of orders.
    """

    state: str
    sequence: int
    department: str
    since: datetime
    version: int
    seen: frozenset[int] = frozenset()
    raised: dict[str, Raised] = {}
    answers: dict[str, str] = {}
    intake: str = ""
    task_code: str = ""
    place: str = ""
    applied_at: datetime | None = None

    @property
    def is_terminal(self) -> bool:
        """Whether the case has ended as far as the centre knows."""
        return self.state in m.TERMINAL


def evolve(state: Entry | None, recorded: Recorded[Event]) -> Entry:
    """Folds one recorded event into the state: the highest sequence wins, whatever order they came in; an end stays."""
    event = recorded.event
    version = (state.version if state else 0) + 1
    if isinstance(event, Carried):
        return _carried(state, event, version)
    seen = (state.seen if state else frozenset()) | {event.sequence}
    if isinstance(event, Answered):
        known = _heard_of(state, event.at)
        return replace(known, version=version, seen=seen, answers={**known.answers, event.order: event.result})
    if isinstance(event, Raised):
        known = _heard_of(state, event.at, event.department)
        before = known.raised.get(event.order)
        newest = event if before is None or before.sequence < event.sequence else before
        if before is not None and "order" in (before.stage, event.stage):
            newest = replace(newest, stage="order")  # escalated, it is an order still
        return replace(known, version=version, seen=seen, raised={**known.raised, event.order: newest})
    if state is not None and not _changes(state, event):
        return replace(state, version=version, seen=seen)
    return replace(
        state or _unheard_of(event.at),
        state=event.state,
        sequence=event.sequence,
        department=event.department,
        since=event.at,
        version=version,
        seen=seen,
    )


def _carried(state: Entry | None, event: Carried, version: int) -> Entry:
    """What the centre knows of a case from the application itself; a department that has spoken knows better where it is."""
    if state is None:
        state = Entry(state="carried", sequence=0, department=event.department, since=event.at, version=0)
    return replace(
        state,
        version=version,
        department=state.department or event.department,
        intake=event.intake,
        task_code=event.task_code,
        place=event.place,
        applied_at=event.applied_at,
    )


def _heard_of(state: Entry | None, at: datetime, department: str = "") -> Entry:
    """The case as it is known, now that its department has spoken to a centre about it: it is in hand there."""
    if state is None:
        return _unheard_of(at, department)
    if state.state != "carried":
        return state
    return replace(state, state="in_review", since=at, department=department or state.department)


def _unheard_of(at: datetime, department: str = "") -> Entry:
    """A case of which nothing else has come through yet: anything that does is newer."""
    return Entry(state="in_review", sequence=0, department=department, since=at, version=0)


def _changes(state: Entry, event: Observed) -> bool:
    """Whether news make something of a case: the newest do, and an end stays unless the decision was revoked."""
    if event.state == "corrected" or state.state == "voided":
        return False
    return event.state == "voided" or (not state.is_terminal and state.sequence <= event.sequence)


def carry(
    state: Entry | None, *, intake: str, at: datetime, applied_at: datetime, message: m.ApplicationSubmitted
) -> Sequence[Event]:
    """Notes from which intake a case is; once is enough. Raises AnotherIntake for a number that another has used."""
    check_intake(state, intake=intake)
    if state is not None and state.intake:
        return []
    carried = Carried(
        intake=intake,
        department=message.department,
        task_code=message.task_code,
        place=message.place,
        applied_at=applied_at,
        at=at,
    )
    return [carried]


def check_intake(state: Entry | None, *, intake: str) -> None:
    """Raises AnotherIntake for a case that is known to be from another intake system."""
    if state is not None and state.intake not in ("", intake):
        raise AnotherIntake(f"this case number is in use by intake {state.intake}; {intake} has to give another one")


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
