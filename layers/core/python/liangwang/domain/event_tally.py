"""统计 of the governance centres: what collaboration events did on a day, counted from their histories. Pure.

What an event of a history counts as follows from the history up to it and from nothing else, so a recount finds the same;
and a tally keeps how far each collaboration event is in it, so that nothing counts twice, in whatever order and however
often the stream tells it (as ``tally`` does for cases). Times are elapsed seconds, nights and holidays included.
"""

import zlib
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import pairwise
from typing import Literal, NamedTuple

from msgspec import Struct

from . import collaboration_events as e
from . import messages as m
from .case_no import SHANGHAI
from .collaboration import Collaboration, Event, evolve
from .history import Recorded

SHARDS = 16
"""A day is spread over this many tallies, whatever the number of centres and departments: a write costs by its size."""

SLOWEST = 5
"""How many of the slowest events a tally keeps for each centre."""

HOUR = 3600
BOUNDS = tuple(hours * HOUR for hours in (1, 2, 4, 8, 16, 24, 48, 72, 120, 168, 240, 360, 720))
"""Upper bounds of the histogram's buckets, seconds; the last bucket has what took longer than 30 days."""

Stage = Literal["signing", "handling", "concluding", "whole"]
"""``signing``: from the dispatch of a task to its signing; ``handling``: from there to the report (from the dispatch, or the
return, where nobody signed after it); ``concluding``: from the report to the event's conclusion; ``whole``: from raising to conclusion."""


class Measured(NamedTuple):
    """How much of something, at whom: ``centre/<region>``, ``department/<code>``, ``declined/<department>/<capability>`` or
    ``link/<from>><to>`` (``links``)."""

    subject: str
    measure: str
    amount: int = 1


class Slow(Struct, frozen=True, kw_only=True, array_like=True):
    """How long a concluded event took, in seconds, and the centre that had it at the end."""

    collaboration_id: str
    region: str
    seconds: int
    requester: str
    conclusion: str


class Counted(NamedTuple):
    """One event of a history as it counts: its number in the history, the day (Asia/Shanghai), and as what."""

    version: int
    day: date
    measured: tuple[Measured, ...]
    slow: Slow | None = None


class DayTally(Struct, frozen=True, kw_only=True, tag="tally.of_events", tag_field="type"):
    """A part of a day: what counts by subject and measure, the slowest events by centre, and of each event how far it is in."""

    counts: dict[str, dict[str, int]] = {}
    slowest: dict[str, tuple[Slow, ...]] = {}
    through: dict[str, int] = {}


def shard_of(collaboration_id: str) -> int:
    """The part of a day that an event counts in."""
    return zlib.crc32(collaboration_id.encode()) % SHARDS


def identity(day: date, shard: int) -> str:
    """The id of a tally."""
    return f"{day.isoformat()}/{shard}"


def counted(history: Sequence[Recorded[Event]]) -> Iterator[Counted]:
    """What an event's history counts as, in order."""
    state: Collaboration | None = None
    reported: dict[str, datetime] = {}
    for version, recorded in enumerate(history, start=1):
        before, state = state, evolve(state, recorded)
        event, at = recorded.event, recorded.at
        if isinstance(event, e.Reported):
            reported[event.task_id] = at
        found = list(_measured(before, state, event, at))
        slow = None
        if isinstance(event, m.CollaborationConcluded):
            took = at - history[0].at
            found += _concluded(state, event, at, took.total_seconds(), reported)
            slow = _slow(state, event, took.total_seconds())
        if found:
            yield Counted(version, at.astimezone(SHANGHAI).date(), tuple(found), slow)


def links(dispatched: m.TaskDispatched) -> Iterator[str]:
    """The links of a task's way, as ``<from>><to>``: from the requester up through the centres that ask, down through those
    that answer, to the supporter. A place is ``asking/<code>`` or ``answering/<code>``, so that no way ever closes a circle."""
    top = min(range(len(dispatched.path)), key=lambda place: dispatched.path[place].level, default=0)
    places = [f"asking/{dispatched.requester}"] if dispatched.requester else []
    places += [f"{'asking' if i <= top else 'answering'}/{hop.region}" for i, hop in enumerate(dispatched.path)]
    places.append(f"answering/{dispatched.department}")
    return (f"{first}>{second}" for first, second in pairwise(places))


