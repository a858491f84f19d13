"""The stream poller against the emulator's DynamoDB, with functions that are plain Python."""

import threading
import time
import uuid

import boto3
import pytest
from liangwang.aws import AwsError, SignedAws
from liangwang.signing import Credentials

from local.mappings import StreamMapping
from local.stream_source import Checkpoints, StreamSource
from tests.waiting import eventually


class Function:
    """Keeps the keys it was given; `decide(keys, records)` may raise or answer."""

    name = "F"

    def __init__(self, decide=lambda keys, records: None):
        self._decide = decide
        self.batches = []
        self.events = []
        self.lock = threading.Lock()

    def invoke(self, event):
        keys = [record["dynamodb"]["Keys"]["pk"]["S"] for record in event["Records"]]
        with self.lock:
            self.batches.append(keys)
            self.events.append(event)
        return self._decide(keys, event["Records"])

    @property
    def seen(self):
        with self.lock:
            return [key for batch in self.batches for key in batch]


@pytest.fixture(scope="module")
def dynamodb(stack):
    return boto3.client(
        "dynamodb",
        endpoint_url=stack.endpoint_url,
        region_name=stack.config.region,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


@pytest.fixture
def table(dynamodb):
    """A new table with a stream, and a way to write keys to it."""
    name = f"t-{uuid.uuid4()}"
    created = dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )

    class Table:
        stream_arn = created["TableDescription"]["LatestStreamArn"]

        def put(self, *keys, **attributes):
            for key in keys:
                dynamodb.put_item(TableName=name, Item={"pk": {"S": key}, **attributes})

    yield Table()
    dynamodb.delete_table(TableName=name)


@pytest.fixture
def start(stack, table, tmp_path):
    running = []

    def starter(function, *, send_failure=None, **settings):
        mapping = StreamMapping(
            **{
                "function": "F",
                "event": "E",
                "stream_arn": None,
                "starting_position": "TRIM_HORIZON",
                "batch_size": 10,
                "window_seconds": 0.0,
                "maximum_retries": 2,
                "bisect": False,
                "report_failures": True,
                "failure_queue_arn": None,
                "patterns": (),
                **settings,
            }
        )
        keys = Credentials("test", "test")
        aws = SignedAws(region=stack.config.region, credentials=lambda: keys, endpoint=stack.endpoint_url, attempts=1)
        source = StreamSource(
            mapping,
            function,
            stream_arn=table.stream_arn,
            aws=aws,
            checkpoints=Checkpoints(tmp_path / "checkpoint.json", stream_arn=table.stream_arn),
            send_failure=send_failure,
        )
        source.start()
        running.append(source)
        return source

    yield starter
    for source in running:
        source.stop()


def test_a_window_gathers_what_comes_within_it_into_one_batch(table, start):
    function = Function()
    table.put("before")
    start(function, window_seconds=1.0)
    eventually(lambda: function.seen == ["before"])
    table.put("1")
    table.put("2")
    table.put("3")
    eventually(lambda: len(function.seen) == 4)
    assert function.batches[1:] == [["1", "2", "3"]]


