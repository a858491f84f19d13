"""A Kafka event source mapping that runs: one thread and one consumer a mapping, by the rules of `kafka_batch`.

The consumer is confluent-kafka's, not the kafka-python of the functions: seven idle kafka-python consumers with
20 ms fetches took more than half a core here, seven of these 4 %, and a record costs 4 µs instead of 330. On AWS
this part belongs to Lambda; no product code runs in it.

Partitions are assigned by hand, since one local process reads them all: no group join to wait for. Offsets are
committed to the mapping's group, so a restart continues where it stopped. When the connection is lost, positions
are read again from the committed offsets: a broker that came back empty is then read from its beginning.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import confluent_kafka as kafka

from local import kafka_batch
from local.config import ACCOUNT
from local.kafka_batch import Outcome, Record
from local.source import Source
from local.template import KafkaMapping

log = logging.getLogger("local.kafka")

_TIMESTAMP_TYPES = {kafka.TIMESTAMP_CREATE_TIME: "CREATE_TIME", kafka.TIMESTAMP_LOG_APPEND_TIME: "LOG_APPEND_TIME"}
_LOST = {kafka.KafkaError._TRANSPORT, kafka.KafkaError._ALL_BROKERS_DOWN}
_BACK_OFF_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Invocable(Protocol):
    """What a mapping needs of a function."""

    name: str

    def invoke(self, event: Any) -> Any:
        """The function's answer to an event."""


class BrokerLost(Exception):
    """The connection was lost; positions must be read again before anything is committed."""


def back_off(attempt: int) -> float:
    """Seconds to wait before retry number `attempt`, counted from 1."""
    return _BACK_OFF_SECONDS[min(attempt, len(_BACK_OFF_SECONDS)) - 1]


_GATHER_SECONDS = 0.02
"""A fetch takes this long to gather at the least, as a consumer's fetch wait does: records that come together go together."""


