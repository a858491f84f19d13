"""What follows when a moment of a case has passed: once, in its order, to the next level of the same line."""

from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liangwang import working_calendar
from liangwang.catalogue import load_supervision
from liangwang.domain import messages as m
from liangwang.domain import procedures
from liangwang.domain.acceptance import receive, withdraw
from liangwang.domain.approval import conclude_collaboration
from liangwang.domain.case import StepAssigned, StepOpened, evolve
from liangwang.domain.catalogue import Step
from liangwang.domain.course import Practice
from liangwang.domain.deadlines import awaited, next_moment
from liangwang.domain.errors import Invalid, NotFound, NotNow
from liangwang.domain.patience import Patience
from liangwang.domain.supervision import answer, wake
from liangwang.domain.supervision_rule import SupervisionRule, SupervisionRules, Watch

from tests.unit.samples import CASE_NO, CITY, NOON, collaboration, evaluate, folded, item, submitted, text, withdrawn

CATALOGUE = Path(__file__).parents[2] / "layers" / "catalogue"
CALENDAR = working_calendar.load(CATALOGUE)
PATIENCE = Patience()
RULES = load_supervision(CATALOGUE)
WATCH = Watch(RULES, CITY)
TWO_STEPS = (Step("handle", "clerk", days=2), Step("approve", "clerk"))
"""Promised are 5 working days from NOON (Monday 2027-03-01): yellow on the 4th, red and promised later."""


def practice(**changes):
    """An item of clerks' steps on the city's calendar."""
    return Practice(
        item(**{"steps": (Step("handle", "clerk"), Step("approve", "clerk")), **changes}), evaluate, CALENDAR
    )


ON = practice()


def case(on=ON):
    """A case that was accepted at NOON and waits for a clerk."""
    return folded(evolve, None, receive(None, submitted(), on=on, now=NOON))


def woken(state, now, on=ON, watch=WATCH):
    """The state after a sweep, and what it said."""
    events = wake(state, on=on, watch=watch, now=now)
    return folded(evolve, state, events, at=now), [one for one in events if isinstance(one, m.CaseSupervised)]


def spoken(events):
    """Rule, stage and unit of what was said."""
    return [(one.rule, one.stage, one.unit) for one in events]


def claimed(state, step="handle", officer="officer-1"):
    """The state with a step in an officer's hands."""
    return folded(evolve, state, [StepAssigned(step=step, officer=officer, by=officer)])


def until(state, end, on=ON, every=timedelta(hours=6)):
    """Sweeps until a moment; everything that was said, in order."""
    now, said = NOON, []
    while now < end:
        now += every
        state, new = woken(state, now, on)
        said += new
    return state, said


# ------------------------------------------------------------------ the next moment


def test_a_case_shows_the_moment_at_which_its_light_turns_yellow():
    state = case()
    assert next_moment(state, PATIENCE) == state.clock.due.yellow_at


def test_a_moment_that_has_fired_is_never_shown_again():
    state, shown = case(), []
    for _ in range(12):
        at = next_moment(state, PATIENCE)
        shown.append(at)
        state, new = woken(state, at)
        assert new
        following = next_moment(state, PATIENCE)
        assert following is None or following > at
    assert shown == sorted(set(shown))


def test_a_clock_that_stands_has_no_moments():
    stop = procedures.stop(
        case(), stop_id="1", cause="hearing", basis="45", approver="head", until=None, reason="", on=ON, now=NOON
    )
    assert next_moment(folded(evolve, case(), [stop]), PATIENCE) is None


def test_a_case_that_has_ended_has_no_moments_of_its_own():
    state = folded(evolve, case(), withdraw(case(), withdrawn(), on=ON, now=NOON))
    assert next_moment(state, PATIENCE) is None
    assert awaited(state) == []
    assert wake(state, on=ON, watch=WATCH, now=NOON + timedelta(days=400)) == []


def test_a_withdrawn_case_repeats_its_cancelling_until_the_centre_confirms():
    on = practice(collaborations=(collaboration("fire"),))
    state = folded(evolve, case(on), withdraw(case(on), withdrawn(), on=on, now=NOON))
    assert next_moment(state, PATIENCE) == NOON + PATIENCE.first
    concluded = m.CollaborationConcluded(
        case_no=CASE_NO,
        request_id=state.awaited[0],
        collaboration_id=state.awaited[0],
        department="EAST-MARKET",
        conclusion="cancelled",
        because="requester_ended",
        answers=(),
    )
    state = folded(evolve, state, conclude_collaboration(state, concluded, on=on, now=NOON))
    assert next_moment(state, PATIENCE) is None


