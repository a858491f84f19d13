"""Who is asking: short-lived ES256 tokens, signed inside KMS, checked with the public half.

Two keys are trusted: identity's, for people and registered systems, and the governance centre's own, which can only
say ``role: system``. The rules of RFC 8725 hold: one fixed algorithm, ``iss``, ``aud``, ``exp`` and ``kid`` required.
"""

import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec import json

from .aws import AwsJson
from .kms_jws import KmsJws as KmsJws
from .kms_jws import jwk as jwk
from .kms_jws import public_key as public_key

AUDIENCE = "liangwang"
LIFETIME_SECONDS = 900
REMEMBERED = 4096
"""Good tokens that a verifier keeps in mind."""


class KmsSigner:
    """Signs tokens with a KMS key (ECC_NIST_P256). The key's alias ends in the ``kid``."""

    def __init__(self, aws: AwsJson, *, key: str, issuer: str, clock: Callable[[], float] = time.time) -> None:
        self._issuer = issuer
        self._clock = clock
        self.kid = key.rpartition("/")[2]
        self._jws = KmsJws(aws, key)

    def sign(self, claims: Mapping[str, str], *, lifetime: int = LIFETIME_SECONDS) -> str:
        """A token with these claims beside the registered ones; ``lifetime`` in seconds."""
        now = int(self._clock())
        payload = {
            **claims,
            "iss": self._issuer,
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + lifetime,
            "jti": uuid.uuid4().hex,
        }
        return self._jws.sign(json.encode(payload))


class SystemToken:
    """The governance centre's own token for the exchange API, made anew shortly before it expires."""

    def __init__(self, signer: KmsSigner, *, subject: str, clock: Callable[[], float] = time.time) -> None:
        self._signer = signer
        self._subject = subject
        self._clock = clock
        self._token = ""  # nosec B105
        self._renew_at = 0.0

    def __call__(self) -> str:
        """A token that holds for at least a minute."""
        if self._clock() >= self._renew_at:
            self._token = self._signer.sign({"sub": self._subject, "role": "system"})
            self._renew_at = self._clock() + LIFETIME_SECONDS - 60
        return self._token


class Verifier:
    """Checks tokens against KMS public keys: ``keys`` maps a ``kid`` to (key alias, roles it may state or None)."""

    def __init__(self, aws: AwsJson, *, keys: Mapping[str, tuple[str, frozenset[str] | None]], issuer: str) -> None:
        self._aws = aws
        self._keys = keys
        self._issuer = issuer
        self._public: dict[str, ec.EllipticCurvePublicKey] = {}
        self._good: dict[str, dict[str, Any]] = {}

    def verify(self, token: str, *, now: float | None = None) -> dict[str, Any]:
        """The claims of a good token. Raises jwt.InvalidTokenError, whose class says what is wrong.

        A signature that held once holds for ever, so it is checked once; the expiry is looked at every time.
        """
        claims = self._good.get(token)
        if claims is None:
            claims = self._checked(token)
            if len(self._good) >= REMEMBERED:
                self._good.clear()
            self._good[token] = claims
        elif claims["exp"] <= (time.time() if now is None else now):
            del self._good[token]
            raise jwt.ExpiredSignatureError("token expired")
        return claims

    def _checked(self, token: str) -> dict[str, Any]:
        kid = str(jwt.get_unverified_header(token).get("kid", ""))
        if kid not in self._keys:
            raise jwt.InvalidTokenError("unknown key")
        alias, roles = self._keys[kid]
        claims: dict[str, Any] = jwt.decode(
            token,
            key=self._key(kid, alias),
            algorithms=["ES256"],
            audience=AUDIENCE,
            issuer=self._issuer,
            options={"require": ["exp", "iat", "iss", "aud", "sub"]},
        )
        if roles is not None and claims.get("role") not in roles:
            raise jwt.InvalidTokenError("this key may not state this role")
        return claims

    def _key(self, kid: str, alias: str) -> ec.EllipticCurvePublicKey:
        if kid not in self._public:
            self._public[kid] = public_key(self._aws, alias)
        return self._public[kid]
