"""抽查: which cases decided by rule are looked at again, and by whom."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liangwang.domain.acceptance import receive
from liangwang.domain.approval import CompleteStep, complete_step
from liangwang.domain.case import evolve
from liangwang.domain.catalogue import Step
from liangwang.domain.course import Practice
from liangwang.domain.errors import Forbidden, NotNow
from liangwang.domain.officers import Officer
from liangwang.domain.recheck import Recheck, holder, is_sampled, recheck
from liangwang.domain.working_days import Calendar
from msgspec import structs

from tests.unit.samples import NOON, evaluate, folded, item, kinds, submitted

BY_RULE = (Step("handle", "rule"), Step("approve", "rule"))


def received(**changes):
    kind = item(**{"steps": BY_RULE, "recheck": 1.0, **changes})
    return receive(None, submitted(), on=Practice(kind, evaluate, Calendar()), now=NOON)


def sampled():
    return folded(evolve, None, received())


def test_a_case_that_rules_alone_decided_may_be_drawn():
    assert kinds(received())[-2:] == ["CaseDecided", "Sampled"]
    assert holder(sampled()) == "EAST-MARKET/recheck"


def test_nothing_is_drawn_where_the_item_wants_none_or_a_person_decided():
    assert "Sampled" not in kinds(received(recheck=0.0))
    kind = item(recheck=1.0)
    on = Practice(kind, evaluate, Calendar())
    state = folded(evolve, None, receive(None, submitted(), on=on, now=NOON))
    wish, officer = CompleteStep(step="approve", opinion="agree"), Officer(name="li", role="clerk")
    done = complete_step(state, wish, officer=officer, on=on, now=NOON)
    assert kinds(done)[-1] == "CaseDecided"


@given(st.text(), st.floats(0, 1), st.floats(0, 1))
def test_the_draw_follows_from_the_number_and_grows_with_the_ratio(case_no, one, other):
    low, high = sorted((one, other))
    assert is_sampled(case_no, low) <= is_sampled(case_no, high)
    assert is_sampled(case_no, 1.0) and not is_sampled(case_no, 0.0)


def test_about_as_many_are_drawn_as_the_ratio_says():
    assert 80 < sum(is_sampled(f"case-{number}", 0.1) for number in range(1000)) < 120


def test_it_is_looked_at_once_by_somebody_who_had_no_part_in_it():
    state = sampled()
    involved = structs.replace(state, accepted=structs.replace(state.accepted, by="li"))
    with pytest.raises(Forbidden):
        recheck(involved, Recheck(finding="right"), officer="li")
    after = folded(evolve, state, recheck(state, Recheck(finding="right"), officer="wang"))
    assert (after.rechecked.finding, holder(after)) == ("right", None)
    with pytest.raises(NotNow):
        recheck(after, Recheck(finding="right"), officer="wang")


def test_a_wrong_decision_stays_in_the_list_until_it_is_corrected_or_revoked():
    state = sampled()
    wrong = folded(evolve, state, recheck(state, Recheck(finding="wrong", explanation="age"), officer="wang"))
    assert holder(wrong) == "EAST-MARKET/recheck"
    assert holder(structs.replace(wrong, corrected_at=NOON)) is None
