"""The clock explains itself: exact sentences in both languages."""

from datetime import date, timedelta

import pytest
from liangwang.clock_text import explain
from liangwang.domain import statutory_clock as ledger
from liangwang.domain.catalogue import Limit
from liangwang.domain.message_parts import StopCause
from liangwang.domain.statutory_clock import Clock, Extension, Stop
from liangwang.domain.working_days import Calendar

from tests.unit.samples import item
from tests.unit.test_working_days import CITY, at

LAW = "《中华人民共和国行政许可法》"
TWENTY = item(statutory=Limit(20, f"{LAW}第四十二条"), promised=Limit(10, "a promise"))


def started(day=date(2026, 11, 2), calendar=CITY):
    return Clock(due=ledger.start(TWENTY, calendar, at(day)))


def stopped(
    clock, day, stop_id="one", *, cause: StopCause = "supplement", basis=f"{LAW}第三十二条第一款第四项", ends_by=None
):
    stop = Stop(stop_id=stop_id, cause=cause, basis=basis, approver="b", since=day, ends_by=ends_by)
    return ledger.suspended(clock, stop, at(day))


def resumed(clock, day, stop_id="one"):
    return ledger.resumed(
        clock,
        stop_id,
        on=day,
        days=CITY.between(next(stop.since for stop in clock.open_stops if stop.stop_id == stop_id), day),
        stood=0 if len(clock.open_stops) > 1 else ledger.standing_days(clock, CITY, day),
        due=ledger.due_after(clock, stop_id, CITY, day),
    )


def november(day):
    return date(2026, 11, day)


def test_a_clock_says_when_it_started_what_the_limit_is_what_it_stood_for_and_when_it_ends():
    clock = resumed(stopped(started(), november(4)), november(9))
    told = explain(clock, CITY, at(november(20)))
    assert told.zh == (
        "受理 11-02，法定 20 个工作日，补正暂停 3 日（第三十二条第一款第四项），到期 12-03，承诺 11-19 前办结，"
        "超过承诺期限 1 个工作日，法定期限剩余 9 个工作日"
    )
    assert told.en == (
        "Accepted 11-02, limit 20 working days, 3 days not counted: supplement (art. 32), due 12-03, "
        "promised by 11-19, 1 working day past the promise, 9 working days of the limit left"
    )


def test_a_plain_clock_is_a_plain_sentence():
    told = explain(started(), CITY, at(november(2)))
    assert told.zh == "受理 11-02，法定 20 个工作日，到期 11-30，承诺 11-16 前办结，剩余 20 个工作日"
    assert told.en == ("Accepted 11-02, limit 20 working days, due 11-30, promised by 11-16, 20 working days left")


def test_an_open_stop_says_since_when_and_until_when():
    ends_by = at(november(30), 17, 30)
    clock = stopped(started(), november(5), cause="hearing", basis=f"{LAW}第四十五条", ends_by=ends_by)
    told = explain(clock, CITY, at(november(20)))
    assert told.zh == (
        "受理 11-02，法定 20 个工作日，听证自 11-05 起中止（第四十五条），预计 11-30 前结束，到期 11-30，恢复后顺延，"
        "承诺 11-16 前办结，剩余 17 个工作日"
    )
    assert told.en == (
        "Accepted 11-02, limit 20 working days, not counted since 11-05: hearing (art. 45), to end by 11-30, "
        "due 11-30, later by the time it is stopped, promised by 11-16, 17 working days left"
    )
    open_ended = explain(stopped(started(), november(5)), CITY, at(november(20)))
    assert "补正自 11-05 起中止（第三十二条第一款第四项），到期" in open_ended.zh


def test_stops_that_overlap_are_named_each_and_counted_once():
    clock = stopped(stopped(started(), november(3)), november(4), "two", cause="inspection", basis=f"{LAW}第四十五条")
    clock = resumed(resumed(clock, november(5)), november(6), "two")
    told = explain(clock, CITY, at(november(6)))
    assert (
        "补正暂停 2 日（第三十二条第一款第四项），勘验暂停 2 日（第四十五条），合计暂停 3 日，重叠只计一次" in told.zh
    )
    assert "2 days not counted: inspection (art. 45), 3 days not counted in all, overlaps once" in told.en


def test_an_extension_stands_beside_the_limit_and_other_laws_are_named():
    clock = started()
    due = ledger.due_extended(clock, CITY, 10, at(november(9)))
    basis = "《某条例》第五条"
    clock = ledger.extended(clock, Extension(days=10, reason="r", basis=basis, approver="b", on=november(9)), due)
    told = explain(clock, CITY, at(november(9)))
    assert told.zh == (
        "受理 11-02，法定 20 个工作日，延长 10 日（《某条例》第五条），到期 12-14，承诺 11-30 前办结，剩余 25 个工作日"
    )
    assert told.en == (
        "Accepted 11-02, limit 20 working days, extended 10 days (《某条例》第五条), due 12-14, "
        "promised by 11-30, 25 working days left"
    )


def test_a_date_in_a_year_whose_holidays_are_not_announced_is_marked():
    announced = Calendar(announced=frozenset({2026}))
    told = explain(started(date(2026, 12, 14), announced), announced, at(date(2026, 12, 14)))
    assert told.zh == (
        "受理 12-14，法定 20 个工作日，到期 2027-01-11（暂定，当年放假安排未公布），承诺 12-28 前办结，剩余 20 个工作日"
    )
    assert "due 2027-01-11 (provisional: the year's holidays are not announced)" in told.en


def test_a_limit_that_has_passed_says_by_how_much():
    told = explain(started(), CITY, at(date(2026, 12, 2)))
    assert told.zh.endswith("超过法定期限 2 个工作日") and told.en.endswith(", 2 working days past the limit")


@pytest.mark.parametrize(
    ("day", "zh", "en"),
    [
        (november(10), "11-10 办结", "decided 11-10"),
        (november(18), "11-18 办结，超过承诺期限 2 个工作日", "decided 11-18, 2 working days past the promise"),
        (date(2026, 12, 1), "12-01 办结，超过法定期限 1 个工作日", "decided 12-01, 1 working day past the limit"),
    ],
)
def test_a_decided_case_says_when_and_what_had_passed(day, zh, en):
    told = explain(started(), CITY, at(day) + timedelta(days=9), decided_at=at(day))
    assert told.zh.endswith("前办结，" + zh) and told.en.endswith(en)


@pytest.mark.parametrize(
    ("chinese", "number"),
    [("五", 5), ("十", 10), ("十五", 15), ("四十", 40), ("四十五", 45), ("一百零三", 103), ("二百一十", 210)],
)
def test_an_article_is_named_in_english_by_its_number(chinese, number):
    clock = stopped(started(), november(4), basis=f"行政许可法第{chinese}条")
    assert f"(art. {number})" in explain(clock, CITY, at(november(4))).en


def test_every_article_is_named():
    clock = stopped(started(), november(4), cause="hearing", basis=f"{LAW}第四十五条、第四十七条")
    told = explain(clock, CITY, at(november(4)))
    assert "听证自 11-04 起中止（第四十五条、第四十七条）" in told.zh and "hearing (art. 45, 47)" in told.en


def test_what_the_sentence_says_remains_is_what_the_ledger_says():
    clock = started()
    for days in range(60):
        now = at(november(2) + timedelta(days=days), 18)
        left = ledger.remaining(clock, CITY, now)
        words = explain(clock, CITY, now).zh
        assert f"{abs(left)} 个工作日" in words
