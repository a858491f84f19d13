"""监督: finds what has waited too long in one system's table, and lets it ask again or follow its limit."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from .. import clock, log
from ..aggregates import COLLABORATION, Key
from ..domain import collaboration
from ..domain.catalogue import Organisation
from ..domain.patience import round_of
from ..processing import Command, perform
from ..store import Store

PAGE = 200
PAGES = 10


class Supervision:
    """Runs on a schedule; finds its work by the sparse ``wake`` index and never scans."""

    def __init__(self, store: Store, organisation: Organisation, *, clock: clock.Clock = clock.utc) -> None:
        self._store = store
        self._organisation = organisation
        self._clock = clock

    def sweep(self, event: Mapping[str, Any]) -> None:
        """Wakes everything that is due. What could not be written is due again at the next run."""
        now = self._clock()
        with log.invocation("supervision") as line:
            woken: set[Key] = set()  # the index may still show what this sweep has moved
            line["failed"] = 0
            for _ in range(PAGES):
                keys = [key for key in self._store.due(now, limit=PAGE) if key not in woken]
                outcomes = perform(self._store, [self._wake(key, now) for key in keys], now)
                woken.update(keys)
                line["failed"] += sum(outcome.error is not None for outcome in outcomes)
                if not keys:
                    break
            line["woken"] = len(woken)

    def _wake(self, key: Key, now: datetime) -> Command:
        def decide(state: Any, at: datetime) -> Sequence[Any]:
            if key.kind != COLLABORATION.name or state is None:
                return []
            return collaboration.wake(state, organisation=self._organisation, now=at)

        return Command(key, f"wake/{key}/{now.isoformat()}", decide, round_of(now))
