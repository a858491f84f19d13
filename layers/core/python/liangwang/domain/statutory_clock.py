"""时限: a case's ledger of time. Pure.

The clock starts with acceptance and stands while any stop holds (行政许可法 art. 45); stops that overlap stop it once. What
it has told it keeps: a due date is moved from where it stood, by the working days of a stop or an extension, and is never
counted anew from a calendar that was published later.
"""

from collections.abc import Sequence
from datetime import date, datetime, time
from math import ceil
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from .case_no import SHANGHAI
from .catalogue import Item
from .message_parts import Due, StopCause
from .working_days import Calendar

Light = Literal["green", "yellow", "red", "overdue"]
"""红黄灯. ``overdue`` 超期: the promised limit has passed."""


class Stop(Struct, frozen=True, kw_only=True):
    """One time in which the clock stood: why (``cause``, ``basis`` the article), who approved it, from when to when.

    ``until`` is None while it holds; ``days`` are the working days it lasted, those shared with another stop included.
    ``ends_by`` is the moment by which it should be over, as the applicant was told.
    """

    stop_id: str
    cause: StopCause
    basis: str
    approver: str
    since: date
    until: date | None = None
    days: int = 0
    result: str = ""
    ends_by: datetime | None = None


class Extension(Struct, frozen=True, kw_only=True):
    """The one extension a case may have: working days, reason, article, and who approved it."""

    days: int
    reason: str
    basis: str
    approver: str
    on: date


class Clock(Struct, frozen=True, kw_only=True):
    """The ledger of one case. ``standing_since`` is set while at least one stop holds; ``stopped`` counts the working days
    of the times that are over, overlapping ones once.
    """

    due: Due
    stops: tuple[Stop, ...] = ()
    extension: Extension | None = None
    standing_since: date | None = None
    stopped: int = 0

    @property
    def open_stops(self) -> tuple[Stop, ...]:
        """The stops that hold."""
        return tuple(stop for stop in self.stops if stop.until is None)


def start(item: Item, calendar: Calendar, on: date) -> Due:
    """What the applicant is told when the clock starts ``on`` a day: the day after is day one."""

    def end(days: int) -> datetime:
        return calendar.end_of(calendar.after(on, days))

    promised = item.promised.days
    last = calendar.after(on, item.statutory.days)
    return Due(
        started_on=on,
        statutory_days=item.statutory.days,
        promised_days=promised,
        basis=item.statutory.basis,
        statutory_at=calendar.end_of(last),
        promised_at=end(promised),
        yellow_at=end(ceil(promised * item.lights.yellow)),
        red_at=end(ceil(promised * item.lights.red)),
        provisional=calendar.is_provisional(last),
    )


def moved(due: Due, calendar: Calendar, days: int) -> Due:
    """Every date ``days`` working days later, counted from what was told."""
    if days == 0:
        return due

    def later(moment: datetime) -> datetime:
        return calendar.end_of(calendar.after(moment.astimezone(SHANGHAI).date(), days))

    statutory_at = later(due.statutory_at)
    return replace(
        due,
        statutory_at=statutory_at,
        promised_at=later(due.promised_at),
        yellow_at=later(due.yellow_at),
        red_at=later(due.red_at),
        provisional=due.provisional or calendar.is_provisional(statutory_at.astimezone(SHANGHAI).date()),
    )


def suspended(clock: Clock, stop: Stop) -> Clock:
    """The ledger with one stop more."""
    since = stop.since if clock.standing_since is None else clock.standing_since
    return replace(clock, stops=(*clock.stops, stop), standing_since=since)


def standing_days(clock: Clock, calendar: Calendar, on: date) -> int:
    """The working days for which the clock has stood without a break until this day; 0 while it runs."""
    return 0 if clock.standing_since is None else max(0, calendar.between(clock.standing_since, on))


def due_after(clock: Clock, stop_id: str, calendar: Calendar, on: date) -> Due:
    """What is due once this stop ends: it moves only when no other stop holds any longer."""
    others = [stop for stop in clock.open_stops if stop.stop_id != stop_id]
    return clock.due if others else moved(clock.due, calendar, standing_days(clock, calendar, on))


def resumed(clock: Clock, stop_id: str, *, on: date, days: int, stood: int, due: Due, result: str = "") -> Clock:
    """The ledger when a stop has ended: ``days`` it lasted itself, ``stood`` the whole time in which the clock stood."""
    stops: Sequence[Stop] = [
        replace(stop, until=on, days=days, result=result) if stop.stop_id == stop_id and stop.until is None else stop
        for stop in clock.stops
    ]
    still = any(stop.until is None for stop in stops)
    return replace(
        clock,
        stops=tuple(stops),
        due=due,
        standing_since=clock.standing_since if still else None,
        stopped=clock.stopped + (0 if still else stood),
    )


def extended(clock: Clock, extension: Extension, due: Due) -> Clock:
    """The ledger with its extension."""
    return replace(clock, extension=extension, due=due)


def light(clock: Clock, now: datetime) -> Light:
    """The light of a case that is not decided. A clock that stands keeps the light it had when it stopped."""
    due = clock.due
    if clock.standing_since is not None:
        now = min(now, datetime.combine(clock.standing_since, time.min, SHANGHAI))
    if now > due.promised_at:
        return "overdue"
    return "red" if now > due.red_at else "yellow" if now > due.yellow_at else "green"


def next_change(clock: Clock, now: datetime) -> datetime | None:
    """The next moment at which the light or the law's view of the case changes by itself; None while the clock stands."""
    if clock.standing_since is not None:
        return None
    due = clock.due
    moments = (due.yellow_at, due.red_at, due.promised_at, due.statutory_at)
    return min((moment for moment in moments if moment > now), default=None)


def remaining(clock: Clock, calendar: Calendar, now: datetime) -> int:
    """Working days left until the statutory limit; below 0 when it has passed."""
    today = calendar.day_of(now) if clock.standing_since is None else clock.standing_since
    return calendar.between(today, clock.due.statutory_at.astimezone(SHANGHAI).date())
