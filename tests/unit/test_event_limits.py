"""期限: the clocks of an event and of its tasks, each inside its parent's, and what follows when they have passed."""

from datetime import timedelta

import pytest
from liangwang.domain import messages as m
from liangwang.domain.centre_acts import answer_extension, extend_by, lift, recall, urge
from liangwang.domain.centre_rules import Governance
from liangwang.domain.coordination import cancel
from liangwang.domain.errors import Invalid, NotFound, NotNow
from liangwang.domain.event_clock import wake_at
from liangwang.domain.patience import Patience
from liangwang.domain.responsibilities import Responsibilities
from msgspec import structs

from tests.unit.collaborations import A_DAY, at, hear, raised, reports, ruled, signs, then, wanted, wants_time
from tests.unit.samples import CASE_NO, CITY, GOVERNANCE, NOON, kinds

PATIENCE = Patience(first=timedelta(minutes=5), longest=A_DAY)


def days(count):
    """The end of the count-th working day after noon."""
    return GOVERNANCE.calendar.limit(NOON, count)


def test_every_limit_lies_inside_its_parents():
    within = days(3)
    state = raised(wanted(days=2), wanted("site", days=9), days=5, sign_days=1, within=within)
    assert state.due_at == within
    assert [task.due_at for task in state.tasks] == [days(2), within]
    assert [task.dispatched.sign_by for task in state.tasks] == [days(1), days(1)]


def test_a_limit_for_signing_never_lies_behind_the_tasks_own():
    state = raised(wanted(days=1), sign_days=3)
    assert state.tasks[0].dispatched.sign_by == state.tasks[0].due_at


def test_a_task_that_is_not_signed_in_time_is_urged_once():
    state = raised(sign_days=1)
    assert wake_at(state, PATIENCE) == days(1)
    events, state = at(state, days(1))
    assert [(event.reason, event.task_id) for event in events] == [("not_signed", state.tasks[0].dispatched.task_id)]
    assert at(state, days(1) + timedelta(hours=1))[0] == []


def test_a_task_that_was_signed_in_time_is_not_urged():
    _, state = hear(raised(sign_days=1), signs(raised().tasks[0]))
    assert at(state, days(1))[0] == []


def test_a_task_with_a_limit_of_its_own_is_urged_when_it_has_passed_and_the_event_goes_on():
    state = raised(wanted(days=1), days=9)
    events, state = at(state, days(1))
    assert [event.reason for event in events] == ["task_limit_passed"]
    assert state.conclusion is None and at(state, days(2))[0] == []


def test_the_lights_of_an_event_change_with_its_limit_and_red_urges_once():
    state = raised(days=5)
    events, state = at(state, days(3))
    assert (kinds(events), state.light) == (["Lit"], "yellow")
    events, state = at(state, days(4))
    assert (kinds(events), state.light, events[1].reason) == (["Lit", "TaskUrged"], "red", "light_red")
    events, state = at(state, days(5))
    assert (kinds(events)[0], state.light) == ("Lit", "overdue")
    assert state.region == "C"


def test_of_two_lights_that_were_missed_the_last_one_is_told():
    assert [event.light for event in at(raised(days=5), days(4))[0] if hasattr(event, "light")] == ["red"]


def test_a_lifted_event_gets_no_more_than_the_requesters_time_as_long_as_there_is_any():
    _, state = at(raised(days=2, within=days(3)), days(2))
    assert (state.region, state.due_at) == ("C", days(3))


def test_silence_never_denies_a_case_that_wanted_to_be_lifted_it_is_lifted_on_when_the_requesters_time_is_over():
    state = raised(days=5, within=days(2))
    events, state = at(state, days(2))
    assert kinds(events) == ["Lit", "Lifted", "CollaborationExtended", "TaskUrged"]
    assert (state.conclusion, state.due_at) == (None, days(7))
    _, state = hear(state, reports(state.tasks[0]))
    assert (state.conclusion.conclusion, state.conclusion.because) == ("agree", "all_agree")


def test_silence_does_not_outvote_an_objection_and_a_leads_silence_is_no_agreement():
    _, state = hear(raised(wanted(), wanted("site"), on_timeout="proceed"), reports(raised().tasks[0], "disagree"))
    assert at(state, state.due_at)[1].conclusion.because == "not_all_agree"
    silent = raised(wanted(lead=True), wanted("site"), on_timeout="proceed")
    assert at(silent, silent.due_at)[1].conclusion.because == "lead_silent"


