"""Promise 1: whatever the wire does, each case reaches exactly one terminal state in all three systems.

A random course of events: citizens apply, answer notices and withdraw; clerks sign, decline, report and decide; streams
and topics deliver a few records of one partition at a time, twice, or lose them; the broker starts empty; calls are
refused or their answers lost. Then the faults end, the schedules run, people finish their work, and the books must agree.
"""

from collections import Counter
from contextlib import suppress
from itertools import groupby

from hypothesis import event, given, note, settings
from hypothesis import strategies as st
from liangwang.aggregates import APPLICATION, CASE, COLLABORATION, LEDGER, TASK
from liangwang.domain import messages as m
from liangwang.domain.errors import DomainError
from liangwang.domain.officer_acceptance import RefuseCase
from liangwang.domain.steps import open_steps
from liangwang.fakes import Fault
from liangwang.fakes.kafka import PARTITIONS
from msgspec import structs

from tests.functional.city import OUTAGE, SYSTEMS, City

KINDS = (
    ("elderly-card", {}, (), ()),  # granted at once
    ("elderly-card", {"birth_year": 2000}, (), ()),  # refused
    ("elderly-card", {}, ("photo",), ()),  # supplement
    ("food-business-licence", {}, (), ()),  # clerks only
    ("construction-permit", {}, (), ()),  # two reviews side by side, then a supervisor
    ("food-business-licence", {"area": 150, "gas_kitchen": False}, (), ()),  # one department
    ("food-business-licence", {"area": 150, "gas_kitchen": True}, ("safety-rules",), ()),  # supplement, then two
    ("outdoor-advertisement", {"area": 30}, (), ("structure-drawing",)),  # three, two of them needed
    ("public-place-hygiene", {"kind": "hotel"}, (), ()),  # two, either is enough
    ("mass-event-safety", {}, (), ()),  # an officer accepts, or nobody does
    ("mass-event-safety", {"people": 3000}, ("safety-plan",), ()),  # an officer accepts or asks; one department
)
PROMISES = ("safety-rules",)
TOPICS = (
    "applications",
    "acceptances",
    "approvals",
    "collaboration-requests",
    "collaboration-tasks",
    "collaboration-reports",
    "collaboration-results",
)
COUNTS = st.sampled_from((1, 2, 1000))
NUMBER = st.integers(0, 7)
ACTS = ("sign", "agree", "disagree", "decline", "decline")

PEOPLE = st.one_of(
    st.tuples(st.just("apply"), st.sampled_from(KINDS)),
    st.just(("promise",)),
    st.tuples(st.just("keep"), NUMBER),
    *[st.tuples(st.just("examine"), NUMBER, st.sampled_from(("accept", "ask", "transfer", "transfer", "refuse")))] * 2,
    st.tuples(st.just("ask_in_review"), NUMBER),
    st.tuples(st.just("supplement"), NUMBER, st.booleans()),
    st.tuples(st.just("withdraw"), NUMBER),
    *[st.tuples(st.just("task"), NUMBER, st.sampled_from(ACTS))] * 4,
    *[st.tuples(st.just("step"), NUMBER, st.sampled_from(("agree", "agree", "disagree")))] * 2,
    st.tuples(st.just("go_back"), NUMBER, st.booleans()),
    *[st.tuples(st.just("collaborate"), NUMBER, st.sampled_from(("case", "task", "task", "urge", "cancel", "time")))]
    * 2,
)
TIME = st.one_of(
    st.tuples(st.just("sweep"), st.sampled_from(("relay", "governance", "department"))),
    st.tuples(st.just("later"), st.sampled_from((1, 6, 60, 60 * 30, 60 * 24 * 8))),
)
FAULTS = st.one_of(
    st.tuples(
        st.just("aws"), st.sampled_from(("PutItem", "BatchGetItem", "Query")), st.sampled_from(("refused", "lost"))
    ),
    st.tuples(st.just("producer"), st.lists(st.sampled_from(("", "refused", "lost")), max_size=4)),
    st.tuples(st.just("exchange"), st.lists(st.sampled_from(("", "refused", "lost")), max_size=3)),
)


def courses(*fates, rounds):
    """Applications first, then rounds: something happens to what is on the way, somebody acts, something else happens."""
    one = st.sampled_from(("deliver", *fates))
    flow = st.tuples(st.just("flow"), st.lists(st.sampled_from(("deliver", "deliver", "deliver", *fates)), max_size=12))
    wire = st.one_of(
        flow,
        flow,
        st.tuples(st.just("stream"), st.sampled_from(SYSTEMS), COUNTS, one),
        st.tuples(st.just("kafka"), st.sampled_from(TOPICS), COUNTS, one),
        *([st.just(("wipe",))] if "lose" in fates else []),
    )
    first = st.one_of(st.tuples(st.just("apply"), st.sampled_from(KINDS)), st.just(("promise",)))
    several = st.lists(st.tuples(wire, PEOPLE, st.one_of(TIME, FAULTS, wire)), max_size=rounds)
    return st.builds(
        lambda start, middle: start + [action for group in middle for action in group],
        st.lists(first, min_size=1, max_size=3),
        several,
    )


