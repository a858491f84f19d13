"""协同任务: whatever the centre says in whatever order, and whatever clerks do between, a task stays true."""

from contextlib import suppress
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from liangwang.domain import messages as m
from liangwang.domain import task as domain
from liangwang.domain.errors import DomainError
from liangwang.domain.patience import Patience
from liangwang.domain.question import AskOthers, HandAsk, Wording

from tests.unit.samples import CASE_NO, CITY, NOON, ask, folded

HEAD = {"case_no": CASE_NO, "task_id": "T1", "department": "EAST-FIRE"}
DISPATCHED = m.TaskDispatched(
    **HEAD,
    collaboration_id="C1",
    requester="EAST-MARKET",
    task_code="licence",
    ask=ask(),
    path=(),
    due_at=NOON + timedelta(days=5),
    form={"area": 10},
)


def _wish(capability):
    return AskOthers(asks=(HandAsk(capability=capability, question=Wording(zh="?")),), days=2)


def _at(days):
    return NOON + timedelta(days=days)


DAYS = st.integers(1, 30)
SAID = st.one_of(
    st.just(m.TaskRecalled(**HEAD, reason="requester_ended")),
    st.just(m.TaskUrged(**HEAD, reason="limit_passed")),
    DAYS.map(lambda days: m.TaskExtended(**HEAD, due_at=_at(days), reason="?")),
    st.builds(
        lambda days, count: m.TaskReturned(**HEAD, due_at=_at(days), reason="?", count=count), DAYS, st.integers(1, 3)
    ),
    st.just(m.TaskSupplied(**HEAD, reason="none")),
).map(lambda message: lambda state: domain.receive(state, message))
ANSWERED = st.integers(1, 3).map(
    lambda number: m.CollaborationConcluded(
        case_no=CASE_NO,
        request_id=f"T1-R{number}",
        collaboration_id=f"T1-R{number}",
        department="EAST-FIRE",
        conclusion="agree",
        because="all_agree",
        answers=(),
    )
)
TAKEN_IN = ANSWERED.map(lambda message: lambda state: domain.conclude(state, message))
DONE = st.one_of(
    st.just(lambda state: domain.sign(state, clerk="li")),
    st.just(lambda state: domain.decline(state, clerk="li", reason="not ours")),
    st.just(lambda state: domain.report(state, domain.Report(opinion="agree"), clerk="li")),
    st.just(lambda state: domain.request_extension(state, clerk="li", days=2, reason="雨天")),
    st.sampled_from(["site", "roads"]).map(
        lambda capability: lambda state: domain.ask(state, _wish(capability), organisation=CITY, now=NOON)
    ),
)
COURSES = st.lists(st.one_of(SAID, TAKEN_IN, DONE, DONE), max_size=25)


def played(course):
    """The task after a course, and all its events."""
    events = list(domain.open_task(DISPATCHED))
    state = folded(domain.evolve, None, events)
    for act in course:
        with suppress(DomainError):
            new = act(state)
            state = folded(domain.evolve, state, new)
            events += new
    return state, events


def told(events, kind):
    return [one for one in events if isinstance(one, kind)]


@given(COURSES)
def test_a_task_is_in_the_department_s_hands_exactly_while_a_report_is_owed(course):
    state, events = played(course)
    assert (domain.holder(state) is not None) == state.is_open
    returns, reports = told(events, domain.Returned), told(events, m.TaskReported)
    assert len(returns) <= len(reports) <= len(returns) + 1, (
        "only what was reported comes back, and only that is reported again"
    )
    assert state.status != "reported" or len(reports) == len(returns) + 1


@given(COURSES)
def test_after_a_recall_nobody_works_on_it_and_the_centre_was_told(course):
    recalled = m.TaskRecalled(**HEAD, reason="requester_ended")
    state, events = played([*course, lambda state: domain.receive(state, recalled)])
    assert not state.is_open and told(events, m.TaskStopped)


@given(COURSES)
def test_no_request_of_its_own_is_forgotten(course):
    """Each that is open when the task leaves the department's hands is cancelled, and looked after until that is confirmed."""
    state, events = played(course)
    raised = [one.request_id for one in told(events, m.CollaborationRequested)]
    cancelled = {one.request_id for one in told(events, m.CollaborationCancelled)}
    assert raised == [f"T1-R{number}" for number in range(1, len(raised) + 1)]
    assert set(state.awaited) | {one.request_id for one in state.conclusions} >= set(raised)
    if not state.is_open:
        assert set(state.awaited) <= cancelled
    assert (domain.wake_at(state, Patience()) is not None) == (bool(state.awaited) and not state.is_open)


@given(COURSES)
def test_a_limit_never_comes_nearer_but_by_rework(course):
    _, events = played(course)
    state = None
    for event in events:
        before, state = state, folded(domain.evolve, state, [event])
        if before is not None and not isinstance(event, domain.Returned):
            assert state.due_at >= before.due_at


@given(COURSES, st.data())
def test_what_comes_twice_has_no_second_effect_beside_a_note_or_an_urge(course, data):
    """The shell drops what has a known id; what comes under another id finds that it was said."""
    state, _ = played(course)
    message = data.draw(st.one_of(SAID, TAKEN_IN))
    first = folded(domain.evolve, state, message(state))
    second = folded(domain.evolve, first, message(first))
    assert (second.status, second.due_at, second.awaited) == (first.status, first.due_at, first.awaited)