# ------------------------------------------------------------------ lights, urges, escalations, orders


def test_nothing_is_said_before_a_moment_has_passed():
    state = case()
    assert wake(state, on=ON, watch=WATCH, now=state.clock.due.yellow_at - timedelta(seconds=1)) == []


def test_lights_change_one_after_the_other_each_with_its_moment():
    state, due = case(), case().clock.due
    _, said = until(state, due.promised_at + timedelta(hours=6))
    lights = [(one.rule, one.light, one.at) for one in said if one.stage == "light"]
    assert lights == [
        ("JD-01", "yellow", due.yellow_at),
        ("JD-02", "red", due.red_at),
        ("JD-04", "overdue", due.promised_at),
    ]


def test_an_officer_is_urged_again_every_two_working_days_until_it_is_done():
    state, due = claimed(case()), case().clock.due
    _, said = until(state, due.red_at + timedelta(days=9))
    urges = [one for one in said if one.rule == "JD-03"]
    assert {one.unit for one in urges} == {"officer-1"}
    assert [one.ordinal for one in urges] == list(range(1, len(urges) + 1))
    days = [CALENDAR.between(one.at.date(), following.at.date()) for one, following in pairwise(urges)]
    assert days == [2, 2]


def test_urging_ends_after_the_times_that_the_rule_says():
    state, said = until(claimed(case()), NOON + timedelta(days=150), every=timedelta(days=1))
    assert len([one for one in said if one.rule == "JD-03"]) == RULES.one("JD-03").times
    assert next_moment(state, PATIENCE) is None


def test_an_urge_goes_to_the_department_while_nobody_has_the_step():
    _, said = until(case(), case().clock.due.promised_at)
    assert [one.unit for one in said if one.stage == "urge"] == ["EAST-MARKET"]


def test_what_nobody_finishes_goes_up_the_same_line_level_by_level_and_ends_at_the_top():
    due = case().clock.due
    _, said = until(case(), due.promised_at + timedelta(days=60))
    escalated = [(one.unit, one.ordinal) for one in said if one.rule == "JD-05"]
    assert escalated == [("EAST-MARKET", 1), ("D1", 2), ("C", 3)]


def test_an_order_that_nobody_answers_goes_up_too():
    due = case().clock.due
    _, said = until(case(), due.statutory_at + timedelta(days=60))
    assert spoken(one for one in said if one.rule == "JD-06") == [
        ("JD-06", "order", "EAST-MARKET"),
        ("JD-06", "escalate", "D1"),
        ("JD-06", "escalate", "C"),
    ]


def test_an_order_that_was_answered_goes_no_further():
    state, _ = until(case(), case().clock.due.statutory_at + timedelta(hours=6))
    answered = answer(state, "JD-06", by="head", result="finished on Friday")
    _, said = until(folded(evolve, state, answered), state.clock.due.statutory_at + timedelta(days=60))
    assert not [one for one in said if one.rule == "JD-06"]


def test_an_order_is_answered_once_and_with_a_result():
    state, _ = until(case(), case().clock.due.statutory_at + timedelta(hours=6))
    with pytest.raises(Invalid):
        answer(state, "JD-06", by="head", result=" ")
    with pytest.raises(NotFound):
        answer(state, "JD-05", by="head", result="done")
    after = folded(evolve, state, answer(state, "JD-06", by="head", result="done"))
    with pytest.raises(NotNow):
        answer(after, "JD-06", by="head", result="done")


# ------------------------------------------------------------------ steps and stops


def test_a_claimed_step_whose_officer_does_nothing_by_its_limit_goes_back_to_the_groups_queue():
    on = practice(steps=TWO_STEPS)
    state = claimed(case(on))
    limit = state.opened["handle"].due_at
    assert wake(state, on=on, watch=WATCH, now=limit - timedelta(seconds=1)) == []
    after, said = woken(state, limit, on)
    assert ("JD-07", "urge", "officer-1") in spoken(said)
    assert after.officers == {}


