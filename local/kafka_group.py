"""A member of a consumer group: what the group tells it, and where it reads a partition the group knows nothing of."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Any

from kafka import ConsumerRebalanceListener, TopicPartition
from kafka.structs import OffsetAndMetadata

from local import kafka_batch
from local.mappings import KafkaMapping

_ANSWER_MS = 5_000


class Membership(ConsumerRebalanceListener):  # type: ignore[misc]
    """What the group tells a member. Called on the consumer's own thread while a poll waits: only notes are taken.

    `epoch` counts; `changed` is set until the source has taken note; `assigned` tells that a share was given.
    """

    def __init__(self) -> None:
        self.changed = threading.Event()
        self.assigned = threading.Event()
        self.epoch = 0

    def on_partitions_revoked(self, revoked: Any) -> None:
        """The group is about to be shared out anew."""
        self.epoch += 1
        self.changed.set()
        self.assigned.clear()

    def on_partitions_assigned(self, assigned: Any) -> None:
        """This member has its share, which may be none."""
        self.epoch += 1
        self.assigned.set()
        self.changed.set()


def place(consumer: Any, partitions: Iterable[TopicPartition], mapping: KafkaMapping) -> str:
    """Set where a member's own partitions are read from that have no committed offset, or one that is no longer there.

    Returns the note that every later commit carries, see `note`. What begins at its end is committed at once, so that
    a restart passes nothing over.
    """
    every = consumer.partitions_for_topic(mapping.topic) or ()
    known = _known(consumer, mapping.topic)
    # Under LATEST another member may have placed its share already: its note says what there was when the group began.
    written = _oldest_note(known) if known else str(len(every))
    ends = {}
    for each in partitions:
        new = bool(known) and each.partition >= int(written or 0)
        begun = each.partition in known or new
        kind = kafka_batch.first_offset(mapping.starting_position, begun=begun)
        offset = _offset(consumer, each, kind, mapping)
        consumer.seek(each, offset)
        if kind == "end":
            ends[each] = OffsetAndMetadata(offset, written, -1)
    if ends:
        consumer.commit(ends, timeout_ms=_ANSWER_MS)
    return written if mapping.starting_position == "LATEST" else ""


def note(consumer: Any, mapping: KafkaMapping) -> str:
    """What is written beside the offsets of a group that began at LATEST: how many partitions there were then.

    By it a partition nobody has placed yet is told from one that was added later, which is read from its beginning.
    Empty for a group that has none.
    """
    return _oldest_note(_known(consumer, mapping.topic)) if mapping.starting_position == "LATEST" else ""


def _oldest_note(known: Mapping[int, OffsetAndMetadata]) -> str:
    # The smallest: where two members saw a topic grow while they began, nothing is passed over.
    return min((each.metadata for each in known.values() if (each.metadata or "").isdecimal()), key=int, default="")


def _known(consumer: Any, topic: str) -> dict[int, OffsetAndMetadata]:
    """What the group has committed, by partition."""
    found = {
        number: consumer.committed(TopicPartition(topic, number), metadata=True, timeout_ms=_ANSWER_MS)
        for number in consumer.partitions_for_topic(topic) or ()
    }
    return {number: committed for number, committed in found.items() if committed is not None}


def _offset(consumer: Any, each: TopicPartition, kind: str, mapping: KafkaMapping) -> int:
    if kind == "beginning":
        return int(consumer.beginning_offsets([each], timeout_ms=_ANSWER_MS)[each])
    if kind == "timestamp":
        found = consumer.offsets_for_times({each: mapping.starting_timestamp}, timeout_ms=_ANSWER_MS)[each]
        if found is not None:
            return int(found.offset)
    return int(consumer.end_offsets([each], timeout_ms=_ANSWER_MS)[each])
