"""When the answers of a collaboration are enough: ``all``, ``any`` and ``quorum``, held against counting by hand."""

from hypothesis import given
from hypothesis import strategies as st
from liangwang.domain import collaboration
from liangwang.domain import messages as m
from liangwang.domain.collaboration import evolve
from liangwang.domain.coordination import raise_event
from liangwang.domain.join import joined
from liangwang.domain.reports import receive_report

from tests.unit.samples import GOVERNANCE, NOON, ask, folded, request

ASKS = (ask("fire"), ask("site"), ask("licence"), ask("roads", place="T2"))
POLICIES = st.sampled_from(("all", "any", "quorum"))
OPINIONS = st.lists(st.sampled_from(("agree", "disagree", None)), min_size=1, max_size=4)


def event_with(opinions, policy, count):
    """A collaboration event in which each ask has got this opinion, or none yet; nothing is concluded by it."""
    wish = request(*ASKS[: len(opinions)], policy=policy, count=count)
    state = folded(evolve, None, raise_event(wish, on=GOVERNANCE, now=NOON))
    reports = [
        collaboration.Reported(task_id=task.dispatched.task_id, by="c", opinion=opinion, explanation="")
        for task, opinion in zip(state.tasks, opinions, strict=True)
        if opinion
    ]
    return folded(evolve, state, reports)


def counted(opinions, policy, count):
    """The oracle: tries every way in which the open answers could still come out."""
    needed = {"all": len(opinions), "any": 1, "quorum": count}[policy]
    open_asks = opinions.count(None)
    ends = {opinions.count("agree") + more >= needed for more in range(open_asks + 1)}
    if len(ends) > 1 or (policy == "all" and open_asks):
        return None
    return "agree" if ends == {True} else "disagree"


@given(OPINIONS, POLICIES, st.integers(1, 4))
def test_the_verdict_is_what_counting_every_way_out_gives(opinions, policy, count):
    count = min(count, len(opinions))
    verdict = joined(event_with(opinions, policy, count))
    assert (verdict and verdict[0]) == counted(opinions, policy, count)


@given(st.permutations(range(4)), st.lists(st.sampled_from(("agree", "disagree")), min_size=4, max_size=4), POLICIES)
def test_the_conclusion_does_not_depend_on_the_order_of_the_answers(order, opinions, policy):
    def conclusion(sequence):
        wish = request(*ASKS, policy=policy, count=2)
        state = folded(evolve, None, raise_event(wish, on=GOVERNANCE, now=NOON))
        for place in sequence:
            sent = state.tasks[place].dispatched
            report = m.TaskReported(
                case_no=sent.case_no,
                task_id=sent.task_id,
                collaboration_id=sent.collaboration_id,
                department=sent.department,
                by="c",
                opinion=opinions[place],
                explanation="",
            )
            state = folded(evolve, state, receive_report(state, report, on=GOVERNANCE, now=NOON))
        return state.conclusion.conclusion

    assert conclusion(order) == conclusion(range(4))


def test_all_waits_for_the_last_answer_even_after_an_objection():
    assert joined(event_with(["disagree", None], "all", 0)) is None


def test_any_is_enough_with_the_first_agreement():
    assert joined(event_with([None, "agree", None], "any", 0)) == ("agree", "enough_agree")


def test_a_quorum_ends_as_soon_as_it_can_no_longer_be_reached():
    assert joined(event_with(["disagree", "disagree", None], "quorum", 2)) == ("disagree", "too_few_can_agree")
