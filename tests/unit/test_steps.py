"""环节: an item's graph of steps, and how a case goes through it."""

from datetime import timedelta

import pytest
from liangwang.domain import messages as m
from liangwang.domain import steps
from liangwang.domain.acceptance import receive
from liangwang.domain.approval import CompleteStep, complete_step
from liangwang.domain.case import StepOpened, evolve
from liangwang.domain.catalogue import Material, Step
from liangwang.domain.course import Practice, advance
from liangwang.domain.errors import NotNow
from liangwang.domain.officers import Officer
from liangwang.domain.statutory_clock import Stop
from liangwang.domain.working_days import Calendar
from msgspec.structs import replace

from tests.unit.samples import CASE_NO, NOON, evaluate, folded, item, kinds, submitted, text

CALENDAR = Calendar()
SIDE_BY_SIDE = (
    Step("handle", "rule"),
    Step("review", "clerk", id="review-site", after=("handle",)),
    Step("review", "clerk", id="review-plan", after=("handle",)),
    Step("approve", "clerk", after=("review-site", "review-plan")),
)


def practice(*graph, **changes):
    return Practice(item(steps=graph, **changes), evaluate, CALENDAR)


def accepted(on):
    return folded(evolve, None, receive(None, submitted(), on=on, now=NOON))


def after(state, on, step, *, opinion="agree", clerk=""):
    wish = CompleteStep(step=step, opinion=opinion, explanation="because" if opinion == "disagree" else "")
    officer = Officer(name=clerk or f"clerk of {step}", role="clerk")
    return folded(evolve, state, complete_step(state, wish, officer=officer, on=on, now=NOON))


def names(found):
    return [step.key for step in found]


def test_without_a_word_about_order_steps_follow_each_other_as_they_stand():
    graph = (Step("handle", "clerk"), Step("review", "clerk"), Step("approve", "clerk"))
    assert dict(steps.before(graph)) == {"handle": (), "review": ("handle",), "approve": ("review",)}
    assert steps.earlier(graph, "approve") == ("handle", "review")
    assert steps.later(graph, "handle") == ("review", "approve")


def test_an_empty_name_stands_for_the_beginning():
    graph = (Step("review", "clerk", id="a"), Step("review", "clerk", id="b", after=("",)))
    assert dict(steps.before(graph)) == {"a": (), "b": ()}
    assert steps.ends(graph) == {"a", "b"}


def test_steps_after_the_same_one_are_open_side_by_side():
    on = practice(*SIDE_BY_SIDE)
    assert names(steps.open_steps(accepted(on), on.item)) == ["review-site", "review-plan"]


@pytest.mark.parametrize("first, second", [("review-site", "review-plan"), ("review-plan", "review-site")])
def test_what_comes_after_several_waits_for_the_last_of_them(first, second):
    on = practice(*SIDE_BY_SIDE)
    state = after(accepted(on), on, first)
    assert names(steps.open_steps(state, on.item)) == [second]
    state = after(state, on, second)
    assert names(steps.open_steps(state, on.item)) == ["approve"]
    assert after(state, on, "approve").status == "granted"


def test_one_disagreement_denies_at_once_and_closes_the_steps_beside_it():
    on = practice(*SIDE_BY_SIDE)
    state = after(accepted(on), on, "review-site", opinion="disagree")
    assert state.status == "denied"
    assert steps.open_steps(state, on.item) == ()
    with pytest.raises(NotNow, match="denied"):
        after(state, on, "review-plan")


def test_a_step_whose_condition_does_not_hold_is_skipped_and_counts_as_passed():
    graph = (Step("handle", "rule"), Step("review", "clerk", when="no"), Step("approve", "clerk"))
    on = practice(*graph)
    events = receive(None, submitted(), on=on, now=NOON)
    assert kinds(events)[-2:] == ["StepCompleted", "StepSkipped"]
    assert names(steps.open_steps(accepted(on), on.item)) == ["approve"]


