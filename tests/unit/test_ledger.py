"""The centre's ledger: which case is where, whatever order the news come in."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liangwang.domain import messages as m
from liangwang.domain.ledger import AnotherIntake, carry, check_intake, evolve, observe, supervise
from msgspec.structs import replace

from tests.unit.samples import CASE_NO, NOON, folded

FIELDS = {"case_no": CASE_NO, "department": "EAST-MARKET"}
NEWS = (
    (2, m.CaseAccepted(**FIELDS, accept_doc_no="S", awaits=("fire",))),
    (5, m.StepCompleted(**FIELDS, step="handle", opinion="agree", by="rule")),
    (6, m.CaseDecided(**FIELDS, outcome="denied")),
)


def entered(news):
    state = None
    for sequence, message in news:
        at = NOON + timedelta(minutes=sequence)
        state = folded(evolve, state, observe(state, sequence=sequence, at=at, message=message))
    return state


@given(st.lists(st.sampled_from(NEWS), min_size=1, max_size=9))
def test_the_newest_news_win_whatever_order_they_come_in(news):
    state = entered(news)
    newest = entered([max(news, key=lambda one: one[0])])
    assert (state.state, state.sequence, state.since) == (newest.state, newest.sequence, newest.since)
    assert state.version == len({sequence for sequence, _ in news})


def test_news_that_came_before_are_no_event():
    state = entered(NEWS)
    assert observe(state, sequence=5, at=NOON, message=NEWS[1][1]) == []


def test_each_kind_of_news_has_its_state():
    messages = [
        m.CaseAccepted(**FIELDS, accept_doc_no="S"),
        m.CaseAccepted(**FIELDS, accept_doc_no="S", awaits=("fire",)),
        m.SupplementRequested(**FIELDS, notice_no="N", points=()),
        m.CaseRefused(**FIELDS, refusal_doc_no="B", reasons=()),
        NEWS[1][1],
        NEWS[2][1],
    ]
    states = [entered([(1, message)]).state for message in messages]
    assert states == ["accepted", "collaborating", "supplementing", "refused", "in_review", "denied"]


def test_only_an_ending_is_terminal():
    assert not entered(NEWS[:2]).is_terminal
    assert entered(NEWS).is_terminal


# ------------------------------------------------------------------ from which intake a case is

SUBMITTED = m.ApplicationSubmitted(
    case_no=CASE_NO,
    department="EAST-MARKET",
    task_code="elderly-card",
    task_version=1,
    place="990101001",
    applicant_type=1,
    channel="pc",
    form={},
    materials=(),
)
ESCALATED = m.CaseSupervised(
    case_no=CASE_NO,
    department="EAST-MARKET",
    rule="JD-04",
    stage="escalation",
    moment="promised",
    unit="990101",
    light="red",
    at=NOON + timedelta(minutes=3),
    centre="990101",
)


def carried(state, intake="intake"):
    return carry(state, intake=intake, at=NOON, applied_at=NOON - timedelta(minutes=1), message=SUBMITTED)


def said(state, what):
    if what == "carried":
        return carried(state)
    if what == "raised":
        return supervise(state, sequence=3, at=NOON + timedelta(minutes=3), message=ESCALATED)
    sequence, message = what
    return observe(state, sequence=sequence, at=NOON + timedelta(minutes=sequence), message=message)


def told(whats):
    state = None
    for what in whats:
        state = folded(evolve, state, said(state, what))
    return state


def test_a_case_that_was_carried_waits_for_its_department():
    state = told(["carried"])
    assert (state.state, state.department, state.since, state.sequence) == ("carried", "EAST-MARKET", NOON, 0)
    assert (state.intake, state.task_code, state.place) == ("intake", "elderly-card", "990101001")
    assert not state.is_terminal and not state.seen


def test_carried_again_it_is_the_same_case():
    assert carried(told(["carried"])) == []
    assert carried(told(["carried", NEWS[0]])) == []


def test_a_number_that_another_intake_uses_is_refused_and_the_entry_stays_as_it_was():
    with pytest.raises(AnotherIntake, match="in use by intake intake; town has"):
        carried(told(["carried"]), intake="town")
    with pytest.raises(AnotherIntake):
        check_intake(told(["carried", NEWS[2]]), intake="town")
    check_intake(None, intake="town")
    check_intake(told([NEWS[0]]), intake="town")


@given(st.permutations(["carried", "raised", *NEWS]), st.data())
def test_whatever_the_order_and_however_often_the_entry_comes_to_the_same(order, data):
    again = data.draw(st.lists(st.sampled_from(order), max_size=4))
    expected = told(["carried", "raised", *NEWS])
    assert replace(told([*order, *again]), version=0) == replace(expected, version=0)


@given(st.permutations(["carried", "raised"]))
def test_what_comes_before_a_centre_before_any_news_is_in_hand_in_either_order(order):
    state = told(order)
    assert (state.state, state.department, state.since) == ("in_review", "EAST-MARKET", ESCALATED.at)
    assert state.intake == "intake"
