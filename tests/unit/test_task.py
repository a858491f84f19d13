"""协同任务: what a supporting department may do with a task, and when."""

import pytest
from liangwang.domain import messages as m
from liangwang.domain.errors import Invalid, NotNow
from liangwang.domain.task import Report, decline, evolve, holder, open_task, recall, report, sign, urge

from tests.unit.samples import CASE_NO, NOON, ask, folded, kinds


def task(*, forced=False):
    """A task that has just reached the fire brigade."""
    dispatched = m.TaskDispatched(
        case_no=CASE_NO,
        task_id="T1",
        collaboration_id="C1",
        department="EAST-FIRE",
        requester="EAST-MARKET",
        task_code="licence",
        ask=ask(),
        path=(),
        due_at=NOON,
        form={},
        forced=forced,
    )
    return folded(evolve, None, open_task(dispatched))


RECALL = m.TaskRecalled(case_no=CASE_NO, task_id="T1", department="EAST-FIRE", reason="requester_ended")
URGE = m.TaskUrged(case_no=CASE_NO, task_id="T1", department="EAST-FIRE", reason="limit_passed")
AGREE = Report(opinion="agree")


def after(state, events):
    return folded(evolve, state, events)


def signed():
    return after(task(), sign(task(), clerk="li"))


def reported():
    return after(task(), report(task(), AGREE, clerk="li"))


def stopped():
    return after(task(), recall(task(), RECALL))


def test_a_task_is_signed_for_once():
    with pytest.raises(NotNow):
        sign(signed(), clerk="li")


@pytest.mark.parametrize("state", [task(), signed()])
def test_a_task_can_be_reported_signed_for_or_not(state):
    assert kinds(report(state, AGREE, clerk="li")) == ["TaskReported"]


@pytest.mark.parametrize("state", [task(), signed()])
def test_a_task_can_be_declined_with_a_reason_until_it_is_reported(state):
    assert kinds(decline(state, clerk="li", reason="not ours")) == ["TaskDeclined"]


def test_declining_needs_a_reason():
    with pytest.raises(Invalid) as refused:
        decline(task(), clerk="li", reason=" ")
    assert refused.value.violations[0].field == "reason"


def test_a_forced_task_cannot_be_declined():
    with pytest.raises(NotNow, match="force"):
        decline(task(forced=True), clerk="li", reason="not ours")


def test_a_disagreement_needs_a_reason():
    with pytest.raises(Invalid):
        report(task(), Report(opinion="disagree"), clerk="li")


@pytest.mark.parametrize("state", [reported(), stopped()])
def test_a_closed_task_takes_no_further_act(state):
    for act in (
        lambda: sign(state, clerk="li"),
        lambda: decline(state, clerk="li", reason="late"),
        lambda: report(state, AGREE, clerk="li"),
    ):
        with pytest.raises(NotNow):
            act()


def test_a_recalled_task_is_stopped_and_the_centre_told():
    assert kinds(recall(task(), RECALL)) == ["TaskStopped"]
    assert stopped().status == "stopped"


def test_a_recall_after_the_report_is_noted_and_confirmed_all_the_same():
    assert kinds(recall(reported(), RECALL)) == ["Noted", "TaskStopped"]


def test_an_urge_is_counted_while_the_task_is_open_and_noted_afterwards():
    assert after(task(), urge(task(), URGE)).urges == 1
    assert kinds(urge(reported(), URGE)) == ["Noted"]


def test_only_an_open_task_is_in_its_departments_hands():
    assert [holder(state) for state in (task(), signed(), reported(), stopped())] == [
        "EAST-FIRE",
        "EAST-FIRE",
        None,
        None,
    ]


def test_a_report_names_the_collaboration_it_belongs_to():
    told = report(task(), AGREE, clerk="li")[0]
    assert (told.collaboration_id, told.task_id, told.by) == ("C1", "T1", "li")
