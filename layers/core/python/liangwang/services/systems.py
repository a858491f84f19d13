"""Registered systems get tokens by OAuth 2.0 client credentials (RFC 6749, 4.4): no session, no refresh, one scope."""

import base64
import binascii
from typing import Annotated, Literal
from urllib.parse import unquote_plus

from msgspec import UNSET, Meta, Struct, UnsetType, json

from .. import passwords
from ..aggregates import ACCOUNT, Key
from ..attempts import Guard
from ..domain.account import Account
from ..http import Answer, Request
from ..store import Store
from ..tokens import LIFETIME_SECONDS, KmsSigner
from .identity import claims

Text = Annotated[str, Meta(max_length=1000)]


class TokenRequest(Struct, frozen=True, kw_only=True):
    """The form of a token request. Unknown parameters are ignored (RFC 6749, 3.2)."""

    grant_type: Text = ""
    scope: Text = ""
    client_id: Text = ""
    client_secret: Text = ""


class SystemTokenAnswer(Struct, frozen=True, kw_only=True):
    """An access token (RFC 6749, 5.1)."""

    access_token: str
    scope: str
    token_type: Literal["Bearer"] = "Bearer"
    expires_in: int = LIFETIME_SECONDS


class OAuthError(Struct, frozen=True, kw_only=True):
    """A refusal (RFC 6749, 5.2)."""

    error: str
    error_description: str | UnsetType = UNSET


class _Refused(Exception):
    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(error)
        self.answer = Answer(
            json.encode(OAuthError(error=error, error_description=description)),
            media_type="application/json",
            status=status,
            headers={"www-authenticate": 'Basic realm="liangwang", charset="UTF-8"'} if status == 401 else {},
        )


class Systems:
    """The token endpoint."""

    def __init__(self, store: Store, signer: KmsSigner, guard: Guard) -> None:
        self._store = store
        self._signer = signer
        self._guard = guard

    def token(self, request: Request) -> SystemTokenAnswer | Answer:
        """A token for a system that shows its secret. Refusals have OAuth's form; too many of them are a problem 429."""
        try:
            return self._granted(request, request.body)
        except _Refused as refused:
            return refused.answer

    def _granted(self, request: Request, wish: TokenRequest) -> SystemTokenAnswer:
        client, secret = _credentials(request, wish)
        if not wish.grant_type:
            raise _Refused("invalid_request", "grant_type is missing")
        if wish.grant_type != "client_credentials":
            raise _Refused("unsupported_grant_type", "use client_credentials")
        account = self._proved(client, secret, request)
        wanted = tuple(dict.fromkeys(wish.scope.split())) or account.scopes
        if not wanted or not set(wanted) <= set(account.scopes):
            raise _Refused("invalid_scope", f"this client may have: {' '.join(account.scopes) or 'none'}")
        said = {**claims(client, account), "scope": " ".join(wanted)}
        return SystemTokenAnswer(access_token=self._signer.sign(said), scope=" ".join(wanted))

    def _proved(self, client: str, secret: str, request: Request) -> Account:
        key = Key(ACCOUNT.name, client)
        attempt = self._guard.of_system(client, source=request.source, now=request.now)
        loaded = self._store.load([key, *attempt.keys])
        attempt.begin(loaded)
        account: Account | None = loaded[key].state
        usable = account is not None and account.role == "system" and account.status == "active" and account.password
        if not passwords.matches(secret, account.password if account and usable else passwords.NOBODY) or not usable:
            attempt.failed()
            raise _Refused("invalid_client", "client_id or client_secret is wrong", 401)
        attempt.succeeded()
        assert account is not None
        return account


def _credentials(request: Request, wish: TokenRequest) -> tuple[str, str]:
    """client_secret_basic or client_secret_post, and not both (RFC 6749, 2.3.1)."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if not scheme:
        if not wish.client_id or not wish.client_secret:
            raise _Refused("invalid_client", "send client_id and client_secret, by Basic or in the form", 401)
        return wish.client_id, wish.client_secret
    if wish.client_secret:
        raise _Refused("invalid_request", "send the client's credentials in one way only")
    try:
        if scheme.lower() != "basic":
            raise ValueError(scheme)
        client, colon, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (ValueError, binascii.Error) as error:
        raise _Refused("invalid_client", "the authorization header is not Basic", 401) from error
    if not colon or (wish.client_id and wish.client_id != unquote_plus(client)):
        raise _Refused("invalid_client", "the authorization header does not fit", 401)
    return unquote_plus(client), unquote_plus(secret)