class Course:
    """Plays actions on a city and remembers what was acknowledged."""

    def __init__(self):
        self.city = City()
        self.cases = []
        self.wishes = 0

    def play(self, action):
        """One action. What a person or a client is refused changes nothing."""
        name, *values = action
        with suppress(DomainError, *OUTAGE):
            getattr(self, name)(*values)

    def apply(self, kind):
        """An application counts from the moment it is acknowledged; one that is not is sent again later."""
        task_code, form, without, more = kind
        self.wishes += 1
        self.cases.append(self.city.apply(task_code, form=form, without=without, more=more, key=str(self.wishes)))

    def supplement(self, number, complete):
        case_no = self.cases[number % len(self.cases)] if self.cases else ""
        if complete:
            self.city.answer(case_no, key="")
        else:
            self.city.supplement(case_no, materials=["photo"], key="")

    def promise(self):
        self.wishes += 1
        self.cases.append(self.city.apply("food-business-licence", promises=PROMISES, key=str(self.wishes)))

    def keep(self, number):
        if self.cases:
            self.city.keep_promises(self.cases[number % len(self.cases)])

    def examine(self, number, act):
        if not (cases := self.city.received_cases()):
            return
        case_no = cases[number % len(cases)]
        if act == "accept":
            self.city.do_acceptance(case_no)
        elif act == "ask":
            self.city.do_notice(case_no, ["safety-plan"])
        elif act == "transfer":
            self.city.do_transfer(case_no)
        else:
            self.city.officer(case_no, "refuse", RefuseCase(reasons=("no",), basis="art. 32"))

    def ask_in_review(self, number):
        if cases := self.city.open_cases():
            case_no = cases[number % len(cases)]
            item = self.city.department.item(self.city.state("department", CASE, case_no).application)
            self.city.do_notice(case_no, [item.materials[0].code], arose_from="what was seen")

    def withdraw(self, number):
        if self.cases:
            self.city.withdraw(self.cases[number % len(self.cases)])

    def task(self, number, act):
        if tasks := self.city.open_tasks():
            self.city.do_task(tasks[number % len(tasks)], act)

    def step(self, number, opinion):
        if cases := self.city.open_cases():
            self.city.do_step(cases[number % len(cases)], opinion)

    def collaborate(self, number, act):
        """An officer asks others, in a case or for a task; urges, takes the question back; or needs more time for a task."""
        city = self.city
        if act in ("task", "time"):
            if tasks := city.open_tasks():
                city.do_task(tasks[number % len(tasks)], act)
        elif act == "case":
            if cases := city.open_cases():
                city.ask_others(cases[number % len(cases)])
        else:
            open_requests = [
                (key.id, request.request_id)
                for key, state in city.states("department", CASE)
                for request in state.requests
                if request.request_id in state.awaited
            ]
            if open_requests:
                city.about_request(act, *open_requests[number % len(open_requests)])

    def go_back(self, number, own):
        """To the last step that an officer did: by that officer, or from the open step by whoever is to do that."""
        if not (cases := self.city.open_cases()):
            return
        case_no = cases[number % len(cases)]
        state = self.city.state("department", CASE, case_no)
        if not (done := [one for one in state.done.values() if getattr(one, "by", "rule") != "rule"]):
            return
        step = open_steps(state, self.city.department.item(state.application))[0]
        if own:
            self.city.go_back(case_no, done[-1].step, "", subject=done[-1].by)
        else:
            subject = state.officers.get(step.key) or f"clerk-{len(state.steps)}"
            self.city.go_back(case_no, step.key, done[-1].step, subject=subject, role=step.role or "clerk")

    def stream(self, system, count, fate):
        self.city.stream(system, count, lose=fate == "lose", keep=fate == "keep")

    def kafka(self, topic, count, fate):
        for partition in range(PARTITIONS):
            self.city.kafka(topic, partition, count, lose=fate == "lose", keep=fate == "keep")

    def sweep(self, what):
        self.city.sweep(what)

    def later(self, minutes):
        self.city.later(minutes=minutes)

    def flow(self, fates):
        self.city.flow(fates)

    def wipe(self):
        self.city.wipe_broker()

    def aws(self, operation, kind):
        self.city.aws.faults.append(Fault(operation, kind))

    def producer(self, faults):
        self.city.producer.faults += faults

    def exchange(self, faults):
        self.city.exchange.faults += faults


def played(actions):
    """The city after these actions and all that follows from them, and the acknowledged cases."""
    course = Course()
    for action in actions:
        course.play(action)
    settled = course.city.settle()
    for case_no in course.cases:
        note(f"{case_no}: {course.city.endings(case_no)}")
        for system, kind in (("intake", APPLICATION), ("department", CASE), ("governance", LEDGER)):
            history = course.city.history(system, kind, case_no)
            note(f"  {system}: {[recorded.event.__struct_config__.tag for recorded in history]}")
    assert settled, "something never ended"
    return course.city, course.cases


