"""协同任务: what a supporting department may do with a task, and when."""

from datetime import timedelta

import pytest
from liangwang.domain import messages as m
from liangwang.domain import task as domain
from liangwang.domain.errors import Invalid, NotNow
from liangwang.domain.patience import Patience
from liangwang.domain.question import AskOthers, HandAsk, Wording
from liangwang.domain.task import Report, decline, evolve, holder, open_task, recall, receive, report, sign, urge
from liangwang.domain.working_days import Calendar

from tests.unit.samples import CASE_NO, CITY, NOON, ask, folded, kinds

LATER = NOON + timedelta(days=7)


def task(*, forced=False, **changes):
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
        due_at=LATER,
        form={"area": 10, "floor": 2},
        forced=forced,
        **changes,
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
    urged = after(task(), urge(task(), URGE))
    assert (urged.urges, urged.urged) == (1, ("limit_passed",))
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


# ------------------------------------------------------------------ rework 返工, more time, personal data


def said(kind, **fields):
    """What the centre says of this task."""
    return kind(case_no=CASE_NO, task_id="T1", department="EAST-FIRE", **fields)


def returned(count=1, due_at=LATER + timedelta(days=2)):
    return said(m.TaskReturned, reason="照片缺失", due_at=due_at, count=count)


def test_a_report_that_did_not_pass_comes_back_with_a_new_limit_and_is_done_again():
    state = after(reported(), receive(reported(), returned()))
    assert (state.status, state.due_at, holder(state)) == ("returned", LATER + timedelta(days=2), "EAST-FIRE")
    again = after(state, report(state, AGREE, clerk="li"))
    assert again.status == "reported" and len(again.reports) == 2


def test_a_report_comes_back_once_each_time():
    state = after(reported(), receive(reported(), returned()))
    state = after(state, report(state, AGREE, clerk="li"))
    assert kinds(receive(state, returned())) == ["Noted"]
    assert kinds(receive(state, returned(2))) == ["Returned"]


@pytest.mark.parametrize("state", [task(), signed(), stopped()])
def test_what_was_not_reported_cannot_come_back(state):
    assert kinds(receive(state, returned())) == ["Noted"]


def test_what_came_back_is_the_department_s_own_and_cannot_be_declined():
    with pytest.raises(NotNow, match="its own"):
        decline(after(reported(), receive(reported(), returned())), clerk="li", reason="not ours")


def test_a_later_limit_holds_and_words_that_overtook_each_other_leave_the_latest():
    first, second = (said(m.TaskExtended, due_at=LATER + timedelta(days=n), reason="雨天") for n in (1, 3))
    state = after(task(), receive(task(), second))
    assert after(state, receive(state, first)).due_at == LATER + timedelta(days=3)
    assert kinds(receive(reported(), first)) == ["Noted"]


def test_more_time_is_asked_for_with_a_reason_and_not_for_ever():
    (asked,) = domain.request_extension(task(), clerk="li", days=2, reason="雨天")
    assert (asked.days, asked.by, asked.task_id) == (2, "li", "T1")
    state = task()
    for _ in range(domain.MOST_EXTENSIONS):
        state = after(state, domain.request_extension(state, clerk="li", days=2, reason="雨天"))
    with pytest.raises(NotNow, match="3 times"):
        domain.request_extension(state, clerk="li", days=2, reason="雨天")


@pytest.mark.parametrize(("days", "reason", "field"), [(0, "雨天", "days"), (367, "雨天", "days"), (2, " ", "reason")])
def test_more_time_names_its_days_and_its_reason(days, reason, field):
    with pytest.raises(Invalid) as refused:
        domain.request_extension(task(), clerk="li", days=days, reason=reason)
    assert refused.value.violations[0].field == field


def test_what_the_requester_supplied_is_kept_sealed_and_not_said_on():
    sealed = m.Sealed(algorithm="AES-256-GCM", wrapped_key="a", nonce="b", ciphertext="c")
    events = receive(task(), said(m.TaskSupplied, sealed=sealed))
    assert after(task(), events).supplied.sealed == sealed
    assert not [one for one in events if type(one) in m.TOPIC]


def test_of_a_task_that_will_not_come_back_nothing_personal_is_kept():
    sealed = m.Sealed(algorithm="AES-256-GCM", wrapped_key="a", nonce="b", ciphertext="c")
    (noted,) = receive(stopped(), said(m.TaskSupplied, sealed=sealed))
    assert noted.content["sealed"] is None


@pytest.mark.parametrize(
    "message",
    [returned(), said(m.TaskExtended, due_at=LATER, reason="?"), said(m.TaskSupplied), URGE],
    ids=lambda one: type(one).__name__,
)
def test_what_the_centre_says_is_never_said_back(message):
    for state in (task(), reported()):
        assert not [one for one in receive(state, message) if type(one) in m.TOPIC]


# ------------------------------------------------------------------ lights


@pytest.mark.parametrize(("days", "light"), [(0, "green"), (3, "yellow"), (4, "red"), (7, "overdue")])
def test_the_light_follows_from_the_limit(days, light):
    """Five working days, of which half have passed on the third and four fifths on the fourth."""
    assert domain.light(task(), Calendar(), NOON + timedelta(days=days, hours=6)) == light


