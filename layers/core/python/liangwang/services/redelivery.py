"""What intake systems have missed, delivered on a schedule as soon as each can be reached again.

An intake that is tried after an outage gets one case first; only when it takes that one does the rest follow. A case whose
news fail again and again goes by itself, behind the others: it keeps nothing back.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from .. import clock, consuming, log
from ..aggregates import DELIVERY, LEDGER, Key
from ..domain import delivery
from ..domain.delivery import UNKNOWN, Delivery
from ..exchange import ExchangeError, ProgressEntry
from ..processing import Command, perform
from ..side_by_side import Course, side_by_side
from ..store import Store
from .handback import digest
from .intake_gates import Gates

PAGE = 50
"""Cases of one intake that are taken up at a time."""

PAGES = 10
BUDGET_SECONDS = 8.0
"""As the relay's: after so long nothing more is begun."""

Cases = Mapping[str, Delivery]
"""What each case's intake has missed, by case number."""


class Redelivery:
    """Triggered by a schedule."""

    def __init__(
        self,
        store: Store,
        gates: Gates,
        *,
        clock: clock.Clock = clock.utc,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._gates = gates
        self._clock, self._ticks = clock, ticks

    def sweep(self, event: Mapping[str, Any]) -> None:
        """Delivers what can be delivered now. What fails is due again at the next run; nothing is lost by an end in between."""
        with log.invocation("redelivery") as line:
            line["claimed"] = self._claim()
            waiting = {name: keys for name in self._gates.names if (keys := self._page(name))}
            courses = {name: self._course(name) for name in self._gates.look(waiting)}
            results = side_by_side(courses) if courses else {}
            line["delivered"] = sum(count for count in results.values() if isinstance(count, int))
            line["failed"] = {name: repr(one)[:300] for name, one in results.items() if isinstance(one, Exception)}
            for one in results.values():
                if isinstance(one, Exception) and not isinstance(one, ExchangeError):
                    raise one

    def _page(self, intake: str) -> list[Key]:
        return self._store.held_by(DELIVERY, intake, limit=PAGE)[0]

    def _claim(self) -> int:
        """News of cases of which the ledger did not say whose they are, where it does now."""
        keys = self._page(UNKNOWN)
        if not keys:
            return 0
        entries = self._store.load(Key(LEDGER.name, key.id) for key in keys)
        commands = []
        for key in keys:
            entry = entries[Key(LEDGER.name, key.id)].state
            intake = self._gates.only or (entry.intake if entry is not None else "")
            if intake in self._gates.names:
                commands.append(_claimed(key, intake))
        return sum(outcome.error is None for outcome in perform(self._store, commands, self._clock()))

    def _course(self, intake: str) -> Course[int]:
        began, count = self._ticks(), 0
        for _ in range(PAGES):
            cases = self._cases(intake)
            if not cases:
                break
            for lot in self._lots(intake, cases):
                count += yield from self._deliver(intake, lot)
                if self._ticks() - began > BUDGET_SECONDS:
                    return count
        return count

    def _cases(self, intake: str) -> Cases:
        keys = self._page(intake)
        loaded = self._store.load(keys) if keys else {}
        return {key.id: stored.state for key, stored in loaded.items() if stored.history and stored.state.entries}

    def _lots(self, intake: str, cases: Cases) -> Iterable[Cases]:
        """One case to try an intake with; then those together that never failed, then each of the others."""
        rest = dict(cases)
        if not self._gates.is_closed(intake):
            first = next(iter(rest))
            yield {first: rest.pop(first)}
        together = {number: one for number, one in rest.items() if not one.tries}
        if together:
            yield together
        yield from ({number: one} for number, one in rest.items() if one.tries)

    def _deliver(self, intake: str, cases: Cases) -> Course[int]:
        exchange = self._gates.exchange(intake)
        entries = [_entry(number, one) for number, state in cases.items() for one in state.entries]
        log.about(cases)
        try:
            refused: dict[str, str] = yield from self._gates.call(intake, lambda: exchange.deliver(entries))
        except ExchangeError:
            self._perform([_tried(number, self._clock()) for number in cases])
            raise
        self._perform([_letter(intake, one, refused[one.id]) for one in entries if one.id in refused])
        self._perform([_delivered(number, {one.id for one in state.entries}) for number, state in cases.items()])
        return len(entries)

    def _perform(self, commands: Sequence[Command]) -> None:
        for outcome in perform(self._store, commands, self._clock()):
            outcome.stored()


def _entry(number: str, one: delivery.Missed) -> ProgressEntry:
    return ProgressEntry(id=one.id, type=one.type, case_no=number, time=one.time, data=one.data)


def _claimed(key: Key, intake: str) -> Command:
    return Command(key, f"claimed/{intake}", lambda state, now: delivery.claimed(state, intake=intake))


def _tried(number: str, now: datetime) -> Command:
    key = Key(DELIVERY.name, number)
    return Command(key, f"tried/{now.isoformat()}", lambda state, at: delivery.tried(state, now=now))


def _delivered(number: str, ids: set[str]) -> Command:
    return Command(
        Key(DELIVERY.name, number), f"delivered/{digest(ids)}", lambda state, now: delivery.delivered(state, ids)
    )


def _letter(intake: str, entry: ProgressEntry, reason: str) -> Command:
    """What an intake refuses for good is set aside, as when it refuses it at once."""
    record = consuming.kept_record(f"exchange-{intake}", entry.case_no, entry)
    return consuming.dead_letter(record, consumer="redelivery", reason=reason)
