"""The contract of a Kafka event source mapping: a row for each of Lambda's rules. No Kafka, no clock.

The event's shape, batches, filters, what an answer leads to, and what a destination is told; the mapping's settings
are in test_kafka_mapping.py.
"""

import base64
import json

import pytest

from local import kafka_batch, kafka_failure, kafka_retry
from local.config import REPOSITORY
from local.event_pattern import parse
from local.kafka_batch import Cluster, Record
from local.kafka_failure import Failure
from local.kafka_retry import Lane, Work
from local.mappings import KafkaMapping, TemplateError, destination

ARN = "arn:aws:kafka:cn-north-1:000000000000:cluster/sample/0"
MSK = Cluster(arn=ARN, bootstrap_servers="b-1.example:9092,b-2.example:9092")


def record(partition, offset, *, value=b"v", **more):
    return Record(**{"topic": "t", "timestamp": 1, **more}, partition=partition, offset=offset, value=value)


def shown(**more):
    """How one record stands in an event."""
    event = kafka_batch.payload([record(0, 5, **more)], MSK)
    return event["records"]["t-0"][0]


# ------------------------------------------------------------------------------------------------ the event


def test_an_event_is_lambda_s_field_by_field():
    records = [
        Record(
            topic="my-topic",
            partition=0,
            offset=15,
            timestamp=1545084650987,
            key=b"case-1",
            value=b'{"a":1}',
            headers=(("name", "h\u00e9".encode()), ("name", b"2")),
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
    golden = json.loads((REPOSITORY / "tests" / "events" / "kafka.json").read_text())
    assert kafka_batch.payload(records, MSK) == golden


def test_an_event_of_a_self_managed_cluster_has_no_arn():
    event = kafka_batch.payload([record(0, 5)], Cluster(arn=None, bootstrap_servers="a:9092,b:9092"))
    assert list(event) == ["eventSource", "bootstrapServers", "records"]
    assert (event["eventSource"], event["bootstrapServers"]) == ("SelfManagedKafka", "a:9092,b:9092")


@pytest.mark.parametrize(
    ("given", "field", "expected"),
    [
        ({"headers": (("h", b"\x00\x7f\x80\xff"),)}, "headers", [{"h": [0, 127, -128, -1]}]),
        ({"headers": (("h", b"1"), ("h", b"2"))}, "headers", [{"h": [49]}, {"h": [50]}]),
        ({"headers": ()}, "headers", []),
        ({"value": None}, "value", None),
        ({"value": b""}, "value", ""),
        ({"key": b"k"}, "key", base64.b64encode(b"k").decode()),
        ({"key": b""}, "key", ""),
    ],
)
def test_a_record_s_fields(given, field, expected):
    assert shown(**given)[field] == expected


def test_an_absent_key_is_absent():
    assert "key" not in shown()


def test_partitions_share_an_event_in_offset_order_under_topic_and_number():
    event = kafka_batch.payload([record(1, 9), record(0, 5), record(1, 10)], MSK)
    assert {place: [one["offset"] for one in those] for place, those in event["records"].items()} == {
        "t-1": [9, 10],
        "t-0": [5],
    }


# ------------------------------------------------------------------------------------------------ batches


def test_a_batch_ends_at_its_size():
    records = [record(0, offset) for offset in range(5)]
    assert [len(batch) for batch in kafka_batch.split(records, batch_size=2)] == [2, 2, 1]
    assert kafka_batch.split([], batch_size=2) == []


@pytest.mark.parametrize(
    ("headers", "sizes"), [((), [3, 3, 1]), ((("h\u00e9", b"\xff" * 200_000),), [2, 2, 2, 1])], ids=["plain", "headers"]
)
def test_a_batch_ends_before_its_payload_passes_6_mb(headers, sizes):
    large = [record(0, offset, value=b"x" * 1_500_000, headers=headers) for offset in range(7)]
    batches = kafka_batch.split(large, batch_size=100)
    assert [one for batch in batches for one in batch] == large
    assert [len(batch) for batch in batches] == sizes
    for batch in batches:
        assert len(json.dumps(kafka_batch.payload(batch, MSK), separators=(",", ":"))) <= 6 * 1024 * 1024


def test_a_record_that_alone_passes_6_mb_is_known():
    assert kafka_batch.oversized(record(0, 1, value=b"x" * 5_000_000))
    assert not kafka_batch.oversized(record(0, 1, value=b"x" * 4_000_000))


@pytest.mark.parametrize(("age", "old"), [(-1, []), (60, [1]), (3600, [])])
def test_records_past_their_age(age, old):
    records = [record(0, 1, timestamp=1_000_000), record(0, 2, timestamp=1_050_000)]
    found = kafka_batch.expired(records, maximum_age_seconds=age, now=1_100)
    assert [one.offset for one in found] == old


@pytest.mark.parametrize(
    ("position", "begun", "expected"),
    [
        ("TRIM_HORIZON", False, "beginning"),
        ("TRIM_HORIZON", True, "beginning"),
        ("LATEST", False, "end"),
        # What came after the mapping began is later than LATEST was.
        ("LATEST", True, "beginning"),
        ("AT_TIMESTAMP", False, "timestamp"),
        ("AT_TIMESTAMP", True, "timestamp"),
    ],
)
def test_where_an_uncommitted_partition_begins(position, begun, expected):
    assert kafka_batch.first_offset(position, begun=begun) == expected


# ------------------------------------------------------------------------------------------------ filters


@pytest.mark.parametrize(
    ("pattern", "value", "expected"),
    [
        # JSON against a pattern of fields
        ({"value": {"n": [1]}}, b'{"n": 1}', True),
        ({"value": {"n": [1]}}, b'{"n": 2}', False),
        ({"value": {"a": {"b": [{"prefix": "x"}]}}}, b'{"a": {"b": "xy"}}', True),
        ({"value": {"$or": [{"n": [1]}, {"m": [1]}]}}, b'{"m": 1}', True),
        ({"$or": [{"value": {"n": [1]}}, {"value": ["go"]}]}, b"go", True),
        ({"$or": [{"value": {"n": [1]}}, {"value": ["go"]}]}, b'{"n": 1}', True),
        # plain text against a list of values
        ({"value": ["go"]}, b"go", True),
        ({"value": [{"anything-but": ["error"]}]}, b"error", False),
        ({"value": [{"anything-but": ["error"]}]}, b"fine", True),
        ({"value": ["42"]}, b"42", True),
        # formats that differ: dropped, whatever the pattern says
        ({"value": {"n": [{"exists": False}]}}, b"plain", False),
        ({"value": [{"anything-but": ["error"]}]}, b'{"n": 1}', False),
        ({"value": [{"exists": False}]}, b'{"n": 1}', False),
        ({"value": {"n": [1]}}, b"{broken", False),
        # not UTF-8, and tombstones
        ({"value": [{"anything-but": ["error"]}]}, b"\xff\xfe", False),
        ({"value": [None]}, None, True),
        ({"value": {"n": [1]}}, None, False),
    ],
)
def test_which_values_a_filter_lets_through(pattern, value, expected):
    assert kafka_batch.wanted([parse(json.dumps(pattern))], record(0, 1, value=value)) is expected


def test_no_filter_wants_everything_and_any_of_several_is_enough():
    assert kafka_batch.wanted([], record(0, 1, value=b"\xff"))
    assert kafka_batch.wanted([parse('{"value": ["a"]}'), parse('{"value": ["b"]}')], record(0, 1, value=b"b"))


# ------------------------------------------------------------------------------------------------ outcomes

BATCH = [record(0, 5), record(0, 6), record(1, 9), record(0, 7), record(1, 10)]
EVERYTHING = {0: [5, 6, 7], 1: [9, 10]}


def failures(*places):
    return {"batchItemFailures": [{"itemIdentifier": {"partition": p, "offset": o}} for p, o in places]}


@pytest.mark.parametrize(
    ("answer", "resumed", "records", "whole"),
    [
        (None, {}, {}, False),
        ({}, {}, {}, False),
        ({"batchItemFailures": []}, {}, {}, False),
        ({"batchItemFailures": None}, {}, {}, False),
        (failures(("t-0", 6)), {0: [6, 7]}, {0: [6]}, False),
        (failures(("t-0", 7), ("t-0", 5)), {0: [5, 6, 7]}, {0: [5, 7]}, False),
        (failures(("t-1", 9), ("t-0", 7)), {0: [7], 1: [9, 10]}, {0: [7], 1: [9]}, False),
        # the first failure and every later one: the same under both readings
        (failures(("t-0", 6), ("t-0", 7)), {0: [6, 7]}, {0: [6, 7]}, False),
        (failures(("t-2", 6)), EVERYTHING, EVERYTHING, True),
        (failures(("t-0", 99)), EVERYTHING, EVERYTHING, True),
        (failures(("t-0", "6")), EVERYTHING, EVERYTHING, True),
        (failures(("t-0", True)), EVERYTHING, EVERYTHING, True),
        (failures((0, 6)), EVERYTHING, EVERYTHING, True),
        ({"batchItemFailures": [{}]}, EVERYTHING, EVERYTHING, True),
        ({"batchItemFailures": [{"itemIdentifier": "x"}]}, EVERYTHING, EVERYTHING, True),
        ({"batchItemFailures": {"a": 1}}, EVERYTHING, EVERYTHING, True),
        ("done", EVERYTHING, EVERYTHING, True),
    ],
)
def test_what_an_answer_makes_come_again_under_both_readings(answer, resumed, records, whole):
    for reading, expected in (("resume", resumed), ("records", records)):
        outcome = kafka_batch.interpret(BATCH, answer, report_failures=True, reading=reading)
        again = {partition: [one.offset for one in those] for partition, those in outcome.failed.items()}
        assert (again, outcome.whole) == (expected, whole)


def test_without_report_batch_item_failures_the_answer_says_nothing():
    assert kafka_batch.interpret(BATCH, failures(("t-0", 6)), report_failures=False).failed == {}


def mapping(**settings):
    return KafkaMapping(function="F", event="E", topic="t", group="g", **settings)


R5, R6, R7, R8 = (record(0, offset) for offset in (5, 6, 7, 8))


@pytest.mark.parametrize(
    ("attempts", "failed", "whole", "settings", "reading", "again", "lost"),
    [
        # retries are counted, the first invocation is not one of them
        (0, (R5, R6), True, {"maximum_retries": 2}, "resume", [((5, 6), 1)], ()),
        (2, (R5, R6), True, {"maximum_retries": 2}, "resume", [], (5, 6)),
        (0, (R5, R6), True, {"maximum_retries": 0}, "resume", [], (5, 6)),
        (10_000, (R5, R6), True, {"maximum_retries": -1}, "resume", [((5, 6), 10_001)], ()),
        # halves, at no cost in attempts, down to one record
        (1, (R5, R6), True, {"bisect": True, "maximum_retries": 1}, "resume", [((5,), 1), ((6,), 1)], ()),
        (1, (R5,), True, {"bisect": True, "maximum_retries": 1}, "resume", [], (5,)),
        (0, (R5, R6), False, {"bisect": True}, "resume", [((5, 6), 1)], ()),
        # progress: another first record begins to count anew
        (3, (R6,), False, {"maximum_retries": 3}, "resume", [((6,), 1)], ()),
        # attempts run out: the first record alone is known to have failed, or all that were reported
        (1, (R5, R6), False, {"maximum_retries": 1}, "resume", [((6,), 0)], (5,)),
        (1, (R5, R6), False, {"maximum_retries": 1}, "records", [], (5, 6)),
        # a record reported again has been tried again, also when the one before it is done
        (1, (R6,), False, {"maximum_retries": 1}, "records", [], (6,)),
        (1, (R6,), False, {"maximum_retries": 2}, "records", [((6,), 2)], ()),
    ],
)
def test_what_comes_again_and_what_is_given_up(attempts, failed, whole, settings, reading, again, lost):
    work = Work((R5, R6), attempts)
    verdict = kafka_retry.judge(work, failed, whole=whole, mapping=mapping(**settings), reading=reading)
    found = [(tuple(one.offset for one in those.records), those.attempts) for those in verdict.again]
    assert (found, tuple(one.offset for one in verdict.lost)) == (again, lost)


def test_a_partition_of_which_nothing_was_read_has_no_offset_to_commit():
    """Its records may have been read before the group was shared out anew; zero would have the partition read again."""
    assert Lane().committable is None


def test_a_lane_keeps_order_and_commits_up_to_the_first_record_not_done():
    lane = Lane()
    for one in (R5, R6, R7, R8):
        lane.read(one)
    assert lane.committable == 9
    halving = mapping(bisect=True)
    lane.put(kafka_retry.judge(Work((R5, R6)), (R5, R6), whole=True, mapping=halving, reading="resume"), now=0)
    lane.hold([R7, R8])
    assert [work.records for work in lane.waiting] == [(R5,), (R6,), (R7, R8)]
    assert lane.committable == 5
    lane.settle(None, now=0)
    assert lane.committable == 6
    lane.settle(kafka_retry.judge(Work((R6,)), (R6,), whole=True, mapping=halving, reading="resume"), now=0)
    assert [work.records for work in lane.waiting] == [(R6,), (R7, R8)]
    assert lane.next(now=0) is None
    assert lane.next(now=lane.due).records == (R6,)


# ------------------------------------------------------------------------------------------------ destinations

GIVEN_UP = Failure(
    condition="RetryAttemptsExhausted", attempts=6, raised=True, function_arn="arn:f", request_id="r", now=1_700_000_000
)


def test_sqs_and_sns_are_told_where_the_records_stand():
    records = [record(0, 5), record(0, 6, timestamp=2000), record(1, 9)]
    told = kafka_failure.notice(records, GIVEN_UP, MSK)
    information = told.pop("KafkaBatchInfo")
    assert told == {
        "requestContext": {
            "requestId": "r",
            "functionArn": "arn:f",
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 6,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "version": "1.0",
        "timestamp": "2023-11-14T22:13:20.000Z",
    }
    event = kafka_batch.payload(records, MSK)
    assert information == {
        "batchSize": 3,
        "eventSourceArn": ARN,
        "bootstrapServers": MSK.bootstrap_servers,
        "payloadSize": len(json.dumps(event, separators=(",", ":"))),
        "recordsInfo": {
            "t-0": {
                "firstRecordOffset": "5",
                "lastRecordOffset": "6",
                "firstRecordTimestamp": "1970-01-01T00:00:00.001Z",
                "lastRecordTimestamp": "1970-01-01T00:00:02.000Z",
            },
            "t-1": {
                "firstRecordOffset": "9",
                "lastRecordOffset": "9",
                "firstRecordTimestamp": "1970-01-01T00:00:00.001Z",
                "lastRecordTimestamp": "1970-01-01T00:00:00.001Z",
            },
        },
    }


def test_s3_is_given_the_whole_event_too_as_text():
    told = kafka_failure.stored([record(0, 5)], GIVEN_UP, MSK)
    assert json.loads(told.pop("payload")) == kafka_batch.payload([record(0, 5)], MSK)
    assert told == kafka_failure.notice([record(0, 5)], GIVEN_UP, MSK)
    assert kafka_failure.key("F.E", record(0, 5), GIVEN_UP) == "aws/lambda/F.E/t-0/2023/11/14/2023-11-14T22.13.20-r"


def test_a_topic_is_given_one_record_with_its_event_as_an_object():
    told = kafka_failure.dead_letter(record(1, 9, key=b"k"), GIVEN_UP, MSK)
    assert told["payload"] == kafka_batch.payload([record(1, 9, key=b"k")], MSK)
    assert told["KafkaBatchInfo"]["batchSize"] == 1
    assert told["KafkaBatchInfo"]["recordInfo"] == {"offset": "9", "timestamp": "1970-01-01T00:00:00.001Z"}


@pytest.mark.parametrize(
    ("attempts", "raised", "response"),
    [
        (1, True, {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"}),
        (1, False, {"statusCode": 200, "executedVersion": "$LATEST"}),
        (0, False, None),
    ],
)
def test_the_response_s_context_says_whether_the_function_broke_off(attempts, raised, response):
    failure = Failure(condition="c", attempts=attempts, raised=raised, function_arn="a", request_id="r", now=0)
    assert kafka_failure.notice([record(0, 5)], failure, MSK)["responseContext"] == response


@pytest.mark.parametrize(
    ("target", "kind", "name"),
    [
        ("kafka://lost", "kafka", "lost"),
        ("arn:aws:sqs:cn-north-1:000000000000:q", "sqs", "arn:aws:sqs:cn-north-1:000000000000:q"),
        ("arn:aws-cn:sns:cn-north-1:000000000000:t", "sns", "arn:aws-cn:sns:cn-north-1:000000000000:t"),
        ("arn:aws:s3:::bucket", "s3", "arn:aws:s3:::bucket"),
    ],
)
def test_destinations(target, kind, name):
    assert (destination("D", target, topic="t").kind, destination("D", target, topic="t").name) == (kind, name)


@pytest.mark.parametrize("target", ["kafka://t", "kafka://.t", "https://x", "arn:aws:lambda:r:0:function:f", "", None])
def test_a_destination_that_is_not_served_is_refused(target):
    with pytest.raises(TemplateError, match=r"^D: "):
        destination("D", target, topic="t")
