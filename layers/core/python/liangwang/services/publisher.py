"""The outbox: a table's stream records become Kafka messages, in order, before the stream moves on."""

from collections.abc import Mapping
from typing import Any

from .. import log
from ..aggregates import Key, cases_of
from ..producer import Producer, Undeliverable
from ..publishing import outgoing


class Publisher:
    """Triggered by the stream of one system's table."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer

    def publish(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Sends everything; the answer names the first record whose messages Kafka does not hold."""
        with log.invocation("publisher") as line:
            batch = [(record["dynamodb"]["SequenceNumber"], outgoing(record)) for record in event["Records"]]
            log.about(cases_of(Key.parse(record["dynamodb"]["Keys"]["pk"]["S"]) for record in event["Records"]))
            results = iter(self._producer.send([message for _, messages in batch for message in messages]))
            line["sent"] = 0
            for sequence, messages in batch:
                errors = [error for error in (next(results) for _ in messages) if error is not None]
                line["sent"] += len(messages) - len(errors)
                if errors:
                    line["error"] = repr(errors[0])
                if any(not isinstance(error, Undeliverable) for error in errors):
                    return {"batchItemFailures": [{"itemIdentifier": sequence}]}
        return {"batchItemFailures": []}
