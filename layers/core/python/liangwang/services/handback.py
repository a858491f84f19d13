"""回传: what departments told goes into the centre's ledger, then to the intake that the case is from, where the citizen sees it.

The ledger is written first and intake is told in any case, known or not: whatever dies between the two comes again. What an
intake cannot be told now is kept, and delivered when it can (``redelivery.py``): no batch waits for an intake.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from .. import clock, log
from ..aggregates import DELIVERY, LEDGER, Key
from ..domain import delivery, ledger, speakers
from ..domain import messages as m
from ..domain.catalogue import Organisation
from ..domain.delivery import Delivery, Missed
from ..envelope import CloudEvent, NotAMessage
from ..exchange import PROGRESS, ExchangeError, ProgressEntry, parse_id
from ..processing import Command, perform
from ..side_by_side import Course, side_by_side
from ..store import Store, Stored
from .intake_gates import Gates


class Handback:
    """Governance's way back to its intake systems."""

    def __init__(
        self, store: Store, gates: Gates, *, organisation: Organisation | None = None, clock: clock.Clock = clock.utc
    ) -> None:
        """``organisation`` is whose departments speak: where it is given, a message that does not come from the one that it names is
        refused."""
        self._store = store
        self._gates = gates
        self._organisation = organisation
        self._clock = clock

    def route(self, event: CloudEvent) -> Command | None:
        """Enters a message into the ledger; None for what concerns neither the citizen nor a centre."""
        message = event.data
        of_supervision = isinstance(message, m.OrderAnswered) or (
            isinstance(message, m.CaseSupervised) and message.centre
        )
        if event.type not in PROGRESS and not of_supervision:
            return None
        number, sequence = parse_id(event.id)
        if number != message.case_no:
            raise NotAMessage(f"id {event.id} does not belong to case {message.case_no}")
        if self._organisation is not None:
            speakers.check(self._organisation, source=event.source, department=message.department)

        def decide(state: ledger.Entry | None, now: object) -> Sequence[ledger.Event]:
            if of_supervision:
                return ledger.supervise(state, sequence=sequence, at=event.time, message=message)
            return ledger.observe(state, sequence=sequence, at=event.time, message=message)

        return Command(Key(LEDGER.name, message.case_no), event.id, decide)

    def deliver(self, events: Sequence[CloudEvent], entered: Mapping[Key, Stored]) -> Mapping[str, str]:
        """Hands what concerns citizens to the intake that the ledger names (``entered``: the entries as they are now).

        Answers what an intake cannot take, now or ever, by message id with the reason. Raises when neither an intake has it
        nor it could be kept: then all of it has to come again.
        """
        waiting: dict[str, list[ProgressEntry]] = {}
        for event in events:
            if event.type in PROGRESS:
                entry: ledger.Entry | None = entered[Key(LEDGER.name, event.subject)].state
                intake = self._gates.only or (entry.intake if entry is not None else "")
                waiting.setdefault(intake if intake in self._gates.names else "", []).append(_progress(event))
        reachable = self._gates.look(name for name in waiting if name)
        results = side_by_side({name: self._told(name, waiting[name]) for name in reachable})
        refused: dict[str, str] = {}
        missed: dict[str, list[ProgressEntry]] = {}
        for name, entries in waiting.items():
            result = results.get(name)
            if isinstance(result, dict):
                refused |= result
            elif result is None or isinstance(result, ExchangeError):
                missed[name] = entries
            else:
                raise result
        if missed:
            self._keep(missed)
        return refused

    def _told(self, intake: str, entries: Sequence[ProgressEntry]) -> Course[dict[str, str]]:
        """Tries as long as the breaker lets it: one lost connection is no outage."""
        exchange = self._gates.exchange(intake)
        while True:
            try:
                refused: dict[str, str] = yield from self._gates.call(intake, lambda: exchange.deliver(entries))
                return refused
            except ExchangeError:
                if not self._gates.is_closed(intake):
                    raise

    def _keep(self, missed: Mapping[str, Sequence[ProgressEntry]]) -> None:
        cases: dict[tuple[str, str], list[Missed]] = {}
        for intake, entries in missed.items():
            for one in entries:
                news = Missed(id=one.id, type=one.type, time=one.time, data=one.data)
                cases.setdefault((intake, one.case_no), []).append(news)
        commands = [_kept(intake, number, entries) for (intake, number), entries in cases.items()]
        log.add(kept=sum(len(entries) for entries in missed.values()))
        for outcome in perform(self._store, commands, self._clock()):
            outcome.stored()


def _progress(event: CloudEvent) -> ProgressEntry:
    data = msgspec.to_builtins(event.data)
    return ProgressEntry(id=event.id, type=event.type, case_no=event.subject, time=event.time, data=data)


def _kept(intake: str, number: str, entries: Sequence[Missed]) -> Command:
    def decide(state: Delivery | None, now: datetime) -> Sequence[Delivery]:
        return delivery.keep(state, entries, intake=intake, now=now)

    return Command(Key(DELIVERY.name, number), f"missed/{digest(one.id for one in entries)}", decide)


def digest(ids: Iterable[str]) -> str:
    """A short name for these messages, whatever their order."""
    return hashlib.sha256("\n".join(sorted(ids)).encode()).hexdigest()[:16]
