"""What an on-failure destination of a Kafka event source is told, in AWS's shapes. Pure.

SQS and SNS get metadata; S3 the payload too, as text; a Kafka topic one message a record with the payload as an
object. https://docs.aws.amazon.com/lambda/latest/dg/kafka-on-failure.html
https://docs.aws.amazon.com/lambda/latest/dg/kafka-on-failure-destination.html
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from local import kafka_batch
from local.kafka_batch import Cluster, Record

EXHAUSTED = "RetryAttemptsExhausted"
TOO_OLD = "RecordAgeExceeded"
TOO_LARGE = "MaximumPayloadSizeExceeded"


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Why records are given up. `attempts` invocations were made; `raised` tells that the last one broke off.

    `now` in epoch seconds.
    """

    condition: str
    attempts: int
    raised: bool
    function_arn: str
    request_id: str
    now: float


def notice(records: Sequence[Record], failure: Failure, cluster: Cluster) -> dict[str, Any]:
    """The message for SQS and SNS: where the records stand, not the records themselves."""
    information = {
        place: {
            "firstRecordOffset": str(those[0].offset),
            "lastRecordOffset": str(those[-1].offset),
            "firstRecordTimestamp": _moment(those[0].timestamp / 1000),
            "lastRecordTimestamp": _moment(those[-1].timestamp / 1000),
        }
        for place, those in kafka_batch.by_place(records).items()
    }
    return _body(records, failure, cluster, {"recordsInfo": information})


def stored(records: Sequence[Record], failure: Failure, cluster: Cluster) -> dict[str, Any]:
    """The object for S3: the notice and the whole event as text."""
    event = kafka_batch.payload(records, cluster)
    return {**notice(records, failure, cluster), "payload": json.dumps(event, separators=(",", ":"))}


def dead_letter(record: Record, failure: Failure, cluster: Cluster) -> dict[str, Any]:
    """The message for a Kafka topic, of one record."""
    information = {"recordInfo": {"offset": str(record.offset), "timestamp": _moment(record.timestamp / 1000)}}
    return {**_body([record], failure, cluster, information), "payload": kafka_batch.payload([record], cluster)}


def key(mapping: str, record: Record, failure: Failure) -> str:
    """An S3 object's key: below the mapping, the partition and the day, as Lambda has it for streams."""
    at = datetime.fromtimestamp(failure.now, UTC)
    return f"aws/lambda/{mapping}/{record.place}/{at:%Y/%m/%d}/{at:%Y-%m-%dT%H.%M.%S}-{failure.request_id}"


def _body(records: Sequence[Record], failure: Failure, cluster: Cluster, information: dict[str, Any]) -> dict[str, Any]:
    response: dict[str, Any] | None = None
    if failure.attempts:
        response = {"statusCode": 200, "executedVersion": "$LATEST"}
        if failure.raised:
            response["functionError"] = "Unhandled"
    source = {} if cluster.arn is None else {"eventSourceArn": cluster.arn}
    event = kafka_batch.payload(records, cluster)
    return {
        "requestContext": {
            "requestId": failure.request_id,
            "functionArn": failure.function_arn,
            "condition": failure.condition,
            "approximateInvokeCount": failure.attempts,
        },
        "responseContext": response,
        "version": "1.0",
        "timestamp": _moment(failure.now),
        "KafkaBatchInfo": {
            "batchSize": len(records),
            **source,
            "bootstrapServers": cluster.bootstrap_servers,
            "payloadSize": len(json.dumps(event, separators=(",", ":"))),
            **information,
        },
    }


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
