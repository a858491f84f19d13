"""Open cases that a grid event may have to do with, and the event as their evidence, on the deployed functions."""

from datetime import UTC, datetime, timedelta

import pytest
from liangwang.aggregates import CASE, GRID, LEDGER, Key
from liangwang.domain import ledger
from liangwang.domain import messages as m
from liangwang.envelope import Outgoing, wrap
from liangwang.fakes import FakeProducer, kafka_event
from liangwang.processing import Command, perform
from liangwang.services.supervision import Supervision, of_grid_events
from msgspec import structs

from tests.functional.streets import GATEWAY, REPORT, Streets
from tests.functional.world import FORM, OWN


@pytest.fixture
def streets():
    return Streets()


# ------------------------------------------------------------------ open cases, and evidence


def test_open_cases_of_related_items_match_and_each_says_why(streets):
    here = streets.licence()
    there = streets.licence(place="990101002")
    far = streets.licence(place="990102001")
    number = streets.told()["event_no"]
    found = streets.matches(number)
    assert {case: one["strength"] for case, one in found.items()} == {here: "strong"}
    assert found[here]["why"] == {"zh": "同一地点，相关事项", "en": "At the same place, of a related item"}
    found = streets.matches(number, nearby="true")
    assert {case: one["strength"] for case, one in found.items()} == {here: "strong", there: "weak"}
    assert far not in found


def test_a_case_that_has_ended_matches_no_more(streets):
    case = streets.licence()
    number = streets.told()["event_no"]
    assert case in streets.matches(number)
    end(streets, case)
    assert streets.matches(number) == {}


def test_who_may_not_put_it_to_a_case_is_told_of_none(streets):
    streets.licence()
    number = streets.told()["event_no"]
    assert streets.event(number, GATEWAY)["matches"] == []
    assert streets.event(number, {"subject": "auditor", "role": "auditor"})["matches"] == []


def end(streets, case):
    """The centre hears that the department granted it."""
    now = datetime.now(UTC)
    seen = ledger.Observed(sequence=9, message_type="case.decided", state="granted", department=OWN, at=now)
    perform(streets.store("governance"), [Command(Key(LEDGER.name, case), "ended", lambda *_: [seen])], now)


def evidence(streets, number):
    return [(one["case_no"], one["result"], one["reason"]) for one in streets.event(number)["evidence"]]


def test_an_event_becomes_a_case_s_evidence_once_however_often_it_is_told(streets):
    case = streets.licence()
    number = streets.told()["event_no"]
    assert streets.offer(number, case)[0] == 200
    assert evidence(streets, number) == [(case, "", "")]
    for _ in range(3):
        streets.carry()
    assert evidence(streets, number) == [(case, "taken", "")]
    (taken,) = streets.case(case).evidence
    assert (taken.event_no, taken.summary) == (number, REPORT["description"])
    assert streets.offer(number, case)[0] == 409


def test_officers_see_the_evidence_and_the_citizen_is_told_nothing_of_it(streets):
    case = streets.licence()
    number = streets.told()["event_no"]
    streets.offer(number, case)
    streets.carry()
    clerk = {"subject": "clerk-1", "role": "clerk", "department": OWN}
    status, detail = streets.say("GET /api/cases/{case_no}", clerk, function="approval", case_no=case)
    assert status == 200, detail
    assert [one["event_no"] for one in detail["evidence"]] == [number]
    assert "case.evidence_received" in [line["event"] for line in detail["timeline"]]
    streets.call("publisher", streets.aws.dynamodb.event("department"))
    told = [*streets.producer.records("acceptances"), *streets.producer.records("approvals")]
    assert not [record for record in told if number.encode() in record.value]


def test_an_offer_that_was_lost_is_made_again(streets):
    case = streets.licence()
    number = streets.told()["event_no"]
    streets.offer(number, case)
    later = datetime.now(UTC) + timedelta(minutes=6)
    Supervision(streets.store("governance"), {GRID.name: of_grid_events}, clock=lambda: later).sweep({})
    newest = streets.aws.dynamodb.event("governance", start=len(streets.aws.dynamodb.streams["governance"]) - 1)
    streets.call("publisher", newest)
    streets.hear("approval", "collaboration-results")
    assert len(streets.case(case).evidence) == 1


def test_a_case_that_has_not_reached_the_department_takes_it_when_it_is_offered_again(streets):
    case = streets.apply(
        task_code="food-business-licence",
        form={**FORM, "area": 80},
        materials=["business-licence", "layout-plan", "safety-rules"],
    )
    streets.call("relay", streets.aws.dynamodb.event("intake"))
    number = streets.told()["event_no"]
    streets.offer(number, case)
    streets.carry()
    assert evidence(streets, number) == [(case, "", "")]
    streets.hear("acceptance", "applications")
    streets.carry()
    streets.carry()
    assert evidence(streets, number) == [(case, "taken", "")]


def test_a_case_that_ended_meanwhile_takes_no_evidence(streets):
    case = streets.licence()
    number = streets.told()["event_no"]
    streets.offer(number, case)
    ended = m.CaseDecided(case_no=case, department=OWN, outcome="withdrawn")
    now = datetime.now(UTC)
    perform(streets.store("department"), [Command(Key(CASE.name, case), "ended", lambda *_: [ended])], now)
    streets.carry()
    streets.carry()
    assert evidence(streets, number) == [(case, "not_taken", "case_ended")]
    assert streets.case(case).evidence == ()


def test_evidence_is_for_open_cases_in_the_centre_s_line(streets):
    mine, theirs = streets.licence(), streets.licence(place="990102001")
    number = streets.told()["event_no"]
    assert streets.offer(number, theirs)[0] == 404
    assert streets.offer(number, "20270301-990101001-AAAAAAAAAAAA-A")[0] == 404
    end(streets, mine)
    assert streets.offer(number, mine)[0] == 409


@pytest.mark.parametrize("department", ["D-990100-WEATHER", OWN])
def test_no_other_department_s_system_answers_for_the_one_that_has_the_case(streets, department):
    case = streets.licence()
    number = streets.told()["event_no"]
    streets.offer(number, case)
    message = m.EvidenceTaken(case_no=case, department=department, evidence_id=f"{number}-E1", taken=False)
    event = wrap(message, id="D-990100-WEATHER/1", time=datetime.now(UTC))
    producer = FakeProducer()
    producer.send([Outgoing("collaboration-reports", case, structs.replace(event, source="/weather/D-990100-WEATHER"))])
    streets.call("grid", kafka_event(producer.records("collaboration-reports")))
    assert evidence(streets, number) == [(case, "", "")]
