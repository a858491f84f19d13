"""What a function is given, and what its answer means: the rules of both kinds of event source mapping."""

import json

import pytest

from local import kafka_batch, stream_batch
from local.config import REPOSITORY
from local.kafka_batch import Record
from local.template import TemplateError

ARN = "arn:aws:kafka:cn-north-1:000000000000:cluster/sample/0"


def golden(name):
    return json.loads((REPOSITORY / "tests" / "events" / f"{name}.json").read_text())


def record(partition, offset, *, value=b"v", **more):
    return Record(topic="t", partition=partition, offset=offset, timestamp=1, value=value, **more)


BATCH = [record(0, 5), record(0, 6), record(1, 9), record(0, 7), record(1, 10)]


def test_a_kafka_event_is_lambda_s():
    records = [
        Record(
            topic="my-topic",
            partition=0,
            offset=15,
            timestamp=1545084650987,
            key=b"case-1",
            value=b'{"a":1}',
            headers=(("name", "hé".encode()), ("name", b"2")),
        ),
        Record(topic="my-topic", partition=0, offset=16, timestamp=1545084650988, key=b"case-1", value=None),
        Record(
            topic="my-topic",
            partition=2,
            offset=3,
            timestamp=1545084650989,
            timestamp_type="LOG_APPEND_TIME",
            value=b"x",
        ),
    ]
    event = kafka_batch.payload(records, cluster_arn=ARN, bootstrap_servers="b-1.example:9092,b-2.example:9092")
    assert event == golden("kafka")


def failures(*places):
    return {"batchItemFailures": [{"itemIdentifier": {"partition": p, "offset": o}} for p, o in places]}


@pytest.mark.parametrize(
    ("answer", "resume", "whole"),
    [
        (None, {0: 8, 1: 11}, False),
        ({}, {0: 8, 1: 11}, False),
        ({"batchItemFailures": []}, {0: 8, 1: 11}, False),
        ({"batchItemFailures": None}, {0: 8, 1: 11}, False),
        (failures(("t-0", 6), ("t-0", 7)), {0: 6, 1: 11}, False),
        (failures(("t-0", 7), ("t-0", 6)), {0: 6, 1: 11}, False),
        (failures(("t-1", 9), ("t-0", 7)), {0: 7, 1: 9}, False),
        (failures(("t-2", 6)), {0: 5, 1: 9}, True),
        (failures(("t-0", 99)), {0: 5, 1: 9}, True),
        (failures(("t-0", "6")), {0: 5, 1: 9}, True),
        ({"batchItemFailures": [{}]}, {0: 5, 1: 9}, True),
        ({"batchItemFailures": [{"itemIdentifier": "x"}]}, {0: 5, 1: 9}, True),
        ({"batchItemFailures": {"a": 1}}, {0: 5, 1: 9}, True),
        ("done", {0: 5, 1: 9}, True),
    ],
)
def test_where_reading_a_topic_resumes(answer, resume, whole):
    outcome = kafka_batch.interpret(BATCH, answer, report_failures=True)
    assert kafka_batch.resume_offsets(BATCH, outcome) == resume
    assert outcome.whole is whole


def test_without_report_batch_item_failures_the_answer_says_nothing():
    assert kafka_batch.interpret(BATCH, failures(("t-0", 6)), report_failures=False).failed == {}


def test_batches_end_at_their_size_and_at_6_mb():
    records = [record(0, offset) for offset in range(5)]
    assert [len(batch) for batch in kafka_batch.split(records, batch_size=2)] == [2, 2, 1]
    large = [record(0, offset, value=b"x" * 2_000_000) for offset in range(5)]
    batches = kafka_batch.split(large, batch_size=100)
    assert [len(batch) for batch in batches] == [2, 2, 1]
    for batch in batches:
        event = kafka_batch.payload(batch, cluster_arn=ARN, bootstrap_servers="b")
        assert len(json.dumps(event)) <= kafka_batch.PAYLOAD_LIMIT
    assert kafka_batch.split([], batch_size=2) == []


