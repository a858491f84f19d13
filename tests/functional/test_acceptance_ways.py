"""受理 in the whole city: an officer accepts or asks, nobody does, a case is handed over, a promise is kept."""

import pytest
from liangwang.aggregates import APPLICATION, CASE, LEDGER, Key
from liangwang.domain import messages as m
from liangwang.domain.errors import Invalid, NotFound, NotNow
from liangwang.domain.officer_acceptance import AcceptCase, RefuseCase, ReturnCase, VisibleBefore
from liangwang.fakes import Fault
from liangwang.services.disclosure import opened

from tests.functional.city import CALENDAR, OUTAGE, City

EVENT = "mass-event-safety"
HERE, THERE = "D-990101-POLICE", "D-990102-POLICE"


@pytest.fixture
def city():
    return City()


def waiting(city, **changes):
    """A case that waits for an officer."""
    case_no = city.apply(EVENT, **changes)
    city.sweep("relay")
    city.pump()
    return case_no


def kinds(city, case_no):
    return [type(one.event).__name__ for one in city.history("department", CASE, case_no)]


def status(city, case_no):
    return city.follow(case_no).status


# ------------------------------------------------------------------ an officer decides


def test_an_officer_accepts_and_the_citizen_is_told_the_dates(city):
    case_no = waiting(city)
    assert (status(city, case_no), city.follow(case_no).due) == ("submitted", None)
    city.do_acceptance(case_no)
    city.pump()
    view = city.follow(case_no)
    assert view.status == "in_review"
    assert view.due.promised_at < view.due.statutory_at
    assert city.settle() and city.endings(case_no) == ("granted",) * 3


def test_an_officer_refuses_with_reason_basis_and_remedy(city):
    case_no = waiting(city)
    city.officer(case_no, "refuse", RefuseCase(reasons=("不属于许可范围",), basis="第三十二条"))
    city.pump()
    refused = city.state("intake", APPLICATION, case_no).last_word
    assert "行政复议" in refused.remedy.zh and "six months" in refused.remedy.en
    assert city.endings(case_no) == ("refused",) * 3


def test_an_application_is_given_back(city):
    case_no = waiting(city)
    city.officer(case_no, "give_back", ReturnCase(reason="无需许可"))
    city.pump()
    assert city.endings(case_no) == ("returned",) * 3


def test_a_second_notice_for_what_was_visible_is_refused_and_nothing_changes(city):
    case_no = waiting(city)
    city.do_notice(case_no, ["safety-plan"])
    city.pump()
    city.answer(case_no)
    city.sweep("relay")
    city.pump()
    before = kinds(city, case_no)
    with pytest.raises(VisibleBefore):
        city.do_notice(case_no, ["venue-consent"])
    assert kinds(city, case_no) == before


def test_a_supplement_made_at_intake_reaches_the_department_and_back_with_the_bus_down_in_between(city):
    case_no = waiting(city)
    city.do_notice(case_no, ["safety-plan", "end_date"])
    city.pump()
    city.answer(case_no)
    city.producer.faults += ["refused"] * 12
    for _ in range(4):
        city.sweep("relay")
        city.pump()
        city.later(minutes=10)
    assert city.state("department", CASE, case_no).status == "supplementing"
    city.wipe_broker()
    city.producer.faults.clear()
    city.later(hours=2)
    city.sweep("relay")
    city.pump()
    assert city.state("department", CASE, case_no).status == "received"
    assert city.settle() and city.endings(case_no) == ("granted",) * 3
    assert kinds(city, case_no).count("SupplementReceived") == 1


def test_in_review_the_clock_stands_for_a_supplement_and_runs_on_when_it_came(city):
    case_no = waiting(city)
    city.do_acceptance(case_no)
    city.pump()
    due = city.follow(case_no).due.statutory_at
    city.do_notice(case_no, ["safety-plan"], arose_from="现场核查")
    city.pump()
    assert status(city, case_no) == "supplementing"
    city.later(days=2)
    city.answer(case_no)
    city.sweep("relay")
    city.pump()
    assert status(city, case_no) == "in_review"
    assert (city.follow(case_no).due.statutory_at - due).days == 2
    assert city.settle() and city.endings(case_no) == ("granted",) * 3


# ------------------------------------------------------------------ nobody does anything


def sweeps(city, *, days):
    """Time passes; the schedule runs several times a day."""
    for _ in range(4 * days):
        city.later(hours=6)
        city.sweep("department")
    city.sweep("relay")
    city.pump()


def test_when_nobody_examines_in_five_working_days_it_counts_as_accepted_once_and_goes_on(city):
    case_no = waiting(city)
    came = city.now
    sweeps(city, days=12)
    accepted = [one for one in city.history("department", CASE, case_no) if isinstance(one.event, m.CaseAccepted)]
    assert [(one.event.deemed, one.event.basis) for one in accepted] == [
        (True, "《中华人民共和国行政许可法》第三十二条")
    ]
    assert accepted[0].event.due.started_on == CALENDAR.day_of(came)
    assert status(city, case_no) == "in_review"
    assert "视为受理" in next(one.text.zh for one in city.follow(case_no).timeline if one.event == "case.accepted")
    assert city.settle() and city.endings(case_no) == ("granted",) * 3


