"""Carries applications from intake's exchange API to Kafka, and tells intake what Kafka holds.

First the centre's ledger notes from which intake a case is, then the message is sent, then it is acknowledged. What dies
in between is carried again: intake keeps a message until it is acknowledged, the ledger knows the case, and the department
knows the message by its id.
"""

import base64
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from .. import clock, log
from ..aggregates import APPLICATION, LEDGER, Key
from ..consuming import Record, dead_letter
from ..domain import ledger
from ..domain import messages as m
from ..domain.errors import Invalid
from ..envelope import Outgoing, wrap
from ..exchange import PAGE, Acknowledgement, Exchange, Pending, parse_id
from ..processing import Command, perform
from ..producer import Producer, Undeliverable
from ..store import Store

PAGES = 10
"""Pages that one scheduled run carries at most; the rest is due at the next."""

LONGEST = 50
"""Characters of a case number (``project_no`` in the exchange tables, an..50)."""

SAYS = {m.type_of(kind): kind for kind, topic in m.TOPIC.items() if topic == "applications"}
"""What an intake may say, by type. Whatever else it says, it does not say for a citizen."""


class NotCarried(Exception):
    """Kafka or the ledger did not take some of the messages; the trigger has to come again."""


class _Said(NamedTuple):
    """What intake gave, and the message that it is."""

    pending: Pending
    message: Any


