"""A Kafka broker for tests: the embedded one in a process of its own, or a cluster that is there already."""

import os
import signal
import sys
import uuid
from contextlib import contextmanager

import confluent_kafka as kafka
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from local import processes
from local.config import Config
from local.kafka_client import KafkaCluster
from local.mappings import KafkaMapping
from tests.waiting import eventually, free_ports

PARTITIONS = 4
"""Of every topic: as many as the embedded broker gives one that is asked for."""


class Broker:
    """A cluster at `address`."""

    def __init__(self, address):
        self.address = address

    def topic(self):
        """A new topic."""
        name = f"t-{uuid.uuid4()}"
        self.create(name)
        return name

    def create(self, name):
        """A topic of this name, if there is none."""
        admin = AdminClient(self._settings())
        if name not in admin.list_topics(timeout=20).topics:
            admin.create_topics([NewTopic(name, PARTITIONS, 1)])[name].result(20)

    def send(self, topic, *values, key=b"k", partition=0, timestamp=0, headers=()):
        producer = kafka.Producer(self._settings())
        for value in values:
            producer.produce(topic, value, key, partition=partition, timestamp=timestamp, headers=list(headers))
        assert producer.flush(20) == 0

    def read(self, topic, count):
        """The first `count` values of a topic."""
        reader = kafka.Consumer({**self._settings(), "group.id": str(uuid.uuid4()), "auto.offset.reset": "earliest"})
        reader.assign([kafka.TopicPartition(topic, number, 0) for number in range(PARTITIONS)])
        values = []

        def enough():
            message = reader.poll(0.2)
            if message is not None and not message.error():
                values.append(message.value())
            return len(values) >= count

        eventually(enough)
        reader.close()
        return values

    def lag(self, group, topic):
        """Records of a topic that a group has not committed."""
        mapping = KafkaMapping(function="F", event="E", topic=topic, group=group)
        return KafkaCluster(self.address).lags([mapping])["F.E"]

    def _settings(self):
        return {"bootstrap.servers": self.address, "log_level": 2}


class EmbeddedBroker(Broker):
    """The embedded broker in a process of its own, at an address that survives it."""

    def __init__(self, log):
        (self.port,) = free_ports(1)
        super().__init__(f"127.0.0.1:{self.port}")
        self._log = log

    def create(self, name):
        """A topic is created by being asked for."""
        AdminClient(self._settings()).list_topics(name, timeout=20)

    def start(self):
        command = [sys.executable, "-m", "local.broker", "--port", str(self.port)]
        self.process = processes.start(command, environment={**os.environ, **Config().environment()}, log=self._log)
        eventually(lambda: processes.port_answers(self.port), what="the broker")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        processes.stop(self.process)


@contextmanager
def broker_for_tests(folder):
    """The cluster TEST_KAFKA_BOOTSTRAP_SERVERS names, else the embedded broker with its log in `folder`."""
    given = os.environ.get("TEST_KAFKA_BOOTSTRAP_SERVERS")
    if given:
        yield Broker(given)
    else:
        with EmbeddedBroker(folder / "broker.log") as broker:
            yield broker
