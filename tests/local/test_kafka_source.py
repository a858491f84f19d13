"""The Kafka poller against a broker, with functions that are plain Python.

The embedded broker, or the cluster TEST_KAFKA_BOOTSTRAP_SERVERS names for all tests that do not kill it.
"""

import base64
import itertools
import json
import threading
import time
import uuid

import pytest

from local.destinations import FailureSender, NotDelivered
from local.kafka_client import KafkaCluster
from local.kafka_source import KafkaSource
from local.mappings import Destination, KafkaMapping, TemplateError
from tests.waiting import eventually, free_ports

from .kafka_broker import EmbeddedBroker, broker_for_tests


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    with broker_for_tests(tmp_path_factory.mktemp("broker")) as running:
        yield running


class Function:
    """A function that keeps the values it was given; `decide(values)` may raise or answer."""

    name = "F"

    def __init__(self, decide=lambda values: None):
        self._decide = decide
        self.batches = []
        self.events = []
        self.lock = threading.Lock()

    def invoke(self, event):
        records = [record for place in event["records"].values() for record in place]
        values = [base64.b64decode(record["value"]) for record in records]
        with self.lock:
            self.batches.append(values)
            self.events.append(event)
        failed = self._decide(values)
        if failed is None:
            return None
        places = [
            {"partition": f"{records[i]['topic']}-{records[i]['partition']}", "offset": records[i]["offset"]}
            for i in failed
        ]
        return {"batchItemFailures": [{"itemIdentifier": place} for place in places]}

    @property
    def seen(self):
        with self.lock:
            return [value for batch in self.batches for value in batch]


class Starter:
    """Starts sources on topics of their own, and stops them after the test."""

    def __init__(self, broker):
        self._broker = broker
        self._running = []

    def __call__(self, function, *, topic=None, sender=None, reading="resume", **settings):
        settings = {"function": "F", "event": "E", "group": str(uuid.uuid4()), "window_seconds": 0.0, **settings}
        settings = {"batch_size": 10, "maximum_retries": 1, "report_failures": True, **settings}
        mapping = KafkaMapping(topic=topic or self._broker.topic(), **settings)
        cluster = KafkaCluster(self._broker.address)
        if mapping.destination:
            where = Destination("kafka", mapping.destination)
            sender = FailureSender(where, mapping=mapping.name, kafka=cluster, clients=lambda service: None)
        source = KafkaSource(mapping, function, kafka=cluster, cluster_arn="arn", sender=sender, reading=reading)
        source.start()
        self._running.append((source, cluster))
        return source

    def stop(self):
        for source, cluster in self._running:
            source.stop()
            cluster.close()


@pytest.fixture
def start(broker):
    starter = Starter(broker)
    yield starter
    starter.stop()


def test_records_arrive_in_order_in_batches_of_the_mapping_s_size(broker, start):
    topic, function = broker.topic(), Function()
    broker.send(topic, *(b"%d" % number for number in range(25)))
    start(function, topic=topic)
    eventually(lambda: len(function.seen) == 25)
    assert function.seen == [b"%d" % number for number in range(25)]
    assert max(len(batch) for batch in function.batches) <= 10


def test_a_successor_goes_on_where_the_first_stopped(broker, start):
    topic, group, first, second = broker.topic(), str(uuid.uuid4()), Function(), Function()
    broker.send(topic, b"1", b"2")
    source = start(first, topic=topic, group=group)
    eventually(lambda: len(first.seen) == 2)
    source.stop()
    broker.send(topic, b"3")
    start(second, topic=topic, group=group)
    eventually(lambda: second.seen)
    assert second.seen == [b"3"]


def test_reading_resumes_at_the_first_reported_failure(broker, start):
    topic, failing = broker.topic(), [True]

    def decide(values):
        if b"bad" in values and failing:
            failing.clear()
            return list(range(values.index(b"bad"), len(values)))
        return []

    function = Function(decide)
    broker.send(topic, b"1", b"bad", b"2")
    start(function, topic=topic)
    eventually(lambda: b"2" in function.seen and len(function.batches) > 1)
    eventually(lambda: function.seen.count(b"bad") == 2)
    assert function.seen.count(b"1") == 1


