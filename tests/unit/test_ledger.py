"""The centre's ledger: which case is where, whatever order the news come in."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from liangwang.domain import messages as m
from liangwang.domain.ledger import evolve, observe

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