# ------------------------------------------------------------------ more time


def test_the_first_extension_inside_the_events_limit_is_given_by_rule():
    state = raised(wanted(days=1), days=5)
    events, state = hear(state, wants_time(state.tasks[0], 2))
    assert (kinds(events), events[0].reason) == (["TaskExtended"], "granted_by_rule")
    assert state.tasks[0].due_at == days(3)
    events, state = hear(state, wants_time(state.tasks[0], 1))
    assert kinds(events) == ["ExtensionAsked"]


def test_an_extension_behind_the_events_limit_waits_for_an_operator():
    state = raised(days=2)
    events, state = hear(state, wants_time(state.tasks[0], 3))
    assert kinds(events) == ["ExtensionAsked"]
    task_id = state.tasks[0].dispatched.task_id
    refused = answer_extension(state, task_id, "refuse", by="op", reason="no", on=GOVERNANCE, now=NOON)
    assert kinds(refused) == ["ExtensionRefused"]
    granted = answer_extension(state, task_id, "grant", by="op", reason="", on=GOVERNANCE, now=NOON)
    assert kinds(granted) == ["Extended", "CollaborationExtended", "TaskExtended"]
    after = then(state, granted)
    assert after.due_at == after.tasks[0].due_at == days(5)
    assert after.tasks[0].wish is None


def test_an_extension_that_was_answered_is_not_answered_again():
    state = raised(days=2)
    with pytest.raises(NotNow):
        answer_extension(state, state.tasks[0].dispatched.task_id, "grant", by="op", reason="", on=GOVERNANCE, now=NOON)


@pytest.mark.parametrize("count", [0, -1, 367])
def test_an_extension_by_a_number_that_is_none_is_refused(count):
    state = raised()
    with pytest.raises(Invalid):
        hear(state, wants_time(state.tasks[0], count))
    with pytest.raises(Invalid):
        extend_by(state, count, by="op", reason="more", on=GOVERNANCE, now=NOON)


def test_an_extended_event_takes_its_tasks_along_but_not_those_with_a_limit_of_their_own():
    state = raised(wanted(), wanted("site", days=1), days=3)
    events = extend_by(state, 2, by="op", reason="a survey", on=GOVERNANCE, now=NOON)
    assert kinds(events) == ["Extended", "CollaborationExtended", "TaskExtended"]
    state = then(state, events)
    assert (state.due_at, [task.due_at for task in state.tasks]) == (days(5), [days(5), days(1)])


def test_an_event_is_extended_once_and_once_more_for_each_lift():
    state = raised(days=2)
    state = then(state, extend_by(state, 1, by="op", reason="more", on=GOVERNANCE, now=NOON))
    with pytest.raises(NotNow):
        extend_by(state, 1, by="op", reason="more", on=GOVERNANCE, now=NOON)
    state = then(state, lift(state, reason="above us", on=GOVERNANCE))
    assert state.region == "C"
    state = then(state, extend_by(state, 1, by="op", reason="more", on=GOVERNANCE, now=NOON))
    assert (state.extensions, state.due_at) == (2, days(4))


def test_an_event_that_outlived_the_requesters_time_can_still_be_given_more():
    _, state = at(raised(days=2, within=days(2)), days(2))
    state = then(state, extend_by(state, 1, by="op", reason="a survey", on=GOVERNANCE, now=days(2)))
    assert (state.due_at, state.conclusion) == (days(5), None)


def test_no_extension_goes_behind_the_requesters_time():
    state = raised(days=2, within=days(3))
    with pytest.raises(Invalid):
        extend_by(state, 2, by="op", reason="more", on=GOVERNANCE, now=NOON)


def test_a_new_limit_lets_a_task_be_urged_again_when_it_passes():
    state = raised(wanted(days=1), days=9)
    _, state = at(state, days(1))
    _, state = hear(state, wants_time(state.tasks[0], 1), now=days(1))
    assert [event.reason for event in at(state, days(2))[0]] == ["task_limit_passed"]


# ------------------------------------------------------------------ operators


