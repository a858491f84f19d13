"""A Kafka event source mapping that runs: one thread and one consumer a mapping, by the rules of `kafka_batch`.

The consumer joins the mapping's group, so several runners can share one, each partition being read by one of them, in
order. Offsets are committed by hand once everything before them is done, given up or filtered out; what a group does
not know comes again. When the broker was lost a new consumer reads positions from the committed offsets: a broker
that came back empty is then read from its beginning.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from kafka import TopicPartition
from kafka.errors import InvalidRequestError, KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError
from kafka.structs import OffsetAndMetadata

from local import kafka_batch, kafka_failure, kafka_group, kafka_retry
from local.destinations import FailureSender, NotDelivered
from local.kafka_batch import Cluster, Outcome, Record
from local.kafka_client import KafkaCluster, NoCluster, Watched
from local.kafka_failure import Failure
from local.kafka_group import Membership
from local.kafka_retry import Lane, Verdict, Work
from local.mappings import LONGEST_KAFKA_TIMEOUT, KafkaMapping, TemplateError
from local.source import PATIENCE_SECONDS, Invocable, Source, back_off, function_arn

log = logging.getLogger("local.kafka")

_TIMESTAMP_TYPES = {0: "CREATE_TIME", 1: "LOG_APPEND_TIME"}
# A member must come back to its group now and then to hear of others who join or leave.
_IDLE_SECONDS = 0.5
_ANSWER_MS = 5_000
_JOIN_MS = 3_000


class BrokerLost(Exception):
    """The connection was lost; positions must be read again before anything is committed."""


class KafkaSource(Source):
    """One mapping. `start` and `stop` are its whole control; `state` is for people and status.

    `reading` is one of `kafka_batch.READINGS`; `clock` gives seconds for waiting, `now` the time of day records carry.
    Raises TemplateError for a starting time in the future.
    """

    def __init__(
        self,
        mapping: KafkaMapping,
        function: Invocable,
        *,
        kafka: KafkaCluster,
        cluster_arn: str | None = None,
        sender: FailureSender | None = None,
        reading: str = "resume",
        region: str = "cn-north-1",
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        state = {"kind": "kafka", "topic": mapping.topic, "group": mapping.group}
        super().__init__(f"kafka {mapping.name}", state=state)
        if (mapping.starting_timestamp or 0) > now() * 1000:
            place = f"{mapping.function}.Events.{mapping.event}.StartingPositionTimestamp"
            raise TemplateError(f"{place}: lies in the future; Lambda takes only the past")
        self.mapping = mapping
        self._function = function
        self._function_arn = function_arn(function.name, region=region)
        self._kafka = kafka
        servers = ",".join(mapping.bootstrap_servers) or kafka.bootstrap_servers
        self._cluster = Cluster(
            arn=None if mapping.kind == "SelfManagedKafka" else cluster_arn, bootstrap_servers=servers
        )
        self._sender = sender
        self._reading = reading
        self._clock = clock
        self._now = now
        self._lost = threading.Event()
        self._watched: Watched | None = None
        self._consumer: Any = None
        self._membership = Membership()
        self._lanes: dict[int, Lane] = {}
        self._committed: dict[int, int] = {}
        self._note = ""

    def broker_lost(self) -> None:
        """The supervisor saw the broker die: forget positions before a new, empty one answers."""
        self._lost.set()
        self._wake()

    def stop(self, *, patience: float = PATIENCE_SECONDS) -> None:
        """Finish the batch in hand, commit, leave the group and end."""
        self._stopping.set()
        self._wake()
        super().stop(patience=patience)

    # -------------------------------------------------------------------------------------------- the thread

    def _run(self) -> None:
        attempt = 0
        while not self._stopping.is_set():
            try:
                self._open()
                while not self._stopping.is_set():
                    self._turn()
                    attempt = 0
                self._committed.clear()
                self._commit(wait=True)
            except BrokerLost:
                log.warning("%s: broker lost, reading positions again", self.mapping.name)
                self.state["last"] = "broker lost"
            except (KafkaError, NoCluster, NotDelivered) as error:
                log.warning("%s: %s", self.mapping.name, error)
                self.state["last"] = f"broker: {error}"
            except Exception as error:
                log.exception("%s: starting again", self.mapping.name)
                self.state["last"] = f"poller failed: {error!r}"
            self._close()
            attempt += 1
            if not self._stopping.is_set():
                self._stopping.wait(0.05 if attempt == 1 else back_off(attempt))

    def _open(self) -> None:
        """A new member of the group, which knows nothing yet."""
        self._lost.clear()
        embedded = self._kafka.is_embedded()
        if embedded and self._watched is None:
            self._watched = self._kafka.watch(self.mapping.topic)
        # Between two polls lies at most a batch and what came again of one partition, see `_turn`.
        longest = 2 * LONGEST_KAFKA_TIMEOUT + self.mapping.window_seconds + 60
        self._consumer = self._kafka.consumer(
            self.mapping.group, client_id=self.mapping.name, embedded=embedded, longest_seconds=longest
        )
        self._membership = Membership()
        self._consumer.subscribe([self.mapping.topic], listener=self._membership)
        self.state["last"] = "joining its group"

    def _close(self) -> None:
        """Leave the group. Nothing is committed here: after a loss nothing may be."""
        self.assigned.clear()
        self._forget()
        if self._sender is not None:
            self._sender.close()
        if self._consumer is not None:
            consumer, self._consumer = self._consumer, None
            try:
                consumer.close(autocommit=False, timeout_ms=1000)
            except Exception as error:
                log.debug("%s: closing: %s", self.mapping.name, error)

    def _turn(self) -> None:
        """What is due again of one partition, then one batch from the topic, each committed.

        No more, since the group takes a member for gone that does not poll: the other partitions have their turns, and
        what a poll gives beyond a batch waits in its lanes.
        """
        for partition, lane in self._lanes.items():
            work = lane.next(self._clock())
            if work is not None:
                self._lanes[partition] = self._lanes.pop(partition)  # behind the others
                self._again(partition, lane, work)
                self._commit()
                break
        batches = kafka_batch.split(self._gather(), batch_size=self.mapping.batch_size)
        if batches and not self._stopping.is_set():
            self._first_time(batches.pop(0))
        for batch in batches:
            self._hold(batch)
        self._commit()

    # -------------------------------------------------------------------------------------------- reading

    def _gather(self) -> list[Record]:
        """Wanted records, up to a batch, as they come within the window after the first."""
        gathered = self._poll(self.mapping.batch_size, wait=self._patience())
        closes = self._clock() + self.mapping.window_seconds
        while gathered and len(gathered) < self.mapping.batch_size and not self._stopping.is_set():
            # What is due again does not wait for another partition's window.
            wait = min(closes - self._clock(), self._patience())
            if wait <= 0 or sum(map(kafka_batch.size, gathered)) > kafka_batch.PAYLOAD_LIMIT:
                break
            epoch = self._membership.epoch
            more = self._poll(self.mapping.batch_size - len(gathered), wait=wait)
            # Others own what was read before the group was shared out anew.
            gathered = gathered + more if epoch == self._membership.epoch else more
        return gathered

    def _patience(self) -> float:
        """Seconds until something is due again, at most until the group should hear of us."""
        due = [lane.due - self._clock() for lane in self._lanes.values() if lane.waiting]
        return max(0.0, min([_IDLE_SECONDS, *due]))

    def _poll(self, count: int, *, wait: float) -> list[Record]:
        """At most `count` records that the mapping wants; those it does not want count as read."""
        try:
            polled = self._fetch(count, wait)
        except (NoOffsetForPartitionError, OffsetOutOfRangeError) as error:
            self._note = kafka_group.place(self._consumer, error.args[0], self.mapping)
            polled = {}
        except InvalidRequestError:
            # The embedded broker counts a member that has not come back yet among those to share out to: join again.
            self._stopping.wait(0.1)
            polled = {}
        if self._lost.is_set():
            raise BrokerLost
        self._take_over()
        records = [_record(message) for messages in polled.values() for message in messages]
        for record in records:
            self._lane(record.partition).read(record)
        return [record for record in records if kafka_batch.wanted(self.mapping.patterns, record)]

    def _fetch(self, count: int, wait: float) -> Any:
        if not self._membership.assigned.is_set():
            # A join that completes while no poll waits for it is begun anew.
            return self._consumer.poll(timeout_ms=_JOIN_MS, max_records=count)
        if self._watched is None:
            return self._consumer.poll(timeout_ms=int(wait * 1000), max_records=count)
        woken = self._watched.grown.wait(wait)
        self._watched.grown.clear()
        waiting = any(lane.waiting for lane in self._lanes.values())  # another invocation before long: poll
        if woken and not waiting and not self._watched.is_ahead(self._positions()):
            return {}
        found = self._consumer.poll(timeout_ms=100 if woken else 0, max_records=count)
        if found:
            self._wake()  # there may be more
        return found

    def _positions(self) -> dict[int, int]:
        """Where the partitions stand that are not held up; -1 for one that is not known yet."""
        consumer, paused = self._consumer, self._consumer.paused()
        positions: dict[int, int] = {}
        for place in consumer.assignment() - paused:
            try:
                positions[place.partition] = consumer.position(place, timeout_ms=0)
            except (KafkaError, AssertionError):
                positions[place.partition] = -1
        return positions

    def _wake(self) -> None:
        if self._watched is not None:
            self._watched.grown.set()

    def _take_over(self) -> None:
        """After the group was shared out: everything begins again at the committed offsets."""
        if not self._membership.changed.is_set():
            return
        self._membership.changed.clear()
        self._forget()
        if not self._membership.assigned.is_set():
            return
        owned = sorted(place.partition for place in self._consumer.assignment())
        self._note = kafka_group.note(self._consumer, self.mapping)
        self.state["partitions"] = owned
        self.state["last"] = "waiting for records"
        log.info("%s: reads partitions %s of %s", self.mapping.name, owned, self.mapping.topic)
        self.assigned.set()
        self._wake()

    # -------------------------------------------------------------------------------------------- working

    def _hold(self, records: Iterable[Record]) -> None:
        for partition, those in kafka_batch.by_partition(records).items():
            self._lane(partition).hold(those)
            self._consumer.pause(TopicPartition(self.mapping.topic, partition))

    def _first_time(self, batch: Sequence[Record]) -> None:
        """Give a batch from the topic to the function; behind records that failed in this turn it waits."""
        held = {record.partition for record in batch if self._lane(record.partition).waiting}
        self._hold(record for record in batch if record.partition in held)
        fresh = [record for record in batch if record.partition not in held]
        fit = self._fit(fresh, attempts=0)
        if not fit:
            return
        outcome = self._invoke(fit)
        for partition, failed in outcome.failed.items():
            given = tuple(record for record in fit if record.partition == partition)
            verdict = self._judge(Work(given), failed, outcome)
            lane = self._lane(partition)
            lane.put(verdict, self._clock())
            if lane.waiting:
                self._consumer.pause(TopicPartition(self.mapping.topic, partition))

    def _again(self, partition: int, lane: Lane, work: Work) -> None:
        fit = tuple(self._fit(work.records, attempts=work.attempts))
        outcome = self._invoke(fit) if fit else Outcome(failed={})
        failed = outcome.failed.get(partition)
        lane.settle(self._judge(Work(fit, work.attempts), failed, outcome) if failed else None, self._clock())
        if not lane.waiting:
            self._consumer.resume(TopicPartition(self.mapping.topic, partition))
            self._wake()

    def _judge(self, work: Work, failed: tuple[Record, ...], outcome: Outcome) -> Verdict:
        verdict = kafka_retry.judge(work, failed, whole=outcome.whole, mapping=self.mapping, reading=self._reading)
        if verdict.lost:
            log.error(
                "%s: %d records given up after %d attempts: %s",
                *(self.mapping.name, len(verdict.lost), verdict.attempts, outcome.reason),
            )
            self._give_up(verdict.lost, kafka_failure.EXHAUSTED, attempts=verdict.attempts, raised=outcome.whole)
        return verdict

    def _fit(self, records: Sequence[Record], *, attempts: int) -> list[Record]:
        """The records a function can be given; those too old or too large go to the destination."""
        old = kafka_batch.expired(records, maximum_age_seconds=self.mapping.maximum_age_seconds, now=self._now())
        if old:
            log.error("%s: %d records are too old", self.mapping.name, len(old))
            self._give_up(old, kafka_failure.TOO_OLD, attempts=attempts, raised=attempts > 0)
        young = [record for record in records if record not in old] if old else list(records)
        if len(young) == 1 and kafka_batch.oversized(young[0]):  # `split` leaves it alone in its batch
            log.error("%s: a record is too large", self.mapping.name)
            self._give_up(young, kafka_failure.TOO_LARGE, attempts=attempts, raised=False)
            return []
        return young

    def _invoke(self, records: Sequence[Record]) -> Outcome:
        event = kafka_batch.payload(records, self._cluster)
        try:
            answer = self._function.invoke(event)
        except Exception as error:
            log.exception("%s failed on %d records", self.mapping.name, len(records))
            outcome = kafka_batch.whole_failure(records, f"{type(error).__name__}: {error}")
        else:
            report = self.mapping.report_failures
            outcome = kafka_batch.interpret(records, answer, report_failures=report, reading=self._reading)
        self.state["records"] += len(records)
        self.state["last"] = f"failed: {outcome.reason}" if outcome.failed else f"{len(records)} records"
        if self._lost.is_set():
            # Nothing of this batch may be committed: the offsets may belong to a log that is gone.
            raise BrokerLost
        return outcome

    def _give_up(self, records: Sequence[Record], condition: str, *, attempts: int, raised: bool) -> None:
        """Leave records at the destination; returns before anything is committed. Raises NotDelivered."""
        if self._sender is not None:
            failure = Failure(
                condition=condition,
                attempts=attempts,
                raised=raised,
                function_arn=self._function_arn,
                request_id=str(uuid.uuid4()),
                now=self._now(),
            )
            self._sender.send(records, failure, self._cluster)
        self.state["given_up"] = self.state.get("given_up", 0) + len(records)

    # -------------------------------------------------------------------------------------------- committing

    def _commit(self, *, wait: bool = False) -> None:
        """Tell the group what is done; with `wait`, return when it knows."""
        due = {partition: lane.committable for partition, lane in self._lanes.items()}
        news = {
            partition: offset
            for partition, offset in due.items()
            if offset is not None and self._committed.get(partition) != offset
        }
        if not news or self._membership.changed.is_set():
            return
        offsets = {
            TopicPartition(self.mapping.topic, partition): OffsetAndMetadata(offset, self._note, -1)
            for partition, offset in news.items()
        }
        if wait:
            self._consumer.commit(offsets, timeout_ms=_ANSWER_MS)
        else:
            self._consumer.commit_async(offsets, callback=self._committed_or_not)
        self._committed.update(news)

    def _committed_or_not(self, _: Any, answer: Any) -> None:
        if isinstance(answer, Exception):
            log.warning("%s: not committed, comes again: %s", self.mapping.name, answer)
            self._committed.clear()

    def _lane(self, partition: int) -> Lane:
        return self._lanes.setdefault(partition, Lane())

    def _forget(self) -> None:
        self._lanes.clear()
        self._committed.clear()


def _record(message: Any) -> Record:
    return Record(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        timestamp=max(message.timestamp, 0),
        timestamp_type=_TIMESTAMP_TYPES.get(message.timestamp_type, "NO_TIMESTAMP_TYPE"),
        key=message.key,
        value=message.value,
        headers=tuple((name, value or b"") for name, value in message.headers or ()),
    )
