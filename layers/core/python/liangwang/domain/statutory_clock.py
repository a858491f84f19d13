"""时限: a case's ledger of time. Pure.

The clock starts with acceptance and stands while any stop holds (行政许可法 art. 45); stops that overlap stop it once. What
it has told it keeps: a due date is moved from where it stood, by the working days of a stop or an extension, and is never
counted anew from a calendar that was published later. What has passed stays passed: neither a stop nor an extension that
begins afterwards moves it. docs/clock.md is the page about it.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from math import ceil
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from .case_no import SHANGHAI
from .catalogue import Item
from .errors import NotNow
from .message_parts import Due, StopCause
from .message_parts import Light as Light
from .working_days import Calendar


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
    """The ledger of one case. ``standing_since`` is the day since which at least one stop holds, ``standing_at`` the
    moment; ``stopped`` counts the working days of the times that are over, overlapping ones once.
    """

    due: Due
    stops: tuple[Stop, ...] = ()
    extension: Extension | None = None
    standing_since: date | None = None
    standing_at: datetime | None = None
    stopped: int = 0

    @property
    def open_stops(self) -> tuple[Stop, ...]:
        """The stops that hold."""
        return tuple(stop for stop in self.stops if stop.until is None)


def start(item: Item, calendar: Calendar, at: datetime) -> Due:
    """What the applicant is told when the clock starts ``at`` a moment: the acceptance, or, where that is deemed, the arrival
    of the materials (行政许可法 art. 32). The day after is day one.
    """
    promised, statutory_at = item.promised.days, calendar.limit(at, item.statutory.days)
    return Due(
        started_on=calendar.day_of(at),
        statutory_days=item.statutory.days,
        promised_days=promised,
        basis=item.statutory.basis,
        statutory_at=statutory_at,
        promised_at=calendar.limit(at, promised),
        yellow_at=calendar.limit(at, part(promised, item.lights.yellow)),
        red_at=calendar.limit(at, part(promised, item.lights.red)),
        provisional=calendar.is_provisional(day_told(statutory_at)),
    )


def part(days: int, ratio: float) -> int:
    """The working days after which this part of a limit has passed, a begun one in full."""
    return ceil(round(days * ratio, 6))  # 20 days at 0.55 are 11, though binary fractions make it a little more


def day_told(moment: datetime) -> date:
    """The day on which a limit ends, as it was told."""
    return moment.astimezone(SHANGHAI).date()


def moved(due: Due, calendar: Calendar, days: int, *, at: datetime, back_on: date = date.min) -> Due:
    """What was told, ``days`` working days later: all but what had passed ``at`` the moment when the cause of it began.

    Nothing moves to before ``back_on``, the day from which the clock runs again: what had not passed when it came to stand
    did not pass while it stood. (A stop on a limit's last day, ended on a day off, leaves the next working day.)
    """

    def later(moment: datetime) -> datetime:
        if has_passed(moment, at):
            return moment
        day = day_told(moment)
        last = max(calendar.after(day, days) if days else day, back_on)
        return moment if last == day else calendar.end_of(calendar.after(last, 0))

    statutory_at = later(due.statutory_at)
    told = due.provisional or (statutory_at != due.statutory_at and calendar.is_provisional(day_told(statutory_at)))
    return replace(
        due,
        statutory_at=statutory_at,
        promised_at=later(due.promised_at),
        yellow_at=later(due.yellow_at),
        red_at=later(due.red_at),
        provisional=told,
    )


def has_passed(moment: datetime, now: datetime) -> bool:
    """Whether a limit that ends at this moment has passed: from the moment itself on, so that who wakes then finds it so."""
    return now >= moment


def suspended(clock: Clock, stop: Stop, at: datetime) -> Clock:
    """The ledger with one stop more, recorded ``at`` a moment.

    Days before the clock started, and those of stops that are over, are not taken a second time, whatever a machine's clock
    said: the days that the ledger counts as stood never overlap.
    """
    if clock.standing_since is not None:
        return replace(clock, stops=(*clock.stops, stop))
    over = [other.until for other in clock.stops if other.until is not None]
    since = max(stop.since, clock.due.started_on, *over)
    standing_at = max(at, datetime.combine(since, time.min, SHANGHAI).astimezone(UTC))
    return replace(clock, stops=(*clock.stops, stop), standing_since=since, standing_at=standing_at)


def standing_days(clock: Clock, calendar: Calendar, on: date) -> int:
    """The working days for which the clock has stood without a break until this day; 0 while it runs."""
    return 0 if clock.standing_since is None else max(0, calendar.between(clock.standing_since, on))


def due_after(clock: Clock, stop_id: str, calendar: Calendar, on: date) -> Due:
    """What is due once this stop ends: it moves only when no other stop holds any longer.

    It moves by the working days for which the clock stood: not the day on which it came to stand, but the one on which it
    runs again, for the day after that is the next that counts, as at the start. What had passed before it stood stays passed.
    """
    if clock.standing_since is None or any(stop.stop_id != stop_id for stop in clock.open_stops):
        return clock.due
    stood = standing_days(clock, calendar, on)
    return moved(clock.due, calendar, stood, at=_stands_at(clock), back_on=max(on, clock.standing_since))


def _stands_at(clock: Clock) -> datetime:
    """The moment at which a clock came to stand."""
    assert clock.standing_since is not None
    return clock.standing_at or datetime.combine(clock.standing_since, time.min, SHANGHAI)


def due_extended(clock: Clock, calendar: Calendar, days: int, now: datetime) -> Due:
    """What is due with an extension by ``days`` working days (行政许可法 art. 42): the limits are that much longer.

    Raises NotNow for a second extension, and once the statutory limit has passed: there is nothing left to extend.
    """
    at = now if clock.standing_since is None else min(now, _stands_at(clock))
    if clock.extension is not None:
        raise NotNow("the limit was extended already; the law allows one extension")
    if has_passed(clock.due.statutory_at, at):
        raise NotNow("the statutory limit has passed; what has ended cannot be extended")
    due = moved(clock.due, calendar, days, at=at)
    promised = due.promised_days if has_passed(clock.due.promised_at, at) else due.promised_days + days
    return replace(due, statutory_days=due.statutory_days + days, promised_days=promised)


def resumed(clock: Clock, stop_id: str, *, on: date, days: int, stood: int, due: Due, result: str = "") -> Clock:
    """The ledger when a stop has ended: ``days`` it lasted itself, ``stood`` the whole time in which the clock stood."""
    stops: Sequence[Stop] = [
        replace(stop, until=max(on, stop.since), days=max(0, days), result=result)
        if stop.stop_id == stop_id and stop.until is None
        else stop
        for stop in clock.stops
    ]
    still = any(stop.until is None for stop in stops)
    return replace(
        clock,
        stops=tuple(stops),
        due=due,
        standing_since=clock.standing_since if still else None,
        standing_at=clock.standing_at if still else None,
        stopped=clock.stopped + (0 if still else stood),
    )


def extended(clock: Clock, extension: Extension, due: Due) -> Clock:
    """The ledger with its extension."""
    return replace(clock, extension=extension, due=due)


def light(clock: Clock, now: datetime) -> Light:
    """The light of a case that is not decided. A clock that stands keeps the light it had when it stopped."""
    due = clock.due
    if clock.standing_since is not None:
        now = min(now, _stands_at(clock))
    if has_passed(due.promised_at, now):
        return "overdue"
    return "red" if has_passed(due.red_at, now) else "yellow" if has_passed(due.yellow_at, now) else "green"


def next_change(clock: Clock, now: datetime) -> datetime | None:
    """The next moment at which the light or the law's view of the case changes by itself; None while the clock stands."""
    if clock.standing_since is not None:
        return None
    due = clock.due
    moments = (due.yellow_at, due.red_at, due.promised_at, due.statutory_at)
    return min((moment for moment in moments if not has_passed(moment, now)), default=None)


def remaining(
    clock: Clock, calendar: Calendar, now: datetime, *, limit: Literal["statutory", "promised"] = "statutory"
) -> int:
    """Working days left until a limit: 0 on its last day. Below 0 once it has passed: by the working days begun since then."""
    ends_at = clock.due.statutory_at if limit == "statutory" else clock.due.promised_at
    last, today = day_told(ends_at), max(calendar.day_of(now), clock.due.started_on)
    if clock.standing_since is not None:
        now, today = min(now, _stands_at(clock)), clock.standing_since
    if has_passed(ends_at, now):
        return -max(1, calendar.between(last, today))
    return max(0, calendar.between(today, last))
