"""Identity services of others (OpenID Connect) that are trusted by configuration, and the keys they sign with.

An ID token is believed when a key of its issuer signed it by an algorithm that the configuration allows, for us as the
audience, within its time (OpenID Connect Core 1.0, 3.1.3.7; RFC 8725).
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlsplit

import jwt
from msgspec import Struct, json

from .clock import Clock, utc
from .domain.errors import Unauthenticated
from .http_client import HttpClient

Algorithm = Literal["ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "EdDSA"]
"""Asymmetric ones only: with a shared secret, whoever can check a token could make one."""

FRESH = timedelta(hours=1)
"""Keys older than this are fetched again before they are used, if the issuer answers."""

ASK_AT_MOST_EVERY = timedelta(minutes=1)
"""However many unknown keys are named, the issuer is asked no more often."""

OLDEST = timedelta(minutes=10)
"""An ID token tells of a log-in that has just happened: an older one was kept by somebody."""

LEEWAY_SECONDS = 30

LARGEST = 256 * 1024


class Issuer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One identity service. ``levels`` maps what its ``level_claim`` says to our real-name level, else ``level`` counts.

    ``claims`` maps our personal fields (name, identity_no, phone, email) to its claims. With ``identity_no`` mapped, whoever
    is registered here already keeps that account.
    """

    issuer: str
    audience: str
    jwks_uri: str
    algorithms: tuple[Algorithm, ...] = ("ES256",)
    level: int = 1
    level_claim: str = "acr"
    levels: dict[str, int] = {}
    claims: dict[Literal["name", "identity_no", "phone", "email"], str] = {}


class Vouched(Struct, frozen=True, kw_only=True):
    """Who an issuer says somebody is: its own name for them, how surely it knows, and our personal fields as it knows them."""

    issuer: str
    subject: str
    level: int
    personal: dict[str, str]


class NotVouched(Unauthenticated):
    """The ID token does not hold, or its issuer is none of those that are trusted here."""

    code = "not_vouched"


def parse(text: str) -> tuple[Issuer, ...]:
    """The configuration: a JSON array of issuers; empty text is none. Raises msgspec.ValidationError, ValueError."""
    issuers = json.decode(text, type=tuple[Issuer, ...]) if text.strip() else ()
    for one in issuers:
        parts = urlsplit(one.jwks_uri)
        if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
            raise ValueError(f"jwks_uri of {one.issuer}: use https")
    return issuers


Fetch = Callable[[str], bytes]


def fetch(uri: str) -> bytes:
    """A key set over HTTP. Raises OSError."""
    parts = urlsplit(uri)
    client = HttpClient(f"{parts.scheme}://{parts.netloc}", timeout=5.0)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    answer = client.request("GET", target or "/", headers={"accept": "application/json", "connection": "close"})
    if answer.status != 200 or len(answer.body) > LARGEST:
        raise ConnectionError(f"{uri} answered {answer.status}")
    return answer.body


class Keys:
    """The signing keys of one issuer. Old ones go on being used while the issuer cannot be reached."""

    def __init__(self, uri: str, algorithms: Sequence[str], *, fetch: Fetch = fetch, clock: Clock = utc) -> None:
        self._uri = uri
        self._algorithms = frozenset(algorithms)
        self._fetch = fetch
        self._clock = clock
        self._keys: dict[str, jwt.PyJWK] = {}
        self._asked_at: datetime | None = None
        self._fetched_at: datetime | None = None

    def get(self, kid: str) -> jwt.PyJWK:
        """The key of this name; asks the issuer when it is unknown or what is known is old. Raises NotVouched."""
        now = self._clock()
        is_old = self._fetched_at is None or now >= self._fetched_at + FRESH
        may_ask = self._asked_at is None or now >= self._asked_at + ASK_AT_MOST_EVERY
        if (is_old or kid not in self._keys) and may_ask:
            self._asked_at = now
            self._renew(now)
        if kid not in self._keys:
            raise NotVouched("the issuer has no such key, or cannot be reached now")
        return self._keys[kid]

    def _renew(self, now: datetime) -> None:
        try:
            found = json.decode(self._fetch(self._uri), type=dict[str, Any]).get("keys", [])
            keys = {str(one["kid"]): jwt.PyJWK(one) for one in found if self._is_for_signing(one)}
        except (OSError, ValueError, TypeError, AttributeError, jwt.PyJWTError):
            return  # what is known already goes on being used
        if keys:
            self._keys, self._fetched_at = keys, now

    def _is_for_signing(self, one: Mapping[str, Any]) -> bool:
        fits = one.get("kty") in ("EC", "RSA", "OKP") and one.get("use", "sig") == "sig" and "kid" in one
        return fits and one.get("alg", next(iter(self._algorithms))) in self._algorithms


class Issuers:
    """All trusted issuers, each with its keys."""

    def __init__(self, issuers: Sequence[Issuer], *, fetch: Fetch = fetch, clock: Clock = utc) -> None:
        self._clock = clock
        self._known = {
            one.issuer: (one, Keys(one.jwks_uri, one.algorithms, fetch=fetch, clock=clock)) for one in issuers
        }

    def vouched(self, issuer: str, token: str, *, nonce: str = "") -> Vouched:
        """What a good ID token says. Raises NotVouched, without telling a stranger which check failed beyond its name."""
        if issuer not in self._known:
            raise NotVouched("this issuer is not trusted here")
        trusted, keys = self._known[issuer]
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") not in trusted.algorithms:
                raise jwt.InvalidAlgorithmError("the algorithm is not allowed")
            claims = self._claims(token, keys.get(str(header.get("kid", ""))), trusted)
        except jwt.InvalidTokenError as error:
            raise NotVouched(f"the ID token does not hold: {error}") from error
        if (nonce or claims.get("nonce")) and claims.get("nonce") != nonce:
            raise NotVouched("the ID token answers another request: its nonce differs")
        said: dict[str, str] = {field: str(claims[name]) for field, name in trusted.claims.items() if claims.get(name)}
        return Vouched(issuer=issuer, subject=str(claims["sub"]), level=_level(trusted, claims), personal=said)

    def _claims(self, token: str, key: jwt.PyJWK, trusted: Issuer) -> dict[str, Any]:
        now = self._clock().timestamp()
        claims: dict[str, Any] = jwt.decode(
            token,
            key=key,
            algorithms=list(trusted.algorithms),
            audience=trusted.audience,
            issuer=trusted.issuer,
            options={
                "require": ["exp", "iat", "iss", "aud", "sub"],
                # By our clock, below: PyJWT would look at the machine's.
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
        times = {name: claims[name] for name in ("exp", "iat", "nbf") if name in claims}
        if not all(isinstance(moment, int | float) for moment in times.values()):
            raise jwt.InvalidTokenError("its times are no numbers")
        if times["exp"] + LEEWAY_SECONDS <= now:
            raise jwt.ExpiredSignatureError("it has expired")
        if max(times["iat"], times.get("nbf", 0)) > now + LEEWAY_SECONDS:
            raise jwt.ImmatureSignatureError("it is not valid yet")
        if times["iat"] < now - OLDEST.total_seconds():
            raise jwt.ExpiredSignatureError("it was made too long ago; log in there again")
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if claims.get("azp", trusted.audience) != trusted.audience or (several and "azp" not in claims):
            raise jwt.InvalidAudienceError("it was made for another party")
        return claims


def _level(trusted: Issuer, claims: Mapping[str, Any]) -> int:
    level = trusted.levels.get(str(claims.get(trusted.level_claim, "")), trusted.level)
    return max(0, min(level, 3))
