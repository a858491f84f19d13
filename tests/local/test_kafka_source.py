"""The Kafka poller against the embedded broker, with functions that are plain Python."""

import os
import signal
import sys
import threading
import uuid

import confluent_kafka as kafka
import pytest

from local import processes
from local.config import Config
from local.kafka_source import KafkaSource
from local.template import KafkaMapping
from tests.waiting import eventually, free_ports


class Broker:
    """The embedded broker in a process of its own, at an address that survives it."""

    def __init__(self, log):
        (self.port,) = free_ports(1)
        self.address = f"127.0.0.1:{self.port}"
        self._log = log
        self.start()

    def start(self):
        command = [sys.executable, "-m", "local.broker", "--port", str(self.port), "--partitions", "2"]
        self.process = processes.start(command, environment={**os.environ, **Config().environment()}, log=self._log)
        eventually(lambda: processes.port_answers(self.port), what="the broker")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def send(self, topic, *values, key=b"k"):
        producer = kafka.Producer({"bootstrap.servers": self.address, "log_level": 2})
        for value in values:
            producer.produce(topic, value, key, partition=0)
        assert producer.flush(10) == 0

    def read(self, topic, count):
        """The first `count` values of a topic."""
        reader = kafka.Consumer(
            {"bootstrap.servers": self.address, "group.id": str(uuid.uuid4()), "auto.offset.reset": "earliest"}
        )
        reader.assign([kafka.TopicPartition(topic, 0, 0), kafka.TopicPartition(topic, 1, 0)])
        values = []

        def enough():
            message = reader.poll(0.2)
            if message is not None and not message.error():
                values.append(message.value())
            return len(values) >= count

        eventually(enough)
        reader.close()
        return values


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    running = Broker(tmp_path_factory.mktemp("broker") / "broker.log")
    yield running
    processes.stop(running.process)


class Function:
    """A function that keeps the values it was given; `decide(values)` may raise or answer."""

    name = "F"

    def __init__(self, decide=lambda values: None):
        self._decide = decide
        self.batches = []
        self.lock = threading.Lock()

    def invoke(self, event):
        records = [record for place in event["records"].values() for record in place]
        import base64

        values = [base64.b64decode(record["value"]) for record in records]
        with self.lock:
            self.batches.append(values)
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


@pytest.fixture
def start(broker):
    """Starts sources that are stopped after the test."""
    running = []

    def starter(function, *, topic=None, group=None, **settings):
        mapping = KafkaMapping(
            **{
                "function": "F",
                "event": "E",
                "topic": topic or f"t-{uuid.uuid4()}",
                "group": group or str(uuid.uuid4()),
                "cluster_arn": "arn",
                "starting_position": "TRIM_HORIZON",
                "batch_size": 10,
                "window_seconds": 0.0,
                "maximum_retries": 1,
                "bisect": False,
                "report_failures": True,
                "dead_letter_topic": None,
                **settings,
            }
        )
        broker.send(mapping.topic)  # asks for the topic's metadata, which creates it
        source = KafkaSource(mapping, function, bootstrap_servers=broker.address, cluster_arn="arn")
        source.start()
        running.append(source)
        return source

    yield starter
    for source in running:
        source.stop()


def test_records_arrive_in_order_in_batches_of_the_mapping_s_size(broker, start):
    topic, function = f"t-{uuid.uuid4()}", Function()
    broker.send(topic, *(b"%d" % number for number in range(25)))
    start(function, topic=topic)
    eventually(lambda: len(function.seen) == 25)
    assert function.seen == [b"%d" % number for number in range(25)]
    assert max(len(batch) for batch in function.batches) <= 10


def test_a_successor_goes_on_where_the_first_stopped(broker, start):
    topic, group, first, second = f"t-{uuid.uuid4()}", str(uuid.uuid4()), Function(), Function()
    broker.send(topic, b"1", b"2")
    source = start(first, topic=topic, group=group)
    eventually(lambda: len(first.seen) == 2)
    source.stop()
    broker.send(topic, b"3")
    start(second, topic=topic, group=group)
    eventually(lambda: second.seen)
    assert second.seen == [b"3"]


def test_reading_resumes_at_the_first_reported_failure(broker, start):
    topic, failing = f"t-{uuid.uuid4()}", [True]

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
    topic, dead = f"t-{uuid.uuid4()}", f"dead-{uuid.uuid4()}"

    def decide(values):
        if b"poison" in values:
            raise ValueError("cannot")

    function = Function(decide)
    broker.send(topic, b"1", b"2", b"poison", b"3")
    start(function, topic=topic, dead_letter_topic=dead, bisect=True)
    eventually(lambda: b"3" in function.batches[-1] if function.batches else False)
    (letter,) = broker.read(dead, 1)
    assert b"ValueError: cannot" in letter
    assert b'"cG9pc29u"' in letter
    succeeded = [batch for batch in function.batches if b"poison" not in batch]
    assert [value for batch in succeeded for value in batch] == [b"1", b"2", b"3"]


def test_a_failing_partition_does_not_hold_up_another(broker, start):
    topic = f"t-{uuid.uuid4()}"
    function = Function(lambda values: [index for index, value in enumerate(values) if value == b"bad"])
    broker.send(topic, b"bad")
    source = start(function, topic=topic, maximum_retries=-1)
    eventually(lambda: len(function.batches) > 1)
    producer = kafka.Producer({"bootstrap.servers": broker.address})
    producer.produce(topic, b"good", partition=1)
    assert producer.flush(10) == 0
    eventually(lambda: b"good" in function.seen)
    assert "failed" in source.state["last"] or source.state["records"]


def test_a_broker_that_comes_back_empty_is_read_from_its_beginning(broker, start):
    """Also when the new log has grown past the old position before anyone looks."""
    topic, function = f"t-{uuid.uuid4()}", Function()
    broker.send(topic, b"old-1", b"old-2")
    source = start(function, topic=topic)
    eventually(lambda: len(function.seen) == 2)
    broker.kill()
    source.broker_lost()
    broker.start()
    broker.send(topic, *(b"new-%d" % number for number in range(5)))
    eventually(lambda: len(function.seen) == 7)
    assert function.seen[2:] == [b"new-%d" % number for number in range(5)]
