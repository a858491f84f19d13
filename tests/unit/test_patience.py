"""How long one who waits waits before asking again."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from liangwang.domain.patience import Patience

from tests.unit.samples import NOON

PATIENCE = Patience(first=timedelta(minutes=5), longest=timedelta(days=1))


def test_intervals_grow_fourfold_from_the_first_to_the_longest():
    minutes = [PATIENCE.interval(asked=asked) / timedelta(minutes=1) for asked in range(7)]
    assert minutes == [5, 20, 80, 320, 1280, 1440, 1440]


def test_the_first_ask_comes_after_the_first_interval():
    assert PATIENCE.until(NOON, asked=0) == NOON + timedelta(minutes=5)


@given(st.integers(0, 400))
def test_each_ask_is_one_interval_after_the_one_before(asked):
    gap = PATIENCE.until(NOON, asked=asked + 1) - PATIENCE.until(NOON, asked=asked)
    assert gap == PATIENCE.interval(asked=asked + 1)


def test_a_wait_of_a_month_is_not_asked_about_at_every_sweep():
    asked, sweeps, now = 0, 0, NOON
    while now < NOON + timedelta(days=30):
        now += timedelta(minutes=30)
        if PATIENCE.until(NOON, asked=asked) <= now:
            asked, sweeps = asked + 1, sweeps + 1
    assert sweeps < 40
