"""Guessing becomes slow, whoever guesses and however many processes they meet; the owner's device does not notice."""

import hashlib
from datetime import timedelta

import pytest
from liangwang.attempts import DEVICE_DAYS, Guard
from liangwang.domain import guessing
from liangwang.domain.guessing import OF_A_SOURCE, OF_AN_ACCOUNT, TooManyAttempts
from liangwang.domain.patience import Patience
from liangwang.fakes import FakeAws
from liangwang.store import Store

from tests.unit.samples import NOON

SECOND = timedelta(seconds=1)


def index(field, value):
    return hashlib.sha256(f"{field}:{value}".encode()).hexdigest()


@pytest.fixture
def aws():
    return FakeAws()


@pytest.fixture
def guard(aws):
    return another_process(aws)


def another_process(aws):
    return Guard(Store(aws, "intake", patience=Patience(), writers=1), index)


def guess(guard, *, now=NOON, device="", source="192.0.2.1", username="zhang"):
    attempt = guard.of_person(username, device=device, source=source, now=now)
    attempt.begin(guard._store.load(attempt.keys))
    attempt.failed()


def log_in(guard, *, now=NOON, device="", source="192.0.2.9", username="zhang"):
    attempt = guard.of_person(username, device=device, source=source, now=now)
    attempt.begin(guard._store.load(attempt.keys))
    attempt.succeeded()


def exhausted(guard, **who):
    for _ in range(OF_AN_ACCOUNT.free):
        guess(guard, **who)


def test_the_first_failures_cost_nothing_and_then_each_doubles_the_wait(guard):
    exhausted(guard)
    now, waits = NOON, []
    for _ in range(6):
        with pytest.raises(TooManyAttempts) as refused:
            guess(guard, now=now)
        waits.append(int(refused.value.headers["retry-after"]))
        now += timedelta(seconds=waits[-1])
        guess(guard, now=now)
    assert waits == [1, 2, 4, 8, 16, 32]


def test_the_wait_has_an_end_and_failures_fade(guard):
    state = None
    now = NOON
    for _ in range(60):
        now += guessing.wait(state, OF_AN_ACCOUNT, now)
        state = guessing.failed(state, OF_AN_ACCOUNT, now)
    assert guessing.wait(state, OF_AN_ACCOUNT, now) <= OF_AN_ACCOUNT.longest
    assert guessing.wait(state, OF_AN_ACCOUNT, state.forgotten_at) == timedelta(0)


def test_in_a_day_hardly_a_hundred_guesses_are_looked_at(guard):
    state, now, looked_at = None, NOON, 0
    while now < NOON + timedelta(days=1):
        state = guessing.failed(state, OF_AN_ACCOUNT, now)
        looked_at += 1
        now += max(guessing.wait(state, OF_AN_ACCOUNT, now), SECOND)
    assert looked_at <= 110


def test_strangers_share_one_count_wherever_they_come_from_and_whichever_process_they_meet(aws, guard):
    for number in range(OF_AN_ACCOUNT.free):
        guess(another_process(aws), source=f"192.0.2.{number}")
    with pytest.raises(TooManyAttempts):
        guess(guard, source="198.51.100.1")


def test_a_stranger_who_guesses_does_not_keep_the_owners_known_device_out(guard):
    device = guard.devices.token("zhang", NOON)
    exhausted(guard)
    with pytest.raises(TooManyAttempts):
        log_in(guard)
    log_in(guard, device=device)


def test_a_device_has_a_count_of_its_own_which_can_be_exhausted_too(guard):
    device = guard.devices.token("zhang", NOON)
    exhausted(guard, device=device)
    with pytest.raises(TooManyAttempts):
        guess(guard, device=device)
    log_in(guard)


def test_a_device_is_known_to_its_own_account_only_and_not_for_ever(guard):
    devices = guard.devices
    token = devices.token("zhang", NOON)
    assert devices.known(token, "zhang", NOON)
    assert not devices.known(token, "li", NOON)
    assert not devices.known(token[:-1] + ("0" if token[-1] != "0" else "1"), "zhang", NOON)
    assert not devices.known(token, "zhang", NOON + timedelta(days=DEVICE_DAYS + 1))
    assert not devices.known(token, "zhang", NOON - timedelta(days=2))
    assert not devices.known("", "zhang", NOON)


def test_the_owners_log_ins_give_a_guesser_no_new_allowance(guard):
    exhausted(guard)
    log_in(guard, now=NOON + SECOND)
    with pytest.raises(TooManyAttempts):
        guess(guard, now=NOON + SECOND)


def test_whoever_succeeds_is_not_counted(guard):
    for _ in range(5 * OF_AN_ACCOUNT.free):
        log_in(guard)


def test_guesses_that_are_under_way_at_once_count_before_they_are_looked_at(guard):
    """A thousand sent together are not a thousand looked at."""
    under_way = 0
    with pytest.raises(TooManyAttempts):
        for _ in range(1000):
            attempt = guard.of_person("zhang", device="", source="192.0.2.1", now=NOON)
            attempt.begin(guard._store.load(attempt.keys))
            under_way += 1
    assert under_way == OF_AN_ACCOUNT.free


def test_one_address_that_tries_many_accounts_is_slowed_and_others_are_not(guard):
    for number in range(OF_A_SOURCE.free):
        guess(guard, username=f"user-{number}")
    with pytest.raises(TooManyAttempts):
        guess(guard, username="another")
    guess(guard, username="another", source="198.51.100.1")


def test_an_address_that_slows_strangers_does_not_slow_known_devices(guard):
    for number in range(OF_A_SOURCE.free):
        guess(guard, username=f"user-{number}", source="192.0.2.9")
    log_in(guard, device=guard.devices.token("zhang", NOON), source="192.0.2.9")


def test_guesses_at_a_system_from_elsewhere_do_not_keep_it_out(guard):
    for _ in range(OF_AN_ACCOUNT.free):
        attempt = guard.of_system("partner", source="192.0.2.1", now=NOON)
        attempt.begin(guard._store.load(attempt.keys))
        attempt.failed()
    attempt = guard.of_system("partner", source="198.51.100.1", now=NOON)
    attempt.begin(guard._store.load(attempt.keys))


def test_counts_go_away_by_themselves_and_their_keys_tell_nobody(aws, guard):
    guess(guard)
    items = aws.dynamodb.tables["intake"]
    assert all(int(item["expires_at"]["N"]) >= (NOON + timedelta(days=1)).timestamp() for item in items.values())
    assert not any("zhang" in key or "192.0.2" in key for key in items)
