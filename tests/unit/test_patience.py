"""How long one who waits waits before asking again."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from liangwang.domain.patience import Patience, moment_of, round_of

from tests.unit.samples import NOON

PATIENCE = Patience(first=timedelta(minutes=5), longest=timedelta(days=1))


def asks(until):
    """The moments of asking in a wait that began at NOON."""
    found, last = [], None
    while (at := PATIENCE.until(NOON, last=last)) < until:
        found.append(at)
        last = at
    return found


def test_the_first_ask_comes_after_the_first_interval():
    assert PATIENCE.until(NOON) == NOON + timedelta(minutes=5)


def test_an_ask_before_the_first_interval_has_passed_does_not_move_it():
    assert PATIENCE.until(NOON, last=NOON + timedelta(minutes=1)) == NOON + timedelta(minutes=5)


def test_moments_of_asking_grow_fourfold_until_the_longest_interval():
    minutes = [(at - NOON) / timedelta(minutes=1) for at in asks(NOON + timedelta(days=4))]
    assert minutes == [5, 20, 80, 320, 1280, 1280 + 1440, 1280 + 2 * 1440, 1280 + 3 * 1440]


@given(st.integers(0, 10**7), st.integers(0, 10**7))
def test_the_next_ask_is_always_ahead(began, waited):
    since = NOON + timedelta(seconds=began)
    last = since + timedelta(seconds=waited)
    assert PATIENCE.until(since, last=last) > min(last, since + PATIENCE.first - timedelta(seconds=1))


def test_a_wait_of_a_month_is_not_asked_about_at_every_sweep():
    assert len(asks(NOON + timedelta(days=30))) < 40


def test_a_round_is_named_by_its_moment():
    assert moment_of(round_of(NOON)) == NOON
    assert moment_of(0) is None
