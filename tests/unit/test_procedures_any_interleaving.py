"""Whatever anybody asks, approves, rejects or ends, and whenever: the ledger of time and the events of a case agree."""

from datetime import timedelta

from hypothesis import event, given
from hypothesis import strategies as st
from liangwang.domain import messages as m
from liangwang.domain import procedures
from liangwang.domain.acceptance import receive, withdraw
from liangwang.domain.approval import CompleteStep, complete_step, conclude_collaboration
from liangwang.domain.case import OpinionsReceived, ProcedureRejected, ProcedureRequested, evolve
from liangwang.domain.catalogue import Ask, Collaboration, Extension, Join, Limit, Procedure, Step
from liangwang.domain.course import Practice
from liangwang.domain.errors import DomainError
from liangwang.domain.history import Recorded
from liangwang.domain.officers import Officer
from liangwang.domain.procedure_ledger import entries
from liangwang.domain.procedures import AskForProcedure
from liangwang.domain.working_days import Calendar

from tests.unit.samples import CASE_NO, NOON, evaluate, item, submitted, text, withdrawn
from tests.unit.test_procedures import concluded_by

CALENDAR = Calendar(announced=frozenset(range(2026, 2030)))
OTHERS = ("collaboration", "supplement")
"""Causes that are no special procedure."""
ITEM = item(
    statutory=Limit(200, "an act"),
    promised=Limit(150, "a promise"),
    procedures=tuple(Procedure(kind, 20, "art. 45") for kind in ("hearing", "inspection", "appraisal")),
    extension=Extension(10, "art. 42", "government"),
    collaborations=(Collaboration("check", "yes", (Ask("fire", text("?")),), Join(), 2, stops_clock="art. 45"),),
    steps=(Step("handle", "rule"), Step("review", "clerk"), Step("approve", "clerk")),
)
PRACTICE = Practice(ITEM, evaluate, CALENDAR)

PEOPLE = st.sampled_from(("wang", "li", "zhao"))
NUMBERS = st.integers(0, 3)
LEVELS = st.sampled_from(("right", "right", "right", "department", "government"))
ACTS = {
    "ask": (PEOPLE, st.sampled_from(("hearing", "inspection", "appraisal", "extension", "tender"))),
    "approve": (PEOPLE, NUMBERS, LEVELS),
    "reject": (PEOPLE, NUMBERS, LEVELS),
    "end": (PEOPLE, NUMBERS),
    "step": (PEOPLE, st.sampled_from(("review", "approve"))),
    "conclude": (st.sampled_from(("agree", "agree", "disagree")),),
    "withdraw": (),
}
OFTEN = {"ask": 8, "approve": 8, "end": 5, "step": 2}
NAMES = st.sampled_from([name for name in ACTS for _ in range(OFTEN.get(name, 1))])
ACT = NAMES.flatmap(lambda name: st.tuples(st.just(name), *ACTS[name]))
COURSES = st.lists(st.tuples(st.integers(-72, 96), ACT), min_size=8, max_size=30)
"""Hours that pass (a machine's clock may go back), and what somebody does."""


class Desk:
    """One case, its history, and everybody who does something to it."""

    def __init__(self):
        self.state, self.history, self.now = None, [], NOON
        self.record(receive(None, submitted(), on=PRACTICE, now=NOON))

    def record(self, events):
        for new in events:
            recorded = Recorded(self.now, "test", new)
            self.history.append(recorded)
            self.state = evolve(self.state, recorded)

    def play(self, hours, act):
        """Whoever is refused changes nothing."""
        self.now += timedelta(hours=hours)
        name, *values = act
        try:
            events = list(getattr(self, name)(*values))
        except DomainError:
            return []
        self.record(events)
        return events

    def ask(self, officer, kind):
        wish = AskForProcedure(kind=kind, reason="needed")
        return procedures.ask(self.state, wish, officer=Officer(name=officer, role="clerk"), on=PRACTICE, now=self.now)

    def approve(self, approver, number, level):
        who = {"approver": approver, "level": self.level(number, level)}
        return procedures.approve(self.state, self.waiting(number), **who, on=PRACTICE, now=self.now)

    def reject(self, approver, number, level):
        who = {"approver": approver, "level": self.level(number, level)}
        return procedures.reject(self.state, self.waiting(number), "no", **who, on=PRACTICE)

    def waiting(self, number):
        """The id of one that waits for approval; one that does not, where none does."""
        ids = [one.procedure_id for one in self.state.asked] or [f"{CASE_NO}-T{number}"]
        return ids[number % len(ids)]

    def level(self, number, level):
        if level != "right" or not self.state.asked:
            return "department"
        return procedures.approved_by(ITEM, self.state.asked[number % len(self.state.asked)].kind)

    def end(self, officer, number):
        ids = [one.stop_id for one in self.state.clock.open_stops] or [f"{CASE_NO}-T{number}"]
        who = {"officer": officer, "oversees": False}
        return procedures.end(self.state, ids[number % len(ids)], "done", **who, on=PRACTICE, now=self.now)

    def step(self, officer, step):
        wish = CompleteStep(step=step, opinion="agree")
        clerk = Officer(name=officer, role="clerk")
        return complete_step(self.state, wish, officer=clerk, on=PRACTICE, now=self.now)

    def conclude(self, conclusion):
        return conclude_collaboration(self.state, concluded_by(conclusion), on=PRACTICE, now=self.now)

    def withdraw(self):
        return withdraw(self.state, withdrawn(), on=PRACTICE, now=self.now)

    def told(self, *kinds):
        return [one.event for one in self.history if isinstance(one.event, kinds)]