def test_a_task_that_nobody_signs_for_in_time_is_red():
    state = task(sign_by=NOON + timedelta(hours=2))
    assert domain.light(state, Calendar(), NOON + timedelta(hours=3)) == "red"
    assert domain.light(after(state, sign(state, clerk="li")), Calendar(), NOON + timedelta(hours=3)) == "green"


def test_a_closed_task_has_no_light():
    assert domain.light(reported(), Calendar(), NOON) is None


# ------------------------------------------------------------------ asking others

WISH = AskOthers(asks=(HandAsk(capability="site", question=Wording(zh="现场如何？"), fields=("area",)),), days=2)


def ask_others(state, wish=WISH, now=NOON):
    return domain.ask(state, wish, organisation=CITY, now=now)


def asking(state=None):
    state = state or signed()
    return after(state, ask_others(state))


def answered(request_id="T1-R1", conclusion="agree"):
    return m.CollaborationConcluded(
        case_no=CASE_NO,
        request_id=request_id,
        collaboration_id=request_id,
        department="EAST-FIRE",
        conclusion=conclusion,
        because="all_agree",
        answers=(),
    )


def test_a_department_asks_others_for_its_task_and_gives_no_more_than_it_has():
    (request,) = ask_others(signed())
    assert (request.request_id, request.origin, request.parent_task) == ("T1-R1", "task", "T1")
    assert (request.department, request.chain, request.within) == ("EAST-FIRE", ("EAST-MARKET",), LATER)
    assert request.form == {"area": 10} and request.asks[0].place == "T1"


def test_questions_go_three_deep_and_say_by_which_way_they_came():
    (request,) = ask_others(task(chain=("CITY-FIRE", "EAST-MARKET")))
    assert request.chain == ("CITY-FIRE", "EAST-MARKET")
    with pytest.raises(NotNow, match="WEST-ROADS → CITY-FIRE → EAST-MARKET"):
        ask_others(task(chain=("WEST-ROADS", "CITY-FIRE", "EAST-MARKET")))


def test_nothing_is_asked_for_a_task_that_is_closed_or_overdue_nor_twice():
    for state, now in ((reported(), NOON), (signed(), LATER), (asking(), NOON)):
        with pytest.raises(NotNow):
            ask_others(state, now=now)


def test_personal_data_is_not_the_supporter_s_to_give():
    wish = AskOthers(asks=(HandAsk(capability="site", question=Wording(zh="?"), personal=("owner",)),), days=2)
    with pytest.raises(Invalid):
        ask_others(signed(), wish)
    asked = m.DisclosureRequested(
        case_no=CASE_NO,
        request_id="T1-R1",
        collaboration_id="T1-R1",
        department="EAST-FIRE",
        task_id="T1-R1-T1",
        supporter="TOWN-SITE",
        personal=("owner",),
    )
    (refused,) = domain.refuse_disclosure(asking(), asked)
    assert (refused.sealed, refused.reason) == (None, "not_ours_to_give")
    assert domain.refuse_disclosure(after(asking(), [refused]), asked) == []


@pytest.mark.parametrize(
    "leave",
    [
        lambda state: report(state, AGREE, clerk="li"),
        lambda state: decline(state, clerk="li", reason="not ours"),
        lambda state: recall(state, RECALL),
    ],
    ids=["reported", "declined", "recalled"],
)
def test_a_task_that_leaves_the_department_s_hands_cancels_what_it_asked_until_that_is_confirmed(leave):
    state, patience = asking(), Patience()
    assert domain.wake_at(state, patience) is None, "the centre asks while it is open"
    events = leave(state)
    assert kinds(events)[-1] == "CollaborationCancelled" and events[-1].request_id == "T1-R1"
    state = after(state, events)
    assert domain.wake_at(state, patience) == NOON + patience.first
    state = after(state, domain.conclude(state, answered(conclusion="cancelled")))
    assert domain.wake_at(state, patience) is None


def test_an_answer_is_taken_in_once():
    state = after(asking(), domain.conclude(asking(), answered()))
    assert state.awaited == () and state.conclusions == (answered(),)
    assert kinds(domain.conclude(state, answered())) == ["Noted"]


def test_what_was_asked_of_others_may_be_answered_later():
    longer = m.CollaborationExtended(
        case_no=CASE_NO,
        request_id="T1-R1",
        collaboration_id="T1-R1",
        department="EAST-FIRE",
        due_at=LATER,
        reason="limit_passed",
    )
    assert kinds(domain.extend_request(asking(), longer)) == ["RequestExtended"]
    assert kinds(domain.extend_request(signed(), longer)) == ["Noted"]


@pytest.mark.parametrize(
    ("request_id", "task_id"),
    [
        (f"{CASE_NO}-check-T1-R2", f"{CASE_NO}-check-T1"),
        (f"{CASE_NO}-R1-T2-R1", f"{CASE_NO}-R1-T2"),
        (f"{CASE_NO}-R1-T2-R1-T1-R3", f"{CASE_NO}-R1-T2-R1-T1"),
        (f"{CASE_NO}-check", None),
        (f"{CASE_NO}-R1", None),
    ],
)
def test_the_id_of_a_request_says_whether_it_was_raised_for_a_task(request_id, task_id):
    assert domain.task_of(request_id) == task_id
