"""反馈与核查: what counts of a report, checks and returns 返工, leads 主办, personal fields for who needs them."""

import pytest
from liangwang.domain import messages as m
from liangwang.domain.coordination import receive_request, urged
from liangwang.domain.errors import Invalid, NotNow
from liangwang.domain.event_clock import wake_at
from liangwang.domain.patience import Patience
from liangwang.domain.reports import pass_report, return_report

from tests.unit.collaborations import at, disclosed, hear, raised, reports, signs, then, wanted
from tests.unit.samples import CASE_NO, GOVERNANCE, NOON, kinds


def checked(**settings):
    """An event whose reports an operator checks, with one report."""
    state = raised(checked_by="centre", **settings)
    return hear(state, reports(state.tasks[0]))[1]


def passes(state, **fields):
    return pass_report(state, state.tasks[0].dispatched.task_id, by="op", now=NOON, **fields)


def returns(state):
    return return_report(state, state.tasks[0].dispatched.task_id, reason="which exit?", on=GOVERNANCE, now=NOON)


# ------------------------------------------------------------------ checking


def test_a_report_that_is_to_be_checked_counts_once_it_passed():
    state = checked()
    assert state.conclusion is None
    events = passes(state)
    assert kinds(events) == ["Checked", "CollaborationConcluded"]
    assert events[-1].conclusion == "agree"


def test_a_report_that_nobody_looks_at_counts_after_a_working_day():
    state = checked()
    assert state.tasks[0].check_by == GOVERNANCE.calendar.limit(NOON, 1)
    events, _ = at(state, state.tasks[0].check_by)
    assert kinds(events) == ["Checked", "CollaborationConcluded"]
    assert events[0].by == "rule"


def test_a_returned_report_is_done_again_within_three_working_days_and_does_not_count():
    state = checked()
    events = returns(state)
    assert (events[0].due_at, events[0].count) == (GOVERNANCE.calendar.limit(NOON, 3), 1)
    state = then(state, events)
    assert state.tasks[0].is_open and state.conclusion is None
    _, state = hear(state, reports(state.tasks[0], "disagree"))
    assert then(state, passes(state)).conclusion.conclusion == "disagree"


def test_a_report_is_returned_twice_at_most():
    state = checked()
    for _ in range(2):
        state = then(state, returns(state))
        _, state = hear(state, reports(state.tasks[0]))
    with pytest.raises(NotNow):
        returns(state)


def test_a_return_ends_with_the_event_at_the_latest():
    state = checked(days=1)
    assert returns(state)[0].due_at == state.due_at


def test_only_a_report_can_be_checked():
    with pytest.raises(NotNow):
        passes(raised(checked_by="centre"))
    state = checked()
    with pytest.raises(NotNow):
        passes(then(state, passes(state)))
    with pytest.raises(Invalid):
        return_report(checked(), checked().tasks[0].dispatched.task_id, reason="", on=GOVERNANCE, now=NOON)


def test_a_report_that_was_not_checked_when_the_limit_passed_counts_first():
    state = checked(days=0, on_timeout="deny")
    assert at(state, state.due_at)[1].conclusion.conclusion == "agree"


# ------------------------------------------------------------------ leads


def test_others_agreement_does_not_count_before_the_leads():
    state = raised(wanted(lead=True), wanted("site"), policy="any")
    _, state = hear(state, reports(state.tasks[1]))
    assert state.conclusion is None
    _, state = hear(state, reports(state.tasks[0]))
    assert (state.conclusion.conclusion, state.conclusion.because) == ("agree", "enough_agree")


def test_a_leads_disagreement_is_a_disagreement():
    state = raised(wanted(lead=True), wanted("site"), policy="any")
    _, state = hear(state, reports(state.tasks[1]))
    _, state = hear(state, reports(state.tasks[0], "disagree"))
    assert (state.conclusion.conclusion, state.conclusion.because) == ("disagree", "lead_disagrees")