def test_a_dead_letter_carries_the_record_and_the_reason():
    letter = kafka_batch.dead_letter(
        record(1, 9, key=b"k"),
        function_arn="arn:f",
        cluster_arn=ARN,
        bootstrap_servers="b",
        request_id="r",
        reason="ValueError: no",
        attempts=6,
    )
    told = json.loads(letter)
    assert told["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert told["requestContext"]["approximateInvokeCount"] == 6
    assert told["responseContext"]["functionError"] == "ValueError: no"
    assert told["payload"]["records"]["t-1"][0]["offset"] == 9


CHANGES = [{"dynamodb": {"SequenceNumber": str(number)}} for number in (101, 102, 103)]


def checkpoints(*numbers):
    return {"batchItemFailures": [{"itemIdentifier": number} for number in numbers]}


@pytest.mark.parametrize(
    ("answer", "done", "whole"),
    [
        (None, 3, False),
        ({"batchItemFailures": []}, 3, False),
        (checkpoints("102"), 1, False),
        (checkpoints("103", "102"), 1, False),
        (checkpoints("101"), 0, False),
        (checkpoints(""), 0, True),
        (checkpoints(None), 0, True),
        (checkpoints("999"), 0, True),
        ({"batchItemFailures": [{"wrong": 1}]}, 0, True),
        ([], 0, True),
    ],
)
def test_how_many_changes_of_a_stream_are_done(answer, done, whole):
    outcome = stream_batch.interpret(CHANGES, answer, report_failures=True)
    assert (outcome.done, outcome.whole) == (done, whole)


def test_a_stream_event_is_lambda_s():
    expected = golden("dynamodb_stream")
    arn = expected["Records"][0]["eventSourceARN"]
    read = [{key: value for key, value in change.items() if key != "eventSourceARN"} for change in expected["Records"]]
    assert stream_batch.event(read, stream_arn=arn) == expected


PENDING = {"eventName": ["INSERT", "MODIFY"], "dynamodb": {"NewImage": {"pending": {"N": [{"exists": True}]}}}}


@pytest.mark.parametrize(
    ("pattern", "change", "expected"),
    [
        (PENDING, {"eventName": "INSERT", "dynamodb": {"NewImage": {"pending": {"N": "1"}}}}, True),
        (PENDING, {"eventName": "INSERT", "dynamodb": {"NewImage": {"pending": {"S": "1"}}}}, False),
        (PENDING, {"eventName": "INSERT", "dynamodb": {"NewImage": {}}}, False),
        (PENDING, {"eventName": "REMOVE", "dynamodb": {"OldImage": {}}}, False),
        ({"a": {"S": ["x"]}}, {"a": {"S": "x"}}, True),
        ({"a": {"S": ["x"]}}, {"a": {"S": "y"}}, False),
        ({"a": {"N": ["1"]}}, {"a": {"N": 1}}, False),
        ({"a": [{"exists": False}]}, {}, True),
        ({"a": [{"exists": False}]}, {"a": 1}, False),
    ],
)
def test_filters(pattern, change, expected):
    stream_batch.check_pattern(pattern, place="F")
    assert stream_batch.matches(pattern, change) is expected


@pytest.mark.parametrize("rule", [[{"prefix": "x"}], [{"anything-but": ["x"]}], [{"numeric": [">", 1]}], [], "x"])
def test_filter_rules_that_are_not_served_are_refused_by_name(rule):
    with pytest.raises(TemplateError, match=r"F\.dynamodb\.field"):
        stream_batch.check_pattern({"dynamodb": {"field": rule}}, place="F")


def test_any_of_several_filters_is_enough():
    assert stream_batch.wanted([{"a": [1]}, {"b": [2]}], {"b": 2})
    assert stream_batch.wanted([], {"b": 2})
    assert not stream_batch.wanted([{"a": [1]}], {"b": 2})