def test_a_poison_record_goes_to_the_dead_letters_and_its_neighbours_go_on(broker, start):
    topic, dead = broker.topic(), broker.topic()

    def decide(values):
        if b"poison" in values:
            raise ValueError("cannot")

    function = Function(decide)
    broker.send(topic, b"1", b"2", b"poison", b"3")
    start(function, topic=topic, destination=dead, bisect=True)
    eventually(lambda: b"3" in function.batches[-1] if function.batches else False)
    (letter,) = broker.read(dead, 1)
    told = json.loads(letter)
    assert told["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert [record["value"] for record in told["payload"]["records"][f"{topic}-0"]] == ["cG9pc29u"]
    succeeded = [batch for batch in function.batches if b"poison" not in batch]
    assert [value for batch in succeeded for value in batch] == [b"1", b"2", b"3"]


def test_a_failing_partition_does_not_hold_up_another(broker, start):
    topic = broker.topic()
    function = Function(lambda values: [index for index, value in enumerate(values) if value == b"bad"])
    broker.send(topic, b"bad")
    source = start(function, topic=topic, maximum_retries=-1)
    eventually(lambda: len(function.batches) > 1)
    broker.send(topic, b"good", partition=1)
    eventually(lambda: b"good" in function.seen)
    assert "failed" in source.state["last"] or source.state["records"]


def test_a_function_that_reports_is_given_just_those_records_under_the_other_reading(broker, start):
    topic = broker.topic()
    failing = {b"bad"}

    def decide(values):
        failed = [index for index, value in enumerate(values) if value in failing]
        failing.clear()
        return failed

    function = Function(decide)
    broker.send(topic, b"1", b"bad", b"2")
    start(function, topic=topic, reading="records")
    eventually(lambda: function.seen.count(b"bad") == 2)
    assert function.batches[-1] == [b"bad"]
    assert function.seen.count(b"2") == 1


def test_what_a_filter_drops_is_never_invoked_and_counts_as_processed(broker, start):
    topic, group, function = broker.topic(), str(uuid.uuid4()), Function()
    broker.send(topic, b'{"n": 1}', b"plain", b'{"n": 2}', b'{"n": 1}', b'{"n": 3}')
    source = start(function, topic=topic, group=group, patterns=({"value": {"n": [1]}},))
    eventually(lambda: len(function.seen) == 2)
    assert function.seen == [b'{"n": 1}'] * 2
    source.stop()
    assert broker.lag(group, topic) == 0


def test_a_retry_does_not_wait_for_another_partition_s_window(broker, start):
    topic, failing = broker.topic(), [True]

    def decide(values):
        if b"bad" in values and failing:
            failing.clear()
            broker.send(topic, b"alone", partition=1)
            raise ValueError("once")

    function = Function(decide)
    broker.send(topic, b"1", b"bad")
    start(function, topic=topic, batch_size=2, window_seconds=300.0)
    eventually(lambda: function.seen.count(b"bad") == 2)


def test_a_cluster_that_does_not_answer_is_asked_once_for_all_lags():
    (port,) = free_ports(1)

    class Asked(KafkaCluster):
        times = 0

        def is_embedded(self):
            self.times += 1
            return super().is_embedded()

    cluster = Asked(f"127.0.0.1:{port}")
    mappings = [KafkaMapping(function="F", event=event, topic="t", group="g") for event in ("A", "B", "C")]
    assert cluster.lags(mappings) == {"F.A": None, "F.B": None, "F.C": None}
    assert cluster.times == 1


def test_no_more_than_two_invocations_lie_between_two_polls(broker):
    """The group counts a member as gone that does not poll for as long as two of the longest may take."""
    happened, topic = [], broker.topic()

    class Noted:
        """A consumer whose polls are noted."""

        def __init__(self, consumer):
            self._consumer = consumer

        def poll(self, **how):
            happened.append("poll")
            return self._consumer.poll(**how)

        def __getattr__(self, name):
            return getattr(self._consumer, name)

    class Cluster(KafkaCluster):
        def consumer(self, *positional, **named):
            return Noted(super().consumer(*positional, **named))

    def decide(values):
        happened.append("invocation")
        raise ValueError("cannot")

    for partition in range(4):
        broker.send(topic, b"1", partition=partition)
    cluster, function = Cluster(broker.address), Function(decide)
    settings = {"topic": topic, "group": str(uuid.uuid4()), "batch_size": 4, "window_seconds": 5.0}
    source = KafkaSource(KafkaMapping(function="F", event="E", **settings), function, kafka=cluster)
    source.start()
    eventually(lambda: len(function.batches) >= 13)
    source.stop()
    cluster.close()
    assert len(function.batches[0]) == 4
    between = [len(list(those)) for what, those in itertools.groupby(happened) if what == "invocation"]
    assert max(between) <= 2


def test_latest_begins_at_the_end_and_passes_nothing_over_after_a_restart(broker, start):
    topic, group, function = broker.topic(), str(uuid.uuid4()), Function()
    broker.send(topic, b"before")
    source = start(function, topic=topic, group=group, starting_position="LATEST")
    eventually(lambda: broker.lag(group, topic) == 0)
    source.stop()
    broker.send(topic, b"while stopped")
    start(function, topic=topic, group=group, starting_position="LATEST")
    eventually(lambda: function.seen)
    assert function.seen == [b"while stopped"]


def test_reading_begins_at_a_timestamp(broker, start):
    """The embedded broker answers such a question with the end of the log."""
    if isinstance(broker, EmbeddedBroker):
        pytest.skip("the embedded broker knows no timestamps")
    topic, function, noon = broker.topic(), Function(), int(time.time() * 1000) - 60_000
    for value, timestamp in ((b"before", noon - 1), (b"at", noon), (b"after", noon + 1)):
        broker.send(topic, value, timestamp=timestamp)
    start(function, topic=topic, starting_position="AT_TIMESTAMP", starting_timestamp=noon)
    eventually(lambda: len(function.seen) == 2)
    assert function.seen == [b"at", b"after"]


def test_a_timestamp_in_the_future_is_refused(broker, start):
    with pytest.raises(TemplateError, match=r"F\.Events\.E\.StartingPositionTimestamp: lies in the future"):
        start(Function(), starting_position="AT_TIMESTAMP", starting_timestamp=int(time.time() * 1000) + 60_000)


def test_two_runners_share_a_group_each_partition_read_by_one(broker, start):
    topic, group, first, second = broker.topic(), str(uuid.uuid4()), Function(), Function()
    one = start(first, topic=topic, group=group)
    eventually(lambda: one.state.get("partitions") == [0, 1, 2, 3])
    two = start(second, topic=topic, group=group)
    shared = [[0, 1], [2, 3]]
    eventually(lambda: sorted([one.state["partitions"], two.state.get("partitions", [])]) == shared, seconds=40)
    for partition in range(4):
        broker.send(topic, *(b"%d" % (partition + 4 * number) for number in range(3)), partition=partition)
    eventually(lambda: len(first.seen) + len(second.seen) == 12)
    for source, function in ((one, first), (two, second)):
        read = [int(value) for value in function.seen]
        for partition in source.state["partitions"]:
            assert [number for number in read if number % 4 == partition] == [partition, partition + 4, partition + 8]
    two.stop()
    eventually(lambda: one.state["partitions"] == [0, 1, 2, 3], seconds=40, what="taking over what the other left")


def test_a_source_that_is_stopped_finishes_its_batch_and_commits_it(broker, start):
    topic, group = broker.topic(), str(uuid.uuid4())
    begun, finish = threading.Event(), threading.Event()

    def decide(values):
        begun.set()
        assert finish.wait(20)

    broker.send(topic, b"1", b"2")
    source = start(Function(decide), topic=topic, group=group, batch_size=1)
    assert begun.wait(20)
    stopper = threading.Thread(target=source.stop)
    stopper.start()
    finish.set()
    stopper.join()
    assert broker.lag(group, topic) == 1


def test_what_the_destination_does_not_take_is_not_committed(broker, start):
    topic, group, letters = broker.topic(), str(uuid.uuid4()), []

    class Sender:
        refusals = 1

        def send(self, records, failure, cluster):
            if self.refusals:
                self.refusals -= 1
                raise NotDelivered("full")
            letters.append([record.value for record in records])

        def close(self):
            pass

    def decide(values):
        raise ValueError("cannot")

    broker.send(topic, b"poison")
    start(Function(decide), topic=topic, group=group, sender=Sender(), maximum_retries=0)
    eventually(lambda: letters)
    assert letters == [[b"poison"]]
    eventually(lambda: broker.lag(group, topic) == 0)


def test_a_record_past_its_age_is_given_up_uninvoked(broker, start):
    topic, dead, function = broker.topic(), broker.topic(), Function()
    broker.send(topic, b"old", timestamp=int((time.time() - 3600) * 1000))
    broker.send(topic, b"young")
    start(function, topic=topic, destination=dead, maximum_age_seconds=60)
    eventually(lambda: function.seen)
    assert function.seen == [b"young"]
    (letter,) = broker.read(dead, 1)
    assert json.loads(letter)["requestContext"]["condition"] == "RecordAgeExceeded"


def test_a_broker_that_comes_back_empty_is_read_from_its_beginning(tmp_path):
    """Also when the new log has grown past the old position before anyone looks."""
    with EmbeddedBroker(tmp_path / "broker.log") as broker:
        topic, function, start = broker.topic(), Function(), Starter(broker)
        broker.send(topic, b"old-1", b"old-2")
        source = start(function, topic=topic)
        eventually(lambda: len(function.seen) == 2)
        broker.kill()
        source.broker_lost()
        broker.start()
        broker.send(topic, *(b"new-%d" % number for number in range(5)))
        eventually(lambda: len(function.seen) == 7)
        assert function.seen[2:] == [b"new-%d" % number for number in range(5)]
        start.stop()
