"""特别程序: what the clock stands for, and what that does to a case and to its dates."""

from datetime import UTC, date, datetime, timedelta

import pytest
from liangwang.domain import procedures
from liangwang.domain.acceptance import receive
from liangwang.domain.case import evolve
from liangwang.domain.course import Practice
from liangwang.domain.errors import NotNow
from liangwang.domain.working_days import Calendar

from tests.unit.samples import CASE_NO, NOON, evaluate, folded, item, submitted

CALENDAR = Calendar(announced=frozenset({2027}))
PRACTICE = Practice(item(), evaluate, CALENDAR)
DAY = timedelta(days=1)


def accepted(kind=PRACTICE.item):
    """A case accepted on Monday 1 March 2027, promised in 5 working days, the law's limit 20."""
    return folded(evolve, None, receive(None, submitted(), on=Practice(kind, evaluate, CALENDAR), now=NOON))


def stopped(state, stop_id="T1", *, cause="appraisal", at=NOON, until=None):
    event = procedures.stop(
        state,
        stop_id=stop_id,
        cause=cause,
        basis="行政许可法第四十五条",
        approver="zhao",
        until=until,
        reason="load test",
        on=PRACTICE,
        now=at,
    )
    return folded(evolve, state, [event], at=at)


def resumed(state, stop_id="T1", *, at, result="sound"):
    return folded(evolve, state, [procedures.resume(state, stop_id, result, PRACTICE, at)], at=at)


def test_a_case_suspended_for_seven_working_days_is_due_exactly_seven_later_and_what_it_stood_for_stays_visible():
    before = accepted().clock
    after = resumed(stopped(accepted(), at=NOON + DAY), at=NOON + 10 * DAY).clock
    moved = [
        CALENDAR.between(*(getattr(due, name).date() for due in (before.due, after.due)))
        for name in ("statutory_at", "promised_at", "yellow_at", "red_at")
    ]
    assert moved == [7, 7, 7, 7]
    (stop,) = after.stops
    assert (stop.cause, stop.days, stop.result) == ("appraisal", 7, "sound")
    assert (stop.since, stop.until, after.stopped) == (date(2027, 3, 2), date(2027, 3, 11), 7)


def test_stops_that_overlap_move_the_due_date_once():
    state = stopped(stopped(accepted()), "T2", at=NOON + DAY)
    assert (state.status, state.clock.due) == ("suspended", accepted().clock.due)
    state = resumed(state, at=NOON + 2 * DAY)
    assert (state.status, state.clock.due, state.clock.stopped) == ("suspended", accepted().clock.due, 0)
    state = resumed(state, "T2", at=NOON + 4 * DAY)
    assert (state.status, state.clock.stopped) == ("in_review", 4)
    assert [stop.days for stop in state.clock.stops] == [2, 3]
    assert state.clock.due.promised_at.date() == date(2027, 3, 12)


def test_a_stop_is_made_once_and_ends_once():
    with pytest.raises(NotNow, match="already"):
        stopped(stopped(accepted()))
    with pytest.raises(NotNow, match="does not stand"):
        resumed(accepted(), at=NOON)
    with pytest.raises(NotNow, match="does not stand"):
        resumed(resumed(stopped(accepted()), at=NOON), at=NOON)


def test_a_case_that_is_not_accepted_has_no_clock_to_stop():
    waiting = folded(evolve, None, receive(None, submitted(), on=PRACTICE, now=NOON)[:1])
    with pytest.raises(NotNow, match="not accepted"):
        stopped(waiting)


def test_a_clock_that_jumps_back_counts_no_day_twice():
    state = resumed(stopped(accepted(), at=NOON + 7 * DAY), at=NOON + 9 * DAY)
    again = resumed(stopped(state, "T2", at=NOON + DAY), "T2", at=NOON + 2 * DAY)
    assert [stop.days for stop in again.clock.stops] == [2, 0]
    assert again.clock.due == state.clock.due


def test_a_stop_tells_when_it_should_be_over():
    until = datetime(2027, 3, 31, 9, 30, tzinfo=UTC)
    (stop,) = stopped(accepted(), until=until).clock.stops
    assert stop.ends_by == until
    assert procedures.stands_for(stopped(accepted()), "T1") and not procedures.stands_for(accepted(), CASE_NO)
