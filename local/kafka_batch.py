"""The rules of a Kafka event source mapping, without any Kafka: what a function is given, and what its answer means.

Everything here is pure; `local.kafka_source` polls, invokes and commits by it, `local.kafka_retry` says what comes
again, `local.kafka_failure` what a destination is told.
https://docs.aws.amazon.com/lambda/latest/dg/with-kafka.html
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from local import event_pattern
from local.event_pattern import Pattern

PAYLOAD_LIMIT = 6 * 1024 * 1024
# What an event takes besides its records: the cluster's ARN, its brokers, the names of the partitions.
_ENVELOPE = 4096

READINGS = ("resume", "records")
"""How a partial answer can be read: reading resumes at the first record reported of each partition, or just the
reported records come again. Lambda's documentation can be read as either."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A record as it stands in the topic. `timestamp` in epoch milliseconds."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    timestamp_type: str = "CREATE_TIME"
    key: bytes | None = None
    value: bytes | None = None
    headers: tuple[tuple[str, bytes], ...] = ()

    @property
    def place(self) -> str:
        """`<topic>-<partition>`, the name of the partition in events and answers."""
        return f"{self.topic}-{self.partition}"


class Cluster(msgspec.Struct, frozen=True, kw_only=True):
    """What an event says of where its records come from; a self-managed cluster has no `arn`."""

    arn: str | None
    bootstrap_servers: str


class Outcome(msgspec.Struct, frozen=True):
    """What an answer means for a batch: the records that come again, by partition; empty when all went well.

    `whole` tells that the batch failed as one (raised, timed out, malformed): it may be bisected.
    """

    failed: dict[int, tuple[Record, ...]]
    whole: bool = False
    reason: str = ""


def payload(records: Sequence[Record], cluster: Cluster) -> dict[str, Any]:
    """The event for a batch, partitions in the order they first appear."""
    source = {"eventSource": "SelfManagedKafka"}
    if cluster.arn is not None:
        source = {"eventSource": "aws:kafka", "eventSourceArn": cluster.arn}
    shown = {place: [_record(record) for record in those] for place, those in by_place(records).items()}
    return {**source, "bootstrapServers": cluster.bootstrap_servers, "records": shown}


def by_place(records: Iterable[Record]) -> dict[str, list[Record]]:
    """The records of each `<topic>-<partition>`, partitions in the order they first appear."""
    found: dict[str, list[Record]] = {}
    for record in records:
        found.setdefault(record.place, []).append(record)
    return found


def _record(record: Record) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": record.timestamp,
        "timestampType": record.timestamp_type,
        # Lambda writes header bytes as Java's signed ones.
        "headers": [{name: [byte - 256 if byte > 127 else byte for byte in value]} for name, value in record.headers],
    }
    if record.key is not None:
        shown["key"] = base64.b64encode(record.key).decode("ascii")
    shown["value"] = None if record.value is None else base64.b64encode(record.value).decode("ascii")
    return shown


def wanted(patterns: Sequence[Pattern], record: Record) -> bool:
    """Whether a mapping with these filters gives a record to its function: no filters, or any of them matches.

    A value is JSON or plain text, and so is what a filter says of `value` (an object, or a list of values); where the
    two differ the record is dropped, as is a value that is not UTF-8. A tombstone is null.
    https://docs.aws.amazon.com/lambda/latest/dg/kafka-filtering.html
    """
    if not patterns:
        return True
    try:
        text = None if record.value is None else record.value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    content = _structured(text)
    return any(_matches(pattern, text if content is None else content, content is not None) for pattern in patterns)


def _structured(text: str | None) -> Any:
    """The object or list a value holds; None for plain text, to which JSON's bare scalars are counted."""
    try:
        content = event_pattern.decode(text or "")
    except ValueError:
        return None
    return content if isinstance(content, (dict, list)) else None


def _matches(pattern: Pattern, content: Any, structured: bool) -> bool:
    for name, rule in pattern.items():
        if name == "$or":
            if not any(_matches(branch, content, structured) for branch in rule):
                return False
        elif isinstance(rule, Mapping) != structured or not event_pattern.matches({name: rule}, {name: content}):
            return False
    return True


