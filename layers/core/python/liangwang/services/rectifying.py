"""差评整改: a bad rating opens a rectification, and what is not put right in time is flagged."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from .. import log
from ..aggregates import RATING, RECTIFICATION, Key
from ..changes import Change
from ..domain import rectification
from ..domain.rating import Rated
from ..domain.working_days import Calendar
from ..processing import Command, perform
from ..store import Store

PAGE = 100
EVERY = timedelta(minutes=10)
"""How often an execution environment looks for what is overdue; a limit of days is not missed by minutes."""


class Rectifying:
    """A step of what follows in intake (``services/followup.py``)."""

    def __init__(self, store: Store, calendar: Calendar) -> None:
        self._store = store
        self._calendar = calendar
        self._look_at: datetime | None = None

    def take(self, changes: Sequence[Change], now: datetime) -> None:
        """Opens the rectification of each bad rating, once. Raises what a later try may not meet."""
        bad = [change.after for change in changes if change.after.key.kind == RATING.name and change.after.state.is_bad]
        for outcome in perform(self._store, [self._open(stored.key.id, stored.state) for stored in bad], now):
            if not outcome.is_final:
                outcome.stored()

    def sweep(self, now: datetime) -> None:
        """Flags what has passed its limit. What could not be written is due again at the next sweep."""
        if self._look_at is not None and now < self._look_at:
            return
        self._look_at = now + EVERY
        keys = self._store.due(now, limit=PAGE, queue=RECTIFICATION.queue)
        if not keys:
            return
        commands = [Command(key, f"overdue/{key.id}", rectification.wake) for key in keys]
        outcomes = perform(self._store, commands, now)
        log.add(overdue=sum(outcome.error is None for outcome in outcomes))

    def _open(self, case_no: str, rated: Rated) -> Command:
        def decide(state: rectification.Rectification | None, _: datetime) -> Sequence[rectification.Event]:
            return rectification.open_for(state, rated, self._calendar)

        return Command(Key(RECTIFICATION.name, case_no), f"rating/{case_no}", decide)
