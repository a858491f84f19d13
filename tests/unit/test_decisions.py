"""Decisions that were told already: corrected, revoked, their certificates revoked and issued anew."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liangwang.domain import case, decisions
from liangwang.domain import messages as m
from liangwang.domain.case import Received
from liangwang.domain.deadlines import next_moment
from liangwang.domain.decisions import CertificateRevocation, Correction, Reissue, Revocation
from liangwang.domain.errors import Forbidden, Invalid, NotNow
from liangwang.domain.patience import Patience

from tests.unit.samples import CASE_NO, NOON, folded, submitted, text

FIRST, SECOND, THIRD = (f"{CASE_NO}-Z{issue}" for issue in ("", "2", "3"))
WHY = {"basis": "行政许可法 art. 69", "reason": "an example"}
UNTIL = NOON + timedelta(days=365)


def decided(outcome="granted", **changes):
    """A case that an officer has decided."""
    done = m.StepCompleted(case_no=CASE_NO, department="EAST-MARKET", step="approve", opinion="agree", by="officer")
    given = {"certificate_no": FIRST, "valid_until": UNTIL} if outcome == "granted" else {"reasons": (text("too big"),)}
    word = m.CaseDecided(case_no=CASE_NO, department="EAST-MARKET", outcome=outcome, **{**given, **changes})
    return folded(case.evolve, None, [Received(application=submitted()), done, word])


def after(state, decide, wish, *, officer="head", now=NOON):
    """The case after an act of a supervisor."""
    return folded(case.evolve, state, decide(state, wish, officer=officer, now=now), at=now)


def test_a_revoked_decision_makes_the_case_void_and_takes_its_certificate():
    state = after(decided(), decisions.revoke, Revocation(**WHY))
    assert (state.status, state.certificate) == ("voided", None)


def test_a_revoked_certificate_leaves_the_decision_as_it_was():
    state = after(decided(), decisions.revoke_certificate, CertificateRevocation(certificate_no=FIRST, **WHY))
    assert (state.status, state.certificate) == ("granted", None)


def test_a_reissued_certificate_has_the_next_number_and_holds_as_long_as_the_one_before():
    state = after(decided(), decisions.reissue, Reissue(certificate_no=FIRST, **WHY))
    assert (state.certificate, state.certificate_until) == (SECOND, UNTIL)
    longer = UNTIL + timedelta(days=365)
    state = after(state, decisions.reissue, Reissue(certificate_no=SECOND, valid_until=longer, **WHY))
    assert (state.certificate, state.certificate_until) == (THIRD, longer)


def test_a_reissue_that_is_asked_for_twice_makes_no_second_certificate():
    wish = Reissue(certificate_no=FIRST, **WHY)
    state = after(decided(), decisions.reissue, wish)
    with pytest.raises(NotNow, match=f"certificate {SECOND} holds"):
        decisions.reissue(state, wish, officer="head", now=NOON)


@given(st.integers(1, 200))
def test_every_certificate_of_a_case_has_a_number_of_its_own_that_names_the_case(count):
    numbers = [decisions.first_number(CASE_NO)]
    while len(numbers) < count:
        numbers.append(decisions.next_number(numbers[-1]))
    assert len(set(numbers)) == count
    assert {decisions.case_of(number) for number in numbers} == {CASE_NO}


@pytest.mark.parametrize("number", ["", CASE_NO, f"{CASE_NO}-Z1", f"{CASE_NO}-Z02", f"{CASE_NO}-X", "-Z", "Z2"])
def test_what_is_no_certificate_s_number_names_no_case(number):
    assert decisions.case_of(number) is None


def test_a_correction_changes_how_long_the_certificate_holds_and_is_kept_once():
    wish = Correction(valid_until=NOON + timedelta(days=30), **WHY)
    state = after(decided(), decisions.correct, wish)
    assert (state.status, state.certificate_until) == ("granted", NOON + timedelta(days=30))
    assert list(decisions.correct(state, wish, officer="head", now=NOON)) == []


def test_a_denial_is_corrected_in_its_reasons():
    state = after(decided("denied"), decisions.correct, Correction(reasons=(text("too high"),), **WHY))
    assert (state.status, state.corrections[-1].reasons) == ("denied", (text("too high"),))


@pytest.mark.parametrize(
    ("state", "wish"),
    [
        (decided(), Correction(**WHY)),
        (decided(), Correction(reasons=(text("why"),), **WHY)),
        (decided("denied"), Correction(valid_until=UNTIL, **WHY)),
        (decided(), Correction(valid_until=NOON, **WHY)),
        (decided(), Correction(valid_until=UNTIL.replace(tzinfo=None), **WHY)),
        (decided(), Correction(valid_until=UNTIL, basis=" ", reason="")),
    ],
)
def test_a_correction_of_what_the_decision_does_not_say_names_the_field(state, wish):
    with pytest.raises(Invalid) as refused:
        decisions.correct(state, wish, officer="head", now=NOON)
    assert refused.value.violations


ACTS = [
    (decisions.correct, Correction(valid_until=UNTIL + timedelta(days=1), **WHY)),
    (decisions.revoke, Revocation(**WHY)),
    (decisions.revoke_certificate, CertificateRevocation(certificate_no=FIRST, **WHY)),
    (decisions.reissue, Reissue(certificate_no=FIRST, **WHY)),
]


@pytest.mark.parametrize(("decide", "wish"), ACTS)
def test_who_took_part_in_a_decision_does_not_change_it(decide, wish):
    with pytest.raises(Forbidden):
        decide(decided(), wish, officer="officer", now=NOON)


@pytest.mark.parametrize(("decide", "wish"), ACTS)
@pytest.mark.parametrize(
    "state",
    [
        folded(case.evolve, None, [Received(application=submitted())]),
        decided("withdrawn", certificate_no=None, valid_until=None, reasons=()),
        folded(
            case.evolve,
            decided(),
            [m.DecisionRevoked(case_no=CASE_NO, department="EAST-MARKET", by="head", reason="r", basis="b")],
        ),
    ],
    ids=["undecided", "withdrawn", "voided"],
)
def test_only_a_decision_that_holds_is_changed(decide, wish, state):
    with pytest.raises(NotNow):
        decide(state, wish, officer="head", now=NOON)


def test_an_expired_certificate_is_applied_for_anew_and_not_reissued():
    with pytest.raises(NotNow, match="expired"):
        decisions.reissue(decided(), Reissue(certificate_no=FIRST, **WHY), officer="head", now=UNTIL)


@pytest.mark.parametrize(("decide", "wish"), ACTS)
def test_what_changed_a_decision_is_said_again_for_a_month_and_then_no_more(decide, wish):
    state, patience, last, times = after(decided(), decide, wish), Patience(), None, 0
    while (due := next_moment(state, patience, last=last)) is not None:
        assert last is None or due > last
        last, times = due, times + 1
    assert last is not None and NOON + timedelta(days=28) < last <= NOON + timedelta(days=30)
    assert times < 40
