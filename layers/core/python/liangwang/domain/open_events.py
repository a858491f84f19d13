"""What collaboration events are open at this moment, and what has changed last: both in one document. Pure.

Every open event stands in one of a fixed number of tallies as its newest version says; an older one, however late it comes,
changes nothing. An event that ended is remembered for as long as a stream can bring its past again, then forgotten.

The same write numbers what has changed. A number is given by the one write that adds the change, so whoever has read up to
a number never misses what comes later: it gets a higher one, however old it is.
"""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple, get_args

from msgspec import Struct
from msgspec.structs import replace

from .collaboration import Collaboration, Event, evolve
from .history import Recorded, fold
from .messages import Light

SHARDS = 64
"""All open events are spread over this many tallies: all are read at once, one is written when an event changes."""

KEPT = 32
"""Changes that a tally keeps at most: some two thousand of all together."""

ENDED_LIFE = timedelta(hours=26)
"""How long an ended event is remembered: a DynamoDB stream brings nothing that is older than 24 hours."""

Stage = Literal["unrouted", "disputed", "dispatched", "handling", "checking", "reported"]
"""Where an open event stands: nobody has one of its asks; a decline is to be decided; some task is not signed;
all are; a report is to be checked; all have reported. Of several the first holds."""


class Standing(Struct, frozen=True, array_like=True):
    """An open event in short. ``requester`` is a department, or a centre that asks itself, ``region`` the centre in charge, ``regions`` all that see it (its ways lead through them),
    ``tasks`` the (department, status) of those that are open. New fields come last, with a default.
    """

    version: int
    region: str
    stage: Stage
    light: Light
    due_at: datetime
    raised_at: datetime
    requester: str
    case_no: str
    regions: tuple[str, ...]
    tasks: tuple[tuple[str, str], ...] = ()


class Changed(Struct, frozen=True, array_like=True):
    """One event of a history: ``collaboration_id`` and ``version`` name it for ever. ``kind`` is its tag, ``department`` whom it
    is about, if anybody. ``region``, ``stage`` (``concluded`` at the end) and ``light`` are the collaboration event's when all had
    happened that came of the same cause."""

    number: int
    collaboration_id: str
    version: int
    at: datetime
    kind: str
    region: str
    stage: Stage | Literal["concluded"]
    light: Light
    regions: tuple[str, ...]
    department: str = ""


class OpenEvents(Struct, frozen=True, kw_only=True, tag="tally.open_events", tag_field="type"):
    """A part of the open events. ``ended`` has the last version of those that ended, and when (epoch seconds) that was noted;
    ``number`` is that of the newest change ever, ``recent`` are the newest ones, in order."""

    standing: dict[str, Standing] = {}
    ended: dict[str, tuple[int, int]] = {}
    number: int = 0
    recent: tuple[Changed, ...] = ()


class Told(NamedTuple):
    """An event's history; what it says after version ``since`` is told as changes, if the tally does not know the event."""

    history: Sequence[Recorded[Event]]
    since: int


def shard_of(collaboration_id: str) -> int:
    """The tally that an event stands in."""
    return zlib.crc32(collaboration_id.encode()) % SHARDS


def stage(state: Collaboration) -> Stage:
    """Where an event that is not concluded stands."""
    statuses = {task.status for task in state.tasks}
    if state.unrouted:
        return "unrouted"
    if "disputed" in statuses:
        return "disputed"
    if "dispatched" in statuses:
        return "dispatched"
    if statuses & {"signed", "returned"}:
        return "handling"
    return "checking" if state.request.checked_by == "centre" and "reported" in statuses else "reported"


STAGES: tuple[Stage, ...] = get_args(Stage)
LIGHTS: tuple[Light, ...] = get_args(Light)


def standing(history: Sequence[Recorded[Event]], state: Collaboration) -> Standing:
    """An event that is not concluded, in short."""
    return Standing(
        version=len(history),
        region=state.region,
        stage=stage(state),
        light=state.light,
        due_at=state.due_at,
        raised_at=history[0].at,
        requester=state.request.department or state.request.centre,
        case_no=state.request.case_no,
        regions=tuple(sorted(state.concerned)),
        tasks=tuple((task.dispatched.department, task.status) for task in state.tasks if task.is_open),
    )


def take(known: OpenEvents | None, events: Mapping[str, Told], now: datetime) -> Sequence[OpenEvents]:
    """The tally as it is with these events; nothing when it knows all of it."""
    before = known or OpenEvents()
    open_now, ended, recent, number = dict(before.standing), dict(before.ended), list(before.recent), before.number
    for collaboration_id, told in sorted(events.items()):
        version = _known(before, collaboration_id)
        if version is not None and version > len(told.history):
            continue
        for change in _changes(collaboration_id, told, told.since if version is None else version):
            number += 1
            recent.append(replace(change, number=number))
        state = fold(evolve, told.history)
        assert state is not None  # a history that is told of has a beginning
        if version is None and state.conclusion is not None and told.since >= len(told.history):
            continue  # it has ended, nobody knew of it and nobody is to be told
        if state.conclusion is None:
            open_now[collaboration_id] = standing(told.history, state)
        elif collaboration_id not in ended or version != len(told.history):
            open_now.pop(collaboration_id, None)
            ended[collaboration_id] = (len(told.history), int(now.timestamp()))
    if open_now == before.standing and ended == before.ended and number == before.number:
        return []
    return [
        OpenEvents(
            standing=open_now,
            ended=_fresh(ended, now),
            number=number,
            recent=tuple(recent[-KEPT:]),
        )
    ]


def _known(tally: OpenEvents, collaboration_id: str) -> int | None:
    if collaboration_id in tally.standing:
        return tally.standing[collaboration_id].version
    return tally.ended[collaboration_id][0] if collaboration_id in tally.ended else None


def _fresh(ended: Mapping[str, tuple[int, int]], now: datetime) -> dict[str, tuple[int, int]]:
    oldest = (now - ENDED_LIFE).timestamp()
    return {key: found for key, found in ended.items() if found[1] >= oldest}


def _changes(collaboration_id: str, told: Told, since: int) -> Iterator[Changed]:
    for version, (recorded, state) in enumerate(zip(told.history, _settled(told.history), strict=True), start=1):
        if version > since:
            yield Changed(
                number=0,
                collaboration_id=collaboration_id,
                version=version,
                at=recorded.at,
                kind=str(recorded.event.__struct_config__.tag),
                region=state.region,
                stage=stage(state) if state.conclusion is None else "concluded",
                light=state.light,
                regions=tuple(sorted(state.concerned)),
                department=_about(state, recorded.event),
            )


def _settled(history: Sequence[Recorded[Event]]) -> Sequence[Collaboration]:
    """For each event of a history the state when all had happened that came of the same cause: they were written as one."""
    states: list[Collaboration] = []
    for recorded in history:
        states.append(evolve(states[-1] if states else None, recorded))
    for place in range(len(history) - 2, -1, -1):
        if history[place].cause == history[place + 1].cause:
            states[place] = states[place + 1]
    return states


def _about(state: Collaboration, event: Event) -> str:
    task = state.task(getattr(event, "task_id", ""))
    return task.dispatched.department if task is not None else ""


class Missed(NamedTuple):
    """What came after a number, and the number of the newest; ``complete`` is false where some of it is kept no longer."""

    changes: tuple[Changed, ...]
    newest: int
    complete: bool


def after(tally: OpenEvents | None, number: int) -> Missed:
    """What has changed after a number that was read before."""
    known = tally or OpenEvents()
    changes = tuple(one for one in known.recent if one.number > number)
    return Missed(changes, known.number, number + len(changes) == known.number)
