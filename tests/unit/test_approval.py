"""审批: clerks' steps, conclusions of collaborations, and what ends a case."""

from datetime import timedelta

import pytest
from liangwang.domain import messages as m
from liangwang.domain.acceptance import receive, withdraw
from liangwang.domain.approval import CompleteStep, complete_step, conclude_collaboration
from liangwang.domain.case import evolve
from liangwang.domain.catalogue import Step
from liangwang.domain.course import Practice, Undecidable, waits_for_clerk
from liangwang.domain.errors import Forbidden, Invalid, NotNow
from liangwang.domain.officers import Officer
from liangwang.domain.working_days import Calendar

from tests.unit.samples import (
    CASE_NO,
    NOON,
    collaboration,
    evaluate,
    folded,
    item,
    kinds,
    practice,
    rule,
    submitted,
    withdrawn,
)

TWO_CLERKS = item(steps=(Step("handle", "rule"), Step("review", "clerk"), Step("approve", "clerk")))
ASKING = item(collaborations=(collaboration("fire"),), denial=(rule("others-object", "collaboration == disagree"),))


def case(kind=TWO_CLERKS):
    """A case just accepted."""
    return folded(evolve, None, receive(None, submitted(), on=Practice(kind, evaluate, Calendar()), now=NOON))


def completed(state, step, *, opinion="agree", explanation="", clerk="wang", kind=TWO_CLERKS):
    wish = CompleteStep(step=step, opinion=opinion, explanation=explanation)
    officer = Officer(name=clerk, role="clerk")
    return complete_step(state, wish, officer=officer, on=Practice(kind, evaluate, Calendar()), now=NOON)


def concluded(state, conclusion="agree", request_id=f"{CASE_NO}-check", kind=ASKING):
    message = m.CollaborationConcluded(
        case_no=CASE_NO,
        request_id=request_id,
        collaboration_id=request_id,
        department="EAST-MARKET",
        conclusion=conclusion,
        because="all_agree",
        answers=(m.Answer("fire", "EAST-FIRE", conclusion if conclusion != "cancelled" else None, ""),),
    )
    return conclude_collaboration(state, message, on=Practice(kind, evaluate, Calendar()), now=NOON)


def test_the_last_step_grants_the_certificate_with_its_term():
    state = folded(evolve, case(), completed(case(), "review"))
    events = completed(state, "approve", clerk="li")
    assert kinds(events) == ["StepCompleted", "CaseDecided"]
    decided = events[-1]
    assert (decided.outcome, decided.certificate_no) == ("granted", f"{CASE_NO}-Z")
    assert decided.valid_until == NOON + timedelta(days=365)


def test_nobody_does_two_steps_of_one_case():
    state = folded(evolve, case(), completed(case(), "review"))
    with pytest.raises(Forbidden):
        completed(state, "approve", clerk="wang")


def test_steps_are_done_in_the_items_order():
    with pytest.raises(NotNow, match="stands before review"):
        completed(case(), "approve")


def test_a_disagreement_needs_a_reason():
    with pytest.raises(Invalid) as refused:
        completed(case(), "review", opinion="disagree", explanation="  ")
    assert refused.value.violations[0].field == "explanation"


def test_a_disagreement_denies_with_the_clerks_reason():
    events = completed(case(), "review", opinion="disagree", explanation="the plan is wrong")
    assert kinds(events) == ["StepCompleted", "CaseDecided"]
    assert (events[-1].outcome, events[-1].reasons[0].zh) == ("denied", "the plan is wrong")


def test_no_step_can_be_done_while_others_are_asked():
    with pytest.raises(NotNow, match="collaborating"):
        completed(case(ASKING), "approve", kind=ASKING)


def test_no_step_can_be_done_after_the_end():
    state = folded(evolve, case(), withdraw(case(), withdrawn(), on=practice(), now=NOON))
    with pytest.raises(NotNow, match="withdrawn"):
        completed(state, "review")


def test_agreement_of_the_others_carries_the_case_on_to_the_clerk():
    state = folded(evolve, case(ASKING), concluded(case(ASKING)))
    assert waits_for_clerk(state, ASKING)


def test_disagreement_of_the_others_denies_where_the_item_says_so():
    events = concluded(case(ASKING), "disagree")
    assert kinds(events) == ["OpinionsReceived", "StepCompleted", "CaseDecided"]
    assert events[-1].outcome == "denied"


def test_a_conclusion_nobody_waits_for_is_kept_as_a_note():
    assert kinds(concluded(case(ASKING), request_id="another")) == ["Noted"]


def test_the_same_conclusion_a_second_time_is_kept_as_a_note():
    state = folded(evolve, case(ASKING), concluded(case(ASKING)))
    assert kinds(concluded(state)) == ["Noted"]


def test_a_denial_rule_that_cannot_be_evaluated_grants_nothing():
    with pytest.raises(Undecidable, match="broken"):
        case(item(denial=(rule("odd", "broken"),)))
