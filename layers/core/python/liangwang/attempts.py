"""Counts the guesses at an account's password in the store, so that they count across processes (domain/guessing.py).

An attempt is counted before the password is looked at, by a conditional write, and taken back when it succeeds: of a
thousand guesses sent at once only as many are looked at as are free. Keys name neither account nor address, but their
keyed indexes.
"""

import hmac
import re
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import NamedTuple

from .aggregates import ATTEMPTS, Key
from .domain import guessing
from .domain.account import Attempts
from .domain.guessing import OF_A_SOURCE, OF_AN_ACCOUNT, Allowance, TooManyAttempts
from .limits import client_of
from .processing import Command, perform
from .store import Conflict, Store, Stored

Index = Callable[[str, str], str]
"""From a field and a value to a keyed index (``Vault.blind``)."""

DEVICE_DAYS = 400
"""How long a device is known after it was last told so."""

_DEVICE = re.compile(r"(\d{5})\.([0-9a-f]{32})\.([0-9a-f]{64})")
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_ROUNDS = 3


class Devices:
    """Device tokens: who has one has logged in to the account from there. They open nothing."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def token(self, username: str, now: datetime) -> str:
        """A token for the device of somebody who has just logged in."""
        day, nonce = f"{(now - _EPOCH).days:05}", secrets.token_hex(16)
        return f"{day}.{nonce}.{self._seal(username, day, nonce)}"

    def known(self, token: str, username: str, now: datetime) -> str:
        """The device's id; empty for a token that is none, has run out, or belongs to another account."""
        parts = _DEVICE.fullmatch(token)
        if parts is None or not 0 <= (now - _EPOCH).days - int(parts[1]) <= DEVICE_DAYS:
            return ""
        return parts[2] if hmac.compare_digest(parts[3], self._seal(username, parts[1], parts[2])) else ""

    def _seal(self, username: str, day: str, nonce: str) -> str:
        return self._index("device", f"{username}/{day}/{nonce}")


class _Counter(NamedTuple):
    key: Key
    allowance: Allowance


class Attempt:
    """One attempt: ``begin``, look at the password, then ``succeeded`` or ``failed``. ``keys`` are to be loaded for it."""

    def __init__(self, store: Store, own: _Counter, source: _Counter | None, now: datetime) -> None:
        self._store = store
        self._own = own
        self._source = source
        self._now = now
        self.keys = [own.key, *([source.key] if source else [])]

    def begin(self, loaded: Mapping[Key, Stored]) -> None:
        """Raises TooManyAttempts, and then nothing was counted and the password must not be looked at."""
        if self._source is not None:
            state: Attempts | None = loaded[self._source.key].state
            if (left := guessing.wait(state, self._source.allowance, self._now)) > timedelta(0):
                raise TooManyAttempts(left)
        self._write(self._own, "begun", lambda state: guessing.failed(state, self._own.allowance, self._now), loaded)

    def failed(self) -> None:
        """The guess was wrong; it is counted for its source too."""
        source = self._source
        if source is not None:
            self._write(source, "failed", lambda state: guessing.failed(state, source.allowance, self._now))

    def succeeded(self) -> None:
        """It was no guess. Where that cannot be noted among many at once, the attempt stays counted until it fades."""
        with suppress(TooManyAttempts):
            self._write(self._own, "succeeded", lambda state: guessing.forgiven(state, self._own.allowance))

    def _write(
        self,
        counter: _Counter,
        what: str,
        change: Callable[[Attempts | None], Attempts | None],
        loaded: Mapping[Key, Stored] | None = None,
    ) -> None:
        cause = f"{what}/{secrets.token_hex(8)}"

        def decide(state: Attempts | None, _: datetime) -> list[Attempts]:
            changed = change(state)
            return [changed] if changed is not None else []

        known = [loaded[counter.key]] if loaded else []
        for _ in range(_ROUNDS):
            (outcome,) = perform(self._store, [Command(counter.key, cause, decide)], self._now, known=known)
            if not isinstance(outcome.error, Conflict):
                outcome.stored()
                return
            known = []
        raise TooManyAttempts(timedelta(seconds=1))  # so many at once that not even counting them is possible


class Guard:
    """Makes attempts, each with the counter it falls under."""

    def __init__(self, store: Store, index: Index) -> None:
        self._store = store
        self._index = index
        self.devices = Devices(index)

    def of_person(self, username: str, *, device: str, source: str, now: datetime) -> Attempt:
        """A log-in: on its own counter from a known device, else on the one of all strangers and that of the address."""
        if known := self.devices.known(device, username, now):
            return Attempt(self._store, _Counter(Key(ATTEMPTS.name, f"device/{known}"), OF_AN_ACCOUNT), None, now)
        own = _Counter(self._key("account", username), OF_AN_ACCOUNT)
        return Attempt(self._store, own, _Counter(self._key("source", client_of(source)), OF_A_SOURCE), now)

    def of_system(self, client: str, *, source: str, now: datetime) -> Attempt:
        """A system at /oauth/token has no device, but an address of its own, and a secret too long to be guessed."""
        own = _Counter(self._key("client", f"{client}/{client_of(source)}"), OF_AN_ACCOUNT)
        return Attempt(self._store, own, _Counter(self._key("source", client_of(source)), OF_A_SOURCE), now)

    def of_session(self, subject: str, *, now: datetime) -> Attempt:
        """The old password in somebody's own session, which whoever took the session would have to guess."""
        return Attempt(self._store, _Counter(self._key("own", subject), OF_AN_ACCOUNT), None, now)

    def _key(self, kind: str, value: str) -> Key:
        return Key(ATTEMPTS.name, f"{kind}/{self._index(f'attempts.{kind}', value)}")
