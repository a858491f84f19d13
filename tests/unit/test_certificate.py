"""Certificates as intake knows them: what holds, whatever order the news came in."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liangwang.domain import application, certificate
from liangwang.domain import messages as m
from liangwang.domain.application import Opened, Progressed

from tests.unit.samples import CASE_NO, NOON, folded, submitted, text

FIRST, SECOND = f"{CASE_NO}-Z", f"{CASE_NO}-Z2"
UNTIL = NOON + timedelta(days=365)
WHO = {"case_no": CASE_NO, "department": "EAST-MARKET"}
ACT = {**WHO, "by": "head", "reason": "an example", "basis": "art. 70"}
GRANTED = m.CaseDecided(
    **WHO, outcome="granted", certificate_no=FIRST, certificate_name=text("Licence"), valid_until=UNTIL
)
REISSUED = m.CertificateReissued(**ACT, certificate_no=SECOND, replaces=FIRST, valid_until=UNTIL)
REVOKED = m.CertificateRevoked(**ACT, certificate_no=FIRST)
VOIDED = m.DecisionRevoked(**ACT)
SHORTER = m.DecisionCorrected(**ACT, valid_until=NOON + timedelta(days=30))


def told(*messages, order=None):
    """An application of which the department has told this; ``order`` is the one in which it was heard."""
    news = [Progressed(sequence=number, at=NOON, message=one) for number, one in enumerate(messages, start=3)]
    heard = news if order is None else [news[position] for position in order]
    return folded(application.evolve, None, [Opened(applicant="li", digest=""), submitted(), *heard])


def standings(state, now=NOON):
    return {one.certificate_no: one.standing(now) for one in certificate.issued(state)}


@pytest.mark.parametrize(
    ("news", "expected", "held"),
    [
        ((), {}, None),
        ((GRANTED,), {FIRST: "valid"}, FIRST),
        ((GRANTED, REVOKED), {FIRST: "revoked"}, None),
        ((GRANTED, VOIDED), {FIRST: "revoked"}, None),
        ((GRANTED, REISSUED), {FIRST: "replaced", SECOND: "valid"}, SECOND),
        ((GRANTED, REISSUED, VOIDED), {FIRST: "replaced", SECOND: "revoked"}, None),
        ((m.CaseDecided(**WHO, outcome="denied"),), {}, None),
    ],
)
def test_what_was_told_says_which_certificate_holds(news, expected, held):
    assert (standings(told(*news)), certificate.held(told(*news), NOON)) == (expected, held)


def test_a_certificate_expires_at_its_last_moment():
    state = told(GRANTED)
    assert standings(state, UNTIL - timedelta(seconds=1)) == {FIRST: "valid"}
    assert (standings(state, UNTIL), certificate.held(state, UNTIL)) == ({FIRST: "expired"}, None)


def test_a_correction_moves_the_last_moment():
    assert standings(told(GRANTED, SHORTER), NOON + timedelta(days=31)) == {FIRST: "expired"}


def test_a_revoked_certificate_is_revoked_for_ever_and_not_expired_later():
    assert standings(told(GRANTED, REVOKED), UNTIL + timedelta(days=1)) == {FIRST: "revoked"}


def test_what_replaces_a_certificate_is_named():
    old, new = certificate.issued(told(GRANTED, REISSUED))
    assert (old.replaced_by, new.replaced_by, new.valid_until) == (SECOND, "", UNTIL)


NEWS = (GRANTED, SHORTER, REISSUED, VOIDED)


@given(st.permutations(range(len(NEWS))))
def test_the_order_in_which_the_news_came_makes_no_difference(order):
    assert certificate.issued(told(*NEWS, order=order)) == certificate.issued(told(*NEWS))
