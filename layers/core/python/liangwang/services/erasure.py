"""Erases a person: what follows when an account was closed for good.

个人信息保护法 art. 47: what is kept of a person is deleted when they withdraw. Destroying the person's keys makes every field
that was encrypted under them unreadable, wherever a copy lies; the rest is taken out of the person's ended cases.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from .. import log
from ..aggregates import ACCOUNT, APPLICATION, MANDATE, Key, Kind
from ..changes import Change
from ..domain import mandate
from ..processing import Command, perform
from ..sessions import Sessions
from ..store import Store
from ..vault import Vault
from .retention import Redaction

PAGE = 100


class Erasure:
    """A step of what follows (``services/followup.py``).

    Whoever keeps something of a person that is not under the person's keys, such as files, watches for the destroyed keys.
    """

    def __init__(self, store: Store, vault: Vault, sessions: Sessions) -> None:
        self._store = store
        self._vault = vault
        self._sessions = sessions
        self._redaction = Redaction(store)

    def take(self, changes: Sequence[Change], now: datetime) -> None:
        """Erases whoever was closed in these changes; each part may find its work done already."""
        closed = [change.after.key.id for change in changes if _is_closed(change)]
        for owner in dict.fromkeys(closed):
            self._vault.destroy(owner)
            self._sessions.end_all(owner, now)
            self._revoke(owner, now)
            self._redact(owner, now)
            log.add(erased=1)

    def sweep(self, now: datetime) -> None:
        """Nothing is due by time: the stream brings every account that was closed, until it was erased."""

    def _revoke(self, owner: str, now: datetime) -> None:
        """The mandates that the person gave: nobody acts for whoever is gone."""

        def decide(state: mandate.Mandate | None, at: datetime) -> Sequence[mandate.Mandate]:
            return mandate.revoke(state, now=at) if state is not None and state.state(at) == "holds" else []

        for keys in self._pages(MANDATE, owner):
            commands = [Command(key, f"person/{owner}/erased", decide) for key in keys]
            for outcome in perform(self._store, commands, now) if commands else ():
                outcome.stored()

    def _redact(self, owner: str, now: datetime) -> None:
        """Ended applications. One that came in at the very moment goes on, and is forgotten when its own time comes."""
        for keys in self._pages(APPLICATION, owner):
            if left := self._redaction.of(keys, now, because="erasure"):
                left = self._redaction.of(left, now, because="erasure")
                log.add(left=len(left))

    def _pages(self, kind: Kind, owner: str) -> Iterator[list[Key]]:
        cursor: str | None = None
        while True:
            keys, cursor = self._store.held_by(kind, owner, limit=PAGE, cursor=cursor)
            yield keys
            if cursor is None:
                return


def _is_closed(change: Change) -> bool:
    return change.after.key.kind == ACCOUNT.name and bool(change.new) and change.after.state.status == "closed"
