"""Carries applications from intake's exchange API to Kafka, and tells intake what Kafka holds.

First the centre's ledger notes from which intake a case is, then the message is sent, then it is acknowledged. What dies
in between is carried again: intake keeps a message until it is acknowledged, the ledger knows the case, and the department
knows the message by its id.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from .. import clock, log
from ..aggregates import APPLICATION, LEDGER, Key
from ..consuming import dead_letter, kept_record
from ..domain import ledger
from ..domain import messages as m
from ..domain.errors import Invalid
from ..domain.patience import round_of
from ..envelope import Outgoing, wrap
from ..exchange import Acknowledgement, ExchangeError, Pending, parse_id
from ..processing import Command, perform
from ..producer import Producer, Undeliverable
from ..side_by_side import Course, alone, side_by_side
from ..store import Store
from .intake_gates import Gates

PAGES = 10
"""Pages of one intake that a scheduled run carries at most; the rest is due at the next."""

BUDGET_SECONDS = 8.0
"""After so long a run asks an intake for nothing more; with one call's ``timeout_seconds`` it ends before Lambda ends it."""

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
    """Triggered by our own intake's stream, which names cases, and by a schedule, which finds what is due at each intake."""

    def __init__(
        self,
        store: Store,
        gates: Gates,
        producer: Producer,
        *,
        clock: clock.Clock = clock.utc,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._gates = gates
        self._producer = producer
        self._clock, self._ticks = clock, ticks

    def handle(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Carries what the event names; raises when something has to come again."""
        with log.invocation("relay") as line:
            if "Records" in event:
                line["carried"] = self._nudged(_case_numbers(event["Records"]))
            else:
                carried = self._all_due()
                line["carried"] = sum(count for count in carried.values() if isinstance(count, int))
                errors = {name: error for name, error in carried.items() if isinstance(error, Exception)}
                line["failed"] = {name: repr(error)[:300] for name, error in errors.items()}
                for error in errors.values():
                    raise error
        return {"batchItemFailures": []}

    def _nudged(self, names: Sequence[str]) -> int:
        """Carries these cases of our own intake; while it is left alone nothing: the schedule finds them."""
        own = self._gates.own
        if not names or own not in self._gates.look([own]):
            return 0
        page = self._gates.exchange(own).page
        return sum(alone(self._named(own, names[i : i + page])) for i in range(0, len(names), page))

    def _all_due(self) -> dict[str, int | Exception]:
        """What became of each intake: messages that were carried, or why it could not be gone on with. None waits for another."""
        open_now = self._gates.look(self._gates.names)
        results: dict[str, int | Exception] = {
            name: ExchangeError(f"intake {name} is left alone for now") for name in self._gates.names
        }
        if open_now:
            results |= side_by_side({name: self._due(name) for name in open_now})
        return results

    def _named(self, intake: str, names: Sequence[str]) -> Course[int]:
        exchange = self._gates.exchange(intake)
        pending = yield from self._gates.call(intake, lambda: exchange.pending(names))
        carried, _ = yield from self._carry(intake, pending)
        return carried

    def again(self, intake: str, names: Sequence[str]) -> Course[int]:
        """Carries all that citizens said of these cases once more, in a new round: who is asked says again all it has said."""
        exchange = self._gates.exchange(intake)
        pending = yield from self._gates.call(intake, lambda: exchange.pending(names, again=True))
        now = round_of(self._clock())
        carried, _ = yield from self._carry(intake, [replace(one, round=max(one.round, now)) for one in pending])
        return carried

    def _due(self, intake: str) -> Course[int]:
        exchange = self._gates.exchange(intake)
        began, carried = self._ticks(), 0
        given: set[tuple[str, int]] = set()
        for _ in range(PAGES):
            pending = yield from self._gates.call(intake, exchange.pending)
            count, ids = yield from self._carry(intake, pending)
            carried += count
            if not count or ids <= given or self._ticks() - began > BUDGET_SECONDS:
                break  # it has no more, or gives again what was acknowledged, or has had its time
            given |= ids
        return carried

    def _carry(self, intake: str, pending: Sequence[Pending]) -> Course[tuple[int, set[tuple[str, int]]]]:
        """Ledger, Kafka, acknowledgement. Answers how many messages are done with, for whatever reason, and which there were."""
        if not pending:
            return 0, set()
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
            exchange = self._gates.exchange(intake)
            yield from self._gates.call(intake, lambda: exchange.acknowledge(done))
        errors = [error for error in results if error is not None and not isinstance(error, Undeliverable)]
        if errors or missed:
            raise NotCarried(repr([*errors, *missed.values()][0]))
        return len(done), {(one.id, one.round) for one in pending}

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
    record = kept_record(f"exchange-{intake}", pending.case_no, replace(pending, round=0))
    return dead_letter(record, consumer="relay", reason=reason)


def _outgoing(said: _Said) -> Outgoing:
    event = wrap(said.message, id=said.pending.id, time=said.pending.time, round=said.pending.round)
    return Outgoing(m.TOPIC[type(said.message)], said.pending.case_no, event)


def _case_numbers(records: Iterable[Mapping[str, Any]]) -> list[str]:
    keys = (Key.parse(record["dynamodb"]["Keys"]["pk"]["S"]) for record in records)
    return list(dict.fromkeys(key.id for key in keys if key.kind == APPLICATION.name))
