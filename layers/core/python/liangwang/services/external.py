"""Logging in with another identity service: its ID token in, our own tokens out."""

import hashlib
from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct, json, structs

from ..aggregates import ACCOUNT, Key
from ..claims import Claims
from ..domain import identifiers
from ..domain.account import SEEN, Account
from ..http import Request
from ..issuers import Issuers, NotVouched, Vouched
from ..processing import Command, perform
from ..store import Store
from ..vault import Vault
from .identity import Blocked, Token, Tokens

NAMES = 100
"""How often one identity may be erased and come again."""

_LETTERS = str.maketrans("0123456789abcdef", "ghijklmnopabcdef")


class ExternalLogin(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An ID token of a trusted ``issuer``, and the ``nonce`` of the request it answers, if there was one."""

    issuer: Annotated[str, Meta(max_length=500)]
    id_token: Annotated[str, Meta(max_length=16_384)]
    nonce: Annotated[str, Meta(max_length=500)] = ""


class External:
    """Finds the account that an external identity belongs to, or makes one."""

    def __init__(self, store: Store, tokens: Tokens, issuers: Issuers, vault: Vault, claims: Claims) -> None:
        self._store = store
        self._tokens = tokens
        self._issuers = issuers
        self._vault = vault
        self._claims = claims

    def login_by_issuer(self, request: Request) -> Token:
        """Raises NotVouched. The first time an account is linked or made; the level only ever rises."""
        wish: ExternalLogin = request.body
        who = self._issuers.vouched(wish.issuer, wish.id_token, nonce=wish.nonce)
        link = self._claims.name("external", _named(who))
        username = self._username(who, link, request.now)
        account = self._linked(username, link, who, request.now)
        return self._tokens.begin(username, account, request.now)

    def _username(self, who: Vouched, link: str, now: datetime) -> str:
        """The account that is linked; else the one with this identity number; else a new name, which follows from the
        identity, so that a first log-in that broke off is completed by the next."""
        if linked := self._claims.holder(link):
            return linked
        registered = self._claims.holder(self._number_claim(who, now)) if _number(who, now) else ""
        return registered or self._new_name(link)

    def _new_name(self, link: str) -> str:
        """The first name of this identity that was not closed for good: whoever was erased may come again, as a stranger."""
        for count in range(NAMES):
            digest = hashlib.sha256(f"{link}/{count}".encode()).hexdigest() if count else link.partition("/")[2]
            key = Key(ACCOUNT.name, "x-" + digest[:24].translate(_LETTERS))
            account: Account | None = self._store.load([key])[key].state
            if account is None or account.status != "closed":
                return key.id
        raise Blocked("this identity was erased too often; ask at a window")

    def _linked(self, username: str, link: str, who: Vouched, now: datetime) -> Account:
        key = Key(ACCOUNT.name, username)
        account: Account | None = self._store.load([key])[key].state
        if account is not None and link in account.claims and account.level >= who.level:
            return account
        if account is not None and account.status != "active":
            raise Blocked("this account was blocked or closed; ask at a window")
        is_new = account is None or link not in account.claims
        claims = (link, self._number_claim(who, now)) if is_new and _number(who, now) else (link,)
        self._claims.hold(claims, username, now)
        tokens = self._vault.seal(username, _personal(who, now))

        def decide(state: Account | None, _: datetime) -> list[Account]:
            if state is not None and state.role != "citizen":
                raise NotVouched("this account is no citizen's")
            if state is not None and state.status != "active":
                raise Blocked("this account was blocked or closed; ask at a window")
            return [_joined(state, link, claims, tokens, who.level, now)]

        command = Command(key, f"external/{link.partition('/')[2][:32]}/{who.level}", decide)
        linked: Account = perform(self._store, [command], now)[0].stored().state
        if account is not None and link not in account.claims and account.level < SEEN:
            self._tokens.end(
                username, now
            )  # what whoever waited in it still holds; mandates follow (services/erasure.py)
        return linked

    def _number_claim(self, who: Vouched, now: datetime) -> str:
        return self._claims.name("identity_no", _number(who, now))


def _joined(
    state: Account | None, link: str, claims: tuple[str, ...], tokens: dict[str, str], level: int, now: datetime
) -> Account:
    """The account after this log-in.

    An account whose number nobody had looked at may have been made by somebody else, in wait for its owner: its password,
    its sessions and its contact data are given up for what the issuer says.
    """
    if state is not None and (link in state.claims or state.level >= SEEN):
        held = tuple(dict.fromkeys((*state.claims, *claims)))
        return structs.replace(state, claims=held, level=max(state.level, level))
    return Account(role="citizen", personal=tokens, claims=claims, level=level, password_set_at=now)


def _named(who: Vouched) -> str:
    """An external identity as it is claimed. By a digest, because ``sub`` is compared exactly (OpenID Connect Core 1.0, 2)
    and the keyed index leaves case and spaces out."""
    return hashlib.sha256(json.encode((who.issuer, who.subject))).hexdigest()


def _number(who: Vouched, now: datetime) -> str:
    """The identity number, if the issuer has seen papers and it can be right; what somebody merely told it proves nothing."""
    number = identifiers.plain(who.personal.get("identity_no", "")) if who.level >= SEEN else ""
    return "" if identifiers.wrong_with_identity_number(number, now.date()) else number


def _personal(who: Vouched, now: datetime) -> dict[str, str]:
    """What is known of a new person."""
    personal = {field: value.strip() for field, value in who.personal.items() if value.strip()}
    personal.pop("identity_no", None)
    number = _number(who, now)
    return {**personal, **({"identity_no": number} if number else {})}
