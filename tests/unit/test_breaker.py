"""The circuit breaker on the way to an intake: when it is left alone, when it is tried, by whom."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from liangwang.domain.breaker import Breaker, Settings, failed, may_call, probe, succeeded, wait

from tests.unit.samples import NOON

SETTINGS = Settings(failures=3, first=timedelta(seconds=10), longest=timedelta(minutes=5), probe=timedelta(seconds=30))
CLOSED = Breaker(intake="town")
CHANCE = st.floats(0, 1)


def after(*steps, state=CLOSED, now=NOON):
    """The breaker after failures ("f"), successes ("s") and probes ("p") of one moment."""
    for step in steps:
        change = {
            "f": lambda one: failed(one, now, SETTINGS, chance=0.0),
            "s": succeeded,
            "p": lambda one: probe(one, now, SETTINGS),
        }[step](state)
        state = state if change is None else change
    return state


def test_what_works_costs_no_write():
    assert succeeded(CLOSED) is None and probe(CLOSED, NOON, SETTINGS) is None and may_call(CLOSED, NOON)


def test_after_three_failures_in_a_row_it_is_left_alone_for_a_while():
    assert after("f", "f").is_closed
    state = after("f", "f", "f")
    assert state.open_until == NOON + SETTINGS.first and state.since == NOON
    assert not may_call(state, NOON) and may_call(state, NOON + SETTINGS.first)


def test_a_success_in_between_starts_the_counting_anew():
    assert after("f", "f", "s", "f", "f").is_closed


def test_a_call_that_began_before_it_opened_says_nothing_new_when_it_fails():
    assert failed(after("f", "f", "f"), NOON, SETTINGS, chance=0.5) is None


def test_one_only_tries_it_and_whoever_dies_over_it_holds_the_place_for_a_while_only():
    state, later = after("f", "f", "f"), NOON + SETTINGS.first
    trying = probe(state, later, SETTINGS)
    assert trying is not None and not may_call(trying, later)
    assert probe(trying, later, SETTINGS) is None
    assert may_call(trying, later + SETTINGS.probe)


def test_a_probe_that_fails_doubles_the_wait_and_one_that_succeeds_closes_it():
    later = NOON + SETTINGS.first
    trying = after("p", state=after("f", "f", "f"), now=later)
    assert after("f", state=trying, now=later).open_until == later + 2 * SETTINGS.first
    assert after("s", state=trying, now=later) == CLOSED


@given(st.integers(3, 10_000), CHANCE)
def test_the_wait_is_at_least_half_of_what_it_could_be_and_never_longer_than_the_longest(failures, chance):
    shortest, whole = wait(failures, SETTINGS, chance=1.0), wait(failures, SETTINGS, chance=0.0)
    assert SETTINGS.first / 2 <= shortest <= wait(failures, SETTINGS, chance=chance) <= whole <= SETTINGS.longest
    assert whole <= wait(failures + 1, SETTINGS, chance=0.0)


@given(
    st.lists(st.tuples(st.sampled_from(["f", "s", "p"]), st.integers(0, 400), CHANCE), max_size=30),
)
def test_whatever_happens_it_can_always_be_tried_again_and_only_one_at_a_time_tries(course):
    state, now = CLOSED, NOON
    for step, seconds, chance in course:
        now += timedelta(seconds=seconds)
        before = state
        change = {
            "f": lambda one, at=now, by=chance: failed(one, at, SETTINGS, chance=by),
            "s": succeeded,
            "p": lambda one, at=now: probe(one, at, SETTINGS),
        }[step](before)
        if change is None:
            continue
        state = change
        if step == "p":
            assert may_call(before, now) and not may_call(state, now)
        if step == "s":
            assert state == CLOSED
        if state.open_until is not None:
            assert now < state.open_until <= now + max(SETTINGS.longest, SETTINGS.probe)
            assert may_call(state, state.open_until)
        assert state.is_closed == (state.failures < SETTINGS.failures)
