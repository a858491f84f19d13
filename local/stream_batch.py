"""The rules of a DynamoDB stream event source mapping, without any stream: filters, events, answers. Pure.

https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from local import event_pattern
from local.event_pattern import Pattern

PAYLOAD_LIMIT = 6 * 1024 * 1024


class Outcome(msgspec.Struct, frozen=True):
    """What an answer means: how many records from the batch's start are done; `whole` when it failed as one."""

    done: int
    whole: bool = False
    reason: str = ""


def event(records: Sequence[Mapping[str, Any]], *, stream_arn: str) -> dict[str, Any]:
    """Lambda's event for records as GetRecords gives them (binary values are base64 text there already)."""
    return {"Records": [{**record, "eventSourceARN": stream_arn} for record in records]}


def wanted(patterns: Sequence[Pattern], record: Mapping[str, Any]) -> bool:
    """Whether a mapping with these filters gets a record: no filters, or any of them matches."""
    return not patterns or any(event_pattern.matches(pattern, record) for pattern in patterns)


def sequence(record: Mapping[str, Any]) -> str:
    """The record's place in its shard."""
    number: str = record["dynamodb"]["SequenceNumber"]
    return number


def interpret(records: Sequence[Mapping[str, Any]], answer: Any, *, report_failures: bool) -> Outcome:
    """What a function's answer means for the batch it was given.

    The lowest reported sequence number is the checkpoint: everything before it is done, everything from it on
    comes again. Malformed answers, empty identifiers and unknown ones mean that the whole batch failed.
    """
    if not report_failures or answer is None or answer == {}:
        return Outcome(done=len(records))
    if not isinstance(answer, Mapping):
        return Outcome(done=0, whole=True, reason=f"the answer is a {type(answer).__name__}, not an object")
    failures = answer.get("batchItemFailures")
    if failures is None or failures == []:
        return Outcome(done=len(records))
    if not isinstance(failures, list):
        return Outcome(done=0, whole=True, reason="batchItemFailures is not a list")
    places = {sequence(record): index for index, record in enumerate(records)}
    lowest = len(records)
    for failure in failures:
        identifier = failure.get("itemIdentifier") if isinstance(failure, Mapping) else None
        if not isinstance(identifier, str) or identifier not in places:
            return Outcome(done=0, whole=True, reason=f"batchItemFailures names {identifier!r}: not in batch")
        lowest = min(lowest, places[identifier])
    return Outcome(done=lowest, reason="reported by the function")


def failure_notice(
    records: Sequence[Mapping[str, Any]],
    *,
    function_arn: str,
    stream_arn: str,
    shard: str,
    request_id: str,
    attempts: int,
    now: str,
) -> dict[str, Any]:
    """The message to an on-failure queue: where the lost records stand, not the records themselves."""
    return {
        "requestContext": {
            "requestId": request_id,
            "functionArn": function_arn,
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": attempts,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "version": "1.0",
        "timestamp": now,
        "DDBStreamBatchInfo": {
            "shardId": shard,
            "startSequenceNumber": sequence(records[0]),
            "endSequenceNumber": sequence(records[-1]),
            "approximateArrivalOfFirstRecord": records[0]["dynamodb"].get("ApproximateCreationDateTime"),
            "approximateArrivalOfLastRecord": records[-1]["dynamodb"].get("ApproximateCreationDateTime"),
            "batchSize": len(records),
            "streamArn": stream_arn,
        },
    }
