"""infra/reconcile.py: the operator's comparison of the three systems."""

import pytest

from local.reconciliation import Difference, Tables
from tests import infra_tools
from tests.functional.city import City


@pytest.fixture(scope="module")
def tool():
    return infra_tools.load("reconcile")


@pytest.fixture
def city():
    return City()


def looked_at(tool, city):
    tables = Tables(**city.stores)
    return list(tool.differences(tables, tool.open_cases(tables.intake, city.now)))


def test_a_case_that_nobody_carried_on_is_lost(tool, city):
    number = city.apply("elderly-card")
    assert [(one.case_no, one.kind, one.remedy) for one in looked_at(tool, city)] == [(number, "lost", "republish")]


def test_a_case_whose_way_ended_at_the_broker_is_asked_about(tool, city):
    number = city.apply("elderly-card")
    city.stream("intake")
    city.wipe_broker()
    assert [(one.case_no, one.kind, one.remedy) for one in looked_at(tool, city)] == [(number, "lost", "ask")]


def test_news_that_passed_the_centre_and_did_not_arrive_are_delivered(tool, city):
    number = city.apply("elderly-card")
    city.exchange.faults = [""] * 2 + ["refused"] * 100
    city.pump()
    assert [(one.case_no, one.remedy) for one in looked_at(tool, city)] == [(number, "redeliver")]
    city.settle()
    assert looked_at(tool, city) == []


def test_a_case_that_waits_for_a_clerk_is_open_and_nothing_is_wrong(tool, city):
    city.apply("food-business-licence", form={"area": 80})
    city.pump()
    (one,) = looked_at(tool, city)
    assert (one.kind, one.is_wrong) == ("stuck", False) and tool.report([one], 1) is True


def test_a_case_that_ended_everywhere_is_no_longer_looked_at(tool, city):
    city.apply("elderly-card")
    city.settle()
    assert looked_at(tool, city) == []


def test_what_is_open_is_counted_and_what_is_lost_is_named(tool, capsys):
    found = [
        Difference("1", "stuck", "intake accepted, department in_review, ledger accepted"),
        Difference("2", "stuck", "intake accepted, department in_review, ledger accepted"),
        Difference("3", "lost", "intake submitted, department absent, ledger absent", "republish"),
    ]
    assert tool.report(found, 10) is False
    said = capsys.readouterr().out
    assert "2 open: intake accepted" in said and "3 lost: intake submitted" in said
    assert "-> republish" in said and "10 cases looked at, 1 to be healed" in said


def test_open_cases_alone_are_nothing_wrong(tool):
    assert tool.report([Difference("1", "stuck", "waiting")], 1) is True
