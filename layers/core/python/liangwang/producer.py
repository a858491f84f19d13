"""Kafka out. Only the publisher and the relay import this module: every import is part of a cold start.

Idempotent, acknowledged by all in-sync replicas; every delivery report is looked at.
"""

from collections.abc import Sequence
from typing import Any

import confluent_kafka as kafka

from .envelope import Outgoing, encode
from .kafka_security import PLAINTEXT, Security


class Undeliverable(Exception):
    """A message that Kafka will never take, however often it is sent: it is too large."""


class NotDelivered(Exception):
    """Kafka did not say in time that it holds a message; it may hold it all the same."""


class Producer:
    """One producer for the life of the process, built at the first send.

    ``bootstrap_servers`` is a host:port list with commas. Raises ValueError for a ``security`` that is not complete.
    """

    def __init__(
        self, bootstrap_servers: str, *, security: Security = PLAINTEXT, timeout_seconds: float = 15.0
    ) -> None:
        self._settings = {
            "bootstrap.servers": bootstrap_servers,
            "enable.idempotence": True,
            "acks": "all",
            # As Java's and kafka-python's clients do: a case stays in its partition, whoever sends.
            "partitioner": "murmur2_random",
            # JSON shrinks to a quarter: less to send and to store. Every client can read gzip.
            "compression.type": "gzip",
            "message.timeout.ms": int(timeout_seconds * 800),  # it gives up before we do
            "socket.keepalive.enable": True,
            "log_level": 3,  # librdkafka's own lines: errors only
            **security.settings(),
        }
        self._timeout = timeout_seconds
        self._producer: Any = None

    def send(self, messages: Sequence[Outgoing]) -> list[Exception | None]:
        """Sends a batch; the answer says of each message, in order, None once Kafka holds it, or why it does not.

        After an error of a message, later messages of the same key are reported as failed too, so that a caller who
        sends again from the first failure keeps the order.
        """
        if self._producer is None:
            self._producer = kafka.Producer(self._settings)
        reports: list[Exception | None] = [NotDelivered("no answer from Kafka") for _ in messages]
        for position, message in enumerate(messages):
            self._produce(message, reports, position)
        self._producer.flush(self._timeout)
        broken: dict[tuple[str, str], Exception] = {}
        results: list[Exception | None] = []
        for message, error in zip(messages, reports, strict=True):
            if error is not None and not isinstance(error, Undeliverable):
                broken.setdefault((message.topic, message.key), error)
            results.append(error or broken.get((message.topic, message.key)))
        if broken:
            self._discard()
        return results

    def _produce(self, message: Outgoing, reports: list[Exception | None], position: int) -> None:
        """Hands a message to librdkafka; what becomes of it goes into ``reports``."""

        def report(error: Any, _: Any) -> None:
            reports[position] = None if error is None else _reason(error)

        try:
            self._producer.produce(message.topic, encode(message.event), message.key.encode(), on_delivery=report)
        except kafka.KafkaException as error:
            reports[position] = _reason(error.args[0])
        except BufferError as error:  # its queue is full: the brokers are slow or gone
            reports[position] = error

    def _discard(self) -> None:
        """What failed shall not be sent later, behind its own repetition: the next send starts a new producer."""
        producer, self._producer = self._producer, None
        producer.purge(blocking=False)
        producer.flush(0)


def _reason(error: Any) -> Exception:
    too_large = (kafka.KafkaError.MSG_SIZE_TOO_LARGE, kafka.KafkaError.RECORD_LIST_TOO_LARGE)
    return Undeliverable(error.str()) if error.code() in too_large else kafka.KafkaException(error)
