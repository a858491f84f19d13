"""承办人: in whose hands a step is, who may do it, and how a case goes back."""

from datetime import date, timedelta

import pytest
from liangwang.domain import absence, officers, steps
from liangwang.domain import messages as m
from liangwang.domain.acceptance import receive, withdraw
from liangwang.domain.approval import CompleteStep, ReturnStep, complete_step, return_step
from liangwang.domain.case import evolve
from liangwang.domain.catalogue import Step
from liangwang.domain.course import Practice
from liangwang.domain.errors import Forbidden, Invalid, NotFound, NotNow
from liangwang.domain.officers import GiveStep, Officer
from liangwang.domain.working_days import Calendar
from msgspec.structs import replace

from tests.unit.samples import NOON, evaluate, folded, item, kinds, submitted, withdrawn

THREE = item(steps=(Step("handle", "clerk"), Step("review", "clerk"), Step("approve", "clerk", role="supervisor")))
ON = Practice(THREE, evaluate, Calendar())
WANG, LI, ZHAO = (Officer(name=name, role="clerk") for name in ("wang", "li", "zhao"))
CHEN = Officer(name="chen", role="reviewer")
HEAD = Officer(name="head", role="supervisor")


def case(on=ON):
    return folded(evolve, None, receive(None, submitted(), on=on, now=NOON))


def done(state, step, officer, *, opinion="agree", explanation="", on=ON):
    wish = CompleteStep(step=step, opinion=opinion, explanation=explanation)
    return folded(evolve, state, complete_step(state, wish, officer=officer, on=on, now=NOON))


def given(state, step, to, *, by, reason="", on=ON):
    return folded(
        evolve, state, officers.give(state, step, GiveStep(officer=to, reason=reason), officer=by, item=on.item)
    )


def returned(state, step, to, *, by, reason="look again", on=ON):
    wish = ReturnStep(to=to, reason=reason)
    return folded(evolve, state, return_step(state, step, wish, officer=by, on=on, now=NOON))


def open_keys(state, on=ON):
    return [step.key for step in steps.open_steps(state, on.item)]


def for_(absent, officer):
    return replace(officer, stands_in_for=frozenset({absent.name}))


# ------------------------------------------------------------------ claim, assign, hand over, give back


def test_an_officer_of_the_same_role_who_is_not_assigned_cannot_act():
    state = given(case(), "handle", None, by=WANG)
    with pytest.raises(Forbidden, match="another officer's hands"):
        done(state, "handle", LI)
    assert done(state, "handle", WANG).done["handle"].by == "wang"


def test_a_step_in_nobodys_hands_is_claimed_by_doing_it():
    state = done(case(), "handle", WANG)
    assert (state.done["handle"].by, state.officers) == ("wang", {})


def test_a_claimed_step_is_not_claimed_by_another():
    state = given(case(), "handle", None, by=WANG)
    with pytest.raises(NotNow, match="another officer's hands"):
        given(state, "handle", None, by=LI)


def test_a_claim_that_comes_twice_changes_nothing():
    state = given(case(), "handle", None, by=WANG)
    assert officers.give(state, "handle", GiveStep(), officer=WANG, item=THREE) == []


def test_a_supervisor_assigns_a_step_and_takes_it_away_with_a_reason():
    state = given(case(), "handle", "wang", by=HEAD)
    assert state.officers == {"handle": "wang"}
    with pytest.raises(Invalid, match="reason"):
        given(state, "handle", "li", by=HEAD)
    assert given(state, "handle", "li", by=HEAD, reason="ill").officers == {"handle": "li"}


def test_only_who_has_a_step_or_a_supervisor_gives_it_to_somebody():
    with pytest.raises(Forbidden):
        given(case(), "handle", "li", by=WANG)
    state = given(case(), "handle", None, by=WANG)
    with pytest.raises(Forbidden):
        given(state, "handle", "zhao", by=LI, reason="mine")


def test_a_step_is_handed_over_with_a_reason():
    state = given(case(), "handle", None, by=WANG)
    with pytest.raises(Invalid):
        given(state, "handle", "li", by=WANG)
    assert given(state, "handle", "li", by=WANG, reason="knows the place").officers == {"handle": "li"}


def test_a_step_is_given_back_to_the_group_without_one():
    state = given(given(case(), "handle", None, by=WANG), "handle", "", by=WANG)
    assert state.officers == {}
    assert done(state, "handle", LI).done["handle"].by == "li"


def test_a_step_that_is_not_open_is_in_nobodys_hands():
    with pytest.raises(NotNow, match="stands before handle"):
        given(case(), "review", None, by=WANG)
    with pytest.raises(NotFound):
        given(case(), "nothing", None, by=WANG)
    with pytest.raises(NotNow, match="withdrawn"):
        given(folded(evolve, case(), withdraw(case(), withdrawn(), on=ON, now=NOON)), "handle", None, by=WANG)