def test_a_condition_is_looked_at_once_when_the_case_comes_to_the_step():
    graph = (Step("handle", "rule"), Step("review", "clerk", when="form.area"), Step("approve", "clerk"))
    on = practice(*graph)
    state = accepted(on)
    assert names(steps.open_steps(state, on.item)) == ["review"]
    state = replace(state, form={})
    assert advance(state, on=on, now=NOON) == []
    assert names(steps.open_steps(state, on.item)) == ["review"]


def test_a_case_whose_every_step_is_skipped_or_done_by_rule_is_granted_at_once():
    on = practice(Step("review", "clerk", when="no"), Step("approve", "rule"))
    assert accepted(on).status == "granted"


def test_a_promised_material_holds_back_only_the_step_that_needs_it():
    materials = (
        Material("identity", text("Identity card"), later_days=5, needed_by="review-plan"),
        Material("plan", text("Plan"), later_days=5),
    )
    on = practice(*SIDE_BY_SIDE, materials=materials)
    promised = tuple(m.Promise(material=code, until=NOON) for code in ("identity", "plan"))
    state = accepted(on)
    state = replace(state, accepted=replace(state.accepted, promised=promised), materials=frozenset())
    assert names(steps.open_steps(state, on.item)) == ["review-site"]
    assert names(steps.standing(state, on.item)) == ["review-site", "review-plan"]
    state = replace(after(state, on, "review-site"), materials=frozenset({"identity"}))
    state = after(state, on, "review-plan")
    assert steps.open_steps(state, on.item) == ()
    state = replace(state, materials=frozenset({"identity", "plan"}))
    assert names(steps.open_steps(state, on.item)) == ["approve"]


def test_nothing_is_open_while_the_case_waits_for_others():
    on = practice(*SIDE_BY_SIDE)
    state = replace(accepted(on), status="suspended")
    assert steps.open_steps(state, on.item) == ()
    assert names(steps.standing(state, on.item)) == ["review-site", "review-plan"]


def test_a_step_with_a_limit_is_due_after_its_own_working_days_from_when_it_opened():
    on = practice(Step("handle", "rule"), Step("review", "clerk", days=2), Step("approve", "clerk"))
    opened = receive(None, submitted(), on=on, now=NOON)[-1]
    assert opened == StepOpened(step="review", due_at=CALENDAR.end_of(CALENDAR.after(CALENDAR.day_of(NOON), 2)))
    state = after(accepted(on), on, "review")
    assert state.opened == {}


def test_a_step_s_limit_moves_by_the_working_days_for_which_the_clock_stood():
    on = practice(Step("handle", "rule"), Step("review", "clerk", days=2), Step("approve", "clerk"))
    state = accepted(on)
    told = state.opened["review"].due_at
    clock = replace(
        state.clock, stopped=7, stops=(Stop(stop_id="1", cause="hearing", basis="", approver="", since=NOON),)
    )
    state = replace(state, clock=clock)
    (moved,) = advance(state, on=on, now=NOON + timedelta(days=9))
    assert CALENDAR.between(told.date(), moved.due_at.date()) == 7
    assert advance(folded(evolve, state, [moved]), on=on, now=NOON + timedelta(days=9)) == []


def test_a_return_opens_what_it_names_and_forgets_who_had_it():
    on = practice(*SIDE_BY_SIDE)
    state = after(accepted(on), on, "review-site")
    returned = m.StepReturned(
        case_no=CASE_NO,
        department="EAST-MARKET",
        step="review-plan",
        to="review-site",
        reopened=("review-site",),
        by="li",
        reason="again",
    )
    state = folded(evolve, replace(state, officers={"review-site": "wang"}), [returned])
    assert names(steps.open_steps(state, on.item)) == ["review-site", "review-plan"]
    assert state.officers == {}
    assert len(state.steps) == 2
