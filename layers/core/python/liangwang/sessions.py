"""Sessions in the store, and the secrets of their refresh tokens: ``<session id>.<secret>``, kept as digests only."""

import base64
import hashlib
import hmac
import os
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from .aggregates import SESSION, Key
from .clock import Clock, utc
from .domain import sessions as rules
from .domain.account import Session
from .domain.sessions import SessionOver
from .processing import Command, perform
from .store import Store, Stored

REMEMBERED_SECONDS = 30
"""How long an execution environment goes on believing a session without looking: so long may an ended one still pass."""

REMEMBERED = 4096
"""Sessions that an environment keeps in mind."""

LONGEST_TOKEN = 200


class Opened(NamedTuple):
    """A session and its refresh token of now. ``ends_at`` is when it is over if it is not refreshed before."""

    id: str
    subject: str
    opened_at: datetime
    ends_at: datetime
    token: str
    password_set_at: datetime | None = None


class Sessions:
    """Opens, refreshes and ends sessions. ``entropy`` makes ids and secrets."""

    def __init__(self, store: Store, *, entropy: Callable[[int], bytes] = os.urandom) -> None:
        self._store = store
        self._entropy = entropy

    def open(self, subject: str, now: datetime, *, password_set_at: datetime | None = None) -> Opened:
        """A new session, of an account whose password is of this moment. If the answer is lost, it runs out."""
        identity, secret = self._entropy(16).hex(), _text(self._entropy(32))
        session = Session(
            subject=subject,
            secret=_digest(secret),
            salt=_text(self._entropy(32)),
            opened_at=now,
            refreshed_at=now,
            password_set_at=password_set_at,
        )
        key = Key(SESSION.name, identity)
        command = Command(key, f"open/{identity}", lambda state, at: [session])
        perform(self._store, [command], now, known=[Stored(key)])[0].stored()
        return _opened(identity, session, secret)

    def refresh(self, token: str, now: datetime) -> Opened:
        """The session with a new refresh token; the same again if the answer was lost just now.

        Raises SessionOver; when the token had been replaced before, the session is ended first.
        """
        identity, _, secret = token.partition(".")
        if not secret or len(token) > LONGEST_TOKEN:
            raise SessionOver("this is no refresh token; log in")
        following = ""

        def decide(state: Session | None, at: datetime) -> list[Session]:
            nonlocal following
            following = _following(secret, state.salt) if state else ""
            changed = rules.refreshed(state, shown=_digest(secret), following=_digest(following), now=at)
            return [changed] if changed is not None else []

        session = self._change(identity, "refresh", decide, now)
        if session.ended_at is not None:
            raise SessionOver("this refresh token was used before; to be safe the session was ended: log in again")
        return _opened(identity, session, following)

    def end(self, identity: str, now: datetime) -> None:
        """Ends one session; one that is over already, or never was, stays so."""
        self._change(identity, "end", _end, now)

    def end_all(self, subject: str, now: datetime, *, besides: str = "") -> None:
        """Ends every session of somebody but one. The index of holders lags by a moment: what it misses must be refused
        by its age (``Account.password_set_at``)."""
        cursor: str | None = None
        while True:
            keys, cursor = self._store.held_by(SESSION, subject, limit=100, cursor=cursor)
            commands = [Command(key, _cause("end"), _end) for key in keys if key.id != besides]
            for outcome in perform(self._store, commands, now) if commands else ():
                outcome.stored()
            if cursor is None:
                return

    def _change(
        self, identity: str, what: str, decide: Callable[[Session | None, datetime], list[Session]], now: datetime
    ) -> Session:
        key = Key(SESSION.name, identity)
        state: Session | None = perform(self._store, [Command(key, _cause(what), decide)], now)[0].stored().state
        return state or Session(subject="", secret="", salt="", opened_at=now, refreshed_at=now, ended_at=now)  # nosec B106


class LiveSessions:
    """Whether a session is live, for the authorizer: looked up, and remembered for ``REMEMBERED_SECONDS``."""

    def __init__(self, store: Store, *, clock: Clock = utc) -> None:
        self._store = store
        self._clock = clock
        self._seen: dict[str, tuple[datetime, bool]] = {}

    def __call__(self, identity: str) -> bool:
        """Raises AwsError when it is not remembered and cannot be looked up: who cannot know lets nobody in."""
        now = self._clock()
        until, live = self._seen.get(identity, (now, False))
        if now >= until:
            key = Key(SESSION.name, identity)
            live = rules.is_live(self._store.load([key])[key].state)
            if len(self._seen) >= REMEMBERED:
                self._seen.clear()
            self._seen[identity] = (now + timedelta(seconds=REMEMBERED_SECONDS), live)
        return live


def _end(state: Session | None, now: datetime) -> list[Session]:
    return [rules.ended(state, now)] if state is not None and state.ended_at is None else []


def _opened(identity: str, session: Session, secret: str) -> Opened:
    token = f"{identity}.{secret}"
    return Opened(identity, session.subject, session.opened_at, session.ends_at, token, session.password_set_at)


def _following(secret: str, salt: str) -> str:
    return _text(hmac.digest(salt.encode(), secret.encode(), "sha256"))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _cause(what: str) -> str:
    """Each act its own cause: a document must not take a second refresh for the first one come again."""
    return f"{what}/{secrets.token_hex(8)}"
