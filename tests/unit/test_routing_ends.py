"""However often departments hand a question back, and whatever the rules are, it soon has somebody who cannot, or is listed."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from liangwang.domain import messages as m
from liangwang.domain.catalogue import Ask, Department, Join, Organisation
from liangwang.domain.centre_rules import Governance
from liangwang.domain.collaboration import evolve
from liangwang.domain.coordination import raise_event
from liangwang.domain.dispatching import FORCED_AFTER
from liangwang.domain.event_queue import placed
from liangwang.domain.responsibilities import Responsibilities
from liangwang.domain.routing import common_centre
from liangwang.domain.working_days import Calendar
from msgspec.structs import replace

from tests.unit.collaborations import declines, hear
from tests.unit.samples import CASE_NO, folded, text
from tests.unit.test_responsibilities import cities
from tests.unit.test_routing import walked

ASKER = "ASKER"


@st.composite
def requests(draw):
    """A random city and its rules, and a request about something there by a department that sits anywhere."""
    responsibilities, question, busy = draw(cities())
    tree = responsibilities.organisation
    seat = draw(st.sampled_from([region.code for region in tree.regions]))
    asker = Department(ASKER, text("asker"), seat, ("asking",))
    known = Organisation(tree.regions, (*tree.departments, asker))
    on = Governance(Responsibilities(known, responsibilities.editions), Calendar(), load=lambda code: busy.get(code, 0))
    request = m.CollaborationRequested(
        case_no=CASE_NO,
        request_id=f"{CASE_NO}-check",
        department=ASKER,
        task_code=question.task_code,
        place=question.place,
        asks=(Ask(question.capability, text("?"), question.place),),
        join=Join(),
        days=2,
        on_timeout="lift",
        form={},
    )
    return on, request, question


@given(requests(), st.integers(0, 72))
def test_a_question_that_everybody_hands_back_ends_with_a_department_that_may_not(drawn, hours):
    on, request, question = drawn
    state = folded(evolve, None, raise_event(request, on=on, now=question.at), at=question.at)
    handed_back = []
    while not state.unrouted and not state.tasks[-1].dispatched.forced:
        task = state.tasks[-1]
        handed_back.append(task.dispatched.department)
        _, state = hear(state, declines(task), on=on, now=question.at + timedelta(hours=hours))
        assert len(handed_back) <= FORCED_AFTER
    assert len(handed_back) == len(set(handed_back))
    if state.unrouted:
        assert {"unrouted"} & set(placed(state).entry.waits)


@given(requests())
def test_every_task_goes_by_the_way_through_the_lowest_common_centre(drawn):
    on, request, question = drawn
    tree = on.responsibilities.organisation
    state = folded(evolve, None, raise_event(request, on=on, now=question.at), at=question.at)
    for task in state.tasks:
        origin, target = (tree.department[code].region for code in (ASKER, task.dispatched.department))
        way = [hop.region for hop in task.dispatched.path]
        assert way == walked(tree, origin, target)
        assert common_centre(tree, origin, target) in way


@given(requests())
def test_an_event_keeps_the_version_that_it_was_routed_by(drawn):
    on, request, question = drawn
    first = raise_event(request, on=on, now=question.at)[0]
    assert first.responsibilities == on.responsibilities.at(question.at).version == "1"
    nobody = replace(request, asks=(replace(request.asks[0], capability="astronomy"),))
    assert raise_event(nobody, on=on, now=question.at)[0].responsibilities == "1"
