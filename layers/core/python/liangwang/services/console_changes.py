"""What changes before a centre, as it changes: one contract, by asking again (everywhere) or as a stream of server-sent events.

A stream is the same answer written as `text/event-stream`, with the pause after which a browser asks again by itself: so a
page that asks by ``EventSource`` works where nothing can be streamed (an HTTP API), and a server that can keeps it open.
"""

import heapq
from collections.abc import Iterator
from datetime import datetime
from typing import Literal, NamedTuple

import msgspec
from msgspec import Struct

from ..domain.catalogue import Organisation
from ..domain.message_parts import Light
from ..domain.open_events import Changed, OpenEvents, Stage, after
from ..http import Answer, Request, limit_of
from ..http_content import JSON
from ..store import Store
from .centres import Centres
from .console import read_open
from .console_cursor import Cursor

EVENT_STREAM = "text/event-stream"
"""https://html.spec.whatwg.org/multipage/server-sent-events.html"""

RETRY_AFTER = 3
"""Seconds after which to ask again when there is nothing more now: the counting lags by some two."""


class ChangeView(Struct, frozen=True, kw_only=True):
    """One thing that happened to an event. ``id`` is unique for ever: drop one that you have.

    ``kind`` is the type of what happened, as in the event's timeline; ``state`` and ``light`` are the event's after all that
    came of the same cause (``concluded`` at the end), ``region`` the centre in charge, ``department`` whom it is about, if anybody.
    """

    id: str
    collaboration_id: str
    region: str
    at: datetime
    kind: str
    state: Stage | Literal["concluded"]
    light: Light
    department: str = ""


class ChangesView(Struct, frozen=True, kw_only=True):
    """What changed. Ask on with this ``since``: ``retry_after`` seconds later there may be more; 0: there is more now.

    ``reset``: some of it is kept no longer. Read `GET /api/console` again and go on with the ``since`` that it gives.
    """

    changes: tuple[ChangeView, ...]
    since: str
    retry_after: int
    reset: bool = False


class _Placed(NamedTuple):
    """A change, and the cursor of who has read up to it."""

    change: Changed
    cursor: Cursor


class ConsoleChanges:
    """``tallies`` hold the newest changes; one read answers, whatever happened before."""

    def __init__(self, tallies: Store, organisation: Organisation) -> None:
        self._tallies = tallies
        self._centres = Centres(organisation)

    def changes(self, request: Request) -> ChangesView | Answer:
        """What changed for a region since the cursor ``since`` (or the header ``Last-Event-ID``); without one, from now on.

        Events that a centre of the region has in charge, had raised with it, or that have a way through it. Raises NotFound for a
        region that is not the caller's to see, Invalid for what is no cursor.
        """
        regions = frozenset(self._centres.below(self._centres.existing(request, "console.read")))
        limit = limit_of(request, default=100, most=500)
        parts = read_open(self._tallies)
        known = _since(request) or Cursor.newest(parts)
        if not all(after(part, number).complete for part, number in zip(parts, known.numbers, strict=True)):
            return _told(request, [], Cursor.newest(parts), more=False, reset=True)
        found: list[_Placed] = []
        reached = known
        for placed in _following(parts, known):
            if len(found) == limit:
                return _told(request, found, found[-1].cursor, more=True)
            reached = placed.cursor
            if not regions.isdisjoint(placed.change.regions):
                found.append(placed)
        return _told(request, found, reached, more=False)


def _since(request: Request) -> Cursor | None:
    """A stream that broke goes on where it was: its header goes before the address that it began with."""
    if text := request.headers.get("last-event-id", ""):
        return Cursor.parse(text, field="Last-Event-ID")
    text = request.query.get("since", "")
    return Cursor.parse(text, field="since") if text else None


def _following(parts: list[OpenEvents | None], known: Cursor) -> Iterator[_Placed]:
    """What comes after a cursor, in the order in which each tally numbered it, and by time between tallies."""
    missed = [
        [(change.at, shard, change.number, change) for change in after(part, known.numbers[shard]).changes]
        for shard, part in enumerate(parts)
    ]
    for _, shard, number, change in heapq.merge(*missed, key=lambda one: one[:3]):
        known = known.past(shard, number)
        yield _Placed(change, known)


def _told(
    request: Request, found: list[_Placed], cursor: Cursor, *, more: bool, reset: bool = False
) -> ChangesView | Answer:
    if request.wants != JSON:
        return Answer(_stream(found, cursor, more=more, reset=reset), media_type=EVENT_STREAM)
    changes = tuple(_view(placed.change) for placed in found)
    return ChangesView(changes=changes, since=cursor.text(), retry_after=0 if more else RETRY_AFTER, reset=reset)


def _stream(found: list[_Placed], cursor: Cursor, *, more: bool, reset: bool) -> str:
    """A page as server-sent events: ``id`` is the cursor after it, ``data`` the change. The last one has an id only, no data."""
    lines = [f"retry: {0 if more else RETRY_AFTER * 1000}", ""]
    for placed in found:
        data = msgspec.json.encode(_view(placed.change)).decode()
        lines += [f"id: {placed.cursor.text()}", "event: change", f"data: {data}", ""]
    if reset:
        lines += ["event: reset", "data: {}"]
    return "\n".join([*lines, f"id: {cursor.text()}", "", ""])


def _view(change: Changed) -> ChangeView:
    return ChangeView(
        id=f"{change.collaboration_id}/{change.version}",
        collaboration_id=change.collaboration_id,
        region=change.region,
        at=change.at,
        kind=change.kind,
        state=change.stage,
        light=change.light,
        department=change.department,
    )