def test_changes_arrive_in_order_as_lambda_passes_them(table, start):
    function = Function()
    table.put("1", sealed={"B": b"\x00\x01\x02"})
    table.put("1", sealed={"B": b"\x03"})
    start(function)
    eventually(lambda: len(function.seen) == 2)
    records = [record for event in function.events for record in event["Records"]]
    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY"]
    change = records[1]
    assert change["eventSource"] == "aws:dynamodb"
    assert change["eventVersion"] == "1.1"
    assert change["eventSourceARN"] == table.stream_arn
    assert change["dynamodb"]["OldImage"]["sealed"] == {"B": "AAEC"}
    assert change["dynamodb"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    assert isinstance(change["dynamodb"]["ApproximateCreationDateTime"], int | float)


def test_a_filter_spares_the_function_what_it_does_not_want(table, start):
    function = Function()
    wanted = {"eventName": ["INSERT"], "dynamodb": {"NewImage": {"pending": {"N": [{"exists": True}]}}}}
    table.put("plain")
    table.put("wanted", pending={"N": "1"})
    start(function, patterns=(wanted,))
    eventually(lambda: function.seen)
    assert function.seen == ["wanted"]


def test_a_successor_goes_on_where_the_first_stopped(table, start):
    first, second = Function(), Function()
    source = start(first)
    table.put("1", "2")
    eventually(lambda: len(first.seen) == 2)
    source.stop()
    table.put("3")
    start(second)
    eventually(lambda: second.seen)
    assert second.seen == ["3"]


def test_reading_resumes_at_the_reported_checkpoint(table, start):
    failing = [True]

    def decide(keys, records):
        if "bad" in keys and failing:
            failing.clear()
            number = records[keys.index("bad")]["dynamodb"]["SequenceNumber"]
            return {"batchItemFailures": [{"itemIdentifier": number}]}
        return None

    function = Function(decide)
    table.put("1", "bad", "2")
    start(function)
    eventually(lambda: "2" in function.batches[-1] and function.seen.count("bad") == 2 if function.batches else False)
    assert function.seen.count("1") == 1


def test_what_cannot_be_handled_is_reported_and_passed_over(table, start):
    def decide(keys, records):
        if "poison" in keys:
            raise ValueError("cannot")

    function, lost = Function(decide), []
    table.put("1", "poison", "2")
    start(function, send_failure=lost.append, bisect=True)
    eventually(lambda: ["2"] in function.batches)
    (notice,) = lost
    assert notice["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert notice["DDBStreamBatchInfo"]["batchSize"] == 1
    assert [key for batch in function.batches if "poison" not in batch for key in batch] == ["1", "2"]


def test_a_remembered_place_that_is_gone_means_the_oldest_record(table, start, tmp_path):
    function = Function()
    Checkpoints(tmp_path / "checkpoint.json", stream_arn=table.stream_arn).set(
        "shardId-00000000000000000000-00000000", "000"
    )
    table.put("1")
    start(function)
    eventually(lambda: function.seen == ["1"])


class Shards:
    """Two shards of a stream whose first iterators have expired by the time they are used."""

    def call(self, service, operation, request):
        if operation == "DescribeStream":
            return {"StreamDescription": {"Shards": [{"ShardId": "a"}, {"ShardId": "b"}]}}
        if operation == "GetShardIterator":
            self.asked[request["ShardId"]] += 1
            return {"ShardIterator": f"{request['ShardId']}{self.asked[request['ShardId']]}"}
        shard, number = request["ShardIterator"]
        if number == "1" and shard == "a":
            raise AwsError("ExpiredIteratorException")
        record = {"dynamodb": {"Keys": {"pk": {"S": shard}}, "SequenceNumber": "1"}}
        first, self.fresh = shard in self.fresh, self.fresh - {shard}
        return {"Records": [record] if first else [], "NextShardIterator": f"{shard}2"}

    def __init__(self):
        self.asked = {"a": 0, "b": 0}
        self.fresh = {"a", "b"}


def reading(path, aws, function, **settings):
    """A source on a stream that is a fake."""
    settings = {"starting_position": "TRIM_HORIZON", "batch_size": 10, "window_seconds": 0.0, **settings}
    settings = {"maximum_retries": 2, "bisect": False, "report_failures": True, "failure_queue_arn": None, **settings}
    mapping = StreamMapping(function="F", event="E", stream_arn=None, patterns=(), **settings)
    return StreamSource(mapping, function, stream_arn="s", aws=aws, checkpoints=Checkpoints(path, stream_arn="s"))


def test_a_shard_whose_iterator_expired_is_read_on_beside_the_others(tmp_path):
    function = Function()
    source = reading(tmp_path / "c.json", Shards(), function)
    source.start()
    eventually(lambda: sorted(function.seen) == ["a", "b"])
    source.stop()


class Quiet:
    """A shard with old records; a new one comes once its iterator LATEST is lost. Pages hold one record."""

    def __init__(self):
        self.records = [self.record("old", 0), self.record("older", 0)]

    def record(self, key, created):
        number = {"old": "1", "older": "2", "new": "3"}[key]
        keys = {"Keys": {"pk": {"S": key}}, "SequenceNumber": number, "ApproximateCreationDateTime": created}
        return {"dynamodb": keys}

    def call(self, service, operation, request):
        if operation == "DescribeStream":
            return {"StreamDescription": {"Shards": [{"ShardId": "a"}]}}
        if operation == "GetShardIterator":
            kind = request["ShardIteratorType"]
            start = {"LATEST": len(self.records), "TRIM_HORIZON": 0}.get(kind, int(request.get("SequenceNumber", 0)))
            return {"ShardIterator": ("first" if kind == "LATEST" else "") + str(start)}
        if request["ShardIterator"].startswith("first") and len(self.records) == 2:
            self.records.append(self.record("new", time.time()))
            raise AwsError("ExpiredIteratorException")
        start = int(request["ShardIterator"].removeprefix("first"))
        page = self.records[start : start + 1]
        return {"Records": page, "NextShardIterator": str(start + len(page))}


def test_a_shard_opened_at_its_end_whose_iterator_expired_gives_what_came_since_and_nothing_older(tmp_path):
    function = Function()
    source = reading(tmp_path / "c.json", Quiet(), function, starting_position="LATEST")
    source.start()
    eventually(lambda: function.seen)
    source.stop()
    assert function.seen == ["new"]


def test_what_came_to_a_shard_opened_at_its_end_while_nobody_read_is_not_passed_over(tmp_path):
    path, aws, function = tmp_path / "c.json", Quiet(), Function()
    Checkpoints(path, stream_arn="s").set("a", f"since {time.time() - 60:.0f}")
    aws.records.append(aws.record("new", time.time()))
    source = reading(path, aws, function, starting_position="LATEST")
    source.start()
    eventually(lambda: function.seen)
    source.stop()
    assert function.seen == ["new"]


def test_the_places_of_another_stream_are_not_used(tmp_path):
    Checkpoints(tmp_path / "c.json", stream_arn="old").set("shard", "7")
    assert Checkpoints(tmp_path / "c.json", stream_arn="old").get("shard") == "7"
    assert Checkpoints(tmp_path / "c.json", stream_arn="new").get("shard") is None
