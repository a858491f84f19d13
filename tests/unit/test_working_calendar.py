"""The city's calendar: what was announced, what the file estimates, and what is done when neither the package nor time waits."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liangwang import working_calendar
from liangwang.working_calendar import Announced, Dated, announced, calendar_of

from tests.unit.test_working_days import at

FOLDER = Path(__file__).parents[2] / "layers" / "catalogue"
FILE = working_calendar.read(FOLDER / working_calendar.FILE)
KNOWN = announced()
TODAY = datetime.now(UTC).date()


def test_years_from_2004_on_are_announced_with_the_saturdays_that_are_worked():
    assert KNOWN.years >= frozenset(range(2004, 2027))
    assert KNOWN.differs[date(2026, 10, 1)] is False and KNOWN.differs[date(2026, 10, 10)] is True


def test_the_calendar_that_ships_knows_this_year_and_the_next_three():
    missing = [reason for _, reason in working_calendar.missing_years(FILE, KNOWN, TODAY.year)]
    assert not missing, f"{working_calendar.FILE} wants its yearly care (docs/clock.md): {'; '.join(missing)}"


def test_an_estimate_never_overrules_what_was_announced():
    worked = date(2026, 3, 4)
    dated = Dated(as_of=TODAY, days_off=(worked, date(2099, 3, 4)), days_worked=(date(2026, 3, 7),))
    calendar = calendar_of(dated, KNOWN)
    assert calendar.is_working(worked) and not calendar.is_working(date(2026, 3, 7))
    assert not calendar.is_working(date(2099, 3, 4))


@given(st.dates(date(2004, 1, 1), date(2026, 12, 31)))
def test_the_days_of_an_announced_year_are_the_announced_ones(day):
    import chinese_calendar

    calendar = working_calendar.load(FOLDER)
    assert calendar.is_working(day) == chinese_calendar.is_workday(day)
    assert not calendar.is_provisional(day)


def test_a_package_that_has_not_heard_of_the_year_makes_limits_provisional_and_breaks_nothing():
    outdated = Announced(frozenset({2025}), {day: off for day, off in KNOWN.differs.items() if day.year == 2025})
    calendar = calendar_of(FILE, outdated)
    assert calendar.limit(at(date(2028, 9, 29)), 1) == at(date(2028, 10, 6), 17, 30)
    assert calendar.limit(at(date(2026, 9, 29)), 3) == at(date(2026, 10, 2), 17, 30)  # nobody has told it of 2026
    assert all(calendar.is_provisional(date(year, 3, 1)) for year in (2024, 2026, 2028, 2050))
    assert calendar.is_working(date(2050, 3, 1)) and not calendar.is_working(date(2050, 3, 5))


def test_a_notice_that_the_package_does_not_have_yet_is_taken_from_the_file():
    year = max(KNOWN.years) + 1
    dated = Dated(as_of=TODAY, announced=(year, 2026), days_off=(date(year, 6, 9), date(2026, 3, 4)))
    calendar = calendar_of(dated, KNOWN)
    assert not calendar.is_provisional(date(year, 6, 9)) and calendar.is_working(date(2026, 3, 4))
    assert calendar.is_provisional(date(year + 1, 1, 4))


def test_a_year_of_which_only_new_year_is_known_is_not_announced():
    assert max(KNOWN.years) + 1 not in {day.year for day in KNOWN.differs if day.month == 10}
    assert working_calendar.load(FOLDER).is_provisional(date(max(KNOWN.years) + 1, 1, 1))


@pytest.mark.parametrize("year", range(2027, 2033))
def test_an_estimated_year_has_the_thirteen_days_of_the_law_on_weekdays(year):
    days = [day for day in FILE.days_off if day.year == year]
    assert len(days) == 13 and all(day.weekday() < 5 for day in days)
    assert sum(day.month == 10 for day in days) >= 3 and sum(day.month == 5 for day in days) >= 2
