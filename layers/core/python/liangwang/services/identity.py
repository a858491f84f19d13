"""登录: passwords in, short-lived tokens out, and sessions that live on by refreshing and end when they should."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct, structs

from .. import passwords
from ..aggregates import ACCOUNT, SESSION, Key
from ..attempts import Attempt, Guard
from ..aws import AwsJson
from ..domain import credentials
from ..domain.account import Account
from ..domain.errors import Invalid, Unauthenticated, Violation
from ..domain.sessions import SessionOver
from ..http import Request
from ..kms_jws import published
from ..processing import Command, perform
from ..sessions import Opened, Sessions
from ..step_up import require_fresh
from ..store import Store
from ..tokens import LIFETIME_SECONDS, KmsSigner

Password = Annotated[str, Meta(max_length=1000)]


class Login(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The credentials of a person or a registered system, and the ``device`` that an earlier log-in answered, if any."""

    username: str
    password: Password
    device: Annotated[str, Meta(max_length=200)] = ""


class Refresh(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The refresh token that the last log-in or refresh answered."""

    refresh_token: Annotated[str, Meta(max_length=200)]


class NewPassword(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The password of now and the one to come. ``old`` is left out where there is none yet, after an external log-in."""

    old: Password = ""
    new: Password


class Token(Struct, frozen=True, kw_only=True):
    """A bearer token and its life in seconds.

    ``refresh_token`` gets the next one at /api/token/refresh, within ``refresh_expires_in`` seconds, and is replaced by
    each use. ``device`` belongs to the device: sent with the next log-in, others' failed guesses do not delay it.
    """

    token: str
    role: str
    level: int = 0
    expires_in: int = LIFETIME_SECONDS
    refresh_token: str = ""
    refresh_expires_in: int = 0
    device: str = ""


class WrongCredentials(Unauthenticated):
    """Username and password do not belong together; which of the two is wrong is not said."""

    code = "wrong_credentials"


class Blocked(Unauthenticated):
    """The credentials are right, but the account was blocked by an operator."""

    code = "account_blocked"


class Tokens:
    """Makes the answer to whoever has proved who they are: a session and its first token, or the next."""

    def __init__(self, signer: KmsSigner, sessions: Sessions) -> None:
        self._signer = signer
        self._sessions = sessions

    def begin(self, username: str, account: Account, now: datetime, *, device: str = "") -> Token:
        """A new session. Raises Blocked."""
        if account.status != "active":
            raise Blocked("this account was blocked; ask at a window")
        return self.of(account, self._open(username, account, now), now, device=device)

    def end(self, username: str, now: datetime) -> None:
        """Ends all sessions of an account that has come into other hands."""
        self._sessions.end_all(username, now)

    def _open(self, username: str, account: Account, now: datetime) -> Opened:
        return self._sessions.open(username, now, password_set_at=account.password_set_at)

    def of(self, account: Account, session: Opened, now: datetime, *, device: str = "") -> Token:
        """A token of a session."""
        return Token(
            token=self._signer.sign(claims(session.subject, account, session.id)),
            role=account.role,
            level=account.level,
            refresh_token=session.token,
            refresh_expires_in=int((session.ends_at - now).total_seconds()),
            device=device,
        )


def claims(username: str, account: Account, session: str = "") -> dict[str, str]:
    """What a token says of an account; ``http.Caller`` is made of it."""
    said = {
        "sub": username,
        "role": account.role,
        "department": account.department,
        "region": account.region,
        "applicant_type": str(account.applicant_type),
        "level": str(account.level),
        "sid": session,
        "scope": " ".join(account.scopes),
    }
    return {name: value for name, value in said.items() if value}


class Identity:
    """Accounts and sessions live in intake's table; the signing key lives in KMS."""

    def __init__(
        self,
        store: Store,
        tokens: Tokens,
        sessions: Sessions,
        guard: Guard,
        *,
        aws: AwsJson,
        keys: tuple[str, ...],
    ) -> None:
        self._store = store
        self._tokens = tokens
        self._sessions = sessions
        self._guard = guard
        self._aws = aws
        self._keys = keys

    def login(self, request: Request) -> Token:
        """Raises WrongCredentials or TooManyAttempts; an unknown username fares and lasts like a wrong password."""
        login: Login = request.body
        attempt = self._guard.of_person(login.username, device=login.device, source=request.source, now=request.now)
        account = self._proved(login.username, login.password, attempt)
        devices = self._guard.devices
        known = devices.known(login.device, login.username, request.now)
        device = login.device if known else devices.token(login.username, request.now)
        return self._tokens.begin(login.username, account, request.now, device=device)

    def refresh(self, request: Request) -> Token:
        """Raises SessionOver. Role, level and department are those of now, not those of the log-in."""
        wish: Refresh = request.body
        session = self._sessions.refresh(wish.refresh_token, request.now)
        key = Key(ACCOUNT.name, session.subject)
        account: Account | None = self._store.load([key])[key].state
        if account is None or account.status != "active" or _is_older_than_the_password(session, account):
            self._sessions.end(session.id, request.now)
            raise SessionOver("the account was blocked or its password changed; log in again")
        return self._tokens.of(account, session, request.now)

    def logout(self, request: Request) -> dict[str, str]:
        """Ends the caller's session; whatever tokens of it there are stop to hold within half a minute."""
        if request.by.session:
            self._sessions.end(request.by.session, request.now)
        return {"status": "ended"}

    def password(self, request: Request) -> dict[str, str]:
        """Sets a new password and ends all other sessions. Raises WrongCredentials, TooManyAttempts or Invalid,
        and FreshLoginNeeded for a first password in a session that is not new."""
        wish: NewPassword = request.body
        subject, now = request.by.subject, request.now
        account = self._proved(subject, wish.old, self._guard.of_session(subject, now=now), may_lack=True)
        if not account.password:  # nothing else shows that it is the owner and not somebody who found a token
            key = Key(SESSION.name, request.by.session or "-")
            require_fresh(self._store.load([key])[key].state, subject, now, what="set the first password")
        if wrong := credentials.wrong_with_password(wish.new, subject):
            raise Invalid("this password cannot be used", violations=(Violation("new", wrong),))
        digest = passwords.digest(wish.new)

        def decide(state: Account | None, _: datetime) -> list[Account]:
            if state is None or state.status != "active":
                raise Blocked("this account was blocked or closed; ask at a window")
            kept = request.by.session
            return [structs.replace(state, password=digest, password_set_at=now, password_set_in=kept)]

        cause = f"person/{subject}/password/{digest[-16:]}"
        perform(self._store, [Command(Key(ACCOUNT.name, subject), cause, decide)], now)[0].stored()
        self._sessions.end_all(subject, now, besides=request.by.session)
        return {"status": "changed"}

    def keys(self, request: Request) -> dict[str, object]:
        """The JSON Web Key Set with which anyone can check tokens, signed results and documents (RFC 7517)."""
        return {"keys": [published(self._aws, key) for key in self._keys]}

    def _proved(self, username: str, password: str, attempt: Attempt, *, may_lack: bool = False) -> Account:
        """The account that the password opens; ``may_lack``: also one that has none, in its owner's own session."""
        key = Key(ACCOUNT.name, username)
        loaded = self._store.load([key, *attempt.keys])
        attempt.begin(loaded)
        account: Account | None = loaded[key].state
        stored = account.password if account and account.password else passwords.NOBODY
        lacks = account is not None and not account.password
        if account is None or not ((lacks and may_lack) or (passwords.matches(password, stored) and not lacks)):
            attempt.failed()
            raise WrongCredentials("username or password is wrong")
        attempt.succeeded()
        return account


def _is_older_than_the_password(session: Opened, account: Account) -> bool:
    """Whether a session was opened with a password that has been changed since, elsewhere."""
    changed_at = account.password_set_at
    if changed_at is None or session.id == account.password_set_in:
        return False
    if session.password_set_at is None:
        return session.opened_at < changed_at
    return session.password_set_at != changed_at