@given(COURSES)
def test_the_ledger_and_the_events_agree_whatever_is_done_and_whenever(course):
    desk = Desk()
    for hours, act in course:
        before = desk.state
        events = desk.play(hours, act)
        _the_clock_stands_as_the_events_say(desk)
        _what_is_due_is_what_one_who_walks_the_days_finds(desk)
        _each_procedure_is_another_person_s_word(desk)
        if before.status != "in_review":
            begun = {type(one) for one in events}
            assert m.StepCompleted not in begun or begun & {m.CaseResumed, OpinionsReceived}, (
                "nothing is done meanwhile"
            )
        if desk.state.status != before.status:
            event(f"{before.status} to {desk.state.status}")
        if before.is_terminal:
            assert not {type(one) for one in events} & {m.CaseSuspended, m.CaseResumed, m.CaseExtended}


def _the_clock_stands_as_the_events_say(desk):
    state = desk.state
    begun = [one.stop_id for one in desk.told(m.CaseSuspended)]
    over = [one.stop_id for one in desk.told(m.CaseResumed)]
    assert len(set(begun)) == len(begun) and len(set(over)) == len(over) and set(over) <= set(begun)
    assert [stop.stop_id for stop in state.clock.stops] == begun
    assert {stop.stop_id for stop in state.clock.open_stops} == set(begun) - set(over)
    holding = [stop for stop in state.clock.open_stops if stop.cause not in OTHERS]
    assert (state.status == "suspended") == bool(holding)
    assert (state.clock.standing_since is not None) == bool(state.clock.open_stops)
    if state.is_terminal:
        assert not state.clock.open_stops, "a case that has ended has a complete ledger"
    assert state.told == len(desk.told(m.Progress))


def _what_is_due_is_what_one_who_walks_the_days_finds(desk):
    """Day after day: one that works and on which the clock did not stand counts."""
    ends = {one.stop_id: one.on for one in desk.told(m.CaseResumed)}
    periods = [(one.since, ends[one.stop_id]) for one in desk.told(m.CaseSuspended) if one.stop_id in ends]
    running = [one.since for one in desk.told(m.CaseSuspended) if one.stop_id not in ends]
    if running:  # what stood together with one that still stands moves the date when that one ends
        standing_since = desk.state.clock.standing_since
        periods = [(since, until) for since, until in periods if until <= standing_since]
    longer = sum(one.days for one in desk.told(m.CaseExtended))
    day, left = desk.state.clock.due.started_on, 200 + longer
    while left:
        day += timedelta(days=1)
        stood = any(since < day <= until for since, until in periods)
        left -= CALENDAR.is_working(day) and not stood
    assert desk.state.clock.due.statutory_at == CALENDAR.end_of(day)


def _each_procedure_is_another_person_s_word(desk):
    asked = {one.procedure_id: one for one in desk.told(ProcedureRequested)}
    assert list(asked) == [f"{CASE_NO}-T{number}" for number in range(1, len(asked) + 1)]
    for told in desk.told(m.CaseSuspended):
        assert told.cause in OTHERS or asked[told.stop_id].by != told.approver
    for rejected in desk.told(ProcedureRejected):
        assert asked[rejected.procedure_id].by != rejected.by
    assert len(desk.told(m.CaseExtended)) <= 1
    found = entries(desk.history)
    assert {one.procedure_id for one in found if one.requested_by} == set(asked)
    if not desk.state.is_terminal:
        assert {one.procedure_id for one in found if one.state == "requested"} == {
            one.procedure_id for one in desk.state.asked
        }
