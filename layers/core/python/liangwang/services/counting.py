"""统计: what cases do is counted as the departments' stream tells it, each event once however often it comes."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial

from ..aggregates import CASE, TALLY, Key
from ..changes import Change, news
from ..domain import tally
from ..domain.tally import Counted, Place, Tally
from ..processing import Command, perform
from ..store import Store, Stored

Tallies = Mapping[Key, Mapping[str, list[Counted]]]
"""By tally and case, what counts there."""


class Counting:
    """A step of what follows in the departments' system (``services/turns.py``). ``store`` holds the tallies."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def take(self, changes: Sequence[Change], now: datetime) -> None:
        """Counts new events. A day that has one is counted whole for this case, so that what the stream has lost meanwhile
        counts too. Raises what a later try may not meet.
        """
        newest, since = news(changes, CASE.name)
        self.count(newest.values(), now, since=since)

    def count(self, cases: Iterable[Stored], now: datetime, *, since: Mapping[Key, int] | None = None) -> int:
        """Adds what is not counted yet of these cases; answers how many tallies changed. ``since`` leaves days alone on which
        nothing happened after an event.
        """
        found = gathered(cases, since or {})
        commands = [_command(key, of_cases) for key, of_cases in found.items()]
        outcomes = perform(self._store, commands, now) if commands else []
        changed = 0
        for command, outcome in zip(commands, outcomes, strict=True):
            changed += outcome.stored().history[-1].cause == command.cause
        return changed


def gathered(cases: Iterable[Stored], since: Mapping[Key, int]) -> Tallies:
    """What counts, by tally and case: of each case the days that have an event after ``since``."""
    result: dict[Key, dict[str, list[Counted]]] = {}
    for stored in cases:
        by_place: dict[Place, list[Counted]] = {}
        for one in tally.counted(stored.history):
            by_place.setdefault(one.place, []).append(one)
        for place, found in by_place.items():
            if found[-1].version > since.get(stored.key, 0):
                key = Key(TALLY.name, tally.identity(place, tally.shard_of(stored.key.id)))
                result.setdefault(key, {})[stored.key.id] = found
    return result


def through(versions: Mapping[str, int]) -> str:
    """The cause of counting so many things, each up to its version: the same however often it comes."""
    text = "\n".join(f"{identity} {version}" for identity, version in sorted(versions.items()))
    return f"count/{hashlib.sha256(text.encode()).hexdigest()[:24]}"


def _command(key: Key, cases: Mapping[str, list[Counted]]) -> Command:
    cause = through({case_no: found[-1].version for case_no, found in cases.items()})
    return Command(key, cause, partial(_decide, cases=cases))


def _decide(state: Tally | None, now: datetime, *, cases: Mapping[str, list[Counted]]) -> Sequence[Tally]:
    return tally.add(state, cases)
