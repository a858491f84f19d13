"""Erases a person: what follows when an account was closed for good.

个人信息保护法 art. 47: what is kept of a person is deleted when they withdraw. Destroying the person's keys makes every field
that was encrypted under them unreadable, wherever a copy lies; the rest is taken out of the person's ended cases.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from msgspec import structs

from .. import log
from ..aggregates import ACCOUNT, APPLICATION, CLAIM, MANDATE, Key, Kind
from ..changes import Change
from ..domain import mandate
from ..domain.account import SEEN, Claim
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
        """Erases whoever was closed in these changes; each part may find its work done already.

        Of an account that was handed over to its owner (``services/external.py``) the mandates go that were given in it.
        """
        closed = [change.after.key.id for change in changes if _is_closed(change)]
        for owner in dict.fromkeys(closed):
            self._vault.destroy(owner)
            self._sessions.end_all(owner, now)
            self._revoke(owner, now)
            self._redact(owner, now)
            log.add(erased=1)
        for change in changes:
            if _is_closed(change):
                self._release(change, now)
            elif _is_handed_over(change):
                self._revoke(change.after.key.id, now, before=change.after.state.password_set_at)

    def sweep(self, now: datetime) -> None:
        """Nothing is due by time: the stream brings every account that was closed, until it was erased."""

    def _revoke(self, owner: str, now: datetime, *, before: datetime | None = None) -> None:
        """The mandates that were given, before a moment or at all: nobody acts for whoever is gone, or never gave one."""

        def decide(state: mandate.Mandate | None, at: datetime) -> Sequence[mandate.Mandate]:
            if state is None or state.state(at) != "holds" or (before is not None and state.given_at >= before):
                return []
            return mandate.revoke(state, now=at)

        for keys in self._pages(MANDATE, owner):
            commands = [Command(key, f"person/{owner}/erased", decide) for key in keys]
            for outcome in perform(self._store, commands, now) if commands else ():
                outcome.stored()

    def _release(self, change: Change, now: datetime) -> None:
        """What the account had alone: nothing tells any more whose phone it was."""
        owner, account = change.after.key.id, change.before.state

        def decide(state: Claim | None, at: datetime) -> Sequence[Claim]:
            return [structs.replace(state, account="")] if state is not None and state.account == owner else []

        commands = [Command(Key(CLAIM.name, one), "released", decide) for one in (account.claims if account else ())]
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


def _is_handed_over(change: Change) -> bool:
    """Whether an account whose number nobody had looked at was given to whom an identity service vouches for."""
    before, after = change.before.state, change.after.state
    if change.after.key.kind != ACCOUNT.name or not change.new or before is None:
        return False
    return before.level < SEEN and any(one.startswith("external/") for one in set(after.claims) - set(before.claims))