def test_a_step_that_was_done_in_time_is_not_urged():
    on = practice(steps=TWO_STEPS)
    state = claimed(case(on))
    done = m.StepCompleted(case_no=CASE_NO, department="EAST-MARKET", step="handle", opinion="agree", by="officer-1")
    _, said = until(folded(evolve, state, [done]), state.clock.due.promised_at, on)
    assert not [one for one in said if one.moment == "step"]


def test_a_step_limit_that_a_stop_has_moved_is_told_anew_and_does_not_fire():
    on = practice(steps=TWO_STEPS)
    state = claimed(case(on))
    limit = state.opened["handle"].due_at
    told = {"cause": "hearing", "basis": "45", "approver": "head", "until": None, "reason": "", "on": on}
    state = folded(evolve, state, [procedures.stop(state, stop_id="1", now=NOON, **told)])
    later = NOON + timedelta(days=7)
    state = folded(evolve, state, [procedures.resume(state, "1", "held", on, later)], at=later)
    state, said = woken(state, later, on)
    assert not [one for one in said if one.moment == "step"] and state.officers
    assert state.opened["handle"].due_at > limit


def test_a_step_that_was_given_back_and_is_late_again_fires_again():
    on = practice(steps=TWO_STEPS)
    state, _ = woken(claimed(case(on)), case(on).opened["handle"].due_at, on)
    done = m.StepCompleted(case_no=CASE_NO, department="EAST-MARKET", step="handle", opinion="agree", by="officer-1")
    back = m.StepReturned(
        case_no=CASE_NO, department="EAST-MARKET", step="approve", to="handle", reopened=("handle",), by="b", reason="r"
    )
    late = state.clock.due.yellow_at
    state = folded(evolve, state, [done, back, StepOpened(step="handle", due_at=late)])
    _, said = woken(state, late, on)
    assert "handle.2" in [one.about for one in said]


def test_a_step_that_was_late_and_is_reached_again_without_having_been_done_has_another_limit():
    on = practice(steps=(Step("handle", "clerk"), Step("approve", "clerk", days=1)))
    done = m.StepCompleted(case_no=CASE_NO, department="EAST-MARKET", step="handle", opinion="agree", by="officer-1")
    first, second = CALENDAR.end_of(date(2027, 3, 2)), CALENDAR.end_of(date(2027, 3, 3))
    state = folded(evolve, case(on), [done, StepOpened(step="approve", due_at=first)])
    state, said = woken(state, first, on)
    assert [one.about for one in said if one.moment == "step"] == ["approve"]
    back = m.StepReturned(
        case_no=CASE_NO,
        department="EAST-MARKET",
        step="approve",
        to="handle",
        reopened=("handle", "approve"),
        by="b",
        reason="r",
    )
    state = folded(evolve, state, [back, done, StepOpened(step="approve", due_at=second)])
    assert next_moment(state, PATIENCE) == second
    state, said = woken(state, second, on)
    assert [one.about for one in said if one.moment == "step"] == ["approve.2"]


def test_a_special_procedure_that_takes_too_long_is_told_though_the_clock_stands():
    by = NOON + timedelta(days=3)
    stop = procedures.stop(
        case(), stop_id="1", cause="hearing", basis="45", approver="head", until=by, reason="", on=ON, now=NOON
    )
    state = folded(evolve, case(), [stop])
    _, said = woken(state, by)
    assert spoken(said) == [("JD-08", "escalate", "EAST-MARKET")]
    assert next_moment(woken(state, by)[0], PATIENCE) > by


# ------------------------------------------------------------------ clocks that jump, schedules that pause


def test_a_schedule_that_paused_for_months_says_what_still_makes_sense():
    due = case().clock.due
    now = NOON + timedelta(days=200)
    state, said = woken(claimed(case()), now)
    assert [one.light for one in said if one.stage == "light"] == ["overdue"]
    assert [one.unit for one in said if one.rule == "JD-05"] == ["EAST-MARKET", "D1", "C"]
    assert [one.unit for one in said if one.rule == "JD-06"] == ["EAST-MARKET", "D1", "C"]
    assert len([one for one in said if one.stage == "urge"]) == 1
    assert [one.at for one in said if one.stage != "urge"] == sorted(one.at for one in said if one.stage != "urge")
    assert {due.promised_at, due.statutory_at} <= {one.at for one in said}
    assert woken(state, now)[1] == []


