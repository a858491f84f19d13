"""What people see and change of their own record, and how an officer who has seen the papers raises the real-name level."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType, json, structs

from ..access import granted, mask
from ..accesses import Accesses
from ..aggregates import ACCOUNT, Key
from ..claims import Claims
from ..domain import identifiers, policy
from ..domain.account import Account
from ..domain.errors import Invalid, NotFound, Violation, require_reason
from ..http import Request
from ..processing import Command, key_of, perform
from ..store import Store, Stored
from ..vault import Vault
from .registration import CHECKS, ENTERPRISE, Line, phone_claim, plain_value

SHOWN = ("name", "email", "phone")


class UserView(Struct, frozen=True, kw_only=True, rename={"user_id": "userId"}):
    """One user. ``name``, ``email`` and ``phone`` are empty where nothing is known, and masked for those who need no more."""

    user_id: str
    name: str
    email: str
    phone: str


class ProfileChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The fields that change. An empty text takes one away; a phone can only be replaced."""

    phone: Line | UnsetType = UNSET
    email: Line | UnsetType = UNSET
    address: Line | UnsetType = UNSET
    bank_account: Line | UnsetType = UNSET


class Verification(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an officer at a window has read off the papers of the person who stands there, and which papers they were."""

    number: Line
    reason: Annotated[str, Meta(max_length=500)]


class Verified(Struct, frozen=True, kw_only=True, rename={"user_id": "userId"}):
    """The level that the account has now."""

    user_id: str
    level: int


class Users:
    """The user API. Each method is one route."""

    def __init__(self, store: Store, vault: Vault, claims: Claims, accesses: Accesses) -> None:
        self._store = store
        self._vault = vault
        self._claims = claims
        self._accesses = accesses

    def show(self, request: Request) -> UserView:
        """One user's record. Raises NotFound for others' where policy does not grant it."""
        stored, fields = self._reached(request, "user.read")
        return self._view(request, stored, fields)

    def change(self, request: Request) -> UserView:
        """Changes one's own contact data. Raises Invalid, or Taken for another's phone."""
        stored, fields = self._reached(request, "user.change")
        wish: ProfileChange = request.body
        account: Account = stored.state
        given = {name: value for name, value in structs.asdict(wish).items() if value is not UNSET}
        values = {name: plain_value(name, value) for name, value in given.items()}
        _check(values, account)
        phone = values.get("phone", "")
        claim = self._claims.name(phone_claim(account.applicant_type), phone) if phone else ""
        if claim:
            self._claims.hold([claim], stored.key.id, request.now)
        tokens = self._vault.seal(stored.key.id, {name: value for name, value in values.items() if value})
        removed = values.keys() - tokens.keys()
        changed = self._write(request, stored, lambda state: _changed(state, removed, tokens, claim))
        return self._view(request, changed, fields)

    def verify(self, request: Request) -> Verified:
        """Raises the level to 2 when the number on the papers is the account's. The officer is shown nothing of it."""
        stored, _ = self._reached(request, "user.verify")
        wish: Verification = request.body
        account: Account = stored.state
        require_reason(wish.reason, field="reason", what="a verification")
        field = "credit_code" if account.applicant_type == ENTERPRISE else "identity_no"
        claim = self._claims.name(field, identifiers.plain(wish.number))
        self._accesses.record(
            request.by, request.now, action="user.verify", subject=stored.key.id, fields=[field], reason=wish.reason
        )
        if claim not in account.claims:
            raise Invalid("the papers are not this user's", violations=(Violation("number", "compare it once more"),))
        stored = self._write(request, stored, lambda state: structs.replace(state, level=max(state.level, 2)))
        return Verified(user_id=stored.key.id, level=stored.state.level)

    def _reached(self, request: Request, action: policy.Action) -> tuple[Stored, policy.Fields]:
        """The account that the path names, if the caller may do this with it. Raises NotFound."""
        user_id = request.path["userId"]
        missing = f"there is no user {user_id}, or none that you may see"
        fields = granted(request.by, action, policy.Thing(owner=user_id), what=missing)
        key = Key(ACCOUNT.name, user_id)
        stored = self._store.load([key])[key]
        if (
            not stored.history
            or stored.state.status == "closed"
            or (stored.state.role != "citizen" and user_id != request.by.subject)
        ):
            raise NotFound(missing)
        return stored, fields

    def _view(self, request: Request, stored: Stored, fields: policy.Fields) -> UserView:
        account: Account = stored.state
        tokens = {name: account.personal[name] for name in SHOWN if name in account.personal}
        if tokens:
            self._accesses.record(
                request.by, request.now, action="user.read", subject=stored.key.id, fields=sorted(tokens)
            )
        known = {"name": account.name, **mask(self._vault.open(stored.key.id, tokens), fields)}
        return UserView(user_id=stored.key.id, **{name: known.get(name, "") for name in SHOWN})

    def _write(self, request: Request, stored: Stored, change: Callable[[Account], Account]) -> Stored:
        """One change for one cause: the ``Idempotency-Key``, or the version that the caller saw, and the content, by a
        keyed index because a cause must not tell what it was."""
        key = key_of(request, stored)
        content = self._vault.blind("user.change", json.encode(request.body, order="deterministic").decode())
        cause = f"person/{request.by.subject}/{request.route}/{key}/{content[:16]}"

        def decide(state: Account | None, _: datetime) -> list[Account]:
            if (
                state is None or state.status == "closed"
            ):  # erased since it was loaded: nothing is kept of the person again
                raise NotFound(f"there is no user {stored.key.id}, or none that you may see")
            return [change(state)]

        command = Command(stored.key, cause, decide)
        return perform(self._store, [command], request.now, known=[stored])[0].stored()


def _check(values: Mapping[str, str], account: Account) -> None:
    if account.role != "citizen":
        raise Invalid("an official's record is kept by the operators", violations=())
    found = {field: check(values[field]) for field, check in CHECKS.items() if values.get(field)}
    if "phone" in values and not values["phone"]:
        found["phone"] = "give the new number: an account has one"
    if violations := tuple(Violation(field, message) for field, message in found.items() if message):
        raise Invalid("the record cannot be changed like this; see errors", violations=violations)


def _changed(state: Account, removed: Collection[str], tokens: Mapping[str, str], claim: str) -> Account:
    """The account with other contact data; a new phone's claim takes the place of the old one's, which lapses by that."""
    personal = {name: token for name, token in {**state.personal, **tokens}.items() if name not in removed}
    if not claim:
        return structs.replace(state, personal=personal)
    field = claim.partition("/")[0]
    others = tuple(one for one in state.claims if one.partition("/")[0] != field)
    return structs.replace(state, personal=personal, claims=(*others, claim))