def test_an_event_is_lifted_in_its_own_line_and_not_above_the_city():
    state = then(raised(), lift(raised(), reason="above us", on=GOVERNANCE))
    assert state.region == "C"
    with pytest.raises(NotNow):
        lift(state, reason="above us", on=GOVERNANCE)


def test_an_urge_reaches_those_who_have_not_answered():
    state = raised(wanted(), wanted("site"))
    _, state = hear(state, reports(state.tasks[0]))
    events = urge(state, by="op", reason="")
    assert kinds(events) == ["Urged", "TaskUrged"]
    assert (events[1].department, events[1].reason) == ("TOWN-SITE", "centre_urges")


def test_a_recalled_task_goes_to_the_next_department_or_waits_for_an_operator():
    state = raised()
    task_id = state.tasks[0].dispatched.task_id
    elsewhere = recall(state, task_id, reason="wrong place", elsewhere=True, on=GOVERNANCE, now=NOON)
    assert kinds(elsewhere) == ["TaskRecalled", "TaskDispatched"]
    assert elsewhere[1].department == "EAST-FIRE-2"
    waits = recall(state, task_id, reason="wrong place", elsewhere=False, on=GOVERNANCE, now=NOON)
    assert kinds(waits) == ["TaskRecalled", "Unrouted"]
    assert then(state, waits).unrouted == state.request.asks


def test_a_recalled_task_is_not_forced_on_whom_it_was_recalled_from():
    state = raised(wanted("site"))
    task_id = state.tasks[0].dispatched.task_id
    events = recall(state, task_id, reason="wrong", elsewhere=True, on=GOVERNANCE, now=NOON)
    assert kinds(events) == ["TaskRecalled", "Unrouted"]


def test_a_recall_that_nobody_has_confirmed_is_repeated_while_the_event_goes_on():
    state = raised(days=9)
    task_id = state.tasks[0].dispatched.task_id
    state = then(state, recall(state, task_id, reason="wrong", elsewhere=True, on=GOVERNANCE, now=NOON))
    assert wake_at(state, PATIENCE) == NOON + PATIENCE.first


def test_the_recall_of_a_party_that_answers_by_a_link_needs_no_confirming():
    departments = tuple(structs.replace(one, connected="link") for one in CITY.departments)
    by_link = Governance(Responsibilities(structs.replace(CITY, departments=departments)), GOVERNANCE.calendar)
    state = raised(on=by_link)
    named = {"case_no": CASE_NO, "request_id": state.request.request_id, "department": state.request.department}
    state = then(state, cancel(state, m.CollaborationCancelled(**named, reason="over")))
    events, state = at(state, wake_at(state, PATIENCE), on=by_link)
    assert (kinds(events), state.tasks[0].status) == (["Stopped"], "stopped")
    assert wake_at(state, PATIENCE) is None


@pytest.mark.parametrize("act", ["urge", "lift", "extend", "recall"])
def test_no_act_changes_a_concluded_event(act):
    state = raised()
    task_id = state.tasks[0].dispatched.task_id
    _, state = hear(state, reports(state.tasks[0]))
    acts = {
        "urge": lambda: urge(state, by="op", reason=""),
        "lift": lambda: lift(state, reason="x", on=GOVERNANCE),
        "extend": lambda: extend_by(state, 1, by="op", reason="x", on=GOVERNANCE, now=NOON),
        "recall": lambda: recall(state, task_id, reason="x", elsewhere=True, on=GOVERNANCE, now=NOON),
    }
    with pytest.raises(NotNow):
        acts[act]()


def test_a_task_of_another_event_is_not_found():
    with pytest.raises(NotFound):
        recall(raised(), "else-T1", reason="x", elsewhere=True, on=GOVERNANCE, now=NOON)


def test_a_centre_that_asks_itself_repeats_its_questions():
    state = raised(department="", centre="D1", origin="grid")
    assert wake_at(state, PATIENCE) == NOON + PATIENCE.first
    assert wake_at(raised(), PATIENCE) == days(3)


def test_the_rules_of_a_city_say_when_lights_turn():
    from liangwang.domain.catalogue import Lights

    state = raised(on=ruled(lights=Lights(yellow=0.2, red=0.4)), days=5)
    assert (state.yellow_at, state.red_at) == (days(1), days(2))
