"""Whatever people do and the wire does: each request is concluded once, as its join policy has it, and nobody else is told.

The random courses of ``test_any_interleaving`` with all that people do about collaborations: officers ask others by hand, urge and
take back what they asked, supporters ask on and ask for more time, and limits pass while any of it is on its way.
"""

from hypothesis import event, given, settings
from hypothesis import strategies as st
from liangwang.aggregates import CASE, COLLABORATION, TASK
from liangwang.domain import messages as m
from liangwang.domain.case_events import OpinionsReceived
from liangwang.domain.catalogue import Join
from liangwang.domain.question import AskOthers, HandAsk, Wording
from liangwang.domain.task import Answered
from liangwang.services.assistance import AskForExtension
from liangwang.services.case_requests import CaseCollaboration, RequestReason
from liangwang.services.own_cases import OwnCases

from tests.functional.test_any_interleaving import ACTS as TASK_ACTS
from tests.functional.test_any_interleaving import (
    KINDS,
    NUMBER,
    TIME,
    Course,
    no_second_effect,
    one_conclusion_each,
    one_ending,
)

ASKING = [KINDS[place] for place in (3, 5, 6, 7, 8)]
JOINS = (Join(), Join(policy="any"), Join(policy="quorum", count=2))
WITHOUT_ANSWERS = {
    "timeout_proceed": "agree",
    "timeout_deny": "disagree",
    "nobody_responsible": "disagree",
    "too_deep": "disagree",
}
"""What time and the depth of questions end, and how."""

CAPABILITIES = ("fire-inspection", "site-verification", "environment-review")
COLLABORATE = st.one_of(
    st.tuples(st.just("ask_others"), NUMBER, st.sampled_from(JOINS), st.sampled_from(("proceed", "deny", "lift"))),
    st.tuples(st.just("ask_on"), NUMBER, st.sampled_from(CAPABILITIES)),
    st.tuples(st.just("take_back"), NUMBER),
    st.tuples(st.just("urge"), NUMBER),
    st.tuples(st.just("more_time"), NUMBER),
    *[st.tuples(st.just("task"), NUMBER, st.sampled_from(TASK_ACTS))] * 4,
    st.tuples(st.just("step"), NUMBER, st.just("agree")),
)
WIRE = st.tuples(st.just("flow"), st.lists(st.sampled_from(("deliver", "deliver", "keep", "lose")), max_size=10))


def courses(rounds):
    """Applications that are asked about, and then rounds: something arrives, people act, time passes or not. Perhaps somebody
    withdraws, and what is on its way then comes too late."""
    several = st.lists(st.tuples(WIRE, COLLABORATE, COLLABORATE, st.one_of(WIRE, TIME)), max_size=rounds)
    first = st.lists(st.tuples(st.just("apply"), st.sampled_from(ASKING)), min_size=1, max_size=2)
    last = st.sampled_from(((), (), (("withdraw", 0), ("task", 0, "agree"))))
    return st.builds(
        lambda start, middle, end: [*start, ("flow", ["deliver"] * 8), *(one for some in middle for one in some), *end],
        first,
        several,
        last,
    )


class Collaborating(Course):
    """A course in which officers and supporters do all that they can about collaborations."""

    def __init__(self):
        super().__init__()
        self.desk = CaseCollaboration(OwnCases(self.city.stores["department"], self.city.department))

    def ask_others(self, number, join, on_timeout):
        if cases := [key.id for key, state in self.city.states("department", CASE) if not state.is_terminal]:
            self._of_case("ask", cases[number % len(cases)], question(*CAPABILITIES, join=join, on_timeout=on_timeout))

    def take_back(self, number):
        self._of_request("cancel", number)

    def urge(self, number):
        self._of_request("urge", number)

    def ask_on(self, number, capability):
        self._of_task("ask", number, question(capability))

    def more_time(self, number):
        self._of_task("request_extension", number, AskForExtension(days=2, reason="示例：需要复测"))

    def _of_case(self, act, case_no, body, **path):
        department = self.city.state("department", CASE, case_no).department
        request = self.city.ask("officer", body=body, role="clerk", case_no=case_no, department=department)
        return getattr(self.desk, act)(request._replace(path={**request.path, **path}, route=f"{act} {path}"))

    def _of_request(self, act, number):
        open_ones = [
            (key.id, name) for key, state in self.city.states("department", CASE) for name in sorted(state.awaited)
        ]
        if open_ones:
            case_no, name = open_ones[number % len(open_ones)]
            self._of_case(act, case_no, RequestReason(reason="示例"), request_id=name)

    def _of_task(self, act, number, body):
        if tasks := self.city.open_tasks():
            task_id = tasks[number % len(tasks)]
            department = self.city.state("department", TASK, task_id).task.department
            request = self.city.ask("helper", body=body, role="clerk", task_id=task_id, department=department)
            getattr(self.city.assistance, act)(request._replace(route=act))


def question(*capabilities, join=JOINS[0], on_timeout="lift"):
    asks = tuple(HandAsk(capability=one, question=Wording(zh="示例")) for one in capabilities)
    return AskOthers(asks=asks, days=2, join=join, on_timeout=on_timeout)


@settings(max_examples=30)
@given(courses(rounds=10))
def test_each_request_is_concluded_once_and_as_its_policy_has_it(actions):
    course = Collaborating()
    for action in actions:
        course.play(action)
    assert course.city.settle(), "something never ended"
    for case_no in course.cases:
        one_ending(course.city, case_no)
    one_conclusion_each(course.city)
    no_second_effect(course.city)
    for _, state in course.city.states("governance", COLLABORATION):
        as_the_policy_has_it(state)
    conclusions = {key.id: state.conclusion for key, state in course.city.states("governance", COLLABORATION)}
    for kind in (CASE, TASK):
        for key, _ in course.city.states("department", kind):
            told_once(course.city.history("department", kind, key.id), conclusions)


def told_once(history, conclusions):
    """Who asked takes each conclusion in once, and it is the centre's."""
    taken = [one.event.conclusion for one in history if isinstance(one.event, OpinionsReceived | Answered)]
    asked = [one.event.request_id for one in history if isinstance(one.event, m.CollaborationRequested)]
    names = [one.request_id for one in taken]
    assert len(names) == len(set(names)), "a conclusion is taken in once"
    assert set(names) <= set(asked), "and only by who asked"
    assert all(one == conclusions[one.request_id] for one in taken)


def as_the_policy_has_it(state):
    """What the answers come to by the declared join, told independently of the product's code."""
    request, concluded = state.request, state.conclusion
    opinions = [answer.opinion for answer in concluded.answers]
    agreed, missing = opinions.count("agree"), opinions.count(None)
    needed = {"all": len(request.asks), "any": 1, "quorum": request.join.count}[request.join.policy]
    event(f"origin {request.origin}, {concluded.because}")
    if concluded.conclusion == "cancelled":
        return
    if concluded.because in WITHOUT_ANSWERS:
        assert missing or concluded.because == "too_deep", "time changes nothing after the last answer"
        assert not (concluded.conclusion == "agree" and request.join.policy == "all" and "disagree" in opinions)
        expected = WITHOUT_ANSWERS[concluded.because]
    elif missing and request.join.policy == "all":
        assert request.on_timeout == "proceed" and "disagree" in opinions, "`all` waits for every answer"
        expected = "disagree"
    else:
        assert agreed >= needed or agreed + missing < needed, "nothing is concluded before it is sure"
        expected = "agree" if agreed >= needed else "disagree"
    assert concluded.conclusion == expected
