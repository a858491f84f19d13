"""Which graphs of steps are let in, by going through all states; and that the real course of a case agrees with it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from liangwang import catalogue, step_checks
from liangwang.domain import steps
from liangwang.domain.acceptance import receive
from liangwang.domain.approval import CompleteStep, complete_step
from liangwang.domain.case import evolve
from liangwang.domain.catalogue import Limit, Step
from liangwang.domain.course import Practice
from liangwang.domain.officers import Officer
from liangwang.domain.working_days import Calendar

from local.config import REPOSITORY
from tests.unit.samples import NOON, evaluate, folded, item, submitted

SHIPPED = catalogue.load(REPOSITORY / "layers" / "catalogue").versions
KEYS = ("", "handle", "handle-a", "review", "review-a", "review-b", "approve", "approve-a", "nothing")


def problems(*graph, **changes):
    return [reason for _, reason in step_checks.step_problems(item(steps=graph, **changes))]


@pytest.mark.parametrize("one", SHIPPED.values(), ids=lambda one: one.task_code)
def test_from_every_state_of_a_shipped_item_a_case_can_be_granted(one):
    reachable = step_checks.explored(one)
    assert list(step_checks.step_problems(one)) == []
    assert any(len(state.done) + len(state.skipped) == len(one.steps) for state in reachable)


def test_steps_that_wait_for_each_other_are_named():
    found = problems(
        Step("handle", "rule"),
        Step("review", "clerk", id="review-a", after=("review-b",)),
        Step("review", "clerk", id="review-b", after=("review-a",)),
        Step("approve", "clerk"),
    )
    assert found == [
        "is never reached: it waits for review-b",
        "is never reached: it waits for review-a",
        "is never reached: it waits for review-b",
    ]


def test_the_longest_way_counts_and_not_the_sum_of_steps_side_by_side():
    graph = (
        Step("review", "clerk", id="review-a", days=3, after=("",)),
        Step("review", "clerk", id="review-b", days=2, after=("",)),
        Step("approve", "clerk", days=2, after=("review-a", "review-b")),
    )
    assert problems(*graph) == []
    found = problems(*graph, promised=Limit(4, "a promise"))
    assert found == ["the steps up to here take 5 days, more than the promised 4"]


def test_a_way_around_the_only_approval_is_found_whatever_else_is_optional():
    found = problems(
        Step("review", "clerk", when="yes"),
        Step("approve", "clerk", id="approve-small", when="yes", after=("",)),
        Step("approve", "clerk", id="approve-large", when="yes", after=("",)),
    )
    assert len(found) == 1
    assert "without an approve step when" in found[0]


def test_one_approval_that_is_not_optional_is_enough():
    assert problems(Step("approve", "clerk", id="approve-head", when="yes"), Step("approve", "clerk")) == []


def test_the_check_of_the_largest_graph_stays_small():
    graph = [Step("review", "clerk", id=f"review-{n}", when="yes", after=("",)) for n in range(9)]
    last = Step("approve", "clerk", after=tuple(step.key for step in graph))
    assert len(step_checks.explored(item(steps=(*graph, last)))) == 3**9 + 2**9


@st.composite
def graphs(draw):
    """Lists of steps, sound ones and nonsense."""
    found = []
    for _ in range(draw(st.integers(0, 6))):
        name = draw(st.sampled_from(("handle", "review", "review", "approve")))
        found.append(
            Step(
                name,
                draw(st.sampled_from(("rule", "clerk", "clerk"))),
                id=draw(st.sampled_from(("", "", f"{name}-a", f"{name}-b"))),
                after=tuple(draw(st.lists(st.sampled_from(KEYS), max_size=2))) if draw(st.booleans()) else (),
                when=draw(st.sampled_from(("", "", "yes", "no", "form.area"))),
                days=draw(st.sampled_from((0, 0, 1, 2))),
            )
        )
    if draw(st.booleans()):
        found.append(Step("approve", "clerk", id="approve-last"))
    return tuple(found)


@settings(max_examples=300, deadline=None)
@given(graphs(), st.data())
def test_a_graph_is_refused_with_a_reason_or_every_walk_through_it_ends_with_an_approval(graph, data):
    kind = item(steps=graph)
    if problems(*graph):
        return
    on = Practice(kind, evaluate, Calendar())
    state = folded(evolve, None, receive(None, submitted(), on=on, now=NOON))
    for turn in range(len(graph)):
        waiting = [step.key for step in steps.open_steps(state, kind)]
        if not waiting:
            break
        wish = CompleteStep(step=data.draw(st.sampled_from(waiting)), opinion="agree")
        officer = Officer(name=f"clerk-{turn}", role="clerk")
        state = folded(evolve, state, complete_step(state, wish, officer=officer, on=on, now=NOON))
    assert state.status == "granted"
    assert any(done.step.startswith("approve") for done in state.steps)
