"""One Kafka cluster as all event sources of a process see it: its clients, what is new on it, how far groups are.

The clients are kafka-python's with the options that fit both Apache Kafka and the embedded broker. Apache Kafka wakes
a waiting fetch, so a source waits in its own. The embedded broker does not: there one `Watch` asks for the ends of all
topics at once and wakes the sources whose topic has grown. Seven sources fetching every 20 ms took half a core.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from typing import Any

import kafka
from kafka import TopicPartition
from kafka.errors import KafkaError

from local.mappings import KafkaMapping

log = logging.getLogger("local.kafka")

# Spoken by Apache Kafka 2.3 to 4.x and by the embedded broker, which does not answer kafka-python's own question.
_API_VERSION = (2, 3)
_EMBEDDED = "mockCluster"
_ANSWER_SECONDS = 5.0


class NoCluster(Exception):
    """Nobody answers at the address; the message names it."""


class KafkaCluster:
    """A cluster at `bootstrap_servers`. Threads may share it; `close` when no source uses it any more."""

    def __init__(self, bootstrap_servers: str) -> None:
        self.bootstrap_servers = bootstrap_servers
        self._lock = threading.Lock()
        self._watch: Watch | None = None

    def is_embedded(self) -> bool:
        """Whether this is librdkafka's mock cluster. Raises NoCluster."""
        try:
            admin = kafka.KafkaAdminClient(**self._connection(), bootstrap_timeout_ms=int(_ANSWER_SECONDS * 1000))
        except KafkaError as error:
            raise NoCluster(f"no Kafka cluster answers at {self.bootstrap_servers}: {error}") from error
        try:
            return str(admin.describe_cluster()["cluster_id"]).startswith(_EMBEDDED)
        except KafkaError as error:
            raise NoCluster(f"no Kafka cluster answers at {self.bootstrap_servers}: {error}") from error
        finally:
            admin.close()

    def consumer(self, group: str, *, client_id: str, embedded: bool, longest_seconds: float) -> Any:
        """A member of a group. `longest_seconds` may pass between two polls before the group counts it as gone."""
        return kafka.KafkaConsumer(
            **self._connection(),
            client_id=client_id,
            group_id=group,
            # A source says itself where an uncommitted partition begins, and what is done.
            auto_offset_reset="none",
            enable_auto_commit=False,
            fetch_max_wait_ms=1 if embedded else 500,
            # A checksum in Python costs 0.1 ms a batch; brokers have checked what producers sent, and TCP what came.
            check_crcs=False,
            # A killed member holds its partitions this long; brokers allow 6 s and more, the embedded one any.
            session_timeout_ms=3000 if embedded else 6000,
            heartbeat_interval_ms=500 if embedded else 1500,
            max_poll_interval_ms=int(longest_seconds * 1000),
            metadata_max_age_ms=60_000,
            metrics_enabled=False,
        )

    def producer(self) -> Any:
        """For records that are given up. A send is done when every replica has it."""
        return kafka.KafkaProducer(
            **self._connection(),
            acks="all",
            enable_idempotence=True,
            delivery_timeout_ms=10_000,
            max_block_ms=10_000,  # a topic that is not there
            request_timeout_ms=5_000,
        )

    def watch(self, topic: str) -> Watched:
        """A look at a topic's ends, for a broker that does not wake fetches."""
        with self._lock:
            if self._watch is None:
                self._watch = Watch(self._asker())
            return self._watch.add(topic)

    def lags(self, mappings: Sequence[KafkaMapping]) -> dict[str, int | None]:
        """By mapping's name, the records of its topic its group has not committed yet; None when nobody says."""
        found: dict[str, int | None] = {mapping.name: None for mapping in mappings}
        try:
            self.is_embedded()  # bounded in time, which a consumer's first question is not; once for all of them
        except NoCluster:
            return found
        return found | {mapping.name: self._lag(mapping.group, mapping.topic) for mapping in mappings}

    def _lag(self, group: str, topic: str) -> int | None:
        asker = self._asker(group)
        try:
            partitions = [TopicPartition(topic, number) for number in asker.partitions_for_topic(topic) or ()]
            wait = int(_ANSWER_SECONDS * 1000)
            ends = asker.end_offsets(partitions, timeout_ms=wait)
            begins = asker.beginning_offsets(partitions, timeout_ms=wait)
            committed = {place: asker.committed(place, timeout_ms=wait) for place in partitions}
            behind: int = sum(max(0, ends[place] - max(committed[place] or 0, begins[place])) for place in partitions)
            return behind
        except (KafkaError, KeyError):
            return None
        finally:
            asker.close(timeout_ms=1000)

    def close(self) -> None:
        """End the watch."""
        if self._watch is not None:
            self._watch.stop()

    def _asker(self, group: str | None = None) -> Any:
        """A consumer that only asks for offsets, those committed by `group` among them."""
        return kafka.KafkaConsumer(
            **self._connection(), group_id=group, enable_auto_commit=False, metrics_enabled=False
        )

    def _connection(self) -> dict[str, Any]:
        return {
            "bootstrap_servers": self.bootstrap_servers.split(","),
            "api_version": _API_VERSION,
            "reconnect_backoff_ms": 20,
            "reconnect_backoff_max_ms": 500,
        }


