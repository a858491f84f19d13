"""好差评 and 差评整改: once, after the end; a bad one is put right within its limit."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liangwang.domain import application, rating, rectification
from liangwang.domain import messages as m
from liangwang.domain.errors import Invalid, NotNow
from liangwang.domain.history import Recorded
from liangwang.domain.working_days import Calendar

from tests.unit.samples import CASE_NO, NOON, folded, submitted


def rated(code=5, **changes):
    fields = {
        "owner": "zhang",
        "by": "zhang",
        "code": code,
        "tags": ("slow",),
        "comment": {"comment": "token"},
        "department": "EAST-MARKET",
        "task_code": "licence",
        "task_version": 1,
        "at": NOON,
    }
    return rating.Rated(**{**fields, **changes})


def case(*told):
    """An application after what the department told, numbered from 1."""
    events = [application.Opened(applicant="zhang", digest=""), submitted()]
    events += [application.Progressed(sequence=n, at=NOON, message=one) for n, one in enumerate(told, start=1)]
    return folded(application.evolve, None, events)


ACCEPTED = m.CaseAccepted(case_no=CASE_NO, department="EAST-MARKET", accept_doc_no="A-1")


def decided(told):
    return m.CaseDecided(case_no=CASE_NO, department="EAST-MARKET", outcome="granted", told=told)


def test_one_is_the_best_code_and_has_five_stars():
    assert [(one.code, one.stars, one.is_bad) for one in map(rated, rating.CODES)] == [
        (1, 5, False),
        (2, 4, False),
        (3, 3, False),
        (4, 2, True),
        (5, 1, True),
    ]


def test_a_case_is_rated_when_it_has_ended_and_everything_was_told():
    rating.check_time(case(ACCEPTED, decided(2)))


@pytest.mark.parametrize("told", [(), (ACCEPTED,), (ACCEPTED, decided(3))])
def test_an_open_case_or_one_not_told_in_full_is_not_rated(told):
    with pytest.raises(NotNow):
        rating.check_time(case(*told))


def test_a_rating_with_an_unknown_code_or_tag_names_what_is_wrong():
    with pytest.raises(Invalid) as refused:
        rating.check(code=0, tags=("slow", "handsome", "slow"))
    assert [one.field for one in refused.value.violations] == ["rating", "tags[1]", "tags"]


def test_a_month_is_that_of_shanghai():
    assert rating.month(datetime(2027, 2, 28, 16, 0, tzinfo=UTC)) == "2027-03"


@given(st.lists(st.tuples(st.sampled_from("AB"), st.sampled_from("xy"), st.sampled_from(list(rating.CODES)))))
def test_counts_add_up_whatever_was_given(given_ones):
    found = rating.tallies(rated(code, department=where, task_code=what) for where, what, code in given_ones)
    assert sum(sum(one.counts) for one in found) == len(given_ones)
    for one in found:
        for code in rating.CODES:
            assert one.counts[code - 1] == given_ones.count((one.department, one.task_code, code))


# ------------------------------------------------------------------ rectification


def begun(*events):
    opened = rectification.open_for(None, rated(), Calendar())
    return folded(rectification.evolve, None, [*opened, *events])


DUE = datetime(2027, 3, 22, 9, 30, tzinfo=UTC)  # NOON is a Monday's
RESPONDED = rectification.Responded(by="supervisor-01", text={"response": "token"})


@pytest.mark.parametrize("code", [1, 2, 3])
def test_a_good_rating_opens_nothing(code):
    assert rectification.open_for(None, rated(code), Calendar()) == []


@pytest.mark.parametrize("code", [4, 5])
def test_a_bad_rating_opens_one_rectification_due_fifteen_working_days_after_it(code):
    (opened,) = rectification.open_for(None, rated(code), Calendar())
    assert opened.due_at == DUE
    state = rectification.evolve(None, Recorded(NOON + timedelta(hours=3), "x", opened))
    assert rectification.open_for(state, rated(code), Calendar()) == []
    assert (state.status, rectification.holder(state)) == ("open", "EAST-MARKET")


def test_it_is_flagged_once_when_the_limit_has_passed():
    due = DUE
    assert rectification.wake(begun(), due - timedelta(seconds=1)) == []
    assert rectification.wake(begun(), due) == [rectification.Overdue()]
    flagged = begun(rectification.Overdue())
    assert (flagged.status, rectification.wake_at(flagged)) == ("overdue", None)
    assert rectification.wake(flagged, due) == []


def test_a_response_ends_the_limit_even_when_it_is_late():
    state = begun(rectification.Overdue(), RESPONDED)
    assert (state.status, state.is_overdue, rectification.wake_at(state)) == ("responded", True, None)
    assert rectification.holder(state) is None


def test_there_is_one_response_and_one_confirmation_after_it():
    with pytest.raises(NotNow):
        rectification.confirm(begun(), satisfied=True)
    with pytest.raises(NotNow):
        rectification.respond(begun(RESPONDED), by="x", text={})
    (confirmed,) = rectification.confirm(begun(RESPONDED), satisfied=False)
    state = begun(RESPONDED, confirmed)
    assert (state.status, state.satisfied) == ("confirmed", False)
    with pytest.raises(NotNow):
        rectification.confirm(state, satisfied=True)