def test_nobody_is_given_a_step_of_a_case_of_which_they_did_another():
    state = done(case(), "handle", WANG)
    with pytest.raises(Forbidden):
        given(state, "review", None, by=WANG)
    with pytest.raises(Invalid) as refused:
        given(state, "review", "wang", by=HEAD)
    assert refused.value.violations[0].field == "officer"


# ------------------------------------------------------------------ roles


BEFORE = {"handle": (), "review": (("handle", WANG),), "approve": (("handle", WANG), ("review", CHEN))}


@pytest.mark.parametrize(("step", "officer"), [("handle", CHEN), ("handle", HEAD), ("review", HEAD), ("approve", LI)])
def test_a_role_does_its_own_steps_only(step, officer):
    state = case()
    for before, doer in BEFORE[step]:
        state = done(state, before, doer)
    with pytest.raises(Forbidden, match=f"does not do step {step}"):
        done(state, step, officer)


# ------------------------------------------------------------------ four eyes


def test_nobody_approves_their_own_step():
    state = done(case(), "handle", WANG)
    with pytest.raises(Forbidden, match="done by you"):
        done(state, "review", WANG)


def test_nobody_reviews_their_own_step_through_a_delegate():
    state = given(done(case(), "handle", WANG), "review", "li", by=HEAD)
    with pytest.raises(Forbidden, match="done by you or for you"):
        done(state, "review", for_(LI, WANG))


def test_neither_the_absent_officer_nor_the_delegate_reviews_what_was_done_on_behalf():
    state = done(given(case(), "handle", None, by=WANG), "handle", for_(WANG, LI))
    assert (state.done["handle"].by, state.done["handle"].on_behalf_of) == ("li", "wang")
    for officer in (WANG, LI):
        with pytest.raises(Forbidden, match="done by you or for you"):
            done(state, "review", officer)
    assert open_keys(done(state, "review", ZHAO)) == ["approve"]


def test_a_delegate_needs_the_role_for_the_step():
    state = given(case(), "handle", None, by=WANG)
    with pytest.raises(Forbidden, match="role reviewer"):
        done(state, "handle", for_(WANG, CHEN))


def test_an_officer_who_is_back_acts_for_themselves():
    state = done(given(case(), "handle", None, by=WANG), "handle", WANG)
    assert state.done["handle"].on_behalf_of == ""


def test_a_delegate_hands_the_absent_officer_s_step_over():
    state = given(case(), "handle", None, by=WANG)
    assert given(state, "handle", "zhao", by=for_(WANG, LI), reason="away").officers == {"handle": "zhao"}


# ------------------------------------------------------------------ going back


def test_a_return_opens_the_earlier_step_for_who_did_it():
    state = returned(done(case(), "handle", WANG), "review", "handle", by=LI)
    assert (open_keys(state), state.officers, state.done) == (["handle"], {"handle": "wang"}, {})
    assert [one.step for one in state.steps] == ["handle"], "what was done stays on record"
    again = done(state, "handle", WANG)
    assert open_keys(done(again, "review", LI)) == ["approve"]


def test_a_return_opens_everything_between_again():
    state = done(done(case(), "handle", WANG), "review", LI)
    events = return_step(state, "approve", ReturnStep(to="handle", reason="?"), officer=HEAD, on=ON, now=NOON)
    assert kinds(events) == ["StepReturned", "StepAssigned"]
    assert events[0].reopened == ("handle", "review")
    assert open_keys(folded(evolve, state, events)) == ["handle"]


def test_what_was_done_on_behalf_goes_back_to_the_one_whose_it_is():
    state = done(given(case(), "handle", None, by=WANG), "handle", for_(WANG, LI))
    assert returned(state, "review", "handle", by=ZHAO).officers == {"handle": "wang"}


def test_a_return_says_why_and_where_to():
    state = done(case(), "handle", WANG)
    with pytest.raises(Invalid) as refused:
        returned(state, "review", "handle", by=LI, reason=" ")
    assert refused.value.violations[0].field == "reason"
    for nowhere in ("approve", "nothing"):
        with pytest.raises(Invalid, match="cannot go back there"):
            returned(state, "review", nowhere, by=LI)


def test_a_step_done_by_rule_is_no_place_to_return_to():
    on = Practice(
        item(steps=(Step("handle", "rule"), Step("review", "clerk"), Step("approve", "clerk"))), evaluate, Calendar()
    )
    with pytest.raises(Invalid, match="cannot go back there"):
        returned(case(on), "review", "handle", by=LI, on=on)


