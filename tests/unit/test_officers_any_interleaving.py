"""Whatever several officers do to one case, in any order and on what they saw a while ago: its rules hold, and it can end."""

from contextlib import suppress
from datetime import timedelta

from hypothesis import event, given, settings
from hypothesis import strategies as st
from liangwang import step_checks
from liangwang.aggregates import CASE, Key
from liangwang.domain import messages as m
from liangwang.domain import officers, steps
from liangwang.domain.acceptance import receive
from liangwang.domain.approval import CompleteStep, ReturnStep, complete_step, return_step
from liangwang.domain.case import evolve
from liangwang.domain.catalogue import Step
from liangwang.domain.course import Practice
from liangwang.domain.errors import DomainError
from liangwang.domain.officers import GiveStep, Officer
from liangwang.domain.patience import Patience
from liangwang.domain.working_days import Calendar
from liangwang.fakes import FakeAws
from liangwang.processing import Command, perform
from liangwang.store import Store

from tests.unit.samples import CASE_NO, NOON, evaluate, item, submitted

KEY = Key(CASE.name, CASE_NO)
NAMES = ("wang", "li", "zhao", "chen")
GRAPHS = (
    (Step("handle", "clerk"), Step("review", "clerk"), Step("approve", "clerk")),
    (
        Step("handle", "clerk", days=1),
        Step("review", "clerk", id="review-site", after=("handle",), when="form.area"),
        Step("review", "rule", id="review-plan", after=("handle",)),
        Step("review", "clerk", id="review-law", after=("handle",), days=2),
        Step("approve", "clerk", after=("review-site", "review-plan", "review-law")),
    ),
    (
        Step("review", "clerk", id="review-a"),
        Step("review", "clerk", id="review-b", after=("",)),
        Step("approve", "rule"),
    ),
)
WHO = st.builds(
    Officer,
    name=st.sampled_from(NAMES),
    role=st.sampled_from(("clerk", "clerk", "clerk", "supervisor")),
    stands_in_for=st.frozensets(st.sampled_from(NAMES), max_size=1),
)
PLACE = st.integers(0, 4)
ACTS = st.one_of(
    *[st.tuples(st.just("complete"), WHO, PLACE)] * 3,
    st.tuples(st.just("give"), WHO, PLACE, st.sampled_from((None, "", *NAMES))),
    st.tuples(st.just("return"), WHO, PLACE, PLACE),
)
STALE = st.integers(0, 5)
"""How many versions ago the officer looked at the case."""


class Table:
    """One case in a table of its own, and what officers ask of it."""

    def __init__(self, graph):
        self.on = Practice(item(steps=graph), evaluate, Calendar())
        self.store = Store(FakeAws(), "department", patience=Patience(), writers=1)
        self.now, self.seen, self.asked = NOON, [], 0
        self.perform(lambda state, now: receive(state, submitted(), on=self.on, now=now), stale=0)

    def perform(self, decide, *, stale):
        known = [self.seen[-1 - min(stale, len(self.seen) - 1)]] if self.seen else []
        self.now, self.asked = self.now + timedelta(hours=1), self.asked + 1
        outcome = perform(self.store, [Command(KEY, f"act-{self.asked}", decide)], self.now, known=known)[0]
        self.seen.append(self.store.load([KEY])[KEY])
        return outcome.stored()

    @property
    def state(self):
        return self.seen[-1].state

    def key(self, place):
        return self.on.item.steps[place % len(self.on.item.steps)].key

    def act(self, what, who, place, *more, stale=0):
        step, on = self.key(place), self.on
        if what == "complete":
            wish = CompleteStep(step=step, opinion="agree")
            return self.perform(lambda s, now: complete_step(s, wish, officer=who, on=on, now=now), stale=stale)
        if what == "give":
            wish = GiveStep(officer=more[0], reason="busy")
            return self.perform(lambda s, now: officers.give(s, step, wish, officer=who, item=on.item), stale=stale)
        wish = ReturnStep(to=self.key(more[0]), reason="look again")
        return self.perform(lambda s, now: return_step(s, step, wish, officer=who, on=on, now=now), stale=stale)


def check(table):
    """What is true of every history."""
    state = None
    for recorded in table.seen[-1].history:
        one = recorded.event
        if isinstance(one, m.StepCompleted):
            assert one.step not in state.done, "a step was done twice"
            assert one.step in [step.key for step in steps.open_steps(state, table.on.item)]
            if one.by != "rule":
                assert state.officers.get(one.step, one.by) in (one.by, one.on_behalf_of), "somebody else had it"
        state = evolve(state, recorded)
        stand = [done for done in state.done.values() if isinstance(done, m.StepCompleted) and done.by != "rule"]
        people = [name for done in stand for name in {done.by, done.on_behalf_of} - {""}]
        assert len(people) == len(set(people)), "somebody did two steps that stand"


def finish(table):
    """People who were not there before end the case, the head giving away what lies with others."""
    head = Officer(name="head", role="supervisor")
    for turn in range(len(table.on.item.steps)):
        waiting = steps.open_steps(table.state, table.on.item)
        if not waiting:
            break
        fresh = Officer(name=f"fresh-{turn}", role="clerk")
        place = table.on.item.steps.index(waiting[0])
        table.act("give", head, place, fresh.name)
        table.act("complete", fresh, place)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(GRAPHS), st.lists(st.tuples(ACTS, STALE), min_size=4, max_size=25))
def test_no_interleaving_of_officers_breaks_the_rules_or_keeps_a_case_from_ending(graph, acts):
    table = Table(graph)
    for act, stale in acts:
        with suppress(DomainError):
            table.act(*act, stale=stale)
    event(f"{min(len(table.state.steps), 6)} steps done")
    check(table)
    finish(table)
    check(table)
    assert table.state.status == "granted"
    before = table.seen[-1].version
    for place in range(len(graph)):
        with suppress(DomainError):
            table.act("return", Officer(name="wang", role="clerk"), place, 0)
    assert table.seen[-1].version == before, "a decided case changed"


def test_the_graphs_of_this_test_are_sound():
    assert [list(step_checks.step_problems(item(steps=graph))) for graph in GRAPHS] == [[], [], []]
