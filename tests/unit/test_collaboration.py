"""The centre: raising an event, declines, reports, recalls, cancelling and what happens when the limit passes."""

from datetime import UTC, datetime, timedelta

import pytest
from liangwang.domain import messages as m
from liangwang.domain.collaboration import evolve
from liangwang.domain.coordination import cancel, raise_event
from liangwang.domain.errors import Invalid
from liangwang.domain.event_clock import wake_at
from liangwang.domain.event_limits import wake
from liangwang.domain.history import Recorded
from liangwang.domain.patience import Patience
from liangwang.domain.reports import receive_report
from liangwang.domain.working_days import Calendar
from msgspec import structs

from tests.unit.samples import CASE_NO, GOVERNANCE, NOON, ask, folded, kinds, request

LATER = NOON + timedelta(days=3)
CALENDAR = Calendar()
PATIENCE = Patience(first=timedelta(minutes=5), longest=timedelta(days=1))


def raised(*asks, **settings):
    """An event just raised."""
    return folded(
        evolve,
        None,
        raise_event(request(*asks, **settings), on=GOVERNANCE, now=NOON),
    )


def said(kind, task, **fields):
    """A department's message about a task."""
    sent = task.dispatched
    return kind(
        case_no=sent.case_no,
        task_id=sent.task_id,
        collaboration_id=sent.collaboration_id,
        department=sent.department,
        **fields,
    )


def report(task, opinion="agree"):
    return said(m.TaskReported, task, by="clerk", opinion=opinion, explanation="")


def decline(task):
    return said(m.TaskDeclined, task, by="clerk", reason="not ours")


def hear(state, message):
    """The events a message leads to, and the state after them."""
    events = receive_report(state, message, on=GOVERNANCE, now=NOON)
    return events, folded(evolve, state, events)


# ------------------------------------------------------------------ raising


def test_an_event_is_registered_at_the_requesters_centre_with_a_limit():
    first = raise_event(request(days=2), on=GOVERNANCE, now=NOON)[0]
    assert (first.region, first.level, first.due_at) == ("D1", 4, datetime(2027, 3, 3, 9, 30, tzinfo=UTC))


def test_a_limit_in_working_days_does_not_pass_over_a_weekend():
    friday = datetime(2027, 3, 5, 9, 0, tzinfo=UTC)
    first = raise_event(request(days=1), on=GOVERNANCE, now=friday)[0]
    assert first.due_at == datetime(2027, 3, 8, 9, 30, tzinfo=UTC)
    state = evolve(None, Recorded(friday, "", first))
    assert wake(state, on=GOVERNANCE, now=friday + timedelta(days=2)) == []


@pytest.mark.parametrize("days", [-1, 367, 10**9])
def test_a_limit_that_is_none_is_refused_with_what_to_write(days):
    with pytest.raises(Invalid) as caught:
        raise_event(request(days=days), on=GOVERNANCE, now=NOON)
    assert caught.value.violations[0].field == "data.days"


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("data.sign_days", {"sign_days": -1}),
        ("data.sign_days", {"sign_days": 10**9}),
        ("data.asks[0].days", {"asks": (structs.replace(ask(), days=-1),)}),
        ("data.asks[0].days", {"asks": (structs.replace(ask(), days=10**9),)}),
        ("data.asks", {"asks": ()}),
        ("data.within", {"within": datetime(2027, 3, 3)}),
    ],
)
def test_what_no_clock_can_be_made_of_is_refused_and_stops_nobody_behind_it(field, changes):
    with pytest.raises(Invalid) as caught:
        raise_event(structs.replace(request(), **changes), on=GOVERNANCE, now=NOON)
    assert [violation.field for violation in caught.value.violations] == [field]


def test_the_same_question_twice_in_one_request_is_one_task_whose_answer_counts_for_both():
    state = raised(ask("fire"), ask("fire"), policy="quorum", count=2)
    assert [task.dispatched.department for task in state.tasks] == ["EAST-FIRE"]
    assert hear(state, report(state.tasks[0]))[1].conclusion.because == "enough_agree"


def test_each_ask_becomes_one_task_at_the_nearest_department():
    tasks = raised(ask("fire"), ask("site")).tasks
    assert [task.dispatched.department for task in tasks] == ["EAST-FIRE", "TOWN-SITE"]
    assert len({task.dispatched.task_id for task in tasks}) == 2


