"""Forgets on time: notes which cases have ended, and takes out of them what is personal when its time is over.

The notes are what makes it cheap: cases that ended together share one, written by whoever reads the stream anyway, and the
case's own last write stays as it is. A note stands in the ``wake`` index until everything in it is forgotten.
"""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from .. import log
from ..aggregates import APPLICATION, ENDED, Key
from ..changes import Change
from ..domain.application import Application
from ..domain.retention import Because, Ended, Periods, forget_at, redact
from ..processing import Command, perform
from ..store import Store, Stored

PAGE = 20
"""Notes that one run takes up. Each has at most the cases of one batch of the stream."""

AGAIN = timedelta(days=1)
"""When to look again at cases that could not be redacted: not at rest, or changed by somebody at that moment."""


QUIET = timedelta(minutes=10)
"""After a look that found nothing, how long until the next one: notes fall due by the hour."""


class Redaction:
    """Takes what is personal out of applications that are at rest."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def of(self, keys: Iterable[Key], now: datetime, *, because: Because) -> list[Key]:
        """Redacts these applications; the answer are those that could not be. A redacted one is done."""
        found = self._store.load(keys)
        left = [key for key, stored in found.items() if stored.history and not _is_ready(stored)]
        ready = [stored for stored in found.values() if _is_ready(stored) and not stored.state.redacted]
        changes = [(stored, _redacted(stored, now, because)) for stored in ready]
        errors = self._store.save(changes) if changes else []
        left += [before.key for (before, _), error in zip(changes, errors, strict=True) if error is not None]
        log.add(redacted=len(changes) - sum(error is not None for error in errors))
        return left


def _is_ready(stored: Stored) -> bool:
    state: Application | None = stored.state
    return state is not None and (state.is_at_rest or state.redacted)


def _redacted(stored: Stored, now: datetime, because: Because) -> Stored:
    return stored._replace(history=redact(stored.history, because=because, at=now))


class Retention:
    """A step of what follows (``services/followup.py``). ``periods`` say how long what is kept."""

    def __init__(self, store: Store, periods: Periods) -> None:
        self._store = store
        self._periods = periods
        self._redaction = Redaction(store)
        self._look_at: datetime | None = None

    def take(self, changes: Sequence[Change], now: datetime) -> None:
        """Notes the applications that have just come to rest. The same batch again writes the same notes."""
        due: dict[datetime, list[str]] = {}
        for change in changes:
            at = _ended(change, self._periods)
            if at is not None:
                due.setdefault(at, []).append(change.after.key.id)
        commands = [_note(cases, at) for at, cases in due.items()]
        for outcome in perform(self._store, commands, now) if commands else ():
            outcome.stored()

    def sweep(self, now: datetime) -> None:
        """Forgets what is due. What could not be forgotten is due again a day later."""
        if self._look_at is not None and now < self._look_at:
            return
        keys = self._store.due(now, limit=PAGE, queue=ENDED.queue)
        self._look_at = None if keys else now + QUIET
        notes = [stored for stored in self._store.load(keys).values() if self._store.is_due(stored, now)]
        for stored in notes:
            note: Ended = stored.state
            left = self._redaction.of((Key(APPLICATION.name, case) for case in note.cases), now, because="retention")
            perform(self._store, [_after(stored, tuple(key.id for key in left), now)], now, known=[stored])[0].stored()


def _ended(change: Change, periods: Periods) -> datetime | None:
    """When to forget an application that this change has brought to rest, at the next full hour, which many share."""
    if change.after.key.kind != APPLICATION.name or not change.new:
        return None
    before: Application | None = change.before.state
    at = forget_at(change.after.state, periods)
    if at is None or (before is not None and before.is_at_rest):
        return None
    return at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


def _note(cases: Sequence[str], due_at: datetime) -> Command:
    names = tuple(dict.fromkeys(cases))
    digest = hashlib.sha256("\n".join(names).encode()).hexdigest()[:24]
    identity = f"{due_at:%Y%m%dT%H}/{digest}"
    noted = Ended(cases=names, due_at=due_at)
    return Command(Key(ENDED.name, identity), identity, lambda state, now: [] if state else [noted])


def _after(stored: Stored, left: tuple[str, ...], now: datetime) -> Command:
    after = Ended(cases=left, due_at=now + AGAIN) if left else Ended(cases=(), due_at=stored.state.due_at, done_at=now)
    return Command(stored.key, f"forgotten/{stored.version}", lambda state, at: [after])
