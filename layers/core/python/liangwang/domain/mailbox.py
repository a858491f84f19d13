"""信箱: what waits for a department's own system to fetch, and what that system has said, case by case. Pure.

A department that joins by HTTP alone (``Department.connected == "http"``) has a mailbox for each case. The *mailbox* keeps a
message until the system says that it has it; what was acknowledged is gone, but for its id. What the system *says* is
kept for good, in the order in which it was said, because whoever waits asks again.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, get_args

from msgspec import Struct, to_builtins
from msgspec.structs import replace

from . import messages as m
from .errors import DomainError, Invalid, NotFound, Violation
from .history import Recorded

TO_DEPARTMENTS = frozenset({"applications", "collaboration-tasks", "collaboration-results"})
"""The topics on which departments are spoken to."""

Spoken = (
    m.CaseAccepted
    | m.SupplementRequested
    | m.CaseRefused
    | m.CaseReturned
    | m.CollaborationRequested
    | m.CollaborationCancelled
    | m.CollaborationUrged
    | m.CollaborationDisclosed
    | m.TaskSigned
    | m.TaskDeclined
    | m.TaskReported
    | m.TaskStopped
    | m.TaskExtensionRequested
    | m.EvidenceTaken
    | m.StepCompleted
    | m.StepReturned
    | m.CaseSuspended
    | m.CaseResumed
    | m.CaseExtended
    | m.CaseSupervised
    | m.OrderAnswered
    | m.CaseDecided
    | m.DecisionCorrected
    | m.DecisionRevoked
    | m.CertificateRevoked
    | m.CertificateReissued
)
"""What a department may say of its cases and tasks.

All that departments say but ``case.transferred``: who takes a case over would never have been given it.
"""

SPOKEN: Mapping[str, type[Any]] = {m.type_of(kind): kind for kind in get_args(Spoken)}

MOST_SAID = 500
"""Messages of one department about one case: an item holds no more for certain."""

AHEAD = timedelta(minutes=10)
"""How far the clock of a department's system may be ahead of ours."""


class NumberTaken(DomainError):
    """Another message has this number already."""

    code = "number_taken"
    status = 409


class Letter(Struct, frozen=True, kw_only=True):
    """One message that waits. ``message`` is its ``data`` as it came; ``since`` is since when it waits here."""

    id: str
    time: datetime
    round: int
    since: datetime
    message: dict[str, Any]


class Mailbox(Struct, frozen=True, kw_only=True, tag="mailbox.kept", tag_field="type"):
    """What one department was given about one case. ``known`` has the round of every message that ever came, by id."""

    department: str
    case_no: str
    letters: tuple[Letter, ...] = ()
    known: dict[str, int] = {}

    @property
    def waits_since(self) -> datetime | None:
        """Since when the oldest letter waits; None for an empty box."""
        return min((one.since for one in self.letters), default=None)


def deliver(
    state: Mailbox | None, message: m.Message, *, department: str, id: str, time: datetime, round: int, now: datetime
) -> Sequence[Mailbox]:
    """Puts a message into the box. One that is known is put there again only when it is asked again, in a new ``round``;
    while it waits still, there is no need."""
    box = state or Mailbox(department=department, case_no=message.case_no)
    if id in box.known and (round <= box.known[id] or any(one.id == id for one in box.letters)):
        return []
    letter = Letter(id=id, time=time, round=round, since=now, message=to_builtins(message))
    return [replace(box, letters=(*box.letters, letter), known={**box.known, id: round})]


def acknowledge(state: Mailbox | None, id: str, *, round: int) -> Sequence[Mailbox]:
    """The system has the letter. Raises NotFound for one that never came; one that came again since stays."""
    if state is None or id not in state.known:
        raise NotFound(f"no message {id} was ever kept for you")
    left = tuple(one for one in state.letters if one.id != id or one.round > round)
    return [replace(state, letters=left)] if left != state.letters else []


class Posted(Struct, frozen=True, kw_only=True, tag="department.posted", tag_field="type"):
    """The department's system said something of a case, over HTTP. ``id`` and ``time`` are its own."""

    id: str
    time: datetime
    message: Spoken


Event = Posted


class Said(Struct, frozen=True, kw_only=True):
    """Everything that one department said of one case, by the number of each message."""

    by_number: dict[int, Posted] = {}


def evolve(state: Said | None, recorded: Recorded[Posted]) -> Said:
    """Folds one recorded event into the state."""
    known = state.by_number if state else {}
    return Said(by_number={**known, number_of(recorded.event.id): recorded.event})


def number_of(identity: str) -> int:
    """The number at the end of a message's id; 0 where there is none."""
    number = identity.rpartition("/")[2]
    return int(number) if number.isascii() and number.isdecimal() and len(number) <= 9 else 0


def post(state: Said | None, wish: Posted, *, now: datetime) -> Sequence[Posted]:
    """Takes in what the department says. The same once more changes nothing.

    Raises NumberTaken when the number stands for something else, Invalid for a time to come and for too many messages.
    """
    known = state.by_number if state else {}
    before = known.get(number_of(wish.id))
    if before is not None:
        if before != wish:
            violation = Violation("id", "never use a number of a case twice; go on with the next one")
            raise NumberTaken(f"{wish.id} stands for a {m.type_of(type(before.message))}", violations=(violation,))
        return []
    if wish.time > now + AHEAD:
        raise Invalid("it has not happened yet", violations=(Violation("time", "say when it happened; set the clock"),))
    if len(known) >= MOST_SAID:
        violation = Violation("id", "ask the centre's operators: a case takes a few dozen messages")
        raise Invalid(f"more than {MOST_SAID} messages about one case", violations=(violation,))
    return [wish]


def check_id(identity: str, *, department: str, case_no: str) -> None:
    """Raises Invalid unless an id is ``<department>/<case_no>/<number>``, the number at least 1.

    The department's code stands where others have their system's name, so that nobody's numbers meet another's.
    """
    if number_of(identity) < 1 or identity.rpartition("/")[0] != f"{department}/{case_no}":
        violation = Violation("id", f"use {department}/{case_no}/<number>, the numbers of a case from 1 on")
        raise Invalid(f"{identity[:100]!r} is no id of yours for this case", violations=(violation,))


def box_of(department: str, case_no: str) -> str:
    """The name of a department's box for a case, and of what it said about it."""
    return f"{case_no}-{department}"


def message_in(event: Any) -> Any:
    """The message that an event of any aggregate tells others: the event itself, or what a department posted."""
    return event.message if isinstance(event, Posted) else event
