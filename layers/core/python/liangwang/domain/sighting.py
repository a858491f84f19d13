"""What one sensor keeps telling of one place: which event that belongs to, and how often it was told. Pure.

A *watch* is a document for each (reporter, sensor, category, place). A report that repeats what is open is counted here and
raises no event. The watch has the first report with it, so that whoever finds that its event was never written (its writer
died in between) can write it.
"""

import hashlib
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from msgspec import Struct, json
from msgspec.structs import replace

from .grid import GridReport, Told, reused

REMEMBERED = 200
"""So many tickets a watch knows again; what comes again later than that is counted a second time."""

KEPT = timedelta(days=30)
"""How long a watch is kept after its last word."""


class Sighted(Struct, frozen=True, array_like=True):
    """A ticket that a watch has counted: its number, a digest of what it said, the event that it belongs to."""

    ticket: str
    digest: str
    event_no: str


class Watch(Struct, frozen=True, kw_only=True, tag="watch.kept", tag_field="type"):
    """The event that a sensor's words belong to at present. ``count`` are its sightings, the first included.

    ``report`` and ``told`` are the first one's, of which the event is made.
    """

    event_no: str
    report: GridReport
    told: Told
    first_at: datetime
    last_at: datetime
    count: int = 1
    seen: tuple[Sighted, ...] = ()

    def belongs(self, ticket: str) -> str:
        """The event that a ticket belongs to; empty for one that is not known (any more)."""
        return next((one.event_no for one in reversed(self.seen) if one.ticket == ticket), "")

    def tickets(self, event_no: str) -> int:
        """How many tickets of an event are known still."""
        return sum(one.event_no == event_no for one in self.seen)


def identity(reporter: str, report: GridReport) -> str:
    """The id of the watch over a sensor's words of one matter."""
    parts = [reporter, report.sensor, report.category, report.place]
    return hashlib.sha256(json.encode(parts)).hexdigest()[:32]


def sight(
    state: Watch | None,
    report: GridReport,
    *,
    ticket: str,
    told: Told,
    window: timedelta,
    over: Collection[str],
    now: datetime,
) -> Sequence[Watch]:
    """Counts a ticket to the event that is open, or begins a new watch with it. A ticket that is known changes nothing.

    ``over`` are events that nothing joins any more. Raises TicketReused when the ticket said something else before.
    """
    sighted = Sighted(ticket, digest(report), ticket)
    if state is None:
        return [_begun(report, told, sighted, (), now)]
    known = next((one for one in state.seen if one.ticket == ticket), None)
    if known is not None:
        if known.digest != sighted.digest:
            raise reused(known.event_no, ["origin_no"])
        return []
    if state.event_no in over or now > state.last_at + window:
        return [_begun(report, told, sighted, state.seen, now)]
    sighted = Sighted(ticket, sighted.digest, state.event_no)
    seen = (*state.seen, sighted)[-REMEMBERED:]
    return [replace(state, last_at=now, count=state.count + 1, seen=seen)]


def _begun(report: GridReport, told: Told, sighted: Sighted, seen: tuple[Sighted, ...], now: datetime) -> Watch:
    return Watch(
        event_no=sighted.ticket,
        report=report,
        told=told,
        first_at=now,
        last_at=now,
        seen=(*seen, sighted)[-REMEMBERED:],
    )


def digest(report: GridReport) -> str:
    """What tells one report from another."""
    return hashlib.sha256(json.encode(report, order="deterministic")).hexdigest()[:16]


def expires_at(state: Watch) -> datetime:
    """When the watch may be forgotten."""
    return state.last_at + KEPT
