"""When a mandate holds, for what, and how it ends: to the microsecond."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liangwang.domain import mandate
from liangwang.domain.errors import Invalid, NotNow
from liangwang.domain.mandate import Mandate
from msgspec.structs import replace

from tests.unit.samples import NOON

TICK = timedelta(microseconds=1)
END = NOON + timedelta(days=30)
MANDATE = Mandate(principal="zhang", agent="li", acts=("read", "submit"), given_at=NOON, expires_at=END)


@pytest.mark.parametrize(
    ("now", "state"), [(NOON, "holds"), (END - TICK, "holds"), (END, "expired"), (END + TICK, "expired")]
)
def test_it_holds_until_just_before_its_end(now, state):
    assert MANDATE.state(now) == state
    assert MANDATE.covers("read", task_code=None, now=now) == (state == "holds")


def test_one_that_is_taken_back_never_holds_again():
    taken_back = replace(MANDATE, revoked_at=NOON)
    assert [taken_back.state(now) for now in (NOON, END)] == ["revoked", "revoked"]


def test_it_covers_the_acts_and_items_that_it_names():
    narrow = replace(MANDATE, task_codes=("a",))
    assert MANDATE.covers("submit", task_code="b", now=NOON)
    assert narrow.covers("submit", task_code="a", now=NOON)
    assert not narrow.covers("submit", task_code="b", now=NOON)
    assert not narrow.covers("withdraw", task_code="a", now=NOON)


@given(st.timedeltas(min_value=timedelta(), max_value=timedelta(days=60)), st.sampled_from(["read", "withdraw"]))
def test_nothing_is_covered_that_is_not_named_or_after_the_end(later, act):
    covered = MANDATE.covers(act, task_code=None, now=NOON + later)
    assert covered == (act == "read" and later < timedelta(days=30))


def test_one_that_would_be_over_at_once_or_to_oneself_cannot_be_given():
    with pytest.raises(Invalid) as refused:
        mandate.give(None, replace(MANDATE, agent="zhang", expires_at=NOON), now=NOON)
    assert [one.field for one in refused.value.violations] == ["agent", "expires_at"]
    assert mandate.give(None, replace(MANDATE, expires_at=NOON + TICK), now=NOON)


def test_the_same_once_more_is_nothing_new_but_after_the_end_it_is():
    later = replace(MANDATE, given_at=NOON + TICK)
    assert mandate.give(MANDATE, later, now=NOON + TICK) == []
    assert mandate.give(replace(MANDATE, revoked_at=NOON), later, now=NOON + TICK) == [later]


def test_only_one_that_holds_is_taken_back():
    assert mandate.revoke(MANDATE, now=NOON) == [replace(MANDATE, revoked_at=NOON)]
    with pytest.raises(NotNow, match="expired"):
        mandate.revoke(MANDATE, now=END)