@given(st.lists(st.integers(-90, 200), min_size=1, max_size=30))
def test_however_often_and_whenever_a_case_is_looked_at_each_thing_is_said_once(days):
    state, said = case(), []
    for day in days:
        state, new = woken(state, NOON + timedelta(days=day))
        said += new
    keys = [(one.order, one.ordinal, one.unit) for one in said]
    assert len(keys) == len(set(keys))
    lights = [one.light for one in said if one.stage == "light"]
    assert lights == sorted(lights, key=["yellow", "red", "overdue"].index)
    assert woken(state, NOON + timedelta(days=max(days)))[1] == []


@given(st.lists(st.integers(0, 40), min_size=1, max_size=12))
def test_escalations_do_not_depend_on_when_the_schedule_ran(days):
    state, said = case(), []
    for day in [*sorted(days), 40]:
        state, new = woken(state, NOON + timedelta(days=day))
        said += new
    _, at_once = woken(case(), NOON + timedelta(days=40))
    for stage in ("escalate", "order"):
        assert [(one.rule, one.unit, one.at) for one in said if one.stage == stage] == [
            (one.rule, one.unit, one.at) for one in at_once if one.stage == stage
        ]


def test_a_clock_that_jumped_back_undoes_nothing_and_says_nothing_again():
    state, said = woken(case(), case().clock.due.promised_at)
    assert said
    assert woken(state, NOON) == (state, [])


def test_what_fired_before_a_stop_does_not_fire_again_after_it():
    yellow = case().clock.due.yellow_at
    state, _ = woken(case(), yellow)
    now = yellow + timedelta(minutes=1)
    told = {"cause": "hearing", "basis": "45", "approver": "head", "until": None, "reason": "", "on": ON}
    state = folded(evolve, state, [procedures.stop(state, stop_id="1", now=now, **told)], at=now)
    later = now + timedelta(days=14)
    state = folded(evolve, state, [procedures.resume(state, "1", "held", ON, later)], at=later)
    _, said = until(state, state.clock.due.promised_at + timedelta(hours=6))
    assert [one.light for one in said if one.stage == "light"] == ["red", "overdue"]
    assert next(one.at for one in said if one.light == "red") == state.clock.due.red_at > yellow + timedelta(days=14)


# ------------------------------------------------------------------ rules that change


def test_a_moment_that_no_rule_names_passes_all_the_same():
    state, said = woken(case(), case().clock.due.yellow_at, watch=Watch(SupervisionRules(), CITY))
    assert spoken(said) == [("", "light", "EAST-MARKET")]
    assert next_moment(state, PATIENCE) == state.clock.due.red_at


def test_a_rule_that_is_gone_speaks_for_the_last_time():
    gone = SupervisionRules((SupervisionRule("X", "yellow", "urge", text("hurry"), every=2),))
    state, _ = woken(case(), case().clock.due.yellow_at, watch=Watch(gone, CITY))
    state, said = woken(state, NOON + timedelta(days=300))
    assert [one.again_at for one in said if one.rule == "X"] == [None]
    assert not [one for one in woken(state, NOON + timedelta(days=900))[1] if one.rule == "X"]


def test_a_rule_that_may_speak_less_often_than_it_has_already_speaks_for_the_last_time():
    def watch(times):
        return Watch(
            SupervisionRules((SupervisionRule("X", "yellow", "urge", text("hurry"), every=2, times=times),)), CITY
        )

    state = case()
    for days in (0, 2, 4):
        state, said = woken(state, CALENDAR.end_of(CALENDAR.after(date(2027, 3, 4), days)), watch=watch(10))
    assert [one.ordinal for one in said if one.rule == "X"] == [3]
    state, said = woken(state, NOON + timedelta(days=60), watch=watch(2))
    assert [one.again_at for one in said if one.rule == "X"] == [None]


def test_a_wait_of_working_days_does_not_fire_after_minutes():
    friday = datetime.fromisoformat("2027-03-05T06:00:00+00:00")
    state = folded(evolve, None, receive(None, submitted(), on=ON, now=friday), at=friday)
    assert woken(state, friday + timedelta(minutes=5))[1] == []
    assert woken(state, friday + timedelta(days=2, hours=20))[1] == []
    assert next_moment(state, PATIENCE).date() == date(2027, 3, 10)
