"""Where an event source leaves what it gives up: SQS, SNS and S3 at the endpoint, a topic of the source's own cluster."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from local import kafka_failure
from local.kafka_batch import Cluster, Record
from local.kafka_client import KafkaCluster
from local.kafka_failure import Failure
from local.mappings import Destination, KafkaMapping, destination

Clients = Callable[[str], Any]
"""A boto3 client of the named service, at the endpoint."""

_DELIVERY_SECONDS = 15


class NotDelivered(Exception):
    """The destination did not take a message; the records stay uncommitted and come again."""


class FailureSender:
    """Leaves given-up records at one destination. Clients are built at the first one, which is rare."""

    def __init__(self, destination: Destination, *, mapping: str, kafka: KafkaCluster, clients: Clients) -> None:
        self._destination = destination
        self._mapping = mapping
        self._kafka = kafka
        self._clients = clients
        self._client: Any = None
        self._producer: Any = None

    def send(self, records: Sequence[Record], failure: Failure, cluster: Cluster) -> None:
        """Returns when the destination has them. Raises NotDelivered."""
        try:
            if self._destination.kind == "kafka":
                self._to_topic(records, failure, cluster)
            else:
                self._to_service(records, failure, cluster)
        except Exception as error:
            self.close()
            raise NotDelivered(f"{self._destination.name} did not take {len(records)} records: {error}") from error

    def close(self) -> None:
        """End the producer, if there is one."""
        if self._producer is not None:
            self._producer.close(timeout=1)
            self._producer = None

    def _to_topic(self, records: Sequence[Record], failure: Failure, cluster: Cluster) -> None:
        if self._producer is None:
            self._producer = self._kafka.producer()
        sent = [
            self._producer.send(
                self._destination.name, _json(kafka_failure.dead_letter(record, failure, cluster)), record.key
            )
            for record in records
        ]
        for future in sent:
            future.get(_DELIVERY_SECONDS)

    def _to_service(self, records: Sequence[Record], failure: Failure, cluster: Cluster) -> None:
        name = self._destination.name
        if self._client is None:
            self._client = self._clients(self._destination.kind)
        client = self._client
        if self._destination.kind == "s3":
            key = kafka_failure.key(self._mapping, records[0], failure)
            body = _json(kafka_failure.stored(records, failure, cluster))
            client.put_object(Bucket=name.rsplit(":", 1)[1], Key=key, Body=body)
            return
        message = _json(kafka_failure.notice(records, failure, cluster)).decode()
        if self._destination.kind == "sns":
            client.publish(TopicArn=name, Message=message)
        else:
            url = client.get_queue_url(QueueName=name.rsplit(":", 1)[1])["QueueUrl"]
            client.send_message(QueueUrl=url, MessageBody=message)


def failure_sender(
    mapping: KafkaMapping, target: Any, *, kafka: KafkaCluster, clients: Clients
) -> FailureSender | None:
    """The sender to a mapping's destination, `target` being what its declaration came to. Raises TemplateError."""
    if not target:
        return None
    place = f"{mapping.function}.Events.{mapping.event}.DestinationConfig"
    wanted = destination(place, target, topic=mapping.topic)
    return FailureSender(wanted, mapping=mapping.name, kafka=kafka, clients=clients)


def _json(body: dict[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
