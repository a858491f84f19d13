"""时限: the ledger of a case's time. The oracle at the end walks day by day and knows nothing of how the ledger counts."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from liangwang.domain import messages as m
from liangwang.domain import statutory_clock as ledger
from liangwang.domain.catalogue import Lights, Limit
from liangwang.domain.errors import NotNow
from liangwang.domain.statutory_clock import Clock, Extension, Stop
from liangwang.domain.told_clock import clock_told
from liangwang.domain.working_days import Calendar
from msgspec.structs import replace

from tests.unit.samples import item
from tests.unit.test_working_days import SHANGHAI, WEEKDAYS, at, calendars

MONDAY = date(2026, 3, 2)
TWENTY = item(statutory=Limit(20, "行政许可法第四十二条"), promised=Limit(10, "a promise"))
JOINT = item(statutory=Limit(45, "行政许可法第四十二条"), promised=Limit(40, "a promise"))


def started(kind=TWENTY, calendar=WEEKDAYS, moment=None):
    """A clock that started on Monday 2 March 2026."""
    return Clock(due=ledger.start(kind, calendar, moment or at(MONDAY)))


def stopped(clock, moment, stop_id="one", calendar=WEEKDAYS):
    stop = Stop(stop_id=stop_id, cause="hearing", basis="a", approver="b", since=calendar.day_of(moment))
    return ledger.suspended(clock, stop, moment)


def resumed(clock, moment, stop_id="one", calendar=WEEKDAYS):
    on = calendar.day_of(moment)
    since = next(stop.since for stop in clock.open_stops if stop.stop_id == stop_id)
    others = len(clock.open_stops) > 1
    return ledger.resumed(
        clock,
        stop_id,
        on=on,
        days=calendar.between(since, on),
        stood=0 if others else ledger.standing_days(clock, calendar, on),
        due=ledger.due_after(clock, stop_id, calendar, on),
    )


def extended(clock, days, moment, calendar=WEEKDAYS):
    due = ledger.due_extended(clock, calendar, days, moment)
    extension = Extension(days=days, reason="r", basis="a", approver="b", on=calendar.day_of(moment))
    return ledger.extended(clock, extension, due)


def ends(clock):
    """The days on which the light turns yellow and red, the promise ends and the statute does."""
    due = clock.due
    return [ledger.day_told(one) for one in (due.yellow_at, due.red_at, due.promised_at, due.statutory_at)]


def march(day):
    return date(2026, 3, 1) + timedelta(days=day - 1)


# ------------------------------------------------------------------ the start


def test_the_day_after_acceptance_is_day_one():
    due = started().due
    assert (due.started_on, due.statutory_days, due.promised_days) == (MONDAY, 20, 10)
    assert ends(started()) == [march(9), march(12), march(16), march(30)]


def test_deemed_acceptance_starts_the_clock_on_the_day_the_materials_arrived():
    arrived, deemed = at(MONDAY), WEEKDAYS.limit(at(MONDAY), 5)
    due = ledger.start(TWENTY, WEEKDAYS, arrived)
    assert due.started_on == MONDAY < ledger.day_told(deemed)
    assert due.statutory_at == started().due.statutory_at


def test_joint_handling_has_45_days_and_15_more():
    clock = extended(started(JOINT), 15, at(march(10)))
    assert WEEKDAYS.between(MONDAY, ends(clock)[-1]) == 60
    assert (clock.due.statutory_days, clock.due.promised_days) == (60, 55)


def test_an_ordinary_case_has_20_days_and_10_more():
    clock = extended(started(), 10, at(march(10)))
    assert WEEKDAYS.between(MONDAY, ends(clock)[-1]) == 30


def test_an_item_that_is_decided_at_once_is_in_time_also_when_the_office_is_closed():
    instant = item(kind=1, promised=Limit(0, "at once"))
    evening = at(MONDAY, 20)
    clock = started(instant, moment=evening)
    assert ledger.light(clock, evening) == "green"
    assert ends(clock)[2] == march(3)


def test_a_part_of_a_limit_is_rounded_up_and_not_by_a_fraction_that_only_the_machine_sees():
    assert [ledger.part(20, 0.55), ledger.part(10, 0.55), ledger.part(3, 0.5), ledger.part(0, 0.5)] == [11, 6, 2, 0]


# ------------------------------------------------------------------ stops


def test_suspended_seven_working_days_moves_the_due_date_exactly_seven_and_that_it_was_suspended_stays_visible():
    before = started()
    after = resumed(stopped(before, at(march(3))), at(march(12)))
    assert [WEEKDAYS.between(*pair) for pair in zip(ends(before), ends(after), strict=True)] == [7, 7, 7, 7]
    assert [(stop.since, stop.until, stop.days) for stop in after.stops] == [(march(3), march(12), 7)]
    assert (after.stopped, after.standing_since) == (7, None)


def test_a_stop_that_ends_on_its_day_moves_nothing():
    clock = started()
    assert resumed(stopped(clock, at(march(3), 9)), at(march(3), 17)).due == clock.due


def test_stops_that_overlap_count_once():
    clock = stopped(stopped(started(), at(march(3))), at(march(5)), "two")
    clock = resumed(clock, at(march(10)))
    assert (clock.due, clock.stopped) == (started().due, 0)
    clock = resumed(clock, at(march(12)), "two")
    assert (clock.stopped, [stop.days for stop in clock.stops]) == (7, [5, 5])
    assert WEEKDAYS.between(ends(started())[-1], ends(clock)[-1]) == 7


def test_a_stop_within_another_counts_once():
    clock = stopped(stopped(started(), at(march(3))), at(march(4)), "inner")
    clock = resumed(resumed(clock, at(march(5)), "inner"), at(march(12)))
    assert (clock.stopped, WEEKDAYS.between(ends(started())[-1], ends(clock)[-1])) == (7, 7)


def test_a_stop_cannot_rescue_a_limit_that_had_passed_before_it_began():
    clock = stopped(started(), at(march(16), 18))  # the promise ended with the office's hours of that day
    after = resumed(clock, at(march(23)))
    assert [WEEKDAYS.between(*pair) for pair in zip(ends(started()), ends(after), strict=True)] == [0, 0, 0, 5]
    assert ledger.light(after, at(march(24))) == "overdue"


def test_a_stop_on_the_last_day_keeps_the_limit_from_passing():
    clock = stopped(started(), at(march(16), 16))
    assert ledger.light(clock, at(march(31))) == "red"
    after = resumed(clock, at(march(18)))
    assert ends(after)[2] == march(18)
    assert ledger.light(after, at(march(18), 17)) == "red"


def test_a_stop_on_the_last_day_that_ends_on_a_day_off_leaves_the_next_working_day():
    friday, sunday, monday = march(13), march(15), march(16)
    nine = started(item(promised=Limit(9, "a promise")))
    after = resumed(stopped(nine, at(friday)), at(sunday))
    assert (ends(nine)[2], ends(after)[2]) == (friday, monday)
    assert ends(after)[3] == ends(nine)[3]


def test_a_date_that_was_told_is_where_an_extension_counts_from():
    friday, sunday, tuesday = march(13), march(15), march(17)
    nine = started(item(statutory=Limit(9, "a"), promised=Limit(9, "a promise")))
    after = extended(resumed(stopped(nine, at(friday)), at(sunday)), 1, at(sunday, 12))
    assert ends(after)[2:] == [tuesday, tuesday]


def test_a_resume_before_its_stop_moves_nothing_and_makes_no_negative_days():
    after = resumed(stopped(started(), at(march(10))), at(march(5)))
    assert (after.due, after.stopped) == (started().due, 0)
    assert [(stop.since, stop.until, stop.days) for stop in after.stops] == [(march(10), march(10), 0)]


def test_a_clock_that_jumped_back_counts_no_day_as_stood_twice():
    clock = resumed(stopped(started(), at(march(3))), at(march(12)))
    clock = resumed(stopped(clock, at(march(5)), "again"), at(march(13)), "again")
    assert clock.stopped == WEEKDAYS.between(march(3), march(13))


def test_a_stop_before_the_start_counts_from_the_start_on():
    clock = resumed(stopped(started(), at(MONDAY - timedelta(days=7))), at(march(4)))
    assert clock.stopped == 2


# ------------------------------------------------------------------ the extension


def test_a_limit_is_extended_once():
    with pytest.raises(NotNow, match="extended already"):
        extended(extended(started(), 5, at(march(3))), 5, at(march(4)))


def test_a_limit_that_has_passed_is_not_extended():
    with pytest.raises(NotNow, match="has passed"):
        extended(started(), 10, at(march(30), 17, 30))


def test_an_extension_does_not_mend_a_promise_that_was_broken():
    clock = extended(started(), 10, at(march(17)))
    assert [WEEKDAYS.between(*pair) for pair in zip(ends(started()), ends(clock), strict=True)] == [0, 0, 0, 10]
    assert (clock.due.statutory_days, clock.due.promised_days) == (30, 10)
    assert ledger.light(clock, at(march(17))) == "overdue"


def test_a_case_that_stands_can_be_extended_and_both_count():
    clock = resumed(extended(stopped(started(), at(march(3))), 10, at(march(5))), at(march(12)))
    assert WEEKDAYS.between(ends(started())[-1], ends(clock)[-1]) == 17


# ------------------------------------------------------------------ what is told


def test_who_only_hears_the_messages_has_the_same_clock():
    clock = started()
    accepted = m.CaseAccepted(case_no="1", department="D", accept_doc_no="S", due=clock.due)
    suspended = m.CaseSuspended(
        case_no="1", department="D", stop_id="one", cause="hearing", basis="a", approver="b", since=march(3)
    )
    standing = stopped(clock, at(march(3)))
    on = {"on": march(12), "days": 7, "stood": 7, "due": ledger.due_after(standing, "one", WEEKDAYS, march(12))}
    resume = m.CaseResumed(case_no="1", department="D", stop_id="one", **on)
    running = resumed(standing, at(march(12)))
    more = {"days": 10, "reason": "r", "basis": "a", "approver": "b", "on": march(13)}
    due = ledger.due_extended(running, WEEKDAYS, 10, at(march(13)))
    extend = m.CaseExtended(case_no="1", department="D", due=due, **more)
    said = [accepted, suspended, resume, extend]
    heard = list(zip([at(MONDAY), at(march(3)), at(march(12)), at(march(13))], said, strict=True))
    assert clock_told(heard) == ledger.extended(running, Extension(**more), due)
    assert clock_told(heard[:2]) == standing
    assert clock_told(heard[1:]) is None


def test_what_was_told_is_kept_when_another_calendar_is_published():
    told = started()
    holidays = Calendar({march(day): False for day in range(3, 31)}, announced=frozenset({2026}))
    assert stopped(told, at(march(3)), calendar=holidays).due == told.due
    same_day = resumed(stopped(told, at(march(3)), calendar=holidays), at(march(3), 17), calendar=holidays)
    assert same_day.due == told.due
    assert ledger.light(told, told.due.promised_at - timedelta(seconds=1)) != "overdue"


def test_a_limit_that_reaches_into_a_year_not_announced_is_provisional():
    announced = Calendar(announced=frozenset({2026}))
    assert not started(calendar=announced).due.provisional
    december = at(date(2026, 12, 7))
    assert started(calendar=announced, moment=december).due.provisional
    clock = stopped(started(calendar=announced), at(march(3)), calendar=announced)
    assert resumed(clock, at(date(2026, 12, 30)), calendar=announced).due.provisional


def test_a_limit_that_has_passed_does_not_become_provisional():
    announced = Calendar(announced=frozenset({2026}))
    clock = stopped(started(calendar=announced), at(march(31)), calendar=announced)
    after = resumed(clock, at(date(2027, 1, 5)), calendar=announced)
    assert (after.due, after.stopped > 190) == (started().due, True)


# ------------------------------------------------------------------ lights and what remains


def test_the_light_changes_at_the_moment_it_said_it_would():
    clock, seen = started(), []
    moment = at(MONDAY)
    while (change := ledger.next_change(clock, moment)) is not None:
        assert ledger.light(clock, change - timedelta(microseconds=1)) == ledger.light(clock, moment)
        moment = change
        seen.append(ledger.light(clock, moment))
    assert seen == ["yellow", "red", "overdue", "overdue"]


def test_a_clock_that_stands_keeps_its_light_and_waits_for_no_moment():
    clock = stopped(started(), at(march(10)))
    assert (ledger.light(clock, at(march(31))), ledger.next_change(clock, at(march(31)))) == ("yellow", None)


@pytest.mark.parametrize(
    ("now", "statutory", "promised"),
    [
        (at(MONDAY - timedelta(days=30)), 20, 10),  # a machine's clock went back
        (at(MONDAY), 20, 10),
        (at(march(3)), 19, 9),
        (at(march(16), 17), 10, 0),  # the promise's last day
        (at(march(16), 18), 10, -1),
        (at(march(18)), 8, -2),
        (at(march(30), 18), 0 - 1, -10),
        (at(date(2026, 4, 5)), -4, -14),  # a Sunday
    ],
)
def test_what_remains_is_0_on_the_last_day_and_below_once_the_limit_has_passed(now, statutory, promised):
    clock = started()
    assert ledger.remaining(clock, WEEKDAYS, now) == statutory
    assert ledger.remaining(clock, WEEKDAYS, now, limit="promised") == promised


def test_what_remains_stands_while_the_clock_does():
    clock = stopped(started(), at(march(4)))
    assert {ledger.remaining(clock, WEEKDAYS, at(march(day))) for day in (4, 10, 30)} == {18}
    late = stopped(started(), at(march(31)))
    assert {ledger.remaining(late, WEEKDAYS, at(march(31 + day))) for day in (0, 20)} == {-1}


# ------------------------------------------------------------------ the oracle


class Day:
    """What happened, told by hand: stops as (day, moment, day of the end or None), and the extension."""

    def __init__(self, calendar, start):
        self.calendar, self.start = calendar, start
        self.stops, self.extension = [], None

    def counts(self, day):
        """Whether a day counts: worked, after the start, and in no stop (its first day counts, its last one does not)."""
        stood = any(since < day and (until is None or day <= until) for since, _, until in self.stops)
        return self.calendar.is_working(day) and not stood

    def stands_at(self, moment):
        """A stop holds from its moment on until the day begins on which it is ended."""
        return any(
            begun < moment and (until is None or moment < datetime.combine(until, time.min, SHANGHAI))
            for _, begun, until in self.stops
        )

    def is_given_a_day(self, days, first, on):
        """Whether a limit that was used up, but had not passed, when the clock came to stand runs again from a day off: then
        the next working day is its last, and from there on it is counted as told.
        """
        ends = self.due(days, first)
        longer = self.extension[0] if self.extension else 0
        counted = sum(self.counts(self.start + timedelta(days=n + 1)) for n in range((on - self.start).days))
        return ends is not None and ends > self.calendar.end_of(on) and counted >= days + longer

    def due(self, days, first):
        """The first close of office at which so many days have counted and the clock runs; None while it stands."""
        if any(until is None for _, _, until in self.stops):
            horizon = max(begun for _, begun, until in self.stops if until is None)
        else:
            horizon = datetime(2200, 1, 1, tzinfo=UTC)
        day, counted = self.start, 0
        while True:
            close = self.calendar.end_of(day)
            if close > horizon:
                return None
            longer = self.extension[0] if self.extension and self.extension[1] < close else 0
            if (
                self.calendar.is_working(day)
                and close > first
                and counted >= days + longer
                and not self.stands_at(close)
            ):
                return close
            day += timedelta(days=1)
            counted += self.counts(day)


happenings = st.lists(
    st.tuples(st.integers(0, 24 * 40), st.sampled_from(["stop", "stop", "resume", "resume", "resume", "extend"])),
    max_size=12,
)


@settings(max_examples=200, deadline=None)
@given(
    calendars(),
    st.datetimes(datetime(2024, 1, 1), datetime(2028, 6, 30)),
    st.integers(1, 45),  # an item of 0 days is decided at once: nothing stops or extends it
    st.integers(1, 45),
    happenings,
    st.integers(1, 15),
)
def test_any_sequence_of_stops_and_extension_is_due_when_one_who_walks_day_by_day_says(
    calendar, begins, statutory, promised, happened, longer
):
    kind = item(statutory=Limit(statutory, "s"), promised=Limit(min(promised, statutory), "p"), lights=Lights(0.4, 0.9))
    now = begun = begins.replace(tzinfo=UTC)
    clock = Clock(due=ledger.start(kind, calendar, now))
    oracle = Day(calendar, calendar.day_of(now))
    limits = {
        "statutory_at": statutory,
        "promised_at": kind.promised.days,
        "yellow_at": ledger.part(kind.promised.days, 0.4),
        "red_at": ledger.part(kind.promised.days, 0.9),
    }
    for number, (hours, what) in enumerate(happened):
        now += timedelta(hours=hours)
        on = calendar.day_of(now)
        if what == "stop":
            oracle.stops.append((on, now, None))
            clock = stopped(clock, now, str(number), calendar)
        elif what == "resume" and clock.open_stops:
            first = clock.open_stops[0].stop_id
            index = [stop.stop_id for stop in clock.stops].index(first)
            oracle.stops[index] = (*oracle.stops[index][:2], on)
            clock = resumed(clock, now, first, calendar)
            if not clock.open_stops and not calendar.is_working(on):
                limits = {name: days + oracle.is_given_a_day(days, begun, on) for name, days in limits.items()}
        elif what == "extend" and clock.extension is None:
            ended = oracle.due(limits["statutory_at"], begun)
            if ended is not None and ended <= now:
                with pytest.raises(NotNow):
                    extended(clock, longer, now, calendar)
            else:
                oracle.extension = (longer, now)
                clock = extended(clock, longer, now, calendar)
        for name, days in limits.items():
            expected = oracle.due(days, begun)
            if expected is not None:
                assert getattr(clock.due, name) == expected, name
            assert calendar.is_working(ledger.day_told(getattr(clock.due, name)))
        counted = sum(oracle.counts(oracle.start + timedelta(days=n + 1)) for n in range((on - oracle.start).days))
        parts = counted + clock.stopped + ledger.standing_days(clock, calendar, on)
        assert parts == calendar.between(oracle.start, on)
        if clock.standing_since is None:
            assert ledger.light(clock, now) == expected_light(oracle, limits, begun, now)


def expected_light(oracle, limits, begun, now):
    passed = {name: oracle.due(days, begun) <= now for name, days in limits.items()}
    if passed["promised_at"]:
        return "overdue"
    return "red" if passed["red_at"] else "yellow" if passed["yellow_at"] else "green"


@settings(max_examples=100, deadline=None)
@given(calendars(), calendars(), st.datetimes(datetime(2024, 1, 1), datetime(2028, 6, 30)), st.integers(0, 400))
def test_no_calendar_published_later_moves_a_date_that_was_told(first, second, begins, hours):
    begun = begins.replace(tzinfo=UTC)
    told = Clock(due=ledger.start(TWENTY, first, begun))
    now = begun + timedelta(hours=hours)
    standing = stopped(told, now, calendar=second)
    assert standing.due == told.due
    unmoved = replace(told.due, provisional=ledger.due_after(standing, "one", second, second.day_of(now)).provisional)
    assert ledger.due_after(standing, "one", second, second.day_of(now)) == unmoved


@settings(max_examples=100, deadline=None)
@given(
    calendars(), st.datetimes(datetime(2024, 1, 1), datetime(2028, 6, 30)), st.lists(st.integers(-500, 500), max_size=8)
)
def test_whatever_a_machines_clock_says_no_date_moves_back_and_no_days_are_negative(calendar, begins, jumps):
    now = begins.replace(tzinfo=UTC)
    clock = Clock(due=ledger.start(TWENTY, calendar, now))
    for number, hours in enumerate(jumps):
        now += timedelta(hours=hours)
        before = clock
        stop_id = str(number // 2)
        clock = resumed(clock, now, stop_id, calendar) if number % 2 else stopped(clock, now, stop_id, calendar)
        assert clock.stopped >= before.stopped >= 0 and all(stop.days >= 0 for stop in clock.stops)
        assert all(new >= old for new, old in zip(ends(clock), ends(before), strict=True))
    over = [stop for stop in clock.stops if stop.until is not None]
    if over:
        span = calendar.between(clock.due.started_on, max(stop.until for stop in over))
        assert clock.stopped <= max(0, span)