def test_an_ask_can_go_to_another_district():
    sent = raised(ask("roads", place="T2")).tasks[0].dispatched
    assert [hop.region for hop in sent.path] == ["D1", "C", "D2"]


def test_an_ask_nobody_answers_for_is_lifted_and_the_others_are_dispatched():
    events = raise_event(request(ask("fire"), ask("astronomy")), on=GOVERNANCE, now=NOON)
    assert kinds(events) == ["Raised", "TaskDispatched", "Unrouted", "Lifted"]
    assert events[-1].reason == "nobody_responsible"


def test_an_ask_at_an_unknown_place_stops_nothing():
    assert kinds(raise_event(request(ask(place="None")), on=GOVERNANCE, now=NOON)) == [
        "Raised",
        "Unrouted",
        "Lifted",
    ]


def by_centre(centre, *asks):
    """A request that a centre makes itself, for a grid event."""
    return structs.replace(
        request(*asks), case_no="GRID-1", request_id="GRID-1-1", department="", centre=centre, origin="grid"
    )


def test_a_centre_that_asks_itself_is_its_own_requester():
    events = raise_event(by_centre("T1", ask("site")), on=GOVERNANCE, now=NOON)
    assert (events[0].region, events[0].level) == ("T1", 5)
    assert (events[1].department, events[1].requester, events[1].centre) == ("TOWN-SITE", "", "T1")


def test_a_decline_of_a_centres_own_question_is_decided_by_the_centre_above_both():
    state = folded(evolve, None, raise_event(by_centre("D1"), on=GOVERNANCE, now=NOON))
    assert hear(state, decline(state.tasks[0]))[0][0].decided_by == "D1"


@pytest.mark.parametrize(("department", "centre", "field"), [("NOBODY", "", "department"), ("", "X", "centre")])
def test_who_asks_is_a_department_or_a_centre_of_the_city(department, centre, field):
    wish = structs.replace(request(), department=department, centre=centre)
    with pytest.raises(Invalid) as caught:
        raise_event(wish, on=GOVERNANCE, now=NOON)
    assert caught.value.violations[0].field == f"data.{field}"


# ------------------------------------------------------------------ declining


def test_a_declined_task_goes_to_the_next_department_as_the_common_centre_decides():
    events, _ = hear(raised(), decline(raised().tasks[0]))
    assert kinds(events) == ["Declined", "Decided", "TaskDispatched"]
    assert events[0].decided_by == "D1"
    assert (events[1].by, events[1].outcome, events[1].explanation) == ("rule", "another", "next_responsible")
    assert (events[2].department, events[2].forced) == ("EAST-FIRE-2", False)


def test_after_two_declines_the_task_is_forced_on_the_nearest():
    state = raised()
    for _ in range(2):
        _, state = hear(state, decline(state.tasks[-1]))
    last = state.tasks[-1].dispatched
    assert (last.department, last.forced) == ("EAST-FIRE", True)


def test_where_nobody_else_can_the_only_department_is_forced_at_once():
    state = raised(ask("site"))
    _, state = hear(state, decline(state.tasks[0]))
    assert (state.tasks[-1].dispatched.department, state.tasks[-1].dispatched.forced) == ("TOWN-SITE", True)


def test_a_forced_task_cannot_be_declined():
    state = raised(ask("site"))
    _, state = hear(state, decline(state.tasks[0]))
    events, after = hear(state, decline(state.tasks[-1]))
    assert kinds(events) == ["Noted"]
    assert after.tasks[-1].is_open


def test_every_task_of_an_event_has_an_id_of_its_own():
    state = raised(ask("fire"), ask("astronomy"), ask("site"))
    for _ in range(2):
        _, state = hear(state, decline(state.held(ask("fire"))))
    ids = [task.dispatched.task_id for task in state.tasks]
    assert len(ids) == len(set(ids))


# ------------------------------------------------------------------ reporting


def test_the_conclusion_carries_every_answer():
    state = raised(ask("fire"), ask("site"))
    _, state = hear(state, report(state.tasks[0]))
    events, _ = hear(state, report(state.tasks[1], "disagree"))
    concluded = events[-1]
    assert concluded.conclusion == "disagree"
    assert [(one.capability, one.department, one.opinion) for one in concluded.answers] == [
        ("fire", "EAST-FIRE", "agree"),
        ("site", "TOWN-SITE", "disagree"),
    ]


