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


Event = Observed


class Entry(Struct, frozen=True, kw_only=True):
    """One case in the ledger: its newest known state, since when, and at which department."""

    state: str
    sequence: int
    department: str
    since: datetime
    version: int
    seen: frozenset[int] = frozenset()

    @property
    def is_terminal(self) -> bool:
        """Whether the case has ended as far as the centre knows."""
        return self.state in m.TERMINAL


def evolve(state: Entry | None, recorded: Recorded[Event]) -> Entry:
    """Folds one recorded event into the state: the highest sequence wins, whatever order they came in; an end stays."""
    event = recorded.event
    version = (state.version if state else 0) + 1
    seen = (state.seen if state else frozenset()) | {event.sequence}
    if state is not None and not _changes(state, event):
        return replace(state, version=version, seen=seen)
    return Entry(
        state=event.state,
        sequence=event.sequence,
        department=event.department,
        since=event.at,
        version=version,
        seen=seen,
    )


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