def test_a_conclusion_without_every_answer_says_that_it_is_partial():
    state = raised(wanted(), wanted("site"), policy="any")
    _, state = hear(state, reports(state.tasks[0]))
    assert state.conclusion.partial
    assert [answer.opinion for answer in state.conclusion.answers] == ["agree", None]


def test_an_answer_names_its_task_its_declines_and_its_files():
    state = raised(wanted("site"))
    file = m.Attachment(code="plan", origin="upload")
    _, state = hear(
        state,
        m.TaskDeclined(
            case_no=CASE_NO,
            task_id=state.tasks[0].dispatched.task_id,
            collaboration_id="c",
            department="TOWN-SITE",
            by="c",
            reason="no",
        ),
    )
    _, state = hear(state, reports(state.tasks[1], attachments=(file,)))
    (answer,) = state.conclusion.answers
    assert (answer.task_id, answer.declines, answer.attachments) == (state.tasks[1].dispatched.task_id, 1, (file,))
    assert not state.conclusion.partial


def test_signing_twice_says_nothing_new():
    state = raised()
    _, state = hear(state, signs(state.tasks[0]))
    assert hear(state, signs(state.tasks[0]))[0] == []


# ------------------------------------------------------------------ what a supporter is shown


def test_a_supporter_is_shown_the_fields_that_its_part_needs():
    assert raised(wanted()).tasks[0].dispatched.form == {"area": 10}
    assert raised(wanted(fields=())).tasks[0].dispatched.form == {}
    assert raised(wanted(fields=("area", "height"))).tasks[0].dispatched.form == {"area": 10}


def test_the_requester_is_asked_for_personal_fields_once_it_is_known_who_needs_them():
    state = raised(wanted(personal=("phone",)))
    assert state.tasks[0].disclosure == "asked"
    assert wake_at(state, Patience()) == NOON + Patience().first
    events = receive_request(state, disclosed(state.tasks[0], reason="none"))
    assert kinds(events) == ["TaskSupplied"]
    state = then(state, events)
    assert receive_request(state, disclosed(state.tasks[0], reason="again")) == []


def test_a_disclosure_for_another_department_or_an_ended_task_is_kept_as_a_note():
    state = raised(wanted(personal=("phone",)))
    assert kinds(receive_request(state, disclosed(state.tasks[0], supporter="WEST-ROADS"))) == ["Noted"]
    _, over = hear(state, reports(state.tasks[0]))
    assert kinds(receive_request(over, disclosed(state.tasks[0]))) == ["Noted"]


def test_an_ask_without_personal_fields_asks_for_none():
    assert raised().tasks[0].disclosure == ""


def test_each_department_that_takes_an_ask_gets_what_is_sealed_to_itself():
    state = raised(wanted(personal=("phone",)))
    events, state = hear(
        state,
        m.TaskDeclined(
            case_no=CASE_NO,
            task_id=state.tasks[0].dispatched.task_id,
            collaboration_id="c",
            department="EAST-FIRE",
            by="c",
            reason="no",
        ),
    )
    assert (events[-1].supporter, events[-1].task_id) == ("EAST-FIRE-2", state.tasks[1].dispatched.task_id)
    assert kinds(receive_request(state, disclosed(state.tasks[0]))) == ["Noted"]


def test_the_requesters_urge_is_passed_on_to_those_who_have_not_answered():
    state = raised(wanted(), wanted("site"))
    _, state = hear(state, reports(state.tasks[0]))
    wish = m.CollaborationUrged(
        case_no=CASE_NO, request_id=f"{CASE_NO}-check", department="EAST-MARKET", by="c", reason=""
    )
    assert [getattr(event, "department", "") for event in urged(state, wish)] == ["", "TOWN-SITE"]
    _, over = hear(state, reports(state.tasks[1]))
    assert kinds(urged(over, wish)) == ["Noted"]
