"""The one way a change is made: one effect a cause, one write an aggregate, and another look where somebody was first."""

import pytest
from liangwang.aggregates import ACCOUNT, CASE, Key
from liangwang.domain import messages as m
from liangwang.domain.account import Account
from liangwang.domain.case import Received
from liangwang.domain.errors import NotNow
from liangwang.domain.patience import Patience, round_of
from liangwang.domain.task import Opened, Urged
from liangwang.fakes import FakeAws, Fault
from liangwang.processing import TRIES, Command, perform
from liangwang.store import Conflict, Store

from tests.unit.samples import NOON, example, submitted

KEY = Key("task", "T-1")


@pytest.fixture
def aws():
    return FakeAws()


@pytest.fixture
def store(aws):
    return Store(aws, "department", patience=Patience(), writers=1)


def opening(key=KEY, cause="open"):
    return Command(key, cause, lambda state, now: [example(Opened)])


def urging(cause, key=KEY, **more):
    return Command(key, cause, lambda state, now: [Urged(reason=cause)], **more)


def refusing(cause="no", key=KEY):
    def decide(state, now):
        raise NotNow("not now")

    return Command(key, cause, decide)


def causes(store, key=KEY):
    return [recorded.cause for recorded in store.load([key])[key].history]


def puts(aws):
    return sum(operation == "PutItem" for _, operation, _ in aws.calls)


def test_all_commands_of_one_aggregate_end_in_one_write(aws, store):
    perform(store, [opening(), urging("a"), urging("b")], NOON)
    assert (causes(store), puts(aws)) == (["open", "a", "b"], 1)


def test_a_cause_seen_before_has_no_second_effect_and_costs_no_write(aws, store):
    perform(store, [opening(), urging("a")], NOON)
    outcomes = perform(store, [urging("a"), urging("a")], NOON)
    assert (causes(store), puts(aws)) == (["open", "a"], 1)
    assert [outcome.error for outcome in outcomes] == [None, None]


def test_a_refused_command_leaves_the_others_alone(store):
    outcomes = perform(store, [opening(), refusing(), urging("a")], NOON)
    assert [type(outcome.error) for outcome in outcomes] == [type(None), NotNow, type(None)]
    assert causes(store) == ["open", "a"]


def test_outcomes_are_in_the_order_of_the_commands(store):
    other = Key("task", "T-2")
    outcomes = perform(store, [opening(), opening(other), refusing(key=other), urging("a")], NOON)
    assert [outcome.error is None for outcome in outcomes] == [True, True, False, True]
    assert outcomes[3].after.key == KEY and outcomes[1].after.key == other


def test_where_somebody_was_first_the_command_is_decided_again_on_what_they_left(aws, store):
    perform(store, [opening()], NOON)
    seen = []

    def decide(state, now):
        if not seen:
            perform(Store(aws, "department", patience=Patience(), writers=1), [urging("the other")], NOON)
        seen.append(state.version)
        return [Urged(reason="mine")]

    (outcome,) = perform(store, [Command(KEY, "mine", decide)], NOON)
    assert outcome.error is None
    assert seen == [1, 2]
    assert causes(store) == ["open", "the other", "mine"]


def test_one_who_is_never_first_gives_up_and_may_come_again(aws, store):
    perform(store, [opening()], NOON)
    tries = []

    def decide(state, now):
        tries.append(1)
        perform(Store(aws, "department", patience=Patience()), [urging(f"other {len(tries)}")], NOON)
        return [Urged(reason="mine")]

    (outcome,) = perform(store, [Command(KEY, "mine", decide)], NOON)
    assert isinstance(outcome.error, Conflict) and not outcome.is_final
    assert len(tries) == TRIES


def test_what_the_service_refuses_is_not_final(aws, store):
    aws.faults.append(Fault("PutItem"))
    (outcome,) = perform(store, [opening()], NOON)
    assert outcome.error is not None and not outcome.is_final
    with pytest.raises(type(outcome.error)):
        outcome.stored()


def test_a_failed_write_fails_the_refused_neighbour_too_so_that_order_is_kept(aws, store):
    aws.faults.append(Fault("PutItem"))
    outcomes = perform(store, [opening(), refusing()], NOON)
    assert [outcome.is_final for outcome in outcomes] == [False, False]


def test_a_question_asked_again_makes_the_aggregate_say_everything_again(aws, store):
    key = Key(CASE.name, "1")
    told = [Received(application=submitted()), example(m.CaseAccepted)]
    perform(store, [Command(key, "ask", lambda state, now: told)], NOON)
    perform(store, [Command(key, "ask", lambda state, now: told, 7)], NOON)
    stored = store.load([key])[key]
    assert (stored.version, stored.round) == (2, 7)


def test_a_round_that_lies_in_the_future_does_not_silence_those_that_come(aws, store):
    key = Key(CASE.name, "1")
    told = [Received(application=submitted()), example(m.CaseAccepted)]
    perform(store, [Command(key, "ask", lambda state, now: told)], NOON)
    perform(store, [Command(key, "ask", lambda state, now: told, round_of(NOON) + 10**9)], NOON)
    assert store.load([key])[key].round == 0


def test_a_fault_of_ours_stops_its_own_aggregate_only(store):
    def faulty(state, now):
        raise KeyError("ours")

    other = Key(KEY.kind, "other")
    outcomes = perform(store, [opening(), Command(KEY, "x", faulty), urging("later"), opening(other)], NOON)
    assert [outcome.error is None for outcome in outcomes] == [True, False, False, True]
    assert not outcomes[1].is_final
    assert causes(store) == ["open"]


def test_one_who_has_said_nothing_has_nothing_to_say_again(aws, store):
    perform(store, [opening()], NOON)
    perform(store, [Command(KEY, "open", lambda state, now: [], 7)], NOON)
    assert store.load([KEY])[KEY].round == 0
    assert puts(aws) == 1


def test_a_batch_reads_each_aggregate_once(aws, store):
    perform(store, [opening(Key("task", f"T-{number}"), f"c{number}") for number in range(250)], NOON)
    assert sum(operation == "BatchGetItem" for _, operation, _ in aws.calls) == 3


# ------------------------------------------------------------------ documents: only the newest event is kept


def naming(name, cause):
    account = Account(role="citizen", name=name, password="示例")
    return Command(Key(ACCOUNT.name, "zhang"), cause, lambda state, now: [account])


def test_of_a_document_only_the_newest_content_is_kept_and_its_version_goes_on(store):
    for number, name in enumerate(("张示例", "章示例", "赵示例"), start=1):
        (outcome,) = perform(store, [naming(name, f"change {number}")], NOON)
        assert outcome.stored().version == number
    stored = store.load([Key(ACCOUNT.name, "zhang")])[Key(ACCOUNT.name, "zhang")]
    assert (stored.state.name, len(stored.history), stored.version) == ("赵示例", 1, 3)


def test_two_changes_of_a_document_at_once_are_told_apart_by_its_version(store):
    (first,) = perform(store, [naming("张示例", "one")], NOON)
    (second,) = perform(store, [naming("章示例", "two")], NOON)
    stale = second.stored()._replace(history=first.stored().history, dropped=0)
    assert [type(error) for error in store.save([(stale, second.stored()._replace(dropped=2))])] == [Conflict]
