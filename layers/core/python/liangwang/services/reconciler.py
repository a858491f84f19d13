"""对账: asks every intake, page by page, for its open cases, compares each with what passed the centre, and heals what differs.

One run at a time, remembered after each page, so that whoever dies over it is followed by another who goes on there. A
difference is a document until it is gone; its remedy is tried at growing intervals (``domain/reconciliation.py``).
"""

import secrets
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from .. import clock, log
from ..aggregates import COLLABORATION, DELIVERY, DIFFERENCE, LEDGER, Key
from ..domain import ledger, reconciliation
from ..domain.patience import round_of
from ..domain.reconciliation import CaseKnown, Difference, Finding, Run
from ..domain.working_days import Calendar
from ..exchange import ExchangeError
from ..processing import Command, perform
from ..side_by_side import alone
from ..store import Store, Stored
from .intake_gates import Gates
from .reconciliation import RUN
from .relay import NotCarried, Relay

BUDGET_SECONDS = 8.0
"""After so long no further page is begun; with a call's ``timeout_seconds`` it ends before Lambda ends it."""

PAGE = 100


class _Compared(NamedTuple):
    case_no: str
    finding: Finding | None
    before: Difference | None
    events: tuple[Stored, ...]


class Reconciler:
    """Triggered by a schedule; begins a run ``every`` so often, or when an operator asked for one."""

    def __init__(
        self,
        store: Store,
        gates: Gates,
        relay: Relay,
        calendar: Calendar,
        *,
        tolerance: timedelta,
        every: timedelta = timedelta(hours=1),
        clock: clock.Clock = clock.utc,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._gates, self._relay, self._calendar = store, gates, relay, calendar
        self._tolerance, self._every = tolerance, every
        self._clock, self._ticks = clock, ticks

    def run(self, event: Mapping[str, Any]) -> None:
        """Goes on with the run that is under way, or begins one that is due, for as long as there is time."""
        with log.invocation("reconciliation") as line:
            run: Run | None = self._store.load([RUN])[RUN].state
            if run is None or (run.ended_at is not None and run.asked_at + self._every <= self._clock()):
                run = self._begin()
            if run.ended_at is not None:
                return
            lease = secrets.token_hex(8)
            run = self._change(lambda state, now: reconciliation.taken(state, lease=lease, now=now))
            if run.lease != lease:
                return  # somebody else is at it
            began = self._ticks()
            while run.lease == lease and self._ticks() - began <= BUDGET_SECONDS:
                if not run.intakes:
                    if self._look_again(run, until=began + BUDGET_SECONDS):
                        run = self._change(lambda state, now: reconciliation.ended(state, lease=lease, now=now))
                    break
                run = self._step(run, lease)
            run = self._change(lambda state, now: reconciliation.left(state, lease=lease))
            line.update(run=run.run, looked_at=run.looked_at, found=run.found, ended=run.ended_at is not None)

    def _begin(self) -> Run:
        now, names = self._clock(), self._gates.names
        return self._change(
            lambda state, _: reconciliation.asked(state, run=now.isoformat(), by="schedule", intakes=names, now=now)
        )

    def _change(self, decide: Callable[[Run | None, datetime], Sequence[Run]]) -> Run:
        command = Command(RUN, f"reconciliation/{secrets.token_hex(8)}", decide)
        state: Run = perform(self._store, [command], self._clock())[0].stored().state
        return state

    def _step(self, run: Run, lease: str) -> Run:
        """One page of the intake whose turn it is."""
        intake = run.intakes[0]
        cursor = run.cursors.get(intake, "")
        try:
            if run.pages.get(intake, 0) >= reconciliation.MOST_PAGES:
                raise ExchangeError("its pages have no end")
            exchange = self._reachable(intake)
            page = alone(self._gates.call(intake, lambda: exchange.cases(cursor=cursor)))
            if page.cursor == cursor != "":
                raise ExchangeError("a page names itself as the next")
        except ExchangeError as error:
            reason = str(error)
            return self._change(
                lambda state, now: reconciliation.gave_up(state, intake=intake, reason=reason, lease=lease, now=now)
            )
        found = self._heal(run, intake, {one.case_no: one for one in page.cases})
        return self._change(
            lambda state, now: reconciliation.went_on(
                state,
                intake=intake,
                cursor=page.cursor,
                looked_at=len(page.cases),
                found=found,
                lease=lease,
                now=now,
            )
        )

    def _reachable(self, intake: str) -> Any:
        if intake not in self._gates.look([intake]):
            raise ExchangeError(f"intake {intake} is left alone for now")
        return self._gates.exchange(intake)

    def _look_again(self, run: Run, *, until: float) -> bool:
        """Differences that were not met in this run: their cases ended meanwhile, or are open at an intake no more. Answers
        whether all had their turn.
        """
        cursor: str | None = None
        while True:
            keys, cursor = self._store.held_by(DIFFERENCE, "open", limit=PAGE, cursor=cursor)
            loaded = self._store.load(keys) if keys else {}
            waiting: dict[str, list[str]] = {}
            for key, stored in loaded.items():
                state: Difference | None = stored.state
                if state and state.healed_at is None and state.run != run.run and state.intake not in run.unread:
                    waiting.setdefault(state.intake, []).append(key.id)
            for intake, names in waiting.items():
                if intake in self._gates.names:
                    self._ask_by_name(run, intake, names)
            if cursor is None:
                return True
            if self._ticks() > until:
                return False

    def _ask_by_name(self, run: Run, intake: str, names: Sequence[str]) -> None:
        try:
            exchange = self._reachable(intake)
            for start in range(0, len(names), exchange.page):
                some = names[start : start + exchange.page]
                page = alone(self._gates.call(intake, lambda some=some: exchange.cases(some)))  # type: ignore[misc]
                known = {one.case_no: one for one in page.cases if one.case_no in some}
                self._heal(run, intake, known, gone=[one for one in some if one not in known])
        except ExchangeError as error:
            log.write(function="reconciliation", intake=intake, failed=str(error)[:300])

    # -------------------------------------------------------------------------------- one page

    def _heal(self, run: Run, intake: str, cases: Mapping[str, CaseKnown], *, gone: Collection[str] = ()) -> int:
        """Compares a page, applies what heals, and keeps what was found; answers how many differ."""
        now = self._clock()
        names = [*cases, *gone]
        loaded = self._store.load(
            Key(kind.name, name) for kind in (LEDGER, DELIVERY, DIFFERENCE) for name in names if name
        )
        compared = [self._compared(intake, name, cases.get(name), loaded, now) for name in names]
        found = [one for one in compared if one.finding is not None]
        tried = [one for one in found if self._is_due(one, now)]
        self._apply(run, intake, tried, now)
        commands = [_note(run, intake, one, tried=one in tried) for one in compared if one.finding or one.before]
        for outcome in perform(self._store, commands, now):
            outcome.stored()
        return len(found)

    def _compared(
        self, intake: str, name: str, known: CaseKnown | None, loaded: Mapping[Key, Stored], now: datetime
    ) -> _Compared:
        stored = loaded[Key(LEDGER.name, name)]
        entry: ledger.Entry | None = stored.state
        kept = loaded[Key(DELIVERY.name, name)].state
        events = self._events(name) if entry is not None and entry.state == "collaborating" else ()
        finding = None
        if entry is None or entry.intake in ("", intake):  # another intake's case is not this one's to be compared
            finding = reconciliation.compare(
                known,
                entry,
                observed={one.event.sequence for one in stored.history if isinstance(one.event, ledger.Observed)},
                events=[one.state for one in events],
                is_kept=kept is not None and bool(kept.entries),
                touched_at=stored.history[-1].at if stored.history else None,
                now=now,
                tolerance=self._tolerance,
                calendar=self._calendar,
            )
        return _Compared(name, finding, loaded[Key(DIFFERENCE.name, name)].state, events)

    def _events(self, case_no: str) -> tuple[Stored, ...]:
        keys, _ = self._store.held_by(COLLABORATION, f"case/{case_no}", limit=PAGE)
        return tuple(self._store.load(keys).values()) if keys else ()

    def _is_due(self, one: _Compared, now: datetime) -> bool:
        assert one.finding is not None
        return reconciliation.due(one.before, one.finding, now=now, tolerance=self._tolerance)

    def _apply(self, run: Run, intake: str, tried: Sequence[_Compared], now: datetime) -> None:
        """The remedies. Applied before they are noted: whoever dies in between applies them twice, which changes nothing."""
        asked = [
            one.case_no
            for one in tried
            if one.finding and (one.finding.remedy == "ask" or one.finding.kind == "unpublished")
        ]
        size = self._gates.exchange(intake).page
        try:
            for start in range(0, len(asked), size):
                alone(self._relay.again(intake, asked[start : start + size]))
        except (ExchangeError, NotCarried) as error:
            log.write(function="reconciliation", intake=intake, failed=repr(error)[:300])
        stuck = [event for one in tried if one.finding and one.finding.kind == "stuck" for event in one.events]
        perform(self._store, [_said_again(event.key, run.run, round_of(now)) for event in stuck], now)


def _said_again(key: Key, run: str, round: int) -> Command:
    return Command(key, f"reconciliation/{run}/{key.id}", lambda state, now: [], round)


def _note(run: Run, intake: str, one: _Compared, *, tried: bool) -> Command:
    def decide(state: Difference | None, now: datetime) -> Sequence[Difference]:
        if one.finding is None:
            return reconciliation.healed(state, now=now)
        return reconciliation.noted(state, one.finding, intake=intake, run=run.run, tried=tried, now=now)

    return Command(Key(DIFFERENCE.name, one.case_no), f"{run.run}/{secrets.token_hex(4)}", decide)
