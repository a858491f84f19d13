"""The rules of a DynamoDB stream event source mapping, without any stream: filters, events, answers. Pure.

https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from local.template import TemplateError

PAYLOAD_LIMIT = 6 * 1024 * 1024


class Outcome(msgspec.Struct, frozen=True):
    """What an answer means: how many records from the batch's start are done; `whole` when it failed as one."""

    done: int
    whole: bool = False
    reason: str = ""


def event(records: Sequence[Mapping[str, Any]], *, stream_arn: str) -> dict[str, Any]:
    """Lambda's event for records as GetRecords gives them (binary values are base64 text there already)."""
    return {"Records": [{**record, "eventSourceARN": stream_arn} for record in records]}


def check_pattern(pattern: Any, *, place: str) -> None:
    """Refuse, by name, the filter rules that `matches` does not know. Raises TemplateError."""
    if not isinstance(pattern, Mapping):
        raise TemplateError(f"{place}: a filter pattern is an object, found {pattern!r}")
    for name, rule in pattern.items():
        if isinstance(rule, Mapping):
            check_pattern(rule, place=f"{place}.{name}")
        elif isinstance(rule, list) and rule:
            for choice in rule:
                if isinstance(choice, Mapping) and list(choice) != ["exists"]:
                    raise TemplateError(
                        f"{place}.{name}: {', '.join(choice)} not served locally; exact values and exists are"
                    )
        else:
            raise TemplateError(f"{place}.{name}: expected a non-empty list of values, found {rule!r}")


def matches(pattern: Mapping[str, Any], record: Any) -> bool:
    """Whether a record satisfies a pattern: every named field one of its values, or its presence as `exists` says."""
    for name, rule in pattern.items():
        present = isinstance(record, Mapping) and name in record
        found = record[name] if present else None
        if isinstance(rule, Mapping):
            if not matches(rule, found):
                return False
        elif not any(_choice(choice, present=present, found=found) for choice in rule):
            return False
    return True


def _choice(choice: Any, *, present: bool, found: Any) -> bool:
    if isinstance(choice, Mapping):
        # `exists` looks at leaves: an object or a list in that place does not count on AWS either.
        return bool(choice["exists"]) == (present and not isinstance(found, Mapping))
    return present and bool(found == choice) and type(found) is type(choice)


def wanted(patterns: Sequence[Mapping[str, Any]], record: Mapping[str, Any]) -> bool:
    """Whether a mapping with these filters gets a record: no filters, or any of them matches."""
    return not patterns or any(matches(pattern, record) for pattern in patterns)


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
