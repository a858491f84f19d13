"""Topics on a Kafka cluster that is not the embedded one, which creates its own at start."""

from __future__ import annotations

import time

import confluent_kafka as kafka
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from local.config import Config

_SECONDS = 20.0


class TopicError(Exception):
    """The cluster does not answer or refuses a topic; the message names both."""


def ensure(config: Config) -> None:
    """Create what is missing, with the cluster's own replication; leave what exists as it is."""
    admin = AdminClient({"bootstrap.servers": config.bootstrap_servers, "log_level": 2})
    try:
        present = admin.list_topics(timeout=_SECONDS).topics
    except kafka.KafkaException as error:
        raise TopicError(f"no Kafka cluster answers at {config.bootstrap_servers}: {error.args[0].str()}") from error
    missing = [topic for topic in config.topics if topic not in present]
    if not missing:
        return
    wanted = [NewTopic(topic, config.partitions, -1) for topic in missing]
    for topic, future in admin.create_topics(wanted, operation_timeout=_SECONDS).items():
        try:
            future.result(_SECONDS)
        except TimeoutError as error:
            raise TopicError(f"{config.bootstrap_servers} does not create topic {topic}: create it by hand") from error
        except kafka.KafkaException as error:
            if error.args[0].code() != kafka.KafkaError.TOPIC_ALREADY_EXISTS:
                raise TopicError(f"topic {topic} at {config.bootstrap_servers}: {error.args[0].str()}") from error
    _await_leaders(config, missing)


def _await_leaders(config: Config, topics: list[str]) -> None:
    """A partition that was just created has no leader for a moment; whoever asks then is refused."""
    consumer = kafka.Consumer({"bootstrap.servers": config.bootstrap_servers, "group.id": "topics", "log_level": 2})
    waiting = [kafka.TopicPartition(topic, number) for topic in topics for number in range(config.partitions)]
    deadline = time.monotonic() + _SECONDS
    while waiting:
        try:
            consumer.get_watermark_offsets(waiting[-1], timeout=_SECONDS)
            waiting.pop()
        except kafka.KafkaException as error:
            if time.monotonic() > deadline:
                raise TopicError(f"topic {waiting[-1].topic} has no leader: {error.args[0].str()}") from error
            time.sleep(0.05)
    consumer.close()
