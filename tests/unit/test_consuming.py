"""Kafka in: one effect a message, poison set aside, and what has to come again told the poller."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liangwang.aggregates import CASE, DEAD_LETTER, Key
from liangwang.consuming import Record, consume, partial_response
from liangwang.domain import messages as m
from liangwang.domain.patience import Patience
from liangwang.domain.working_days import Calendar
from liangwang.envelope import encode, wrap
from liangwang.fakes import FakeAws, FakeProducer, Fault, kafka_event
from liangwang.rules import Rules
from liangwang.services.department import Department
from liangwang.store import Store

from tests.unit.samples import NOON, example, submitted


@pytest.fixture
def aws():
    return FakeAws()


@pytest.fixture
def store(aws):
    return Store(aws, "department", patience=Patience(), writers=1)


@pytest.fixture
def route(catalogue):
    return Department(catalogue, Rules(), Calendar()).route


def application(number, **changes):
    """An application for a card for older people, as governance carries it."""
    message = submitted(
        case_no=number,
        department="D-990100-CIVIL",
        task_code="elderly-card",
        place="990101001",
        form={"birth_year": 1950, "household": "local", "collection": "post"},
        materials=("identity-card", "photo"),
        **changes,
    )
    return encode(wrap(message, id=f"intake/{number}/2", time=NOON))


def batch(*values, key="one"):
    """A Lambda event of these values, all of one partition."""
    producer = FakeProducer()
    for value in values:
        producer.append("applications", key, value)
    return kafka_event(producer.records("applications"))


def consumed(event, store, route, then=None):
    return consume(event, consumer="acceptance", store=store, route=route, then=then, clock=lambda: NOON)


def letters(aws, store):
    keys = [Key.parse(name) for name in aws.dynamodb.tables.get("department", {})]
    wanted = [key for key in keys if key.kind == DEAD_LETTER.name]
    return [stored.state for stored in store.load(wanted).values()] if wanted else []


def version(store, number):
    key = Key(CASE.name, number)
    return store.load([key])[key].version


NOTHING = {"batchItemFailures": []}


def test_a_batch_is_carried_out_and_nothing_has_to_come_again(store, route):
    assert consumed(batch(application("1"), application("2")), store, route) == NOTHING
    assert version(store, "1") == version(store, "2") > 1


def test_the_same_message_again_changes_nothing(store, route):
    consumed(batch(application("1")), store, route)
    before = version(store, "1")
    assert consumed(batch(application("1"), application("1")), store, route) == NOTHING
    assert version(store, "1") == before


POISON = [
    b"not json",
    b"",
    b'{"data":' + b"[" * 100_000,
    json.dumps(
        {"type": "case.unheard", "id": "x", "source": "", "subject": "", "time": "2027-01-01T00:00:00Z"}
    ).encode(),
    application("9", task_version=77),
    encode(wrap(example(m.ApplicationWithdrawn), id="intake/never/3", time=NOON)).replace(
        b"EAST-MARKET", b"D-990100-CIVIL"
    ),
]


@pytest.mark.parametrize(
    "poison", POISON, ids=["text", "empty", "nested", "unknown type", "unknown item", "unknown case"]
)
def test_poison_becomes_a_dead_letter_and_its_neighbours_are_unharmed(aws, store, route, poison):
    assert consumed(batch(application("1"), poison, application("2")), store, route) == NOTHING
    assert version(store, "1") == version(store, "2") > 1
    (letter,) = letters(aws, store)
    assert (letter.consumer, letter.topic, letter.offset) == ("acceptance", "applications", 1)
    assert letter.reason


def test_a_huge_poison_record_becomes_a_dead_letter_that_fits_an_item_and_a_message(aws, store, route):
    huge = b"x" * 900_000
    consumed(batch(huge, application("1")), store, route)
    (letter,) = letters(aws, store)
    assert (len(letter.value), letter.length) == (m.DEAD_LETTER_LIMIT, 1_200_000)
    assert version(store, "1")


def test_a_message_whose_subject_is_another_case_becomes_a_dead_letter(aws, store, route):
    event = json.loads(application("1"))
    consumed(batch(json.dumps({**event, "subject": "2"}).encode()), store, route)
    assert [letter.reason for letter in letters(aws, store)] == ["subject 2 is not the case 1"]


def test_what_dynamodb_will_never_take_becomes_a_dead_letter(aws, store, route):
    aws.faults.append(Fault("PutItem", code="ValidationException"))
    assert consumed(batch(application("1")), store, route) == {"batchItemFailures": []}
    assert len(letters(aws, store)) == 1


def test_a_tombstone_becomes_a_dead_letter(aws, store, route):
    event = batch(application("1"))
    next(iter(event["records"].values()))[0]["value"] = None
    assert consumed(event, store, route) == NOTHING
    assert "tombstone" in letters(aws, store)[0].reason


def test_the_same_poison_twice_is_one_dead_letter(aws, store, route):
    consumed(batch(b"poison"), store, route)
    consumed(batch(b"poison"), store, route)
    assert len(letters(aws, store)) == 1


def test_a_dead_letter_that_strays_into_a_topic_harms_nobody(store, route):
    stray = encode(wrap(example(m.DeadLettered), id="any/x/1", time=NOON))
    assert consumed(batch(stray, application("1")), store, route) == NOTHING
    assert version(store, "1") > 1


def test_a_message_for_a_department_elsewhere_is_passed_over(aws, store, route):
    elsewhere = encode(wrap(submitted(department="D-110000-X"), id="intake/1/2", time=NOON))
    assert consumed(batch(elsewhere), store, route) == NOTHING
    assert not aws.dynamodb.tables


def test_what_could_not_be_written_comes_again_with_all_that_follows_it(aws, store, route):
    aws.faults.append(Fault("PutItem"))
    event = batch(application("1"), application("2"), application("3"))
    place = next(iter(event["records"]))
    failures = consumed(event, store, route)["batchItemFailures"]
    assert failures == [{"itemIdentifier": {"partition": place, "offset": offset}} for offset in (0, 1, 2)]
    assert consumed(event, store, route) == NOTHING
    assert version(store, "1") == version(store, "2") == version(store, "3")


def test_a_write_whose_answer_was_lost_has_one_effect(aws, store, route):
    aws.faults.append(Fault("PutItem", "lost"))
    event = batch(application("1"))
    assert consumed(event, store, route)["batchItemFailures"]
    before = version(store, "1")
    assert consumed(event, store, route) == NOTHING
    assert version(store, "1") == before


def test_what_follows_gets_only_what_holds_and_may_send_it_back(store, route):
    def down(events, held):
        raise ConnectionError("intake is down")

    event = batch(b"poison", application("1"))
    failures = consumed(event, store, route, then=down)["batchItemFailures"]
    assert [one["itemIdentifier"]["offset"] for one in failures] == [1]
    seen = []
    held = {}
    assert (
        consumed(event, store, route, then=lambda events, now: seen.extend(events) or held.update(now) or {}) == NOTHING
    )
    assert [one.id for one in seen] == ["intake/1/2"]
    assert [(key.id, stored.version) for key, stored in held.items()] == [("1", version(store, "1"))]


def test_what_is_refused_for_good_further_on_becomes_a_dead_letter(aws, store, route):
    refuse = lambda events, _: {one.id: "no such case" for one in events}  # noqa: E731
    assert consumed(batch(application("1")), store, route, then=refuse) == NOTHING
    assert letters(aws, store)[0].reason == "no such case"


# ------------------------------------------------------------------ the answer to the poller

RECORDS = st.lists(st.tuples(st.integers(0, 2), st.booleans()), max_size=15)


@given(RECORDS)
def test_per_partition_the_first_failure_and_every_later_record_are_reported(drawn):
    offsets = [0, 0, 0]
    batch, failed = [], []
    for partition, fails in drawn:
        record = Record("t", partition, offsets[partition], None, None)
        offsets[partition] += 1
        batch.append(record)
        if fails:
            failed.append(record)
    reported = partial_response(batch, failed)["batchItemFailures"]
    again = [(one["itemIdentifier"]["partition"], one["itemIdentifier"]["offset"]) for one in reported]
    for record in batch:
        first = min((one.offset for one in failed if one.partition == record.partition), default=None)
        assert ((f"t-{record.partition}", record.offset) in again) == (first is not None and record.offset >= first)


def test_a_batch_without_failures_reports_none():
    assert partial_response([Record("t", 0, 1, None, None)], []) == NOTHING


def test_the_log_line_counts_what_was_set_aside(store, route, capfd):
    """The alarm on dead letters reads it there."""
    consume(batch(application("1"), b"not json"), consumer="acceptance", store=store, route=route)
    line = json.loads(capfd.readouterr().out.splitlines()[-1])
    assert (line["records"], line["dead_letters"]) == (2, 1)
