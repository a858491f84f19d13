"""统计 of the governance centres: what collaboration events do is counted as the centres' stream tells it, each once however
often it comes; and what is open, and what has changed, is kept up to date in the same step.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import partial

from ..aggregates import COLLABORATION, EVENT_TALLY, OPEN_EVENTS, Key
from ..changes import Change, news
from ..domain import event_tally, open_events
from ..domain.collaboration import evolve
from ..domain.event_tally import Counted, DayTally
from ..domain.history import fold
from ..domain.open_events import OpenEvents, Told
from ..processing import Command, perform
from ..store import Store, Stored
from .counting import through

Days = Mapping[Key, Mapping[str, list[Counted]]]
"""By tally of a day and event, what counts there."""


class EventCounting:
    """A step of what follows in the centres' system (``services/turns.py``). ``store`` holds the tallies."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def take(self, changes: Sequence[Change], now: datetime) -> None:
        """Counts new events. A day that has one is counted whole for this collaboration event, and what is open follows from
        its newest state, so that what the stream has lost meanwhile is made good. Raises what a later try may not meet.
        """
        newest, since = news(changes, COLLABORATION.name)
        events = list(newest.values())
        told = {stored.key.id: Told(stored.history, _untold(stored, since[stored.key])) for stored in events}
        self._perform([*_days(gathered(events, since)), *_open(told)], now)

    def count(self, events: Iterable[Stored], now: datetime) -> int:
        """Adds what is not counted yet of these events, and tells nothing of it as a change; answers how many tallies changed."""
        known = [stored for stored in events if stored.history]
        told = {stored.key.id: Told(stored.history, stored.version) for stored in known}
        return self._perform([*_days(gathered(known, {})), *_open(told)], now)

    def _perform(self, commands: Sequence[Command], now: datetime) -> int:
        outcomes = perform(self._store, commands, now) if commands else []
        return sum(_is_last(one.stored(), command) for command, one in zip(commands, outcomes, strict=True))


def _is_last(stored: Stored, command: Command) -> bool:
    return bool(stored.history) and stored.history[-1].cause == command.cause


def _untold(stored: Stored, since: int) -> int:
    """From where on an event is told that no tally knows: all of an open one, whose beginning was lost; of one that had ended
    before, and was forgotten, what is new."""
    before = fold(evolve, stored.history[:since])
    return since if before is not None and before.conclusion is not None else 0


def gathered(events: Iterable[Stored], since: Mapping[Key, int]) -> Days:
    """What counts, by tally and event: of each collaboration event the days that have something after ``since``."""
    result: dict[Key, dict[str, list[Counted]]] = {}
    for stored in events:
        by_day: dict[date, list[Counted]] = {}
        for one in event_tally.counted(stored.history):
            by_day.setdefault(one.day, []).append(one)
        for day, found in by_day.items():
            if found[-1].version > since.get(stored.key, 0):
                key = Key(EVENT_TALLY.name, event_tally.identity(day, event_tally.shard_of(stored.key.id)))
                result.setdefault(key, {})[stored.key.id] = found
    return result


def open_key(shard: int) -> Key:
    """The key of a tally of open events."""
    return Key(OPEN_EVENTS.name, str(shard))


OPEN_KEYS = tuple(open_key(shard) for shard in range(open_events.SHARDS))
"""All tallies of open events: one read."""


def _days(found: Days) -> list[Command]:
    return [
        Command(
            key, through({one: counted[-1].version for one, counted in events.items()}), partial(_add, events=events)
        )
        for key, events in found.items()
    ]


def _open(told: Mapping[str, Told]) -> list[Command]:
    shards: dict[Key, dict[str, Told]] = {}
    for collaboration_id, one in told.items():
        shards.setdefault(open_key(open_events.shard_of(collaboration_id)), {})[collaboration_id] = one
    return [
        Command(key, through({one: len(known.history) for one, known in events.items()}), partial(_take, events=events))
        for key, events in shards.items()
    ]


def _add(state: DayTally | None, now: datetime, *, events: Mapping[str, list[Counted]]) -> Sequence[DayTally]:
    return event_tally.add(state, events)


def _take(state: OpenEvents | None, now: datetime, *, events: Mapping[str, Told]) -> Sequence[OpenEvents]:
    return open_events.take(state, events, now)