def expired(records: Iterable[Record], *, maximum_age_seconds: int, now: float) -> list[Record]:
    """The records too old to be given to a function at `now`, in epoch seconds; -1 knows no age."""
    if maximum_age_seconds < 0:
        return []
    oldest = (now - maximum_age_seconds) * 1000
    return [record for record in records if record.timestamp < oldest]


def size(record: Record) -> int:
    """Bytes a record takes in the payload."""
    return len(msgspec.json.encode(_record(record))) + 1


def oversized(record: Record) -> bool:
    """Whether a record alone makes an event that Lambda cannot be given."""
    return size(record) + _ENVELOPE > PAYLOAD_LIMIT


def split(records: Iterable[Record], *, batch_size: int, limit: int = PAYLOAD_LIMIT) -> list[list[Record]]:
    """Batches of at most `batch_size` records and `limit` bytes of payload, order kept.

    A record that alone passes the limit is alone in its batch.
    """
    batches: list[list[Record]] = []
    filled = 0
    for record in records:
        weight = size(record)
        if not batches or len(batches[-1]) >= batch_size or filled + weight > limit:
            batches.append([])
            filled = _ENVELOPE
        batches[-1].append(record)
        filled += weight
    return batches


def whole_failure(records: Sequence[Record], reason: str) -> Outcome:
    """The batch failed as one: every record of every partition."""
    return Outcome(failed=by_partition(records), whole=True, reason=reason)


def by_partition(records: Iterable[Record]) -> dict[int, tuple[Record, ...]]:
    """Records of each partition, in order."""
    found: dict[int, list[Record]] = {}
    for record in records:
        found.setdefault(record.partition, []).append(record)
    return {partition: tuple(those) for partition, those in found.items()}


def interpret(records: Sequence[Record], answer: Any, *, report_failures: bool, reading: str = "resume") -> Outcome:
    """What a function's answer means for the batch it was given.

    Only with `ReportBatchItemFailures` is the answer read at all. Anything malformed, or naming a record that was
    not in the batch, is a failure of the whole batch. `reading` is one of READINGS.
    """
    if not report_failures or answer is None or answer == {}:
        return Outcome(failed={})
    if not isinstance(answer, Mapping):
        return whole_failure(records, f"the answer is a {type(answer).__name__}, not an object")
    failures = answer.get("batchItemFailures")
    if failures is None or failures == []:
        return Outcome(failed={})
    if not isinstance(failures, list):
        return whole_failure(records, "batchItemFailures is not a list")
    known = {(record.place, record.offset): record for record in records}
    reported: dict[int, set[int]] = {}
    for failure in failures:
        identifier = failure.get("itemIdentifier") if isinstance(failure, Mapping) else None
        record = _named(identifier, known)
        if record is None:
            named = json.dumps(identifier, default=str)
            return whole_failure(records, f"batchItemFailures names {named}: not in batch")
        reported.setdefault(record.partition, set()).add(record.offset)
    if reading == "records":
        again = [record for record in records if record.offset in reported.get(record.partition, ())]
    else:
        first = {partition: min(offsets) for partition, offsets in reported.items()}
        again = [r for r in records if r.partition in first and r.offset >= first[r.partition]]
    return Outcome(failed=by_partition(again), reason="reported by the function")


def _named(identifier: Any, known: Mapping[tuple[str, int], Record]) -> Record | None:
    if not isinstance(identifier, Mapping):
        return None
    place, offset = identifier.get("partition"), identifier.get("offset")
    # A boolean is no offset, though Python counts it among the integers.
    if not isinstance(place, str) or not isinstance(offset, int) or isinstance(offset, bool):
        return None
    return known.get((place, offset))


def first_offset(position: str, *, begun: bool) -> str:
    """Where a partition without a committed offset is read from: its `beginning`, its `end` or the `timestamp`.

    `begun` tells that the mapping began before what the partition holds: it was added later, or has been read before.
    LATEST passes nothing over then either.
    """
    if position == "AT_TIMESTAMP":
        return "timestamp"
    return "end" if position == "LATEST" and not begun else "beginning"
