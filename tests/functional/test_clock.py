"""The clock on a case's way: what is told at acceptance, and limits of working days that schedules follow."""

from datetime import UTC, datetime

import pytest
from liangwang.aggregates import CASE, COLLABORATION
from liangwang.clock_text import explain

from tests.functional.city import CALENDAR, City

FRIDAY = datetime(2027, 3, 5, 1, 0, tzinfo=UTC)  # nine o'clock in Shanghai


@pytest.fixture
def city():
    city = City()
    city.now = FRIDAY
    return city


def test_what_the_applicant_is_told_of_the_time_is_kept_with_the_acceptance(city):
    case_no = city.apply("food-business-licence")
    city.pump()
    state = city.state("department", CASE, case_no)
    assert state.accepted.due == state.clock.due
    assert state.clock.due.statutory_at == CALENDAR.limit(FRIDAY, 20)
    told = explain(state.clock, CALENDAR, city.now)
    assert told.zh.startswith("受理 03-05，法定 20 个工作日，到期 04-02")


def test_the_citizen_reads_when_the_case_is_due_and_why(city):
    case_no = city.apply("food-business-licence")
    assert (city.follow(case_no).due, city.follow(case_no).time) == (None, None)
    city.pump()
    view = city.follow(case_no)
    assert view.due == city.state("department", CASE, case_no).clock.due
    assert view.time.zh == ("受理 03-05，法定 20 个工作日，到期 04-02（暂定，当年放假安排未公布），承诺 03-17 前办结")


def test_a_wait_of_working_days_does_not_end_after_minutes_nor_over_a_weekend(city):
    case_no = city.apply("food-business-licence", form={"area": 300, "gas_kitchen": False})
    city.pump()
    ((key, event),) = city.states("governance", COLLABORATION)
    assert event.due_at == datetime(2027, 3, 9, 9, 30, tzinfo=UTC)  # two working days: Monday and Tuesday
    for _ in range(4):
        city.later(minutes=20)
        city.sweep("governance")
        city.pump()
    while city.now < event.due_at:
        assert city.state("governance", COLLABORATION, key.id).conclusion is None
        city.later(hours=4)
        city.sweep("governance")
        city.pump()
    assert city.state("governance", COLLABORATION, key.id).conclusion.because == "timeout_proceed"
    assert city.state("department", CASE, case_no).status == "in_review"


def test_an_instant_item_decided_at_night_is_in_time(city):
    city.now = datetime(2027, 3, 5, 14, 0, tzinfo=UTC)  # ten in the evening
    case_no = city.apply("elderly-card")
    city.pump()
    state = city.state("department", CASE, case_no)
    assert state.decided_at < state.clock.due.promised_at
