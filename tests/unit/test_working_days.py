"""工作日: which days count, when a limit of working days has passed, and what the city's calendar knows of the years."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liangwang import working_calendar
from liangwang.domain.working_days import Calendar, Office

CITY = working_calendar.load(Path(__file__).parents[2] / "layers" / "catalogue")
WEEKDAYS = Calendar(announced=frozenset(range(2000, 2100)))
LATE = Calendar(office=Office(late_counts_next_day=True))
SHANGHAI = ZoneInfo("Asia/Shanghai")

days = st.dates(date(2024, 1, 1), date(2028, 12, 31))
counts = st.integers(0, 90)


def at(day, hour=10, minute=0):
    """A moment on the wall clock of Shanghai, in UTC."""
    return datetime.combine(day, time(hour, minute), SHANGHAI).astimezone(UTC)


@st.composite
def calendars(draw):
    """The city's own calendar, or one with any days off and any weekends worked."""
    if draw(st.booleans()):
        return CITY
    office = draw(st.sampled_from([Office(), Office(late_counts_next_day=True), Office(limits_end_at=time(23, 59))]))
    differs = draw(st.dictionaries(st.dates(date(2023, 12, 1), date(2029, 12, 31)), st.booleans(), max_size=40))
    return Calendar(differs, frozenset({2024, 2025, 2026}), office)


# ------------------------------------------------------------------ days


def test_a_due_date_never_lands_on_a_weekend_or_holiday():
    friday_before_national_day = date(2026, 9, 25)
    assert [CITY.after(friday_before_national_day, n) for n in (1, 3, 4)] == [
        date(2026, 9, 28),
        date(2026, 9, 30),
        date(2026, 10, 8),
    ]


def test_a_saturday_that_is_worked_counts():
    saturday = date(2026, 10, 10)
    assert saturday.weekday() == 5 and CITY.is_working(saturday)
    assert CITY.after(date(2026, 10, 9), 1) == saturday
    assert CITY.between(date(2026, 10, 8), date(2026, 10, 12)) == 3


@given(calendars(), days, counts)
def test_a_limit_never_ends_on_a_day_off(calendar, day, count):
    assert calendar.is_working(calendar.after(day, count))


@given(calendars(), days, st.integers(1, 90))
def test_the_nth_working_day_after_a_day_is_n_working_days_from_it(calendar, day, count):
    assert calendar.between(day, calendar.after(day, count)) == count


@given(calendars(), days, days)
def test_the_days_between_two_days_are_those_that_one_finds_by_looking_at_each(calendar, one, other):
    counted = 0
    day = min(one, other)
    while day < max(one, other):
        day += timedelta(days=1)
        counted += calendar.is_working(day)
    assert calendar.between(one, other) == (counted if one <= other else -counted)


@given(calendars(), days, st.integers(1, 40), st.integers(0, 40))
def test_limits_one_after_the_other_are_one_limit(calendar, day, first, second):
    assert calendar.after(calendar.after(day, first), second) == calendar.after(day, first + second)


@given(calendars(), days, counts)
def test_a_later_beginning_never_ends_earlier(calendar, day, count):
    assert calendar.after(day, count) <= calendar.after(day + timedelta(days=1), count)


def test_a_limit_of_fewer_than_no_days_is_refused():
    with pytest.raises(ValueError, match="-1 working days"):
        WEEKDAYS.after(date(2026, 3, 2), -1)


# ------------------------------------------------------------------ moments


def test_a_limit_ends_with_the_hours_of_the_office_in_shanghai():
    monday = date(2026, 3, 2)
    assert WEEKDAYS.limit(at(monday), 1) == datetime(2026, 3, 3, 9, 30, tzinfo=UTC)
    midnight = Calendar(office=Office(limits_end_at=time(23, 59, 59)))
    assert midnight.limit(at(monday), 1) == datetime(2026, 3, 3, 15, 59, 59, tzinfo=UTC)


def test_a_wait_of_n_working_days_does_not_end_after_minutes():
    friday_evening = at(date(2026, 9, 30), 17, 29)
    assert WEEKDAYS.limit(friday_evening, 1) - friday_evening > timedelta(hours=23)
    assert CITY.limit(friday_evening, 1) == at(date(2026, 10, 8), 17, 30)


@given(calendars(), days, st.times(), counts)
def test_a_limit_never_ends_before_it_begins(calendar, day, clock, count):
    begins = datetime.combine(day, clock, SHANGHAI)
    ends = calendar.limit(begins, count)
    assert ends > begins
    assert calendar.is_working(ends.astimezone(SHANGHAI).date())
    if count:
        assert ends == calendar.end_of(calendar.after(calendar.day_of(begins), count))


@pytest.mark.parametrize(
    ("begins", "ends"),
    [
        (at(date(2026, 3, 2), 10), date(2026, 3, 2)),  # Monday in office hours: the same day
        (at(date(2026, 3, 2), 17, 30), date(2026, 3, 3)),  # as the office closes: the next
        (at(date(2026, 3, 6), 20), date(2026, 3, 9)),  # Friday evening: Monday
        (at(date(2026, 3, 7), 10), date(2026, 3, 9)),  # Saturday: Monday
    ],
)
def test_a_limit_of_no_days_ends_with_the_office_hours_that_come_next(begins, ends):
    assert WEEKDAYS.limit(begins, 0) == at(ends, 17, 30)


def test_what_begins_on_a_day_off_counts_from_the_next_working_day_on():
    assert {WEEKDAYS.limit(at(date(2026, 3, day)), 1) for day in (6, 7, 8)} == {at(date(2026, 3, 9), 17, 30)}


def test_what_comes_after_hours_belongs_to_the_next_day_where_the_city_says_so():
    monday, evening = date(2026, 3, 2), at(date(2026, 3, 2), 17, 31)
    assert (WEEKDAYS.day_of(evening), LATE.day_of(evening)) == (monday, date(2026, 3, 3))
    assert LATE.day_of(at(monday, 17, 30)) == monday
    assert WEEKDAYS.limit(evening, 1) == at(date(2026, 3, 3), 17, 30)
    assert LATE.limit(evening, 1) == at(date(2026, 3, 4), 17, 30)


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 1)), st.timedeltas(timedelta(0), timedelta(days=5)), counts
)
def test_who_comes_later_is_never_due_earlier(moment, later, count):
    begins = moment.replace(tzinfo=UTC)
    assert LATE.limit(begins, count) <= LATE.limit(begins + later, count)
