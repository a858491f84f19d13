"""A member of a consumer group: what the group tells it, and where it reads a partition the group knows nothing of."""

from __future__ import annotations

import threading
from collections.abc import Iterable
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


def place(consumer: Any, partitions: Iterable[TopicPartition], mapping: KafkaMapping) -> None:
    """Set where partitions are read from that have no committed offset, or one that is no longer there."""
    every = [TopicPartition(mapping.topic, n) for n in sorted(consumer.partitions_for_topic(mapping.topic) or ())]
    begun = any(consumer.committed(each, timeout_ms=_ANSWER_MS) is not None for each in every)
    kind = kafka_batch.first_offset(mapping.starting_position, begun=begun)
    ends = consumer.end_offsets(every, timeout_ms=_ANSWER_MS)
    if kind == "end":
        offsets = ends
    elif kind == "timestamp":
        asked = dict.fromkeys(every, mapping.starting_timestamp)
        found = consumer.offsets_for_times(asked, timeout_ms=_ANSWER_MS)
        offsets = {each: ends[each] if found[each] is None else found[each].offset for each in every}
    else:
        offsets = consumer.beginning_offsets(every, timeout_ms=_ANSWER_MS)
    for each in partitions:
        consumer.seek(each, offsets[each])
    if kind == "end":
        # Kept for all of them, so that a restart passes nothing over, and a later partition is seen to be new.
        consumer.commit({each: OffsetAndMetadata(offset, "", -1) for each, offset in offsets.items()})
