"""注册: people and enterprises make their own accounts."""

from datetime import date, datetime
from typing import Annotated, Any

from msgspec import Meta, Struct, json

from .. import passwords
from ..aggregates import ACCOUNT, Key
from ..claims import Claims, Taken
from ..domain import credentials, identifiers
from ..domain.account import Account
from ..domain.errors import Invalid, Violation
from ..domain.history import knows
from ..http import Request
from ..processing import Command, perform
from ..store import Store
from ..vault import Erased, Vault

Name = Annotated[str, Meta(min_length=1, max_length=100)]
Line = Annotated[str, Meta(max_length=200)]
NATURAL_PERSON, ENTERPRISE = 1, 2
"""Applicant types (GB/T 39046-2020 A.4)."""

CHECKS = {
    "phone": identifiers.wrong_with_phone,
    "email": identifiers.wrong_with_email,
    "bank_account": identifiers.wrong_with_bank_account,
}
"""How the fields that their owner may change are checked; an address is any text."""


class Person(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """自然人. Numbers may be written with spaces and hyphens."""

    name: Name
    identity_no: Line
    phone: Line
    email: Line = ""
    address: Line = ""
    bank_account: Line = ""


class Agent(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """经办人: the person who acts for an enterprise."""

    name: Name
    identity_no: Line
    phone: Line


class Enterprise(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """法人: its registered name, its unified social credit code, and who acts for it."""

    name: Name
    credit_code: Line
    agent: Agent
    email: Line = ""
    address: Line = ""
    bank_account: Line = ""


class Register(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new account: of a ``person`` or of an ``enterprise``."""

    username: Line
    password: Annotated[str, Meta(max_length=1000)]
    person: Person | None = None
    enterprise: Enterprise | None = None


class Registered(Struct, frozen=True, kw_only=True, rename={"user_id": "userId"}):
    """The new account. ``level`` is 1: the number is formally right, but nobody has seen the papers."""

    user_id: str
    role: str = "citizen"
    level: int = 1


class Registration:
    """Makes accounts. What is unique is claimed first, then the account is written that lists the claims."""

    def __init__(self, store: Store, vault: Vault, claims: Claims) -> None:
        self._store = store
        self._vault = vault
        self._claims = claims

    def register(self, request: Request) -> Registered:
        """Raises Invalid or Taken. The same ``Idempotency-Key`` gives the same account once more."""
        wish: Register = request.body
        personal, place = _profile(wish)
        _check(wish, personal, place, today=request.now.date())
        kind = NATURAL_PERSON if wish.person else ENTERPRISE
        claims = tuple(self._claims.name(field, value) for field, value in _unique(personal, kind))
        key = Key(ACCOUNT.name, wish.username)
        stored, cause = self._store.load([key])[key], self._cause(request, claims)
        if not knows(stored.history, cause):
            if stored.history:
                raise _name_taken()
            self._claims.hold(claims, wish.username, request.now)
            self._write(key, cause, self._account(wish, kind, personal, claims, request.now), request.now)
        return Registered(user_id=wish.username)

    def _account(
        self, wish: Register, kind: int, personal: dict[str, str], claims: tuple[str, ...], now: datetime
    ) -> Account:
        try:
            tokens = self._vault.seal(wish.username, personal)
        except Erased as error:  # a person of this name was here and is forgotten
            raise _name_taken() from error
        return Account(
            role="citizen",
            password=passwords.digest(wish.password),
            applicant_type=kind,
            level=1,
            personal=tokens,
            claims=claims,
            password_set_at=now,
        )

    def _write(self, key: Key, cause: str, account: Account, now: datetime) -> None:
        def decide(state: Account | None, _: datetime) -> list[Account]:
            if state is not None:
                raise _name_taken()
            return [account]

        perform(self._store, [Command(key, cause, decide)], now)[0].stored()

    def _cause(self, request: Request, claims: tuple[str, ...]) -> str:
        """Names the request by its key and whom it is about, by keyed indexes: a cause must not tell either."""
        key = request.headers.get("idempotency-key") or str(request.now.timestamp())
        return f"register/{self._vault.blind('registration', json.encode((key, claims)).decode())[:32]}"


def _profile(wish: Register) -> tuple[dict[str, str], dict[str, str]]:
    """The personal fields under the names they are kept by, and where each stands in the request. Raises Invalid."""
    if (wish.person is None) == (wish.enterprise is None):
        raise Invalid("say who it is", violations=(Violation("person", "give either person or enterprise"),))
    if wish.person is not None:
        place = {field: f"person.{field}" for field in Person.__struct_fields__}
        return _plain({field: getattr(wish.person, field) for field in place}), place
    assert wish.enterprise is not None
    own = {field: getattr(wish.enterprise, field) for field in Enterprise.__struct_fields__ if field != "agent"}
    agent = wish.enterprise.agent
    place = {field: f"enterprise.{field}" for field in own}
    place |= {"agent_name": "enterprise.agent.name"}
    place |= {field: f"enterprise.agent.{field}" for field in ("identity_no", "phone")}
    return _plain({**own, "agent_name": agent.name, "identity_no": agent.identity_no, "phone": agent.phone}), place


def _plain(personal: dict[str, str]) -> dict[str, str]:
    kept = {field: plain_value(field, value) for field, value in personal.items()}
    return {field: value for field, value in kept.items() if value}


def plain_value(field: str, value: str) -> str:
    """A value as it is checked and kept: numbers without separators, a phone without the prefix of China."""
    if field in ("identity_no", "credit_code", "bank_account"):
        return identifiers.plain(value)
    return identifiers.plain(value).removeprefix("+86") if field == "phone" else value.strip()


def _check(wish: Register, personal: dict[str, str], place: dict[str, str], *, today: date) -> None:
    """Raises Invalid with everything that is wrong."""
    found = {
        "username": credentials.wrong_with_username(wish.username),
        "password": credentials.wrong_with_password(wish.password, wish.username),
    }
    checks: dict[str, Any] = {
        **CHECKS,
        "identity_no": lambda number: identifiers.wrong_with_identity_number(number, today),
        "credit_code": identifiers.wrong_with_credit_code,
    }
    required = [field for field in ("name", "agent_name", "identity_no", "credit_code", "phone") if field in place]
    found |= {place[field]: "is missing" for field in required if field not in personal}
    found |= {place[field]: check(personal[field]) for field, check in checks.items() if field in personal}
    if violations := tuple(Violation(field, message) for field, message in found.items() if message):
        raise Invalid("the account cannot be made like this; see errors", violations=violations)


def _unique(personal: dict[str, str], kind: int) -> list[tuple[str, str]]:
    """What one account of a kind has alone. A person may act for several enterprises, with one phone for each."""
    number = "identity_no" if kind == NATURAL_PERSON else "credit_code"
    return [(number, personal[number]), (phone_claim(kind), personal["phone"])]


def phone_claim(kind: int) -> str:
    """The field under which an account of this applicant type claims its phone."""
    return "phone" if kind == NATURAL_PERSON else "agent_phone"


def _name_taken() -> Taken:
    return Taken("the username is taken", violations=(Violation("username", "choose another"),))
