"""Carries applications from intake's exchange API to Kafka, and tells intake what Kafka holds.

What dies between the two is carried again: intake keeps a message until it is acknowledged, and the department knows it
by its id.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from .. import log
from ..aggregates import APPLICATION, Key
from ..domain.messages import BY_TYPE, TOPIC
from ..envelope import Outgoing, wrap
from ..exchange import PAGE, Acknowledgement, Exchange, Pending
from ..producer import Producer, Undeliverable

PAGES = 10
"""Pages that one scheduled run carries at most; the rest is due at the next."""


class NotCarried(Exception):
    """Kafka did not take some of the messages; the trigger has to come again."""


class Relay:
    """Triggered by intake's stream, which names cases, and by a schedule, which finds what is due."""

    def __init__(self, exchange: Exchange, producer: Producer) -> None:
        self._exchange = exchange
        self._producer = producer

    def handle(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Carries what the event names; raises when something has to come again."""
        with log.invocation("relay") as line:
            names = _case_numbers(event.get("Records", ()))
            line["carried"] = self._named(names) if "Records" in event else self._due()
        return {"batchItemFailures": []}

    def _named(self, names: Sequence[str]) -> int:
        return sum(self._carry(self._exchange.pending(names[i : i + PAGE])) for i in range(0, len(names), PAGE))

    def _due(self) -> int:
        carried = 0
        for _ in range(PAGES):
            count = self._carry(self._exchange.pending())
            if not count:
                break
            carried += count
        return carried

    def _carry(self, pending: Sequence[Pending]) -> int:
        if not pending:
            return 0
        log.about(one.case_no for one in pending)
        carried = [(one, message) for one in pending if (message := _message(one)) is not None]
        results = self._producer.send([message for _, message in carried])
        held = [one for (one, _), error in zip(carried, results, strict=True) if error is None]
        if held:
            self._exchange.acknowledge([Acknowledgement(id=one.id, round=one.round) for one in held])
        errors = [error for error in results if error is not None and not isinstance(error, Undeliverable)]
        if errors:
            raise NotCarried(repr(errors[0]))
        return len(held)


def _message(pending: Pending) -> Outgoing | None:
    """The envelope; None, with a line in the log, for what is no message: it must not stop those behind it."""
    kind = BY_TYPE.get(pending.type)
    if kind is None:
        log.write(function="relay", passed_over=pending.id, reason=f"unknown type {pending.type}")
        return None
    try:
        message = msgspec.convert(pending.data, kind)
    except msgspec.ValidationError as error:
        log.write(function="relay", passed_over=pending.id, reason=str(error))
        return None
    event = wrap(message, id=pending.id, time=pending.time, round=pending.round)
    return Outgoing(TOPIC[kind], pending.case_no, event)


def _case_numbers(records: Iterable[Mapping[str, Any]]) -> list[str]:
    keys = (Key.parse(record["dynamodb"]["Keys"]["pk"]["S"]) for record in records)
    return list(dict.fromkeys(key.id for key in keys if key.kind == APPLICATION.name))
