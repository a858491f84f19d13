"""The ways from the centre to its intake systems: each call through its circuit breaker (``domain/breaker.py``).

What a breaker knows is a document in the centre's table, so that all functions know it; a call that succeeds while all is
well writes nothing.
"""

import random
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from .. import clock, log
from ..aggregates import BREAKER, Key
from ..domain import breaker
from ..domain.breaker import Breaker
from ..exchange import Exchange, ExchangeError
from ..intakes import IntakeSystem
from ..processing import Command, perform
from ..side_by_side import Course
from ..store import Store


class Gate(NamedTuple):
    """One intake system, and how it is called."""

    system: IntakeSystem
    exchange: Exchange


class Gates:
    """All of them; the first is the one whose stream wakes the relay, which is our own where there is one.

    ``chance`` answers a number from 0 to 1; ``ticks`` seconds that only ever grow.
    """

    def __init__(
        self,
        store: Store,
        gates: Sequence[Gate],
        *,
        clock: clock.Clock = clock.utc,
        chance: Callable[[], float] = random.random,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._gates = {gate.system.name: gate for gate in gates}
        self._known: dict[str, Breaker] = {}
        self._clock, self._chance, self._ticks = clock, chance, ticks

    @property
    def names(self) -> tuple[str, ...]:
        """All intake systems."""
        return tuple(self._gates)

    @property
    def own(self) -> str:
        """The one whose stream names cases."""
        return next((name for name, gate in self._gates.items() if not gate.system.url), self.names[0])

    @property
    def only(self) -> str | None:
        """The one that every case is from; None where there are several."""
        return self.names[0] if len(self._gates) == 1 else None

    def exchange(self, name: str) -> Exchange:
        """One system's exchange API. Calls go through ``call``."""
        return self._gates[name].exchange

    def look(self, names: Iterable[str]) -> tuple[str, ...]:
        """Reads the breakers anew; answers those systems that may be called now, some of them once only (``is_closed``)."""
        keys = {name: Key(BREAKER.name, name) for name in names}
        if not keys:
            return ()
        loaded = self._store.load(keys.values())
        now = self._clock()
        for name, key in keys.items():
            self._known[name] = loaded[key].state or Breaker(intake=name)
        return tuple(name for name in keys if breaker.may_call(self._known[name], now))

    def is_closed(self, name: str) -> bool:
        """Whether any number of calls may be made, as far as is known here."""
        return self._known[name].is_closed

    def call(self, name: str, action: Callable[[], Any]) -> Course[Any]:
        """One call, as a part of a course. Raises ExchangeError when it failed, or may not be made now."""
        if not self._known[name].is_closed and not self._begin_probe(name):
            raise ExchangeError(f"intake {name} is left alone for now")
        began = self._ticks()
        try:
            answer = yield action
        except ExchangeError as error:
            self._failed(name, str(error))
            raise
        took = self._ticks() - began
        if took > self._gates[name].system.slow_seconds:
            self._failed(name, f"an answer took {took:.0f} s")
        else:
            self._change(name, "succeeded", breaker.succeeded)
        return answer

    def _begin_probe(self, name: str) -> bool:
        settings = self._gates[name].system.breaker
        return self._change(name, "probe", lambda state: breaker.probe(state, self._clock(), settings))

    def _failed(self, name: str, reason: str) -> None:
        settings, chance = self._gates[name].system.breaker, self._chance()
        log.write(function="exchange", intake=name, failed=reason[:300])
        self._change(
            name, "failed", lambda state: breaker.failed(state, self._clock(), settings, chance=chance, reason=reason)
        )

    def _change(self, name: str, what: str, change: Callable[[Breaker], Breaker | None]) -> bool:
        """Whether this changed something. What cannot be written is not known to others, and nothing worse."""
        if change(self._known[name]) is None:
            return False
        now = self._clock()
        changed: list[Breaker] = []

        def decide(state: Breaker | None, at: datetime) -> Sequence[Breaker]:
            new = change(state or Breaker(intake=name))
            changed[:] = [] if new is None else [new]
            return changed

        cause = f"{what}/{secrets.token_hex(8)}"  # each is a change of its own
        (outcome,) = perform(self._store, [Command(Key(BREAKER.name, name), cause, decide)], now)
        if outcome.error is not None:
            log.write(function="exchange", intake=name, error=repr(outcome.error))
            return False
        self._known[name] = outcome.stored().state or self._known[name]
        return bool(changed)
