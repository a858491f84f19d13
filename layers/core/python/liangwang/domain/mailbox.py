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
from .task import task_of

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
    """What one department was given about one case. ``known`` has the round of every message that ever came, by id.

    ``has_case`` where the case itself was given to it; ``tasks`` are the ids of those that were.
    """

    department: str
    case_no: str
    letters: tuple[Letter, ...] = ()
    known: dict[str, int] = {}
    has_case: bool = False
    tasks: tuple[str, ...] = ()

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
    box = replace(box, letters=(*box.letters, letter), known={**box.known, id: round})
    match message:
        case m.ApplicationSubmitted():
            box = replace(box, has_case=True)
        case m.TaskDispatched(task_id=task_id) if task_id not in box.tasks:
            box = replace(box, tasks=(*box.tasks, task_id))
    return [box]


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


ABOUT_EVENTS = frozenset(
    kind for kind in SPOKEN.values() if m.TOPIC[kind] in ("collaboration-requests", "collaboration-reports")
) - {m.CollaborationRequested}
"""What is said of events that a centre has already: it knows whose each of them is."""


def check_given(box: Mailbox | None, message: Any) -> None:
    """Raises Invalid for a word about what the department was not given: a supporter does not speak for the case, whose own
    department's numbers its words would take, and a request is one of its own case or of its own task.
    """
    if box is None:
        violation = Violation("data.case_no", "speak of cases only that a message for you has named")
        raise Invalid(f"you were never given case {message.case_no}", violations=(violation,))
    if type(message) in ABOUT_EVENTS:
        return
    if isinstance(message, m.CollaborationRequested):
        parent = task_of(message.request_id)
        is_own = box.has_case and message.request_id.startswith(f"{box.case_no}-")
        if parent in box.tasks if parent else is_own:
            return
        violation = Violation("data.request_id", "begin it with the number of a case, or the id of a task, of yours")
        raise Invalid(f"request {message.request_id[:100]} is not of what you were given", violations=(violation,))
    if not box.has_case:
        violation = Violation("data.case_no", "of a case that was not applied for with you say what its tasks need")
        raise Invalid(f"case {message.case_no} is another department's", violations=(violation,))


def box_of(department: str, case_no: str) -> str:
    """The name of a department's box for a case, and of what it said about it."""
    return f"{case_no}-{department}"


def message_in(event: Any) -> Any:
    """The message that an event of any aggregate tells others: the event itself, or what a department posted."""
    return event.message if isinstance(event, Posted) else event