def test_a_supplement_that_is_not_made_in_time_returns_the_case_and_a_late_one_is_kept_and_flagged(city):
    case_no = waiting(city)
    city.do_notice(case_no, ["safety-plan"])
    city.pump()
    until = city.follow(case_no).notice.until
    sweeps(city, days=(until - city.now).days)
    assert status(city, case_no) == "supplementing", "asked again and again, it is not overdue before its time"
    city.later(days=3)
    city.answer(case_no)  # intake has not heard yet that it was returned
    city.sweep("department")
    city.sweep("relay")
    city.pump()
    assert city.endings(case_no) == ("returned",) * 3
    assert kinds(city, case_no)[-1] == "Noted"
    assert city.settle()


def test_a_promise_that_is_not_kept_returns_the_case_and_the_citizen_is_told_what_lacked(city):
    case_no = promised(city)
    sweeps(city, days=14)
    assert city.endings(case_no) == ("returned",) * 3
    reasons = city.state("intake", APPLICATION, case_no).last_word.reasons
    assert [one.en for one in reasons][1:] == ["Food safety rules of the business"]
    assert city.settle()


# ------------------------------------------------------------------ handing over


def personal(city, case_no):
    """The applicant's personal data, as the department that has the case opens it."""
    key = Key(CASE.name, case_no)
    return opened(city.sealing, city.stores["department"].load([key])[key])


def test_a_case_that_is_handed_over_stays_one_case_with_one_number_and_its_data_can_be_read_there(city):
    case_no = waiting(city)
    before = personal(city, case_no)
    city.do_transfer(case_no)
    city.pump()
    state = city.state("department", CASE, case_no)
    assert (state.department, state.sealed_for) == (THERE, (THERE,))
    assert personal(city, case_no) == before and before
    assert city.state("governance", LEDGER, case_no).department == THERE
    assert city.follow(case_no).department.en == city.catalogue.organisation.department[THERE].name.en
    with pytest.raises(NotFound):
        city.officer(case_no, "accept", AcceptCase(), department=HERE)
    assert city.settle() and city.endings(case_no) == ("granted",) * 3


def test_retry_of_a_half_done_hand_over_makes_no_second_case_number_or_document(city):
    case_no = waiting(city)
    city.aws.faults.append(Fault("PutItem", "lost"))  # it was written; the officer never heard
    for _ in range(3):
        try:
            city.do_transfer(case_no, key="once", department=HERE)
        except OUTAGE:
            continue
    again = city.do_transfer(case_no, department=HERE)
    assert again.to == THERE, "without a key too: their own hand-over is answered as the first time"
    city.pump()
    assert kinds(city, case_no) == ["Received", "CaseTransferred"]
    assert [key.id for key, _ in city.states("department", CASE)] == [case_no]
    assert city.settle()
    documents = [one.event for one in city.history("department", CASE, case_no) if hasattr(one.event, "accept_doc_no")]
    assert [one.accept_doc_no for one in documents] == [f"{case_no}-S"]


def test_what_the_citizen_says_after_the_handing_over_goes_to_the_new_department_and_what_was_on_the_way_still_counts(
    city,
):
    case_no = waiting(city)
    city.do_notice(case_no, ["safety-plan", "phone"])
    city.pump()
    city.answer(case_no)  # sealed for the department that asked, and on the way
    city.sweep("relay")
    city.pump()
    city.do_transfer(case_no)
    assert set(city.state("department", CASE, case_no).sealed_for) == {THERE}
    city.withdraw(case_no)  # intake has not heard of the handing over: this goes to the old one
    city.sweep("relay")
    assert city.state("intake", APPLICATION, case_no).outgoing[-1][2].department == HERE
    assert city.settle() and city.endings(case_no) == ("withdrawn",) * 3


def test_a_case_in_review_is_not_handed_over(city):
    case_no = waiting(city)
    city.do_acceptance(case_no)
    with pytest.raises(NotNow):
        city.do_transfer(case_no)


# ------------------------------------------------------------------ promises


def promised(city):
    case_no = city.apply("food-business-licence", promises=("safety-rules",))
    city.sweep("relay")
    city.pump()
    return case_no


def test_a_promise_blocks_only_the_step_that_needs_the_material(city):
    case_no = promised(city)
    assert [one.material for one in city.follow(case_no).promised] == ["safety-rules"]
    assert city.open_cases() == [case_no]
    city.do_step(case_no)  # the review does not need it
    assert city.open_cases() == [], "the approval does"
    city.keep_promises(case_no)
    city.sweep("relay")
    city.pump()
    assert city.open_cases() == [case_no]
    city.do_step(case_no)
    city.pump()
    assert city.endings(case_no) == ("granted",) * 3
    assert city.follow(case_no).promised == ()


def test_what_may_not_come_later_cannot_be_promised(city):
    with pytest.raises(Invalid) as caught:
        city.apply("food-business-licence", promises=("business-licence",))
    assert [one.field for one in caught.value.violations] == ["promises[0]"]


# ------------------------------------------------------------------ decided at once


def test_the_citizen_of_an_instant_decision_sees_what_every_rule_found_in_words(city):
    case_no = city.apply("unemployment-registration", form={"has_job": True})
    city.sweep("relay")
    city.pump()
    trace = city.follow(case_no).trace
    assert {(one.stage, one.rule, one.against) for one in trace} == {
        ("acceptance", "working-age", False),
        ("acceptance", "plausible-age", False),
        ("handle", "has-a-job", True),
    }
    assert trace[-1].text.zh == "存在以下情形：申请人目前有工作，不处于无业状态。"
    assert trace[-1].expression == "form.has_job"
    accepted = city.state("intake", APPLICATION, case_no).accepted
    assert isinstance(accepted, m.CaseAccepted) and len(accepted.trace) == 2