class KafkaSource(Source):
    """One mapping. `start` and `stop` are its whole control; `state` is for people and status."""

    def __init__(
        self,
        mapping: KafkaMapping,
        function: Invocable,
        *,
        bootstrap_servers: str,
        cluster_arn: str,
        region: str = "cn-north-1",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(f"kafka {mapping.name}", state={"kind": "kafka", "topic": mapping.topic})
        self.mapping = mapping
        self._function = function
        self._bootstrap_servers = bootstrap_servers
        self._cluster_arn = cluster_arn
        self._function_arn = f"arn:aws:lambda:{region}:{ACCOUNT}:function:{function.name}"
        self._clock = clock
        self._lost = threading.Event()
        self._consumer: Any = None
        self._producer: Any = None
        # Failed invocations of a batch that begins at (partition, offset), and paused partitions' wake-up times.
        self._attempts: dict[tuple[int, int], int] = {}
        self._paused: dict[int, float] = {}
        self._limit: dict[int, int] = {}

    def broker_lost(self) -> None:
        """The supervisor saw the broker die: forget positions before a new, empty one answers."""
        self._lost.set()

    # -------------------------------------------------------------------------------------------- the thread

    def _run(self) -> None:
        attempt = 0
        while not self._stopping.is_set():
            try:
                self._open()
                attempt = 0
                while not self._stopping.is_set():
                    self._turn()
            except BrokerLost:
                log.warning("%s: broker lost, reading positions again", self.mapping.name)
                self.state["last"] = "broker lost"
                # A consumer assigned anew while its first assignment is still being looked up may never fetch again.
                self._close()
            except kafka.KafkaException as error:
                log.warning("%s: %s", self.mapping.name, error)
                self.state["last"] = f"broker: {error}"
            except Exception as error:
                log.exception("%s: starting again", self.mapping.name)
                self.state["last"] = f"poller failed: {error!r}"
            attempt += 1
            if not self._stopping.is_set():
                self._stopping.wait(0.05 if attempt == 1 else back_off(attempt))
        self._close()

    def _open(self) -> None:
        """(Re)build the assignment from committed offsets."""
        self._lost.clear()
        self._attempts.clear()
        self._paused.clear()
        self._limit.clear()
        if self._consumer is None:
            self._consumer = kafka.Consumer(self._consumer_settings(), logger=logging.getLogger("local.kafka.client"))
        partitions = self._partitions(self._consumer)
        self._consumer.assign([kafka.TopicPartition(self.mapping.topic, n.partition, n.offset) for n in partitions])
        self._consumer.resume(partitions)
        self.state["last"] = "waiting for records"
        self.assigned.set()

    def _consumer_settings(self) -> dict[str, Any]:
        return {
            "bootstrap.servers": self._bootstrap_servers,
            "group.id": self.mapping.group,
            "enable.auto.commit": False,
            "auto.offset.reset": "latest" if self.mapping.starting_position == "LATEST" else "earliest",
            # The embedded broker does not wake a waiting fetch: this is the latency of a hop there.
            "fetch.wait.max.ms": 10,
            "fetch.error.backoff.ms": 50,
            "reconnect.backoff.ms": 20,
            "reconnect.backoff.max.ms": 500,
            "queued.max.messages.kbytes": 16384,
            "log_level": 2,
            "error_cb": self._on_error,
        }

    def _on_error(self, error: kafka.KafkaError) -> None:
        if error.code() in _LOST:
            self._lost.set()

    def _partitions(self, consumer: Any) -> list[Any]:
        metadata = consumer.list_topics(self.mapping.topic, timeout=5).topics[self.mapping.topic]
        if metadata.error is not None or not metadata.partitions:
            raise kafka.KafkaException(metadata.error or kafka.KafkaError(kafka.KafkaError._UNKNOWN_TOPIC))
        return [
            kafka.TopicPartition(self.mapping.topic, number, kafka.OFFSET_STORED)
            for number in sorted(metadata.partitions)
        ]

    def _turn(self) -> None:
        """One poll and what follows from it."""
        self._wake_partitions()
        records = self._poll()
        if self._lost.is_set():
            raise BrokerLost
        for batch in kafka_batch.split(records, batch_size=self.mapping.batch_size):
            # A partition that failed in an earlier batch of this poll is read again from there.
            self._process([record for record in batch if record.partition not in self._paused])

    def _poll(self) -> list[Record]:
        """Whatever is there: a full batch at once, less after the batching window."""
        wait = 0.5 if not self._paused else max(0.01, min(self._paused.values()) - self._clock())
        first = self._consumer.poll(min(wait, 0.5))
        if first is None:
            return []
        window = max(self.mapping.window_seconds, _GATHER_SECONDS)
        size = min(self._limit.values(), default=self.mapping.batch_size)
        more = self._consumer.consume(size - 1, timeout=window) if size > 1 else []
        records = []
        for message in [first, *more]:
            if message.error() is None:
                records.append(_record(message))
            elif message.error().code() in _LOST:
                self._lost.set()
            else:
                raise kafka.KafkaException(message.error())
        return records

    def _wake_partitions(self) -> None:
        now = self._clock()
        for partition in [number for number, until in self._paused.items() if until <= now]:
            del self._paused[partition]
            self._consumer.resume([kafka.TopicPartition(self.mapping.topic, partition)])

    def _process(self, records: Sequence[Record]) -> None:
        if not records:
            return
        outcome = self._invoke(records)
        if self._lost.is_set():
            # Nothing of this batch may be committed: the offsets may belong to a log that is gone.
            raise BrokerLost
        following = kafka_batch.resume_offsets(records, outcome)
        for partition, offset in outcome.failed.items():
            mine = [record for record in records if record.partition == partition and record.offset >= offset]
            following[partition] = self._failed(mine, outcome)
        for partition in following.keys() - outcome.failed.keys():
            self._limit.pop(partition, None)
            for place in [place for place in self._attempts if place[0] == partition]:
                del self._attempts[place]
        self._commit(following)

    def _invoke(self, records: Sequence[Record]) -> Outcome:
        event = kafka_batch.payload(records, cluster_arn=self._cluster_arn, bootstrap_servers=self._bootstrap_servers)
        try:
            answer = self._function.invoke(event)
        except Exception as error:
            log.exception("%s failed on %d records", self.mapping.name, len(records))
            outcome = kafka_batch.whole_failure(records, f"{type(error).__name__}: {error}")
        else:
            outcome = kafka_batch.interpret(records, answer, report_failures=self.mapping.report_failures)
        self.state["records"] += len(records)
        self.state["last"] = f"failed: {outcome.reason}" if outcome.failed else f"{len(records)} records"
        return outcome

    def _failed(self, records: Sequence[Record], outcome: Outcome) -> int:
        """Decide about one partition's failed records; the offset where reading goes on."""
        first = records[0]
        attempts = self._attempts.get((first.partition, first.offset), 0) + 1
        if outcome.whole and self.mapping.bisect and len(records) > 1:
            # Lambda does not count a bisection against the attempts.
            self._limit[first.partition] = max(1, len(records) // 2)
            attempts = 1
        elif 0 <= self.mapping.maximum_retries < attempts:
            given_up = records if outcome.whole else records[:1]
            self._attempts.pop((first.partition, first.offset), None)
            self._give_up(given_up, outcome, attempts)
            self._limit.pop(first.partition, None)
            self._seek(first.partition, given_up[-1].offset + 1, pause=0)
            return given_up[-1].offset + 1
        self._attempts[first.partition, first.offset] = attempts
        self._seek(first.partition, first.offset, pause=back_off(attempts))
        return first.offset

    def _seek(self, partition: int, offset: int, *, pause: float) -> None:
        place = kafka.TopicPartition(self.mapping.topic, partition, offset)
        # Also without a wait: what was fetched past this offset in the same poll must not go first.
        self._paused[partition] = self._clock() + pause
        self._consumer.pause([place])
        self._consumer.seek(place)

    def _give_up(self, records: Sequence[Record], outcome: Outcome, attempts: int) -> None:
        topic = self.mapping.dead_letter_topic
        log.error(
            "%s: %d records given up after %d attempts: %s", self.mapping.name, len(records), attempts, outcome.reason
        )
        if topic is None:
            return
        if self._producer is None:
            settings = {"bootstrap.servers": self._bootstrap_servers, "enable.idempotence": True, "log_level": 2}
            self._producer = kafka.Producer({**settings, "delivery.timeout.ms": 10_000})
        undelivered: list[Any] = []
        for record in records:
            message = kafka_batch.dead_letter(
                record,
                function_arn=self._function_arn,
                cluster_arn=self._cluster_arn,
                bootstrap_servers=self._bootstrap_servers,
                request_id=str(uuid.uuid4()),
                reason=outcome.reason,
                attempts=attempts,
            )
            self._producer.produce(
                topic, message, record.key, on_delivery=lambda error, _: undelivered.append(error) if error else None
            )
        if self._producer.flush(15) or undelivered:
            # Not committed: the records come again, and so does the dead letter.
            raise kafka.KafkaException(*undelivered[:1])

    def _commit(self, following: Mapping[int, int]) -> None:
        offsets = [kafka.TopicPartition(self.mapping.topic, number, offset) for number, offset in following.items()]
        self._consumer.commit(offsets=offsets, asynchronous=True)

    def _close(self) -> None:
        self.assigned.clear()
        if self._consumer is not None:
            self._consumer.close()
            self._consumer = None


def _record(message: Any) -> Record:
    kind, timestamp = message.timestamp()
    return Record(
        topic=message.topic(),
        partition=message.partition(),
        offset=message.offset(),
        timestamp=max(timestamp, 0),
        timestamp_type=_TIMESTAMP_TYPES.get(kind, "NO_TIMESTAMP_TYPE"),
        key=message.key(),
        value=message.value(),
        headers=tuple((name, value or b"") for name, value in message.headers() or ()),
    )
