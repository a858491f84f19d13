"""工作清单: what the index of a department's desk says of a case, and whose worklist the case is on."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liangwang.domain import messages as m
from liangwang.domain import statutory_clock, worklist
from liangwang.domain.acceptance import receive, withdraw
from liangwang.domain.case import StepAssigned, evolve
from liangwang.domain.catalogue import Step
from liangwang.domain.course import Practice
from liangwang.domain.statutory_clock import Stop
from liangwang.domain.working_days import Calendar
from liangwang.domain.worklist import Asker, Criteria, Entry, entry, match, placed
from msgspec import json
from msgspec.structs import replace

from tests.unit.samples import CASE_NO, NOON, collaboration, evaluate, folded, item, submitted, withdrawn

ON = Practice(
    item(
        steps=(
            Step("handle", "clerk"),
            Step("review", "clerk", id="review-site", after=("handle",)),
            Step("review", "clerk", id="review-plan", after=("handle",), role="reviewer"),
            Step("approve", "clerk", after=("review-site", "review-plan")),
        )
    ),
    evaluate,
    Calendar(),
)
DUE = statutory_clock.start(ON.item, ON.calendar, NOON)


def case(on=ON):
    return folded(evolve, None, receive(None, submitted(), on=on, now=NOON))


def done(state, step, by="wang"):
    event = m.StepCompleted(case_no=CASE_NO, department="EAST-MARKET", step=step, opinion="agree", by=by)
    return folded(evolve, state, [event])


def assigned(state, step, officer):
    return folded(evolve, state, [StepAssigned(step=step, officer=officer, by=officer)])


def standing(state, at=NOON):
    stop = Stop(stop_id="s", cause="hearing", basis="an act", approver="zhao", since=ON.calendar.day_of(at))
    return replace(state, status="suspended", clock=statutory_clock.suspended(state.clock, stop, at))


def claims(state, role, subject="li"):
    return [step.key for step in worklist.open_to(entry(state), ON.item, role=role, subject=subject)]


def found(state, *, subject="li", role="clerk", now=NOON, **criteria):
    asker = Asker(subject=subject, role=role, now=now)
    return match(entry(state), Criteria(**criteria), asker, lambda _: ON.item)


def test_an_open_case_stands_on_its_departments_desk_by_the_moment_it_was_promised():
    place = placed(case())
    assert (place.desk, place.due_at) == ("EAST-MARKET", case().clock.due.promised_at)


def test_a_case_that_waits_for_others_stays_on_the_desk_and_one_that_has_ended_leaves_it():
    asking = case(ON._replace(item=item(collaborations=(collaboration("fire"),))))
    assert asking.status == "collaborating" and placed(asking).desk == "EAST-MARKET"
    assert placed(folded(evolve, case(), withdraw(case(), withdrawn(), on=ON, now=NOON))) is None


def test_a_case_that_is_not_accepted_is_due_when_the_word_on_acceptance_is():
    state = replace(case(), status="received", clock=None, accepted=None, deemed_at=NOON + timedelta(days=7))
    assert placed(state).due_at == NOON + timedelta(days=7)
    assert worklist.light(entry(state), NOON) is None


def test_nothing_of_the_applicants_is_in_an_entry():
    state = case()
    text = json.encode(entry(replace(state, form={"phone": "13800000000"}, attachments=()))).decode()
    assert "13800000000" not in text and state.application.place not in text


def test_an_entry_is_the_same_after_it_was_written_and_read():
    state = assigned(done(case(), "handle"), "review-site", "li")
    assert json.decode(json.encode(entry(state)), type=Entry) == entry(state)
    assert len(json.encode(entry(state))) < 400


@given(st.integers(0, 40), st.one_of(st.none(), st.integers(0, 30)))
def test_the_light_of_an_entry_is_the_light_of_the_clock(days, stood):
    state = case()
    now = NOON + timedelta(days=days)
    if stood is not None and stood <= days:
        state = standing(state, NOON + timedelta(days=stood))
    assert worklist.light(entry(state), now) == statutory_clock.light(state.clock, now)


def test_steps_that_nobody_has_claimed_are_open_to_those_whose_role_does_them():
    assert (claims(case(), "clerk"), claims(case(), "reviewer"), claims(case(), "supervisor")) == (["handle"], [], [])
    state = done(case(), "handle")
    assert claims(state, "clerk") == ["review-site"]
    assert claims(state, "reviewer") == ["review-site", "review-plan"]
    assert claims(assigned(state, "review-site", "sun"), "reviewer") == ["review-plan"]


def test_who_did_a_step_of_a_case_is_offered_no_other_of_it():
    assert claims(done(case(), "handle", by="li"), "clerk") == []


def test_a_case_that_waits_for_the_word_on_acceptance_is_the_groups_that_may_say_it():
    state = replace(case(), status="received", clock=None, accepted=None)
    assert found(state, group=True) and not found(state, group=True, role="reviewer")


def test_a_suspended_case_has_nothing_to_claim():
    assert claims(standing(case()), "clerk") == []


def test_mine_is_what_i_have_in_hand():
    state = assigned(case(), "handle", "li")
    assert found(state, mine=True) and not found(state, mine=True, subject="sun")
    assert not found(state, group=True)
    assert found(standing(state), mine=True, in_hand=None)


def test_what_waits_for_others_is_listed_when_it_is_asked_for():
    waiting = standing(case())
    assert (found(waiting), found(waiting, in_hand=False), found(waiting, in_hand=None)) == (False, True, True)
    assert found(waiting, status="suspended") and found(case()) and not found(case(), in_hand=False)


@pytest.mark.parametrize(
    ("moment", "light"),
    [
        (NOON, "green"),
        (DUE.yellow_at, "yellow"),
        (DUE.red_at, "red"),
        (DUE.promised_at, "overdue"),
    ],
)
def test_cases_are_found_by_their_light(moment, light):
    for other in ("green", "yellow", "red", "overdue"):
        assert found(case(), now=moment, light=other) == (other == light)


def test_cases_are_found_by_item_and_by_when_they_came():
    assert found(case(), task_code="licence") and not found(case(), task_code="another")
    assert found(case(), received_from=NOON) and not found(case(), received_from=NOON + timedelta(seconds=1))
    assert not found(case(), received_to=NOON) and found(case(), received_to=NOON + timedelta(seconds=1))


def test_nobody_can_claim_a_step_of_an_item_that_this_release_does_not_have():
    asker = Asker(subject="li", role="clerk", now=NOON)
    assert not match(entry(case()), Criteria(group=True), asker, lambda _: None)
