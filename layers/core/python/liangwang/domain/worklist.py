"""工作清单: what a department's index of open cases says of each, so that a worklist is found without loading cases. Pure.

An entry follows from the case's state alone; with the item, whose version it names, it tells which steps are open and who
may take them. Nothing of the applicant's is in it.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from . import statutory_clock
from .case import Case
from .catalogue import Item, Step
from .desk import Placed
from .officers import involved, may_do, may_examine
from .statutory_clock import Light
from .steps import reached

IN_HAND = frozenset({"received", "in_review"})
"""The states in which the department itself has to act next. In the others the case waits: for the applicant
(``supplementing``), other departments (``collaborating``), a special procedure (``suspended``)."""

NEVER = datetime(9999, 1, 1, tzinfo=UTC)
"""Later than any moment: a clock that stands has the same light until then."""


class Entry(Struct, frozen=True, kw_only=True, array_like=True):
    """An open case in short. ``officers`` has the steps that somebody has in hand, ``done`` the steps that stand, ``opened``
    those whose condition held, ``by`` who completed one that stands, in person or through
    another: nobody does two.

    The light is ``stands`` while the clock stands, else what the three moments say. New fields come last, with a default.
    """

    status: str
    task_code: str
    task_version: int
    received_at: datetime
    officers: dict[str, str] = {}
    done: tuple[str, ...] = ()
    opened: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    stands: Light | Literal[""] = ""
    yellow_at: datetime | None = None
    red_at: datetime | None = None
    overdue_at: datetime | None = None


def placed(state: Case) -> Placed | None:
    """The case's place on the desk; None for one that has ended: nobody looks for it there."""
    if state.is_terminal:
        return None
    return Placed(state.department, due_at(state), entry(state))


def due_at(state: Case) -> datetime:
    """When the next thing is due that an officer or the applicant owes: the decision as it was promised, the answer to a
    notice, else the word on acceptance.
    """
    if state.clock is not None:
        return state.clock.due.promised_at
    answer = state.notices[-1].until if state.status == "supplementing" and state.notices else None
    return answer or state.deemed_at or state.received_at


def entry(state: Case) -> Entry:
    """What the index says of an open case."""
    application, clock = state.application, state.clock
    found = Entry(
        status=state.status,
        task_code=application.task_code,
        task_version=application.task_version,
        received_at=state.received_at,
        officers=state.officers,
        done=tuple(state.done),
        opened=tuple(state.opened),
        by=tuple(involved(state)),
    )
    if clock is None:
        return found
    due = clock.due
    if clock.standing_since is not None:
        return replace(found, stands=statutory_clock.light(clock, NEVER))
    return replace(found, yellow_at=due.yellow_at, red_at=due.red_at, overdue_at=due.promised_at)


def light(found: Entry, now: datetime) -> Light | None:
    """The light of an open case; None for one that is not accepted, whose clock does not run."""
    if found.stands:
        return found.stands
    if found.yellow_at is None or found.red_at is None or found.overdue_at is None:
        return None
    moments: tuple[tuple[Light, datetime], ...] = (
        ("overdue", found.overdue_at),
        ("red", found.red_at),
        ("yellow", found.yellow_at),
    )
    return next((name for name, moment in moments if statutory_clock.has_passed(moment, now)), "green")


def open_to(found: Entry, item: Item, *, role: str, subject: str) -> Iterator[Step]:
    """The steps that somebody could claim: theirs to do, reached, in nobody's hands, and none of theirs came before."""
    if found.status != "in_review" or subject in found.by:
        return
    for step in reached(found.done, item):
        needed = not step.when or step.key in found.opened
        if needed and step.by == "clerk" and step.key not in found.officers and may_do(role, step):
            yield step


class Criteria(Struct, frozen=True, kw_only=True):
    """What is looked for: each criterion that is given must hold. ``received_to`` and ``due_before`` are not included.

    ``mine``: a step of it is in the asker's hands; ``group``: one is that the asker could claim, or the case waits for a word on acceptance that they may say. ``in_hand`` of None takes
    waiting cases too; a ``status`` stands in its place.
    """

    status: str = ""
    task_code: str = ""
    received_from: datetime | None = None
    received_to: datetime | None = None
    due_before: datetime | None = None
    light: str = ""
    mine: bool = False
    group: bool = False
    in_hand: bool | None = True
    latest_first: bool = False

    @property
    def narrow(self) -> bool:
        """Whether few of the open cases are looked for, so that the index is read on until a page is full."""
        few = (self.status, self.task_code, self.received_from, self.received_to, self.light, self.mine, self.group)
        return any(few) or self.in_hand is False


class Asker(Struct, frozen=True, kw_only=True):
    """Who looks, and when."""

    subject: str
    role: str
    now: datetime


def match(found: Entry, wanted: Criteria, asker: Asker, item: Callable[[Entry], Item | None]) -> bool:
    """Whether a case is looked for. ``item`` finds the entry's item; of one that this release does not have nobody can claim."""
    if wanted.status:
        if found.status != wanted.status:
            return False
    elif wanted.in_hand is not None and (found.status in IN_HAND) != wanted.in_hand:
        return False
    if wanted.task_code and found.task_code != wanted.task_code:
        return False
    if wanted.received_from is not None and found.received_at < wanted.received_from:
        return False
    if wanted.received_to is not None and found.received_at >= wanted.received_to:
        return False
    if wanted.light and light(found, asker.now) != wanted.light:
        return False
    if wanted.mine and asker.subject not in found.officers.values():
        return False
    return not wanted.group or _claimable(found, asker, item(found))


def _claimable(found: Entry, asker: Asker, item: Item | None) -> bool:
    if found.status == "received":
        return may_examine(asker.role)
    return item is not None and any(open_to(found, item, role=asker.role, subject=asker.subject))
