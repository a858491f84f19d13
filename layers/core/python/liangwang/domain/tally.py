"""统计: what a department did on a day, counted from the events of its cases. Pure.

An event counts on the day it was recorded (Asia/Shanghai), at the department that had the case then. What it counts as
follows from the case's history up to it and from nothing else, so counting again gives the same; and a tally keeps
how far each case was counted, so that nothing counts twice, in whatever order and however often it comes.
"""

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import asdict

from . import messages as m
from . import statutory_clock
from .case import Case, Event, RatingReceived, Received, evolve
from .case_no import SHANGHAI
from .history import Recorded
from .statutory_clock import Clock

SHARDS = 4
"""A department's day is spread over this many tallies: who counts at the same time seldom meets."""


class Counts(Struct, frozen=True, kw_only=True, omit_defaults=False):
    """How often something happened.

    ``accepted`` has the ``deemed`` ones in it; ``done`` is granted, denied and withdrawn together. Of those decided in
    substance (granted, denied) each is one of ``early`` (before the promised day), ``on_time`` (not after the promised end)
    and ``overdue`` (after it); ``past_statutory`` are the overdue ones that passed the law's limit too. ``supplementing`` are
    notices, ``suspended`` special procedures that stopped the clock. ``rated_1`` is the best rating, ``rated_5`` the worst.
    """

    received: int = 0
    transferred_in: int = 0
    transferred: int = 0
    accepted: int = 0
    deemed: int = 0
    refused: int = 0
    returned: int = 0
    supplementing: int = 0
    suspended: int = 0
    extended: int = 0
    done: int = 0
    granted: int = 0
    denied: int = 0
    withdrawn: int = 0
    voided: int = 0
    early: int = 0
    on_time: int = 0
    overdue: int = 0
    past_statutory: int = 0
    rated_1: int = 0
    rated_2: int = 0
    rated_3: int = 0
    rated_4: int = 0
    rated_5: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        mine, theirs = asdict(self), asdict(other)
        return Counts(**{name: mine[name] + theirs[name] for name in mine})


class Place(NamedTuple):
    """Where something counts: whose it was, and when."""

    department: str
    day: date


class Counted(NamedTuple):
    """One event of a case as it counts: its number in the case's history, and as what (names of ``Counts``)."""

    version: int
    place: Place
    task_code: str
    measures: tuple[str, ...]


class Tally(Struct, frozen=True, kw_only=True, tag="tally.counted", tag_field="type"):
    """A part of a department's day: counts by item, and of each case the number of its last event that is in them."""

    counts: dict[str, dict[str, int]]
    through: dict[str, int]


def counted(history: Sequence[Recorded[Event]]) -> Iterator[Counted]:
    """What a case's events count as, in order."""
    state: Case | None = None
    for version, recorded in enumerate(history, start=1):
        before, state = state, evolve(state, recorded)
        day, event = recorded.at.astimezone(SHANGHAI).date(), recorded.event
        task_code = state.application.task_code
        department = (before or state).department
        if measures := _measures(before, event, recorded.at):
            yield Counted(version, Place(department, day), task_code, measures)
        if isinstance(event, m.CaseTransferred):
            yield Counted(version, Place(event.to, day), task_code, ("transferred_in",))


_PLAIN: Mapping[type, tuple[str, ...]] = {
    Received: ("received",),
    m.SupplementRequested: ("supplementing",),
    m.CaseRefused: ("refused",),
    m.CaseReturned: ("returned",),
    m.CaseTransferred: ("transferred",),
    m.CaseExtended: ("extended",),
    m.DecisionRevoked: ("voided",),
}


def _measures(before: Case | None, event: Event, at: datetime) -> tuple[str, ...]:
    match event:
        case m.CaseAccepted(deemed=deemed):
            return ("accepted", "deemed") if deemed else ("accepted",)
        case m.CaseSuspended(cause=cause):
            return () if cause in ("collaboration", "supplement") else ("suspended",)
        case m.CaseDecided(outcome=outcome):
            clock = before.clock if before is not None else None
            return ("done", outcome, *(_in_time(clock, at) if clock is not None and outcome != "withdrawn" else ()))
        case RatingReceived(rating=rating):
            return (f"rated_{rating.code}",)
    return _PLAIN.get(type(event), ())


def _in_time(clock: Clock, at: datetime) -> tuple[str, ...]:
    due = clock.due
    if not statutory_clock.has_passed(due.promised_at, at):
        return (
            ("early",) if at.astimezone(SHANGHAI).date() < statutory_clock.day_told(due.promised_at) else ("on_time",)
        )
    return ("overdue", "past_statutory") if statutory_clock.has_passed(due.statutory_at, at) else ("overdue",)


def shard_of(case_no: str) -> int:
    """The part of a department's day that a case counts in."""
    return zlib.crc32(case_no.encode()) % SHARDS


def identity(place: Place, shard: int) -> str:
    """The id of a tally."""
    return f"{place.department}/{place.day.isoformat()}/{shard}"


def add(tally: Tally | None, cases: Mapping[str, Iterable[Counted]]) -> Sequence[Tally]:
    """The tally with what is not in it yet; nothing when it has all of it. ``cases`` have what counts here, by number."""
    counts = {code: dict(known) for code, known in tally.counts.items()} if tally is not None else {}
    through = dict(tally.through) if tally is not None else {}
    for case_no, found in cases.items():
        known = through.get(case_no, 0)
        for one in found:
            if one.version <= known:
                continue
            of_item = counts.setdefault(one.task_code, {})
            for measure in one.measures:
                of_item[measure] = of_item.get(measure, 0) + 1
            through[case_no] = max(through.get(case_no, 0), one.version)
    after = Tally(counts=counts, through=through)
    return [] if after == (tally or Tally(counts={}, through={})) else [after]