_BUSY_SECONDS = 0.01
_QUIET_SECONDS = 0.05
_QUIET_AFTER_SECONDS = 5.0


class Watched:
    """One source's view of one topic: `grown` is set when it may hold something new, `ends` where it ends."""

    def __init__(self) -> None:
        self.grown = threading.Event()
        self.grown.set()  # there may be something already
        self.ends: dict[int, int] = {}

    def is_ahead(self, positions: dict[int, int]) -> bool:
        """Whether any of the partitions holds something after its position."""
        return any(self.ends.get(partition, 0) != position for partition, position in positions.items())


class Watch:
    """Asks where the watched topics end and wakes the sources of those that have moved, on a thread of its own.

    One question for all partitions of all topics costs as much as one fetch.
    """

    def __init__(self, consumer: Any) -> None:
        self._consumer = consumer
        self._watched: dict[str, list[Watched]] = {}
        self._ends: dict[str, dict[int, int]] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="kafka watch", daemon=True)

    def add(self, topic: str) -> Watched:
        """Watch a topic, too."""
        watched = Watched()
        self._watched.setdefault(topic, []).append(watched)
        self._ends.pop(topic, None)
        if not self._thread.is_alive():
            self._thread.start()
        return watched

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(_ANSWER_SECONDS)

    def _run(self) -> None:
        moved = time.monotonic()
        while not self._stopping.is_set():
            try:
                if self._look():
                    moved = time.monotonic()
            except Exception as error:  # sources would hear of nothing any more
                log.debug("watch: %r", error)
                self._stopping.wait(_QUIET_SECONDS)
            quiet = time.monotonic() - moved > _QUIET_AFTER_SECONDS
            self._stopping.wait(_QUIET_SECONDS if quiet else _BUSY_SECONDS)
        self._consumer.close(timeout_ms=1000)

    def _look(self) -> bool:
        partitions = [
            TopicPartition(topic, number)
            for topic in list(self._watched)
            for number in self._consumer.partitions_for_topic(topic) or ()
        ]
        found = self._consumer.end_offsets(partitions, timeout_ms=1000) if partitions else {}
        ends: dict[str, dict[int, int]] = {}
        for place, end in found.items():
            ends.setdefault(place.topic, {})[place.partition] = end
        # Any difference: the ends of a broker that came back empty lie before those known.
        moved = [topic for topic in ends if self._ends.get(topic) != ends[topic]]
        for topic in moved:
            self._ends[topic] = ends[topic]
            for watched in list(self._watched[topic]):
                watched.ends = ends[topic]
                watched.grown.set()
        return bool(moved)
