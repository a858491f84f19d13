"""个人信息: officials find a person by an exact value, and a person has everything of themselves erased."""

from collections.abc import Iterator
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Literal

from msgspec import Meta, Struct

from ..access import granted, mask
from ..accesses import Accesses
from ..aggregates import ACCOUNT, APPLICATION, SESSION, Key
from ..claims import Claims
from ..domain import policy
from ..domain.account import Account
from ..domain.errors import NotFound, NotNow, Violation, require_reason
from ..http import Request
from ..processing import Command, perform
from ..step_up import require_fresh
from ..store import Store, Stored
from ..vault import Vault
from .registration import plain_value

PAGE = 100

CLAIMED_AS = MappingProxyType(
    {"phone": ("phone", "agent_phone"), "identity_no": ("identity_no",), "credit_code": ("credit_code",)}
)
"""Under which claims a field's values stand (``claims.py``)."""


class Search(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom somebody looks for, and why. The value is compared exactly, however it is written; it never stands in an address."""

    field: Literal["phone", "identity_no", "credit_code"]
    value: Annotated[str, Meta(min_length=1, max_length=100)]
    reason: Annotated[str, Meta(max_length=500)]


class FoundUser(Struct, frozen=True, kw_only=True, rename={"user_id": "userId"}):
    """An account, with its personal fields made unrecognisable."""

    user_id: str
    applicant_type: int
    level: int
    personal: dict[str, str]


class Found(Struct, frozen=True):
    """The accounts that have the value: none, one, or a person and the enterprises they act for."""

    users: tuple[FoundUser, ...]


class ErasedUser(Struct, frozen=True, kw_only=True, rename={"user_id": "userId"}):
    """The account is closed and its keys are destroyed; the username is never given again."""

    user_id: str
    erased_at: datetime


class Privacy:
    """Each method is one route."""

    def __init__(self, store: Store, vault: Vault, claims: Claims, accesses: Accesses) -> None:
        self._store = store
        self._vault = vault
        self._claims = claims
        self._accesses = accesses

    def search(self, request: Request) -> Found:
        """Finds accounts by one exact value. Every search is recorded, found or not, before anything is shown."""
        wish: Search = request.body
        shown = granted(request.by, "user.search", policy.Thing(), what="there is nothing to search here")
        require_reason(wish.reason, field="reason", what="a search for a person")
        value = plain_value(wish.field, wish.value)
        names = [self._claims.name(claim, value) for claim in CLAIMED_AS[wish.field]]
        holders = [holder for name in names if (holder := self._claims.holder(name))]
        accounts = self._store.load(Key(ACCOUNT.name, holder) for holder in dict.fromkeys(holders))
        for owner, fields in [(key.id, stored.state.personal) for key, stored in accounts.items()] or [("", ())]:
            self._record(request, owner, {wish.field, *fields}, wish.reason)
        return Found(tuple(self._found(stored, shown) for stored in accounts.values()))

    def erase(self, request: Request) -> ErasedUser:
        """Closes the caller's account and destroys its keys; the rest follows from the stream (``services/erasure.py``).

        Raises FreshLoginNeeded; NotNow while cases are open, naming them; NotFound for others' accounts.
        """
        owner = request.path["userId"]
        missing = f"there is no user {owner}, or none that you may see"
        granted(request.by, "user.erase", policy.Thing(owner=owner), what=missing)
        key, session = Key(ACCOUNT.name, owner), Key(SESSION.name, request.by.session or "-")
        loaded = self._store.load([key, session])
        if not loaded[key].history:
            raise NotFound(missing)
        if open_cases := list(self._open_cases(owner)):
            violations = tuple(
                Violation("case_no", f"case {number} is open: see it through or withdraw it") for number in open_cases
            )
            raise NotNow("nobody is erased while cases are open; see errors", violations=violations)
        require_fresh(loaded[session].state, owner, request.now, what="erase, which cannot be undone,")
        self._close(loaded[key], request.now)
        self._vault.destroy(owner)
        return ErasedUser(user_id=owner, erased_at=request.now)

    def _record(self, request: Request, owner: str, fields: set[str], reason: str) -> None:
        self._accesses.record(
            request.by, request.now, action="user.search", subject=owner, fields=fields, reason=reason
        )

    def _found(self, stored: Stored, shown: policy.Fields) -> FoundUser:
        account: Account = stored.state
        return FoundUser(
            user_id=stored.key.id,
            applicant_type=account.applicant_type,
            level=account.level,
            personal=mask(self._vault.open(stored.key.id, account.personal), shown),
        )

    def _open_cases(self, owner: str) -> Iterator[str]:
        cursor: str | None = None
        while True:
            keys, cursor = self._store.held_by(APPLICATION, owner, limit=PAGE, cursor=cursor)
            yield from (key.id for key, stored in self._store.load(keys).items() if _is_open(stored))
            if cursor is None:
                return

    def _close(self, stored: Stored, now: datetime) -> None:
        """What is left of an account is that there was one: nobody can log in to it or take its name."""

        def decide(state: Account | None, at: datetime) -> list[Account]:
            assert state is not None
            kept = Account(role=state.role, applicant_type=state.applicant_type, status="closed", password_set_at=at)
            return [] if state.status == "closed" else [kept]

        command = Command(stored.key, f"person/{stored.key.id}/erased", decide)
        perform(self._store, [command], now, known=[stored])[0].stored()


def _is_open(stored: Stored) -> bool:
    return bool(stored.history) and not (stored.state.is_at_rest or stored.state.redacted)
