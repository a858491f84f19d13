"""特别程序: what the law does not count (行政许可法 art. 45), and the extension (art. 42). Pure.

``stop`` and ``resume`` are the only makers of the messages by which a case's clock stands and runs again, whatever it stands
for: a special procedure, a supplement 补正 asked for in review, or other departments' answers where the item says so.
"""

from datetime import date, datetime

from . import messages as m
from . import statutory_clock
from .case import Case
from .course import Practice
from .errors import NotNow
from .message_parts import StopCause
from .statutory_clock import Clock
from .working_days import Calendar


def stop(
    state: Case,
    *,
    stop_id: str,
    cause: StopCause,
    basis: str,
    approver: str,
    until: datetime | None,
    reason: str,
    on: Practice,
    now: datetime,
) -> m.CaseSuspended:
    """The clock stands from today on. ``basis`` is the article, ``until`` when it should be over.

    Raises NotNow when the case has ended or has no clock, and for a ``stop_id`` that it knows already.
    """
    clock = running_clock(state)
    if any(one.stop_id == stop_id for one in clock.stops):
        raise NotNow(f"the case has the stop {stop_id} already")
    return m.CaseSuspended(
        case_no=state.application.case_no,
        department=state.department,
        stop_id=stop_id,
        cause=cause,
        basis=basis,
        approver=approver,
        since=today(clock, on.calendar, now),
        until=until,
        reason=reason,
    )


def resume(state: Case, stop_id: str, result: str, on: Practice, now: datetime) -> m.CaseResumed:
    """The stop is over; the clock runs again unless another stop holds. Raises NotNow for a stop that does not hold."""
    clock = running_clock(state)
    stopped = next((one for one in clock.open_stops if one.stop_id == stop_id), None)
    if stopped is None:
        raise NotNow(f"the clock does not stand for {stop_id}")
    day = today(clock, on.calendar, now)
    others = len(clock.open_stops) > 1
    return m.CaseResumed(
        case_no=state.application.case_no,
        department=state.department,
        stop_id=stop_id,
        on=day,
        days=on.calendar.between(stopped.since, day),
        stood=0 if others else statutory_clock.standing_days(clock, on.calendar, day),
        due=statutory_clock.due_after(clock, stop_id, on.calendar, day),
        result=result,
    )


def stands_for(state: Case, stop_id: str) -> bool:
    """Whether this stop holds."""
    return state.clock is not None and any(one.stop_id == stop_id for one in state.clock.open_stops)


def running_clock(state: Case) -> Clock:
    """The clock of a case that is neither before its acceptance nor over. Raises NotNow for any other."""
    if state.is_terminal:
        raise NotNow(f"the case is {state.status}; its clock has ended")
    if state.clock is None:
        raise NotNow("the case is not accepted yet; it has no clock")
    return state.clock


def today(clock: Clock, calendar: Calendar, now: datetime) -> date:
    """The day that counts for the ledger: never before what stands in it, also when a machine's clock went back."""
    written = [day for one in clock.stops for day in (one.since, one.until) if day is not None]
    return max(calendar.day_of(now), clock.due.started_on, *written)
