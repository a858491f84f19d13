"""退单与争议: who decides on a declined task, until when, and how it always ends."""

from datetime import timedelta

import pytest
from liangwang.domain.disputes import assign, slot
from liangwang.domain.errors import Invalid, NotFound, NotNow
from liangwang.domain.event_queue import placed
from liangwang.domain.responsibilities import Responsibilities, RoutingRule, RuleSet
from liangwang.domain.validity import day_of

from tests.unit.collaborations import at, declines, hear, raised, reports, ruled, then, wanted
from tests.unit.samples import GOVERNANCE, NOON, kinds, text
from tests.unit.test_routing import reformed

ASKED = ruled(decide_days=1, alone_days=1)


def disputed(*asks, on=ASKED, **settings):
    """An event whose only task was declined and waits for an operator's decision."""
    state = raised(*asks, on=on, **settings)
    return hear(state, declines(state.tasks[0]), on=on)[1]


def test_an_operator_of_the_centre_above_both_has_some_days_to_decide():
    state = raised(on=ASKED)
    events, state = hear(state, declines(state.tasks[0]), on=ASKED)
    assert kinds(events) == ["Declined", "Disputed"]
    assert (events[1].centre, events[1].until) == ("D1", GOVERNANCE.calendar.limit(NOON, 1))
    assert placed(state).entry.waits == ("decision",)


def test_a_dispute_between_districts_stands_before_the_city_that_decides_it():
    state = disputed(wanted("roads", place="T2"))
    assert (state.region, placed(state).desk) == ("D1", "event/C")


def test_the_operator_names_another_department():
    state = disputed()
    task_id = state.tasks[0].dispatched.task_id
    events = assign(state, task_id, "CITY-FIRE", by="op", explanation="their building", on=ASKED, now=NOON)
    assert kinds(events) == ["Decided", "TaskDispatched"]
    assert (events[0].by, events[0].outcome, events[0].centre) == ("op", "another", "D1")
    assert (events[1].department, events[1].forced) == ("CITY-FIRE", False)
    assert placed(then(state, events)).entry.waits == ("sign",)


def test_the_operator_gives_it_back_by_force():
    state = disputed()
    task_id = state.tasks[0].dispatched.task_id
    events = assign(state, task_id, "EAST-FIRE", by="op", explanation="it is yours", on=ASKED, now=NOON)
    assert (events[0].outcome, events[1].forced) == ("forced", True)


def test_when_no_operator_decides_in_time_the_rules_do():
    state = disputed()
    events, state = at(state, state.tasks[0].decide_by, on=ASKED)
    assert kinds(events)[:2] == ["Decided", "TaskDispatched"]
    assert (events[0].by, events[0].explanation, events[1].department) == ("rule", "next_responsible", "EAST-FIRE-2")
    assert all(moment.status != "disputed" for moment in state.tasks)


def test_where_the_rules_find_nobody_at_all_the_question_is_before_the_centre_and_decided_once():
    state = raised(wanted("astronomy"), on=ASKED)
    named = assign(state, slot(state, 1), "TOWN-SITE", by="op", explanation="try them", on=ASKED, now=NOON)
    state = then(state, named)
    _, state = hear(state, declines(state.tasks[0]), on=ASKED)
    until = state.tasks[0].decide_by
    events, state = at(state, until, on=ASKED)
    assert kinds(events)[0] == "Unrouted"
    assert (state.tasks[0].status, "unrouted" in placed(state).entry.waits) == ("declined", True)
    assert at(state, until, on=ASKED)[0] == []


def test_after_two_declines_there_is_nothing_to_decide():
    state = disputed()
    _, state = at(state, state.tasks[0].decide_by, on=ASKED)
    events, _ = hear(state, declines(state.tasks[-1]), on=ASKED)
    assert kinds(events) == ["Declined", "Decided", "TaskDispatched"]
    assert (events[1].explanation, events[2].forced) == ("declined_twice", True)


def test_where_nobody_else_is_responsible_an_operator_is_asked_first_if_the_rules_say_so():
    alone = ruled(alone_days=2)
    assert kinds(hear(raised(wanted("site"), on=alone), declines(raised(wanted("site")).tasks[0]), on=alone)[0]) == [
        "Declined",
        "Disputed",
    ]
    assert kinds(hear(raised(on=alone), declines(raised().tasks[0]), on=alone)[0])[1] == "Decided"
    forced, _ = hear(raised(wanted("site")), declines(raised(wanted("site")).tasks[0]))
    assert (forced[1].outcome, forced[1].explanation) == ("forced", "nobody_else")


def test_an_operator_names_a_department_for_an_ask_that_nobody_is_responsible_for():
    state = raised(wanted("astronomy"))
    events = assign(state, slot(state, 1), "EAST-FIRE", by="op", explanation="nearest to it", on=GOVERNANCE, now=NOON)
    assert kinds(events) == ["Decided", "TaskDispatched"]
    state = then(state, events)
    assert state.unrouted == ()
    assert hear(state, reports(state.tasks[0]))[1].conclusion.conclusion == "agree"