class Relay:
    """Triggered by intake's stream, which names cases, and by a schedule, which finds what is due.

    ``exchanges`` are the intake systems by name; the stream is that of the first one, which is our own.
    """

    def __init__(
        self, store: Store, exchanges: Mapping[str, Exchange], producer: Producer, *, clock: clock.Clock = clock.utc
    ) -> None:
        self._store = store
        self._exchanges = exchanges
        self._own = next(iter(exchanges))
        self._producer = producer
        self._clock = clock

    def handle(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Carries what the event names; raises when something has to come again."""
        with log.invocation("relay") as line:
            names = _case_numbers(event.get("Records", ()))
            line["carried"] = self._named(names) if "Records" in event else self._due()
        return {"batchItemFailures": []}

    def _named(self, names: Sequence[str]) -> int:
        exchange = self._exchanges[self._own]
        return sum(self._carry(self._own, exchange.pending(names[i : i + PAGE])) for i in range(0, len(names), PAGE))

    def _due(self) -> int:
        return sum(self._due_of(intake) for intake in self._exchanges)

    def _due_of(self, intake: str) -> int:
        carried = 0
        for _ in range(PAGES):
            count = self._carry(intake, self._exchanges[intake].pending())
            if not count:
                break
            carried += count
        return carried

    def _carry(self, intake: str, pending: Sequence[Pending]) -> int:
        """Ledger, Kafka, acknowledgement. Answers how many messages are done with, for whatever reason."""
        if not pending:
            return 0
        log.about(one.case_no for one in pending)
        said, refused = _sorted(pending)
        foreign, missed = self._enter(intake, said)
        refused |= {one.pending.id: foreign[one.pending.case_no] for one in said if one.pending.case_no in foreign}
        sent = [one for one in said if one.pending.id not in refused and one.pending.case_no not in missed]
        results = self._producer.send([_outgoing(one) for one in sent])
        self._set_aside(intake, [(one, str(refused[one.id])) for one in pending if one.id in refused])
        held = {one.pending.id for one, error in zip(sent, results, strict=True) if error is None} | refused.keys()
        done = [Acknowledgement(id=one.id, round=one.round) for one in pending if one.id in held]
        if done:
            self._exchanges[intake].acknowledge(done)
        errors = [error for error in results if error is not None and not isinstance(error, Undeliverable)]
        if errors or missed:
            raise NotCarried(repr([*errors, *missed.values()][0]))
        return len(done)

    def _enter(self, intake: str, said: Sequence[_Said]) -> tuple[dict[str, Exception], dict[str, Exception]]:
        """Notes in the ledger what is carried for the first time; a case that it knows costs no write.

        Answers, by case number, which cases another intake has, and which the ledger could not be told of now.
        """
        now = self._clock()
        keys = {one.pending.case_no: Key(LEDGER.name, one.pending.case_no) for one in said}
        known = self._store.load(keys.values()) if keys else {}
        found = {number: error for number, key in keys.items() if (error := _foreign(known[key].state, intake))}
        new = [
            _entry(intake, one.pending, one.message, now)
            for one in said
            if isinstance(one.message, m.ApplicationSubmitted) and _is_new(known[keys[one.pending.case_no]].state)
        ]
        missed: dict[str, Exception] = {}
        for command, outcome in zip(new, perform(self._store, new, now, known=known.values()), strict=True):
            if outcome.error is not None:
                (found if outcome.is_final else missed)[command.key.id] = outcome.error
        return found, missed

    def _set_aside(self, intake: str, refused: Sequence[tuple[Pending, str]]) -> None:
        """What is not to be carried becomes a dead letter, once, and is acknowledged: it must not stop those behind it."""
        letters = [_letter(intake, one, reason) for one, reason in refused]
        for outcome in perform(self._store, letters, self._clock()):
            if outcome.error is not None and not outcome.is_final:
                raise NotCarried(repr(outcome.error)) from outcome.error


def _foreign(entry: ledger.Entry | None, intake: str) -> Exception | None:
    try:
        ledger.check_intake(entry, intake=intake)
    except ledger.AnotherIntake as error:
        return error
    return None


def _is_new(entry: ledger.Entry | None) -> bool:
    return entry is None or not entry.intake


def _entry(intake: str, pending: Pending, message: m.ApplicationSubmitted, now: datetime) -> Command:
    def decide(state: ledger.Entry | None, at: datetime) -> Sequence[ledger.Event]:
        return ledger.carry(state, intake=intake, at=now, applied_at=pending.time, message=message)

    return Command(Key(LEDGER.name, pending.case_no), pending.id, decide)


def _sorted(pending: Sequence[Pending]) -> tuple[list[_Said], dict[str, Exception]]:
    """What is a message of a citizen, and of the rest, by id, why it is none."""
    said: list[_Said] = []
    refused: dict[str, Exception] = {}
    for one in pending:
        try:
            said.append(_Said(one, _message(one)))
        except (Invalid, msgspec.ValidationError) as error:
            refused[one.id] = error
    return said, refused


def _message(pending: Pending) -> Any:
    """Raises Invalid or msgspec.ValidationError for what a department could not take as a citizen's word about this case."""
    kind = SAYS.get(pending.type)
    if kind is None:
        raise Invalid(f"an intake does not say {pending.type!r}; it says {', '.join(sorted(SAYS))}")
    message: Any = msgspec.convert(pending.data, kind)
    number, _ = parse_id(pending.id)
    if not number == message.case_no == pending.case_no:
        raise Invalid(f"id {pending.id[:100]!r} and data do not belong to case {pending.case_no[:100]!r}")
    if not 0 < len(number) <= LONGEST:
        raise Invalid(f"a case number has 1 to {LONGEST} characters")
    return message


def _letter(intake: str, pending: Pending, reason: str) -> Command:
    """The dead letter that a message of an intake becomes; the same in every round of asking."""
    value = base64.b64encode(msgspec.json.encode(replace(pending, round=0))).decode()
    key = base64.b64encode(pending.case_no.encode()).decode()
    return dead_letter(Record(f"exchange-{intake}", 0, 0, key, value), consumer="relay", reason=reason)


def _outgoing(said: _Said) -> Outgoing:
    event = wrap(said.message, id=said.pending.id, time=said.pending.time, round=said.pending.round)
    return Outgoing(m.TOPIC[type(said.message)], said.pending.case_no, event)


def _case_numbers(records: Iterable[Mapping[str, Any]]) -> list[str]:
    keys = (Key.parse(record["dynamodb"]["Keys"]["pk"]["S"]) for record in records)
    return list(dict.fromkeys(key.id for key in keys if key.kind == APPLICATION.name))
