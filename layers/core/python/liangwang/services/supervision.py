"""监督: finds what has become due in one system's table, and lets it follow its limit or ask again.

It finds its work by the sparse ``wake`` index and never scans. What it meets twice, or finds moved, is left alone: the
decision is made from the item itself, and a moment that has fired is none any more (docs/supervision.md).
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from .. import clock, log
from ..aggregates import CASE, COLLABORATION, GRID, TASK, Key
from ..aws import AwsError
from ..catalogue import load_responsibilities, load_supervision
from ..domain import event_clock, event_limits, grid, supervision
from ..domain.case import Case
from ..domain.centre_rules import STANDARD, CentreRules, Governance
from ..domain.patience import round_of
from ..domain.responsibilities import Responsibilities
from ..domain.routing import OpenTasks
from ..domain.supervision_rule import Watch
from ..domain.working_days import Calendar
from ..processing import Command, Decide, perform
from ..store import Store, Stored
from .department import Department

PAGE = 200
PAGES = 10

Waker = Callable[[Stored, datetime], tuple[Decide, int]]
"""From an aggregate that is due to the decision, and the round of asking in which it says everything again (0: it does not)."""


class Supervision:
    """Runs on a schedule. ``wakers`` say what is done with each kind of aggregate that has become due."""

    def __init__(self, store: Store, wakers: Mapping[str, Waker], *, clock: clock.Clock = clock.utc) -> None:
        self._store = store
        self._wakers = wakers
        self._clock = clock

    def sweep(self, event: Mapping[str, Any]) -> None:
        """Wakes everything that is due, the longest waiting first. What could not be written is due again at the next run.

        The log line says how long the oldest has waited (``oldest_due``, seconds): what the alarm on the sweep looks at.
        """
        now = self._clock()
        with log.invocation("supervision") as line:
            line.update(woken=0, failed=0, errors=[], oldest_due=0, left=0)
            for number, page in enumerate(self._store.waiting(now, page=PAGE)):
                line["oldest_due"] = max(line["oldest_due"], *(int((now - due.since).total_seconds()) for due in page))
                if number == PAGES:
                    line["left"] = len(page)  # at least: the next run goes on
                    break
                errors = self._wake([due.key for due in page], now)
                line["woken"] += len(page)
                line["failed"] += len(errors)
                line["errors"] = sorted({*line["errors"], *(repr(error) for error in errors)})[:3]

    def _wake(self, keys: Sequence[Key], now: datetime) -> list[Exception]:
        """Why some could not be woken. An aggregate that this release cannot read keeps nothing behind it from its turn: where
        a page cannot be taken in as a whole, each of it is by itself.
        """
        try:
            due, commands = self._due(keys, now)
        except AwsError:
            raise
        except Exception as error:
            return [error] if len(keys) == 1 else [one for key in keys for one in self._wake([key], now)]
        outcomes = perform(self._store, commands, now, known=due)
        return [outcome.error for outcome in outcomes if outcome.error is not None]

    def _due(self, keys: Sequence[Key], now: datetime) -> tuple[list[Stored], list[Command]]:
        """The index may still show what has moved: what is not due is not touched."""
        due = [one for one in self._store.load(keys).values() if self._store.is_due(one, now)]
        return due, [self._command(one, now) for one in due]

    def _command(self, stored: Stored, now: datetime) -> Command:
        decide, round = self._wakers[stored.key.kind](stored, now)
        return Command(stored.key, f"wake/{stored.key}/{now.isoformat()}", decide, round)


def wakers(department: Department, directory: Path, *, load: OpenTasks | None = None) -> dict[str, Waker]:
    """All kinds of aggregates that become due, by the catalogue in a directory. ``load`` is for rules of routing that ask."""
    watch = Watch(load_supervision(directory), department.catalogue.organisation)
    return {
        COLLABORATION.name: of_collaborations(
            partial(load_responsibilities, directory), department.calendar, watch.rules.collaboration, load
        ),
        CASE.name: of_cases(department, watch),
        TASK.name: of_tasks,
        GRID.name: of_grid_events,
    }


def of_collaborations(
    responsibilities: Callable[[], Responsibilities],
    calendar: Calendar,
    rules: CentreRules = STANDARD,
    load: OpenTasks | None = None,
) -> Waker:
    """A collaboration event follows its limits; what nobody has confirmed is repeated.

    The responsibilities are read when the first event is due: the departments' own supervision has none.
    """

    def waker(stored: Stored, now: datetime) -> tuple[Decide, int]:
        def decide(state: Any, at: datetime) -> Sequence[Any]:
            if state is None:
                return []
            return event_limits.wake(state, on=Governance(responsibilities(), calendar, rules, load), now=at)

        # Where nobody's word is waited for, somebody else who was faster leaves nothing to say a second time.
        return decide, round_of(now) if event_clock.waits_for_word(stored.state) else 0

    return waker


def of_grid_events(stored: Stored, now: datetime) -> tuple[Decide, int]:
    """A grid event asks again what is unanswered, and gives up what never will be."""

    def decide(state: grid.GridEvent | None, at: datetime) -> Sequence[Any]:
        return grid.wake(state, at) if state is not None else []

    return decide, round_of(now)


def of_cases(department: Department, watch: Watch) -> Waker:
    """A case follows its moments; one that has ended says again what it has to."""

    def waker(stored: Stored, now: datetime) -> tuple[Decide, int]:
        def decide(state: Case | None, at: datetime) -> Sequence[Any]:
            if state is None:
                return []
            return supervision.wake(state, on=department.practice(state.application), watch=watch, now=at)

        # In hand, a case that somebody else was faster with has nothing to say a second time.
        return decide, round_of(now) if stored.state.is_terminal else 0

    return waker


def of_tasks(stored: Stored, now: datetime) -> tuple[Decide, int]:
    """A closed task says again that its own requests are cancelled, until the centre has confirmed it."""
    return lambda state, at: (), round_of(now)
