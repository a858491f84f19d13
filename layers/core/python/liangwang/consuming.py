"""Kafka in: a Lambda event of an MSK source, record by record, into commands; what failed, back to the poller.

A handler is right under both readings of AWS's partial-response text when it reports, per partition, the first record
that has to come again and every later one. A record that no retry can help becomes a dead letter, an item like any
other whose stream record the publisher emits, so it never blocks its partition.
"""

import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from . import clock, log
from .aggregates import DEAD_LETTER, Key
from .domain.errors import DomainError
from .domain.messages import DEAD_LETTER_LIMIT, DeadLettered
from .envelope import CloudEvent, NotAMessage, decode
from .processing import Command, Outcome, perform
from .store import Store, Stored

Route = Callable[[CloudEvent], Command | None]
"""From a message to the command it means; None when it concerns somebody else."""

Then = Callable[[Sequence[CloudEvent], Mapping[Key, Stored]], Mapping[str, str]]
"""What follows once the commands hold, with the aggregates as they are now; answers which messages were refused for good,
by id, and why."""


class Plan(NamedTuple):
    """What a record means: the message, unless it is none, and the command, unless it concerns somebody else."""

    event: CloudEvent | None
    command: Command | None


class Record(NamedTuple):
    """One Kafka record of a Lambda event; ``key`` and ``value`` are base64 as Lambda gives them."""

    topic: str
    partition: int
    offset: int
    key: str | None
    value: str | None

    @property
    def bytes(self) -> bytes | None:
        """The value's bytes; None for a tombstone."""
        return None if self.value is None else base64.b64decode(self.value)


def records(event: Mapping[str, Any]) -> Iterator[Record]:
    """The records of a Lambda event, partition by partition, in offset order."""
    for partition in event["records"].values():
        for one in partition:
            yield Record(one["topic"], one["partition"], one["offset"], one.get("key"), one.get("value"))


def consume(
    event: Mapping[str, Any],
    *,
    consumer: str,
    store: Store,
    route: Route,
    then: Then | None = None,
    keeps_unreadable: bool = True,
    clock: clock.Clock = clock.utc,
) -> dict[str, Any]:
    """Carries out what a batch of records asks for; the answer is the partial response for the poller.

    ``then`` gets the messages whose commands hold; when it raises, all of them have to come again. What is no message becomes a
    dead letter, unless another consumer of the topic sees to that (not ``keeps_unreadable``): one is enough.
    """
    now = clock()
    with log.invocation(consumer) as line:
        batch = list(records(event))
        plans = [_plan(record, consumer, route, keeps_unreadable) for record in batch]
        log.about(plan.event.subject for plan in plans if plan.event and plan.command)
        outcomes = iter(perform(store, [plan.command for plan in plans if plan.command], now))
        results = [next(outcomes) if plan.command else Outcome() for plan in plans]
        if then is not None:
            results = _then(then, plans, results)
        results = _set_aside(store, consumer, batch, results, now)
        failed = [record for record, result in zip(batch, results, strict=True) if result.error is not None]
        line.update(
            records=len(batch),
            skipped=sum(plan.command is None for plan in plans),
            failed=len(failed),
            errors=sorted({repr(result.error) for result in results if result.error is not None})[:3],
        )
    return partial_response(batch, failed)


def _plan(record: Record, consumer: str, route: Route, keeps_unreadable: bool) -> Plan:
    try:
        event = decode(record.bytes)
    except NotAMessage as error:
        letter = dead_letter(record, consumer=consumer, reason=error.detail) if keeps_unreadable else None
        return Plan(None, letter)
    try:
        return Plan(event, route(event))
    except DomainError as error:
        return Plan(None, dead_letter(record, consumer=consumer, reason=error.detail))


def _then(then: Then, plans: Sequence[Plan], results: Sequence[Outcome]) -> list[Outcome]:
    done = [(plan, result.after) for plan, result in zip(plans, results, strict=True) if _is_done(plan, result)]
    events = [plan.event for plan, _ in done if plan.event is not None]
    held = {plan.command.key: after for plan, after in done if plan.command is not None and after is not None}
    try:
        refused = then(events, held) if events else {}
    except Exception as error:
        return [Outcome(error=error) if _is_done(*pair) else pair[1] for pair in zip(plans, results, strict=True)]
    return [
        Outcome(error=NotAMessage(refused[plan.event.id])) if plan.event and plan.event.id in refused else result
        for plan, result in zip(plans, results, strict=True)
    ]


def _is_done(plan: Plan, result: Outcome) -> bool:
    return plan.event is not None and plan.command is not None and result.error is None


def _set_aside(
    store: Store, consumer: str, batch: Sequence[Record], results: Sequence[Outcome], now: datetime
) -> list[Outcome]:
    """Turns what no retry can help into dead letters; what remains in error has to come again."""
    poison = [place for place, result in enumerate(results) if result.error is not None and result.is_final]
    letters = [dead_letter(batch[place], consumer=consumer, reason=str(results[place].error)) for place in poison]
    written = dict(zip(poison, perform(store, letters, now), strict=True))
    return [written.get(place, result) for place, result in enumerate(results)]


def dead_letter(record: Record, *, consumer: str, reason: str) -> Command:
    """The command that sets a record aside. The same record set aside twice is one dead letter.

    The invocation's log line counts it, which is what the alarm on dead letters looks at (infra/alarms.py).
    """
    log.add(dead_letters=1)
    digest = hashlib.sha256((record.value or "").encode()).hexdigest()[:12]
    identity = f"{consumer}/{record.topic}-{record.partition}-{record.offset}-{digest}"
    letter = DeadLettered(
        consumer=consumer,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=record.key and record.key[:DEAD_LETTER_LIMIT],
        value=record.value and record.value[:DEAD_LETTER_LIMIT],
        reason=reason[:1000],
        length=len(record.value or ""),
    )
    return Command(Key(DEAD_LETTER.name, identity), identity, lambda state, now: [] if state else [letter])


def kept_record(topic: str, key: str, content: Any) -> Record:
    """What did not come by Kafka but over an exchange, as a record that can be set aside."""
    value = base64.b64encode(msgspec.json.encode(content)).decode()
    return Record(topic, 0, 0, base64.b64encode(key.encode()).decode(), value)


def partial_response(batch: Sequence[Record], failed: Sequence[Record]) -> dict[str, Any]:
    """``batchItemFailures``: per partition, the first failed record and every later one."""
    first: dict[tuple[str, int], int] = {}
    for record in failed:
        place = (record.topic, record.partition)
        first[place] = min(record.offset, first.get(place, record.offset))
    return {
        "batchItemFailures": [
            {"itemIdentifier": {"partition": f"{record.topic}-{record.partition}", "offset": record.offset}}
            for record in batch
            if record.offset >= first.get((record.topic, record.partition), record.offset + 1)
        ]
    }
