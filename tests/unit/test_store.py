"""Building the write of a step, and reading an item back: pure."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from liangwang.aggregates import APPLICATION, CASE, TASK, Key
from liangwang.domain import messages as m
from liangwang.domain.acceptance import receive, withdraw
from liangwang.domain.application import Opened
from liangwang.domain.case import Received, evolve
from liangwang.domain.course import Practice
from liangwang.domain.history import Recorded
from liangwang.domain.patience import Patience
from liangwang.domain.working_days import Calendar
from liangwang.store import SHARDS, Stored, build_put, read_item, shard_of

from tests.unit.samples import (
    CASE_NO,
    NOON,
    collaboration,
    evaluate,
    folded,
    item,
    practice,
    submitted,
    withdrawn,
)

PATIENCE = Patience(first=timedelta(minutes=5))
KEY = Key(CASE.name, CASE_NO)
OPENED = Opened(applicant="zhang", digest="d")


def stored(*events, key=KEY, round=0):
    return Stored(key, tuple(Recorded(NOON, "cause", event) for event in events), round)


def put(before, after):
    return build_put("table", before=before, after=after, patience=PATIENCE)


def application(*events):
    return stored(OPENED, submitted(), *events, key=Key(APPLICATION.name, CASE_NO))


def test_a_new_item_is_written_on_the_condition_that_there_is_none():
    request = put(Stored(KEY), stored(Received(application=submitted())))
    assert request["ConditionExpression"] == "attribute_not_exists(pk)"
    assert request["Item"]["pk"] == {"S": f"case#{CASE_NO}"}


def test_a_step_is_written_on_the_condition_that_nobody_was_first():
    before = stored(Received(application=submitted()))
    request = put(before, stored(*[recorded.event for recorded in before.history], withdrawal()))
    assert request["ConditionExpression"] == "version = :version"
    assert request["ExpressionAttributeValues"] == {":version": {"N": "1"}}
    assert request["Item"]["version"] == {"N": "2"}


def withdrawal():
    return m.CaseDecided(case_no=CASE_NO, department="EAST-MARKET", outcome="withdrawn")


def test_what_was_written_is_what_is_read():
    after = stored(Received(application=submitted()), withdrawal(), round=4)
    assert read_item(put(Stored(KEY), after)["Item"]) == after


def test_an_application_shows_its_applicant_its_moment_and_what_is_pending():
    written = put(Stored(application().key), application())["Item"]
    assert written["holder"] == {"S": "application/zhang"}
    assert written["held_since"] == {"N": str(int(NOON.timestamp() * 1000))}
    assert written["wake_at"] == {"N": str(int((NOON + PATIENCE.first).timestamp()))}
    assert written["pending"] == {"N": "1"}


def test_an_ended_case_stands_in_no_index():
    ended = stored(Received(application=submitted()), withdrawal())
    assert put(Stored(KEY), ended)["Item"].keys() == {"pk", "version", "body"}


def test_a_withdrawn_case_wakes_until_the_centre_has_confirmed():
    asking = item(collaborations=(collaboration("fire"),))
    events = receive(None, submitted(), on=Practice(asking, evaluate, Calendar()), now=NOON)
    state = folded(evolve, None, events)
    after = stored(*events, *withdraw(state, withdrawn(), on=practice(), now=NOON))
    assert "wake" in put(Stored(KEY), after)["Item"]


def test_personal_words_do_not_stand_in_the_index_keys():
    written = put(Stored(application().key), application())["Item"]
    assert set(written) == {"pk", "version", "body", "wake", "wake_at", "holder", "held_since", "pending"}


@given(st.text(min_size=1, max_size=40))
def test_every_key_has_one_shard(identity):
    shard = shard_of(Key(TASK.name, identity))
    assert 0 <= int(shard) < SHARDS and shard == shard_of(Key.parse(f"task#{identity}"))


def test_shards_are_used_evenly():
    counts = [0] * SHARDS
    for number in range(8000):
        counts[int(shard_of(Key(CASE.name, str(number))))] += 1
    assert min(counts) > 700