@settings(max_examples=250)
@given(courses("keep", "lose", rounds=16))
def test_each_case_ends_once_and_the_same_in_all_three_systems(actions):
    city, cases = played(actions)
    for case_no in cases:
        one_ending(city, case_no)
        told_everything(city, case_no)
    no_second_effect(city)
    one_certificate_each(city)
    one_conclusion_each(city)


@given(st.sampled_from(("deliver", "keep", "lose")))
def test_an_application_that_nobody_examined_in_time_is_deemed_accepted_once_and_ends_as_others_do(fate):
    quiet = ("later", 60 * 24 * 8), ("sweep", "department"), ("stream", "department", 1, fate), ("sweep", "department")
    city, (case_no,) = played([("apply", KINDS[9]), ("flow", ["deliver"] * 12), *quiet])
    accepted = city.state("department", CASE, case_no).accepted
    assert (accepted.deemed, accepted.by) == (True, "rule")
    one_ending(city, case_no)
    told_everything(city, case_no)
    no_second_effect(city)


@given(st.booleans())
def test_a_case_that_went_back_ends_as_others_do(own):
    steps = [("step", 0, "agree"), ("go_back", 0, own), ("flow", ["keep", "lose"] * 3), ("step", 0, "agree")]
    city, (case_no,) = played([("apply", KINDS[3]), *[("flow", ["deliver"] * 12)] * 2, *steps])
    told = [recorded.event for recorded in city.history("department", CASE, case_no)]
    assert sum(isinstance(one, m.StepReturned) for one in told) == 1
    one_ending(city, case_no)
    told_everything(city, case_no)
    no_second_effect(city)


def told_everything(city, case_no):
    """The citizen knows all that the department said, in its order, whatever was lost on the way."""
    said = [
        (sequence, bare(recorded.event))
        for sequence, recorded in enumerate(city.history("department", CASE, case_no), start=1)
        if isinstance(recorded.event, m.Progress)
    ]
    told = city.state("intake", APPLICATION, case_no).progress
    assert [(entry.sequence, entry.message) for entry in told] == said


def bare(message):
    """As intake keeps it: without what was sealed for another department."""
    return structs.replace(message, sealed=()) if isinstance(message, m.CaseTransferred) else message


def one_ending(city, case_no):
    """Intake, department and ledger name the same terminal state, and the department decided once."""
    endings = city.endings(case_no)
    event(f"ended {endings[0]}")
    assert len(set(endings)) == 1, endings
    told = [recorded.event for recorded in city.history("department", CASE, case_no)]
    assert sum(isinstance(one, m.LastWord) for one in told) == 1
    assert sum(isinstance(one, m.CaseAccepted) for one in told) <= 1
    asked = [point.field for one in told if isinstance(one, m.SupplementRequested) for point in one.points]
    assert len(asked) == len(set(asked)), "nothing is asked for twice"
    done = Counter(one.step for one in told if isinstance(one, m.StepCompleted))
    again = Counter(step for one in told if isinstance(one, m.StepReturned) for step in one.reopened)
    event(f"went back {bool(again)}")
    event(f"deemed accepted {any(isinstance(one, m.CaseAccepted) and one.deemed for one in told)}")
    assert all(times <= 1 + again[step] for step, times in done.items()), (
        "what was done is done again only if it went back"
    )


def no_second_effect(city):
    """In no history of any system does a cause come back after another one: each had its effect once."""
    for system in SYSTEMS:
        for kind in (APPLICATION, CASE, TASK, COLLABORATION, LEDGER):
            for key, _ in city.states(system, kind):
                history = city.history(system, kind, key.id)
                runs = Counter(cause for cause, _ in groupby(recorded.cause for recorded in history))
                assert max(runs.values()) == 1, (key, runs)


def one_certificate_each(city):
    """A certificate number belongs to one case."""
    decided = [
        recorded.event
        for key, _ in city.states("department", CASE)
        for recorded in city.history("department", CASE, key.id)
        if isinstance(recorded.event, m.CaseDecided) and recorded.event.certificate_no
    ]
    numbers = [one.certificate_no for one in decided]
    assert len(numbers) == len(set(numbers))


def one_conclusion_each(city):
    """A collaboration event concludes once, a task is answered once, and nobody is left working."""
    for key, state in city.states("governance", COLLABORATION):
        event(f"concluded {state.conclusion.because}, declined {sum(one.status == 'declined' for one in state.tasks)}")
        told = [recorded.event for recorded in city.history("governance", COLLABORATION, key.id)]
        assert sum(isinstance(one, m.CollaborationConcluded) for one in told) == 1
        ids = [one.task_id for one in told if isinstance(one, m.TaskDispatched)]
        assert len(ids) == len(set(ids))
    for key, _ in city.states("department", TASK):
        told = [recorded.event for recorded in city.history("department", TASK, key.id)]
        assert sum(isinstance(one, m.TaskReported | m.TaskDeclined) for one in told) <= 1
