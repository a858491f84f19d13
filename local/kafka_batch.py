"""The rules of a Kafka event source mapping, without any Kafka: what a function is given, and what its answer means.

Everything here is pure; `local.kafka_source` polls, invokes, commits and seeks by it.
https://docs.aws.amazon.com/lambda/latest/dg/with-kafka.html
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

PAYLOAD_LIMIT = 6 * 1024 * 1024
# What one record takes in the payload besides its key, value and headers.
_RECORD_OVERHEAD = 180


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


class Outcome(msgspec.Struct, frozen=True):
    """What an answer means for a batch: from which offset on each partition failed; empty when all went well.

    `whole` tells that the batch failed as one (raised, timed out, malformed): it may be bisected.
    """

    failed: dict[int, int]
    whole: bool = False
    reason: str = ""


def payload(records: Sequence[Record], *, cluster_arn: str, bootstrap_servers: str) -> dict[str, Any]:
    """The event for a batch, partitions in the order they first appear."""
    by_place: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        by_place.setdefault(record.place, []).append(_record(record))
    return {
        "eventSource": "aws:kafka",
        "eventSourceArn": cluster_arn,
        "bootstrapServers": bootstrap_servers,
        "records": by_place,
    }


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


def split(records: Iterable[Record], *, batch_size: int, limit: int = PAYLOAD_LIMIT) -> list[list[Record]]:
    """Batches of at most `batch_size` records and about `limit` bytes of payload, order kept.

    A record that alone exceeds the limit goes alone: Lambda would refuse it; the function decides here.
    """
    batches: list[list[Record]] = []
    size = 0
    for record in records:
        weight = _weight(record)
        if not batches or len(batches[-1]) >= batch_size or size + weight > limit:
            batches.append([])
            size = 0
        batches[-1].append(record)
        size += weight
    return batches


def _weight(record: Record) -> int:
    content = len(record.key or b"") + len(record.value or b"")
    # A header byte is written as a number of up to four characters and a comma.
    headers = sum(len(name) + 5 * len(value) + 8 for name, value in record.headers)
    return content * 4 // 3 + headers + len(record.topic) + _RECORD_OVERHEAD


def whole_failure(records: Sequence[Record], reason: str) -> Outcome:
    """The batch failed as one: every partition from its first record."""
    first: dict[int, int] = {}
    for record in records:
        first.setdefault(record.partition, record.offset)
    return Outcome(failed=first, whole=True, reason=reason)


def interpret(records: Sequence[Record], answer: Any, *, report_failures: bool) -> Outcome:
    """What a function's answer means for the batch it was given.

    Only with `ReportBatchItemFailures` is the answer read at all. Of several failures in one partition the
    lowest offset counts: reading resumes there. Anything malformed, or naming a record that was not in the
    batch, is a failure of the whole batch.
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
    known = {(record.place, record.offset): record.partition for record in records}
    failed: dict[int, int] = {}
    for failure in failures:
        identifier = failure.get("itemIdentifier") if isinstance(failure, Mapping) else None
        place = identifier.get("partition") if isinstance(identifier, Mapping) else None
        offset = identifier.get("offset") if isinstance(identifier, Mapping) else None
        partition = known.get((place, offset)) if isinstance(place, str) and isinstance(offset, int) else None
        if partition is None:
            return whole_failure(
                records, f"batchItemFailures names {json.dumps(identifier, default=str)}: not in batch"
            )
        assert isinstance(offset, int)
        failed[partition] = min(offset, failed.get(partition, offset))
    return Outcome(failed=failed, reason="reported by the function")


def resume_offsets(records: Sequence[Record], outcome: Outcome) -> dict[int, int]:
    """Per partition of the batch, the offset to read next: also the one to commit."""
    following: dict[int, int] = {}
    for record in records:
        following[record.partition] = record.offset + 1
    return {partition: outcome.failed.get(partition, offset) for partition, offset in following.items()}


def dead_letter(
    record: Record,
    *,
    function_arn: str,
    cluster_arn: str,
    bootstrap_servers: str,
    request_id: str,
    reason: str,
    attempts: int,
) -> bytes:
    """The message for a `kafka://topic` destination: metadata as for the other destinations, the payload as an object.

    https://docs.aws.amazon.com/lambda/latest/dg/kafka-on-failure-destination.html
    """
    event = payload([record], cluster_arn=cluster_arn, bootstrap_servers=bootstrap_servers)
    body = {
        "requestContext": {
            "requestId": request_id,
            "functionArn": function_arn,
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": attempts,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": reason or "Unhandled"},
        "version": "1.0",
        "timestamp": _moment(datetime.now(UTC)),
        "KafkaBatchInfo": _batch_info(record, event),
        "payload": event,
    }
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def _batch_info(record: Record, event: Mapping[str, Any]) -> dict[str, Any]:
    """Where a batch of one record lay; `event` is what the function was given."""
    at = _moment(datetime.fromtimestamp(record.timestamp / 1000, UTC))
    return {
        "batchSize": 1,
        "eventSourceArn": event["eventSourceArn"],
        "bootstrapServers": event["bootstrapServers"],
        "payloadSize": len(json.dumps(event, separators=(",", ":"))),
        "recordInfo": {
            record.place: {
                "firstRecordOffset": str(record.offset),
                "lastRecordOffset": str(record.offset),
                "firstRecordTimestamp": at,
                "lastRecordTimestamp": at,
            }
        },
    }


def _moment(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
