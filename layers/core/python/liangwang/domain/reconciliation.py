"""对账: what an intake and the centre know of one case, compared; what differs, and what heals it. Pure.

Intake is asked for its open cases; of each the centre has an entry in its ledger and its collaboration events. What has been
on its way for less than a tolerance is no difference.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from .collaboration import Collaboration
from .ledger import Entry
from .working_days import Calendar

Kind = Literal["unpublished", "lost", "silent", "behind", "ahead", "stuck"]
"""``unpublished``: intake has words of the citizen that nobody carried. ``lost``: the ledger never heard of the case.
``silent``: carried, and no word from the department in the time the law gives it. ``behind``: intake lacks news that passed the
centre; ``ahead``: the ledger lacks news that intake has. ``stuck``: a collaboration that goes on for neither side.
"""

Remedy = Literal["republish", "redeliver", "ask"]
"""``republish``: what is known is said again. ``redeliver``: what intake missed is kept and waits to be delivered.
``ask``: the application is carried again in a new round, and the department says again all that it has said.
"""

ACCEPTANCE_DAYS = 5
"""Working days that a department has for its first word (行政许可法 art. 32(4))."""

MOST_PAGES = 20_000
"""Pages of one intake: two million open cases. Whatever goes on after that has no end."""

LEASE = timedelta(minutes=2)
"""So long a run belongs to who works on it; whoever dies over it is followed by another."""


class CaseKnown(Struct, frozen=True, kw_only=True):
    """One case as its intake knows it: how many of the citizen's messages there are (``said`` is the newest one's number),
    up to which of them Kafka holds them, and the numbers of the department's news that arrived.
    """

    case_no: str
    status: str
    said: int
    carried: int
    heard: tuple[int, ...]
    spoken_at: datetime
    changed_at: datetime


class Finding(Struct, frozen=True, kw_only=True):
    """What is wrong with a case now, what heals it, and the numbers of the news concerned."""

    kind: Kind
    remedy: Remedy
    sequences: tuple[int, ...] = ()


class Difference(Struct, frozen=True, kw_only=True, tag="reconciliation.difference", tag_field="type"):
    """A finding that is kept until it is gone: since when it is known, and how often its remedy was tried."""

    intake: str
    kind: Kind
    remedy: Remedy
    since: datetime
    run: str
    sequences: tuple[int, ...] = ()
    tries: int = 0
    tried_at: datetime | None = None
    healed_at: datetime | None = None


class Run(Struct, frozen=True, kw_only=True, tag="reconciliation.run", tag_field="type"):
    """The newest run: where it stands (``intakes`` still to look at, each at its ``cursors``), and what it has seen.

    They have a page each in turn, so that one that is slow, or never ends, holds the others up for a page at most.

    ``lease`` is whose hands it is in, until ``lease_until``. ``unread`` are intakes that could not be read to the end, and why.
    ``by`` is an operator's account, or ``schedule``.
    """

    run: str
    by: str
    asked_at: datetime
    intakes: tuple[str, ...]
    cursors: dict[str, str] = {}
    pages: dict[str, int] = {}
    looked_at: int = 0
    found: int = 0
    unread: dict[str, str] = {}
    lease: str = ""
    lease_until: datetime | None = None
    ended_at: datetime | None = None


def compare(
    known: CaseKnown | None,
    entry: Entry | None,
    *,
    observed: Collection[int],
    events: Sequence[Collaboration],
    is_kept: bool,
    touched_at: datetime | None,
    now: datetime,
    tolerance: timedelta,
    calendar: Calendar,
) -> Finding | None:
    """What is wrong with one case, the first thing first; None for one that is as it should be, or has ended.

    ``observed`` are the numbers of the news that passed the centre, ``is_kept`` whether some wait to be delivered,
    ``touched_at`` when the entry was last written.
    """
    if known is None:
        return None
    old = now - tolerance
    if known.said > known.carried and known.spoken_at < old:
        return Finding(kind="unpublished", remedy="republish")
    if entry is None or (not entry.intake and not entry.seen):
        return Finding(kind="lost", remedy="ask") if known.carried and known.spoken_at < old else None
    lacking = tuple(sorted(set(observed) - set(known.heard)))
    if lacking and max(touched_at or entry.since, known.changed_at) < old:
        return Finding(kind="behind", remedy="redeliver" if is_kept else "ask", sequences=lacking)
    if ahead := tuple(sorted(set(known.heard) - set(observed))):
        return Finding(kind="ahead", remedy="ask", sequences=ahead)
    if entry.state == "carried" and calendar.limit(entry.since, ACCEPTANCE_DAYS) < old:
        return Finding(kind="silent", remedy="ask")
    if entry.state == "collaborating" and entry.since < old:
        return _collaboration(events, old)
    return None


def _collaboration(events: Sequence[Collaboration], old: datetime) -> Finding | None:
    """A case that waits for others: there is an event, it is within its limit, and its conclusion was heard."""
    if not events:
        return Finding(kind="stuck", remedy="ask")
    waiting = [event for event in events if event.conclusion is None]
    if any(event.due_at < old for event in waiting):
        return Finding(kind="stuck", remedy="republish")
    if not waiting and max(event.touched_at for event in events) < old:
        return Finding(kind="stuck", remedy="republish")
    return None


def due(before: Difference | None, finding: Finding, *, now: datetime, tolerance: timedelta) -> bool:
    """Whether the remedy has its turn: at once for what is new, then at intervals that double, a day at most."""
    if before is None or before.healed_at is not None or before.kind != finding.kind or before.tried_at is None:
        return True
    pause: timedelta = min(tolerance * (1 << min(before.tries, 20)), timedelta(days=1))
    return before.tried_at + pause <= now


def noted(
    before: Difference | None, finding: Finding, *, intake: str, run: str, tried: bool, now: datetime
) -> Sequence[Difference]:
    """Keeps a finding; the same one found again counts its tries."""
    known = before if before is not None and before.healed_at is None and before.kind == finding.kind else None
    tries = (known.tries if known else 0) + tried
    return [
        Difference(
            intake=intake,
            kind=finding.kind,
            remedy=finding.remedy,
            sequences=finding.sequences,
            since=known.since if known else now,
            run=run,
            tries=tries,
            tried_at=now if tried else known.tried_at if known else None,
        )
    ]


def healed(before: Difference | None, *, now: datetime) -> Sequence[Difference]:
    """Closes a difference that is gone."""
    return [replace(before, healed_at=now)] if before is not None and before.healed_at is None else []


def asked(before: Run | None, *, run: str, by: str, intakes: tuple[str, ...], now: datetime) -> Sequence[Run]:
    """Begins a run, unless one is under way: then that one is the answer."""
    if before is not None and before.ended_at is None:
        return []
    return [Run(run=run, by=by, asked_at=now, intakes=intakes)]


def taken(before: Run | None, *, lease: str, now: datetime) -> Sequence[Run]:
    """Takes a run in hand that nobody has."""
    if before is None or before.ended_at is not None:
        return []
    if before.lease_until is not None and now < before.lease_until and before.lease != lease:
        return []
    return [replace(before, lease=lease, lease_until=now + LEASE)]


def went_on(
    before: Run | None, *, intake: str, cursor: str, looked_at: int, found: int, lease: str, now: datetime
) -> Sequence[Run]:
    """Notes a page of an intake that was looked at; without a ``cursor`` it is through, else it is the others' turn.

    Nothing of who does not have the run any more.
    """
    if before is None or before.lease != lease or before.ended_at is not None:
        return []
    others = tuple(name for name in before.intakes if name != intake)
    return [
        replace(
            before,
            intakes=(*others, intake) if cursor else others,
            cursors={**before.cursors, intake: cursor},
            pages={**before.pages, intake: before.pages.get(intake, 0) + 1},
            looked_at=before.looked_at + looked_at,
            found=before.found + found,
            lease_until=now + LEASE,
        )
    ]


def gave_up(before: Run | None, *, intake: str, reason: str, lease: str, now: datetime) -> Sequence[Run]:
    """Notes that an intake could not be read to the end; its differences stay as they are."""
    if before is None or before.lease != lease or before.ended_at is not None:
        return []
    others = tuple(name for name in before.intakes if name != intake)
    return [replace(before, intakes=others, unread={**before.unread, intake: reason[:300]}, lease_until=now + LEASE)]


def ended(before: Run | None, *, lease: str, now: datetime) -> Sequence[Run]:
    """Ends a run whose intakes are all through."""
    if before is None or before.lease != lease or before.ended_at is not None or before.intakes:
        return []
    return [replace(before, ended_at=now, lease="", lease_until=None)]


def left(before: Run | None, *, lease: str) -> Sequence[Run]:
    """Gives a run out of hand, so that the next invocation goes on with it."""
    if before is None or before.lease != lease or before.ended_at is not None:
        return []
    return [replace(before, lease="", lease_until=None)]
