"""How often somebody may ask: never more than the quota over all processes together, and not much less."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liangwang.fakes import FakeAws, Fault
from liangwang.limits import SILENCE_SECONDS, Door, Exhausted, Limits, Quota, client_of

MINUTE = Quota("account", 100)


class Clock:
    def __init__(self, now=1_000_020.0):
        self.now = now

    def __call__(self):
        return self.now


@pytest.fixture
def aws():
    return FakeAws()


@pytest.fixture
def clock():
    return Clock()


def passed(limits, times, quota=MINUTE, key="a"):
    """How many of so many requests may pass."""
    return sum(limits.take(quota, key) is None for _ in range(times))


def draws(aws):
    return sum(operation == "UpdateItem" for _, operation, _ in aws.calls)


# ------------------------------------------------------------------ the law


@given(
    most=st.integers(1, 400),
    asks=st.lists(st.tuples(st.integers(0, 4), st.integers(1, 40)), max_size=60),
)
def test_over_all_processes_the_quota_is_never_passed_and_never_wasted(most, asks):
    """Whoever is refused, at least half of what the processes could have had in their first leases was used."""
    aws, clock, quota = FakeAws(), Clock(), Quota("account", most)
    processes = [Limits(aws, "limits", clock=clock) for _ in range(5)]
    used, refused = 0, 0
    for process, times in asks:
        may = passed(processes[process], times, quota)
        used, refused = used + may, refused + times - may
    assert used <= most
    if refused:
        first_leases = len(processes) * max(1, most // 50)
        assert used >= (most - first_leases) / 2


@given(asks=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 25)), max_size=80))
def test_in_no_window_more_pass_than_the_quota_says(asks):
    aws, clock, quota = FakeAws(), Clock(0.0), Quota("account", 20)
    processes = [Limits(aws, "limits", clock=clock) for _ in range(3)]
    used = {}
    for process, seconds in asks:
        clock.now += seconds
        window = clock.now // quota.seconds
        used[window] = used.get(window, 0) + passed(processes[process], 3, quota)
    assert all(count <= quota.most for count in used.values())


def test_one_process_alone_uses_the_quota_up_to_the_last_request(aws, clock):
    assert passed(Limits(aws, "limits", clock=clock), 150) == 100


def test_threads_of_a_process_share_its_lease(aws, clock):
    limits, counts = Limits(aws, "limits", clock=clock), []
    threads = [threading.Thread(target=lambda: counts.append(passed(limits, 40))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counts) == 100


# ------------------------------------------------------------------ what it costs


def test_a_busy_process_writes_once_in_many_requests(aws, clock):
    quota = Quota("account", 600)
    assert passed(Limits(aws, "limits", clock=clock), 600, quota) == 600
    assert draws(aws) == 12  # 12, 24, 48, then 60 at a time


def test_who_is_refused_costs_no_more_writes(aws, clock):
    limits = Limits(aws, "limits", clock=clock)
    passed(limits, 100)
    before = draws(aws)
    assert passed(limits, 1000) == 0
    assert draws(aws) - before <= 1


def test_no_quota_costs_nothing(aws, clock):
    assert passed(Limits(aws, "limits", clock=clock), 1000, Quota("account", 0)) == 1000
    assert not aws.calls


# ------------------------------------------------------------------ windows and keys


def test_with_the_next_window_the_quota_begins_anew(aws, clock):
    limits = Limits(aws, "limits", clock=clock)
    passed(limits, 101)
    assert limits.take(MINUTE, "a") == Exhausted(MINUTE, 60 - int(clock.now % 60))
    clock.now += 60
    assert passed(limits, 150) == 100


def test_each_key_and_each_quota_counts_alone(aws, clock):
    limits = Limits(aws, "limits", clock=clock)
    passed(limits, 101)
    assert limits.take(MINUTE, "b") is None
    assert limits.take(Quota("source", 100), "a") is None


def test_the_table_does_not_tell_who_asked_and_forgets_by_itself(aws, clock):
    passed(Limits(aws, "limits", clock=clock), 1, key="192.0.2.7")
    ((key, item),) = aws.dynamodb.tables["limits"].items()
    assert "192" not in key and key.startswith("account#") and key.endswith(f"#{int(clock.now // 60)}")
    assert int(item["expires"]["N"]) > clock.now
    assert "limits" not in aws.dynamodb.streams


@pytest.mark.parametrize(
    ("source", "client"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::1", "2001:db8:1:2::"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("", ""),
        ("nonsense", "nonsense"),
    ],
)
def test_a_client_is_an_address_or_the_network_that_one_gets(source, client):
    assert client_of(source) == client


# ------------------------------------------------------------------ when the table does not answer


def test_everybody_passes_while_the_table_does_not_answer_and_it_is_left_alone(aws, clock):
    limits = Limits(aws, "limits", clock=clock)
    aws.faults.append(Fault("UpdateItem"))
    assert passed(limits, 500) == 500
    assert draws(aws) == 1
    clock.now += SILENCE_SECONDS
    assert passed(limits, 500) == 100


def test_a_draw_whose_answer_was_lost_is_not_given_out_again(aws, clock):
    aws.faults.append(Fault("UpdateItem", "lost"))
    limits = Limits(aws, "limits", clock=clock)
    limits.take(MINUTE, "a")
    clock.now += SILENCE_SECONDS
    assert passed(limits, 500) == 98  # two were drawn by the call that was lost


# ------------------------------------------------------------------ who is counted how


def door(aws, clock, **quotas):
    return Door(Limits(aws, "limits", clock=clock), **{"source": 0, "account": 0, "system": 0, **quotas})


def test_people_are_counted_by_address_and_by_account(aws, clock):
    opened = door(aws, clock, source=2, account=1)
    assert opened.caller("192.0.2.7", "zhang", "citizen") is None
    assert opened.caller("192.0.2.8", "zhang", "citizen").quota.name == "account"
    assert opened.public("192.0.2.7") is None
    assert opened.public("192.0.2.7").quota.name == "source"
    assert opened.caller("192.0.2.7", "li", "citizen").quota.name == "source"


def test_a_system_is_counted_by_its_account_alone(aws, clock):
    opened = door(aws, clock, source=1, account=1, system=3)
    assert [opened.caller("192.0.2.7", "governance", "system") for _ in range(3)] == [None] * 3
    assert opened.caller("192.0.2.7", "governance", "system").quota.name == "system"


def test_a_refusal_says_how_long_to_wait():
    verdict = Exhausted.parse(str(Exhausted(MINUTE, 17)))
    assert verdict == Exhausted(MINUTE, 17)
    refusal = verdict.refusal()
    assert (refusal.status, dict(refusal.headers)) == (
        429,
        {"retry-after": "17", "ratelimit-policy": '"account";q=100;w=60', "ratelimit": '"account";r=0;t=17'},
    )