def test_an_ask_that_somebody_has_is_given_to_nobody_else():
    state = raised()
    with pytest.raises(NotNow):
        assign(state, slot(state, 1), "CITY-FIRE", by="op", explanation="x", on=GOVERNANCE, now=NOON)
    with pytest.raises(NotFound):
        assign(state, "else", "CITY-FIRE", by="op", explanation="x", on=GOVERNANCE, now=NOON)


def test_a_disputed_ask_is_named_by_its_task_so_that_only_who_decides_on_that_decides():
    state = disputed()
    with pytest.raises(NotNow):
        assign(state, slot(state, 1), "CITY-FIRE", by="op", explanation="x", on=ASKED, now=NOON)


@pytest.mark.parametrize(("department", "explanation"), [("NOBODY", "x"), ("CITY-FIRE", " ")])
def test_a_decision_names_a_department_of_the_city_and_why(department, explanation):
    state = disputed()
    with pytest.raises(Invalid):
        assign(
            state,
            state.tasks[0].dispatched.task_id,
            department,
            by="op",
            explanation=explanation,
            on=ASKED,
            now=NOON,
        )


@pytest.mark.parametrize("days", [{"until": day_of(NOON)}, {"since": day_of(NOON) + timedelta(days=1)}])
def test_a_department_that_has_ended_or_not_begun_is_given_nothing(days):
    on = ASKED._replace(responsibilities=Responsibilities(reformed(**{"CITY-FIRE": days})))
    state = disputed()
    with pytest.raises(Invalid):
        assign(state, state.tasks[0].dispatched.task_id, "CITY-FIRE", by="op", explanation="x", on=on, now=NOON)


def test_a_dispute_that_is_undecided_when_the_events_limit_passes_is_decided_first():
    state = disputed(days=1, on_timeout="deny", on=ruled(decide_days=5))
    events, state = at(state, state.due_at, on=ruled(decide_days=5))
    assert kinds(events) == ["Decided", "TaskDispatched", "TaskRecalled", "CollaborationConcluded"]


# ------------------------------------------------------------------ nobody is asked in a circle


def test_a_nested_question_goes_to_nobody_whose_question_led_to_it():
    state = raised(wanted(), origin="task", chain=("EAST-FIRE",))
    assert state.tasks[0].dispatched.department == "EAST-FIRE-2"
    assert state.tasks[0].dispatched.chain == ("EAST-FIRE", "EAST-MARKET")


def test_a_question_that_could_only_go_in_a_circle_is_refused_with_that_reason():
    state = raised(wanted("site"), origin="task", chain=("TOWN-SITE",))
    assert state.tasks == ()
    assert (state.conclusion.conclusion, state.conclusion.because) == ("disagree", "cycle")


def test_the_other_questions_of_a_request_are_asked_all_the_same():
    state = raised(wanted("site"), wanted(), origin="task", chain=("TOWN-SITE",))
    assert state.conclusion is None
    _, state = hear(state, reports(state.tasks[0]))
    assert (state.conclusion.conclusion, state.conclusion.because) == ("disagree", "cycle")


def test_a_department_in_the_circle_is_not_forced_either():
    state = raised(wanted("roads", place="T2"), origin="task", chain=("A", "B"))
    _, state = hear(state, declines(state.tasks[0]))
    assert state.tasks[-1].dispatched.forced
    with pytest.raises(Invalid):
        waiting = raised(wanted("astronomy"), origin="task", chain=("CITY-FIRE",))
        assign(waiting, slot(waiting, 1), "CITY-FIRE", by="op", explanation="x", on=GOVERNANCE, now=NOON)


def test_a_request_that_is_nested_too_deep_is_concluded_at_once():
    state = raised(origin="task", chain=("A", "B", "C"))
    assert (state.tasks, state.conclusion.because) == ((), "too_deep")
    assert raised(origin="task", chain=("A", "B")).conclusion is None


def test_a_nobody_responsible_ask_is_left_with_the_centre_above_its_place_and_the_requester():
    state = raised(wanted("astronomy", place="T2"))
    assert state.region == "C"
    assert placed(state).entry.waits == ("unrouted",)


def test_a_department_that_has_ended_gets_nothing_though_the_rules_in_force_still_name_it():
    old = RuleSet("old", NOON.date(), (RoutingRule("r", ("CITY-FIRE", "EAST-FIRE-2"), text("r"), capability="fire"),))
    named = Responsibilities.of(reformed(**{"CITY-FIRE": {"until": day_of(NOON)}}), old)
    on = GOVERNANCE._replace(responsibilities=named)
    state = raised(on=on)
    assert [task.dispatched.department for task in state.tasks] == ["EAST-FIRE-2"]
