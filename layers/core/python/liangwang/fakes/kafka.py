"""Kafka in memory: what ``Producer.send`` leaves behind, partition by partition, and Lambda events made of it."""

import base64
import zlib
from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

from ..envelope import Outgoing, encode

PARTITIONS = 4


class SendFailed(Exception):
    """Kafka did not say that it holds the message."""


class Held(NamedTuple):
    """A record in a topic."""

    topic: str
    partition: int
    offset: int
    key: str
    value: bytes


class FakeProducer:
    """Has the shape of ``Producer``; ``logs`` holds each topic's partitions.

    ``faults`` are used up one a message: ``""`` is no fault, ``refused`` is not held, ``lost`` is held but not confirmed.
    """

    def __init__(self) -> None:
        self.logs: dict[str, list[list[Held]]] = {}
        self.faults: list[Literal["", "refused", "lost"]] = []

    def send(self, messages: Sequence[Outgoing]) -> list[Exception | None]:
        """See ``Producer.send``: after an error of a message, later ones of its key count as failed too."""
        broken: dict[tuple[str, str], Exception] = {}
        results: list[Exception | None] = []
        for message in messages:
            fault = self.faults.pop(0) if self.faults else ""
            if fault != "refused":
                self.append(message.topic, message.key, encode(message.event))
            if fault:
                broken.setdefault((message.topic, message.key), SendFailed(fault))
            results.append(broken.get((message.topic, message.key)))
        return results

    def append(self, topic: str, key: str, value: bytes) -> None:
        """Puts bytes into the partition of a key, as any other producer might."""
        partition = zlib.crc32(key.encode()) % PARTITIONS
        log = self.log(topic, partition)
        log.append(Held(topic, partition, len(log), key, value))

    def log(self, topic: str, partition: int) -> list[Held]:
        """One partition, oldest record first."""
        return self.logs.setdefault(topic, [[] for _ in range(PARTITIONS)])[partition]

    def records(self, topic: str) -> list[Held]:
        """All records of a topic, partition by partition."""
        return [record for log in self.logs.get(topic, ()) for record in log]

    def wipe(self) -> None:
        """The broker starts empty: every topic begins at offset 0 again."""
        self.logs.clear()


def kafka_event(records: Iterable[Held]) -> dict[str, Any]:
    """The event that Lambda's MSK source makes of these records."""
    partitions: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        partitions.setdefault(f"{record.topic}-{record.partition}", []).append(
            {
                "topic": record.topic,
                "partition": record.partition,
                "offset": record.offset,
                "timestamp": 1773284645000 + record.offset,
                "timestampType": "CREATE_TIME",
                "key": base64.b64encode(record.key.encode()).decode(),
                "value": base64.b64encode(record.value).decode(),
                "headers": [],
            }
        )
    return {
        "eventSource": "aws:kafka",
        "eventSourceArn": "arn:aws:kafka:cn-north-1:000000000000:cluster/fake/0",
        "bootstrapServers": "b-1.fake:9092",
        "records": partitions,
    }