@pytest.mark.parametrize(("policy", "count"), [("any", 0), ("quorum", 1)])
def test_what_is_no_longer_needed_is_recalled(policy, count):
    state = raised(ask("fire"), ask("site"), policy=policy, count=count)
    events, _ = hear(state, report(state.tasks[0]))
    assert kinds(events) == ["Reported", "TaskRecalled", "CollaborationConcluded"]
    assert events[1].task_id == state.tasks[1].dispatched.task_id


def test_an_event_waits_until_recalled_departments_have_stopped():
    state = raised(ask("fire"), ask("site"), policy="any")
    _, state = hear(state, report(state.tasks[0]))
    assert wake_at(state, PATIENCE) is not None
    events, state = hear(state, said(m.TaskStopped, state.tasks[1]))
    assert kinds(events) == ["Stopped"]
    assert wake_at(state, PATIENCE) is None


def test_a_report_after_the_recall_is_kept_as_a_note():
    state = raised(ask("fire"), ask("site"), policy="any")
    _, state = hear(state, report(state.tasks[0]))
    events, after = hear(state, report(state.tasks[1], "disagree"))
    assert kinds(events) == ["Noted"]
    assert events[0].content["opinion"] == "disagree"
    assert after.conclusion.conclusion == "agree"


def test_a_report_of_a_department_that_does_not_hold_the_task_is_kept_as_a_note():
    state = raised()
    stranger = m.TaskReported(
        case_no=CASE_NO,
        task_id=state.tasks[0].dispatched.task_id,
        collaboration_id="c",
        department="TOWN-SITE",
        by="clerk",
        opinion="agree",
        explanation="",
    )
    assert kinds(hear(state, stranger)[0]) == ["Noted"]


def test_signing_is_noted_and_changes_no_conclusion():
    events, state = hear(raised(), said(m.TaskSigned, raised().tasks[0], by="clerk"))
    assert kinds(events) == ["Signed"]
    assert state.tasks[0].is_open


# ------------------------------------------------------------------ cancelling and time


def cancelled():
    return m.CollaborationCancelled(
        case_no=CASE_NO, request_id=f"{CASE_NO}-check", department="EAST-MARKET", reason="withdrawn"
    )


def test_cancelling_recalls_open_tasks_and_concludes():
    state = raised(ask("fire"), ask("site"))
    _, state = hear(state, report(state.tasks[0]))
    events = cancel(state, cancelled())
    assert kinds(events) == ["TaskRecalled", "CollaborationConcluded"]
    assert (events[-1].conclusion, events[-1].because) == ("cancelled", "requester_ended")


def test_cancelling_a_concluded_event_is_kept_as_a_note():
    _, state = hear(raised(), report(raised().tasks[0]))
    assert kinds(cancel(state, cancelled())) == ["Noted"]


@pytest.mark.parametrize(("on_timeout", "conclusion"), [("proceed", "agree"), ("deny", "disagree")])
def test_when_the_limit_passes_the_event_proceeds_or_denies_as_the_item_says(on_timeout, conclusion):
    events = wake(raised(on_timeout=on_timeout), on=GOVERNANCE, now=LATER)
    assert kinds(events) == ["TaskRecalled", "CollaborationConcluded"]
    assert events[-1].conclusion == conclusion


def test_when_the_limit_passes_an_event_can_be_lifted_with_a_new_limit_and_urges():
    events = wake(raised(on_timeout="lift"), on=GOVERNANCE, now=LATER)
    assert kinds(events) == ["Lit", "Lifted", "CollaborationExtended", "TaskUrged"]
    assert (events[1].region, events[1].due_at) == ("C", datetime(2027, 3, 8, 9, 30, tzinfo=UTC))


def test_the_city_has_no_centre_above_and_keeps_the_event():
    state = raised(on_timeout="lift")
    for _ in range(3):
        state = folded(evolve, state, wake(state, on=GOVERNANCE, now=state.due_at))
    assert state.region == "C"


def test_before_the_limit_nothing_happens():
    assert wake(raised(), on=GOVERNANCE, now=NOON + timedelta(hours=1)) == []


def test_a_concluded_event_is_never_woken():
    _, state = hear(raised(), report(raised().tasks[0]))
    assert wake(state, on=GOVERNANCE, now=LATER) == []
    assert wake_at(state, PATIENCE) is None


def test_an_open_event_is_looked_at_when_its_limit_passes():
    state = raised(days=1)
    assert wake_at(state, PATIENCE) == state.due_at