def test_only_who_could_do_a_step_returns_from_it():
    state = done(case(), "handle", WANG)
    with pytest.raises(Forbidden):
        returned(state, "review", "handle", by=WANG)
    with pytest.raises(Forbidden):
        returned(given(state, "review", None, by=LI), "review", "handle", by=ZHAO)


def test_an_officer_may_not_return_past_a_decision():
    state = done(done(done(case(), "handle", WANG), "review", LI), "approve", HEAD)
    assert state.status == "granted"
    for to, by in (("review", HEAD), ("handle", HEAD), ("", HEAD)):
        with pytest.raises(NotNow, match="granted"):
            returned(state, "approve", to, by=by)


def test_an_opinion_is_taken_back_before_anybody_acted_on_it():
    state = returned(done(case(), "handle", WANG), "handle", "", by=WANG)
    assert (open_keys(state), state.officers) == (["handle"], {"handle": "wang"})
    state = done(done(case(), "handle", WANG), "review", LI)
    with pytest.raises(NotNow, match="review has been done since"):
        returned(state, "handle", "", by=WANG)


def test_an_opinion_is_taken_back_by_its_own_officer_only():
    state = done(case(), "handle", WANG)
    with pytest.raises(Forbidden, match="another officer's"):
        returned(state, "handle", "handle", by=LI)
    with pytest.raises(NotNow, match="not done"):
        returned(state, "review", "review", by=LI)


def test_taking_an_opinion_back_looks_at_the_conditions_behind_it_again():
    on = Practice(
        item(steps=(Step("handle", "clerk"), Step("review", "clerk", when="form.area"), Step("approve", "clerk"))),
        evaluate,
        Calendar(),
    )
    state = done(replace(case(on), form={}), "handle", WANG, on=on)
    assert open_keys(state, on) == ["approve"]
    state = replace(returned(state, "handle", "", by=WANG, on=on), form={"area": 3})
    assert open_keys(done(state, "handle", WANG, on=on), on) == ["review"]


def test_a_return_past_a_fork_closes_the_branches_and_leaves_others_alone():
    graph = (
        Step("handle", "clerk"),
        Step("review", "clerk", id="review-a", after=("handle",)),
        Step("review", "clerk", id="review-b", after=("handle",)),
        Step("review", "clerk", id="review-c", after=("",)),
        Step("approve", "clerk", after=("review-a", "review-b", "review-c")),
    )
    on = Practice(item(steps=graph), evaluate, Calendar())
    state = given(given(case(on), "review-c", "sun", by=HEAD, on=on), "handle", None, by=WANG, on=on)
    state = done(state, "handle", WANG, on=on)
    state = given(done(state, "review-a", LI, on=on), "review-b", None, by=ZHAO, on=on)
    state = returned(state, "review-b", "handle", by=ZHAO, on=on)
    assert open_keys(state, on) == ["handle", "review-c"]
    assert state.officers == {"handle": "wang", "review-c": "sun"}


def test_a_return_of_a_case_that_waits_for_others_has_to_wait_too():
    state = replace(done(case(), "handle", WANG), status="suspended")
    with pytest.raises(NotNow, match="suspended"):
        returned(state, "review", "handle", by=LI)


def test_after_the_end_nothing_is_in_anybodys_hands():
    state = given(done(case(), "handle", WANG), "review", None, by=LI)
    state = done(state, "review", LI, opinion="disagree", explanation="wrong")
    assert (state.status, state.officers, state.opened) == ("denied", {}, {})
    assert isinstance(state.done["handle"], m.StepCompleted)


# ------------------------------------------------------------------ absences

TODAY = date(2027, 3, 1)


def away(**changes):
    fields = {"since": TODAY, "until": TODAY + timedelta(days=3), "delegate": "li"}
    wish = absence.Absent(**{**fields, **changes})
    return absence.absent(wish, officer="wang", department="EAST-MARKET", by="wang", now=NOON)


def test_a_delegate_stands_in_on_the_days_of_the_absence_and_no_others():
    known = away()
    days = [absence.stands_in(known, "li", NOON + timedelta(days=n)) for n in range(-1, 5)]
    assert days == [False, True, True, True, True, False]
    assert not absence.stands_in(known, "zhao", NOON)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"until": TODAY - timedelta(days=1)}, "until"),
        ({"until": TODAY + timedelta(days=400)}, "until"),
        ({"delegate": "wang"}, "delegate"),
        ({"delegate": " "}, "delegate"),
    ],
)
def test_an_absence_that_makes_no_sense_is_refused_by_field(changes, field):
    with pytest.raises(Invalid) as refused:
        away(**changes)
    assert field in {one.field for one in refused.value.violations}