def _measured(before: Collaboration | None, after: Collaboration, event: Event, at: datetime) -> Iterator[Measured]:
    centre = f"centre/{after.region}"
    match event:
        case e.Raised():
            yield Measured(centre, "raised")
            if event.request.department:
                yield Measured(f"department/{event.request.department}", "asked")
        case m.TaskDispatched():
            yield Measured(centre, "dispatched")
            yield Measured(f"department/{event.department}", "dispatched")
            if event.forced:
                yield Measured(f"department/{event.department}", "forced")
            yield from (Measured(f"link/{link}", "tasks") for link in links(event))
        case e.Lifted() if before is not None and event.region != before.region:
            yield Measured(f"centre/{before.region}", "lifted")
            yield Measured(centre, "lifted_in")
        case e.Unrouted():
            yield Measured(f"centre/{event.region}", "unrouted")
        case e.Disputed():
            yield Measured(f"centre/{event.centre}", "disputed")
        case e.Decided():
            yield Measured(f"centre/{event.centre}", "decided")
        case e.Urged():
            yield Measured(centre, "urged")
        case e.Refused():
            yield Measured(centre, "refused")
        case e.Extended():
            yield Measured(centre, "extended")
        case e.Lit() if event.light != "green":
            yield Measured(centre, event.light)
        case _:
            yield from _of_task(before, after, event, at)


def _of_task(before: Collaboration | None, after: Collaboration, event: Event, at: datetime) -> Iterator[Measured]:
    task = before.task(getattr(event, "task_id", "")) if before is not None else None
    if task is None:
        return
    sent = task.dispatched
    department, waited = f"department/{sent.department}", at - task.since
    match event:
        case e.Signed():
            yield Measured(department, "signed")
            if task.status == "dispatched":
                yield from _both(department, after, "signing", waited.total_seconds())
        case e.Declined():
            yield Measured(department, "declined")
            yield Measured(f"declined/{sent.department}/{sent.ask.capability}", "declined")
        case e.Reported():
            yield Measured(department, "reported")
            yield Measured(department, "on_time" if at <= task.due_at else "late")
            yield from _both(department, after, "handling", waited.total_seconds())
        case m.TaskRecalled():
            yield Measured(department, "recalled")
            if task.is_open and at >= task.due_at:
                yield Measured(department, "unanswered")
                yield Measured(department, "late")
        case m.TaskReturned():
            yield Measured(department, "returned")
        case m.TaskUrged():
            yield Measured(department, "urged")
        case m.TaskExtended():
            yield Measured(department, "extended")
        case e.Checked():
            yield Measured(f"centre/{after.region}", "checked")


def _concluded(
    state: Collaboration,
    event: m.CollaborationConcluded,
    at: datetime,
    took: float,
    reported: Mapping[str, datetime],
) -> Iterator[Measured]:
    centre = f"centre/{state.region}"
    yield Measured(centre, "concluded")
    yield Measured(centre, event.conclusion)
    yield Measured(centre, "on_time" if at <= state.due_at else "late")
    if event.partial:
        yield Measured(centre, "partial")
    yield from timed(centre, "whole", took)
    for task in state.tasks:
        if task.status in ("reported", "checked"):
            waited = at - reported[task.dispatched.task_id]
            yield from _both(f"department/{task.dispatched.department}", state, "concluding", waited.total_seconds())


def _slow(state: Collaboration, event: m.CollaborationConcluded, took: float) -> Slow:
    return Slow(
        collaboration_id=state.raised.collaboration_id,
        region=state.region,
        seconds=max(0, int(took)),
        requester=state.request.department or state.request.centre,
        conclusion=event.conclusion,
    )


def _both(department: str, state: Collaboration, stage: Stage, seconds: float) -> Iterator[Measured]:
    yield from timed(department, stage, seconds)
    yield from timed(f"centre/{state.region}", stage, seconds)


def timed(subject: str, stage: Stage, seconds: float) -> Iterator[Measured]:
    """A time as it counts: how many there were, their sum, and the histogram's bucket."""
    whole = max(0, int(seconds))
    yield Measured(subject, stage)
    yield Measured(subject, f"{stage}.seconds", whole)
    yield Measured(subject, f"{stage}.{bisect_left(BOUNDS, whole)}")


def add(tally: DayTally | None, events: Mapping[str, Iterable[Counted]]) -> Sequence[DayTally]:
    """The tally with what is not in it yet; nothing when it has all of it. ``events`` have what counts on its day, by id."""
    known = tally or DayTally()
    counts = {subject: dict(measures) for subject, measures in known.counts.items()}
    slowest, through = dict(known.slowest), dict(known.through)
    for collaboration_id, found in events.items():
        for one in found:
            if one.version <= through.get(collaboration_id, 0):
                continue
            through[collaboration_id] = one.version
            for subject, measure, amount in one.measured:
                of_subject = counts.setdefault(subject, {})
                of_subject[measure] = of_subject.get(measure, 0) + amount
            if one.slow is not None:
                slowest[one.slow.region] = most(slowest.get(one.slow.region, ()), [one.slow])
    after = DayTally(counts=counts, slowest=slowest, through=through)
    return [] if after == known else [after]


def most(*several: Iterable[Slow], limit: int = SLOWEST) -> tuple[Slow, ...]:
    """The slowest of several lists, the slowest first."""
    found = [one for some in several for one in some]
    return tuple(sorted(found, key=lambda one: (-one.seconds, one.collaboration_id))[:limit])
