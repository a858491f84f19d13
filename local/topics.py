"""Topics on a Kafka cluster that is not the embedded one, which creates its own at start."""

from __future__ import annotations

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
    missing = [NewTopic(topic, config.partitions, -1) for topic in config.topics if topic not in present]
    if not missing:
        return
    for topic, future in admin.create_topics(missing, operation_timeout=_SECONDS).items():
        try:
            future.result(_SECONDS)
        except TimeoutError as error:
            raise TopicError(f"{config.bootstrap_servers} does not create topic {topic}: create it by hand") from error
        except kafka.KafkaException as error:
            if error.args[0].code() != kafka.KafkaError.TOPIC_ALREADY_EXISTS:
                raise TopicError(f"topic {topic} at {config.bootstrap_servers}: {error.args[0].str()}") from error
