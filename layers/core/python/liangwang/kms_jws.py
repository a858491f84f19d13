"""Content signed inside KMS as a JSON Web Signature (RFC 7515), and the public keys for whoever checks.

Three algorithms: ES256 for tokens, results and anchors; EdDSA (Ed25519, RFC 8037) for documents; SM2 with SM3 (GB/T 32918.2-2016,
GM/T 0009-2012) for documents where the configuration says so. JOSE has no name for SM2: ``SM2`` is ours, for the algorithm and
for the curve alike (docs/certificates.md).
"""

import base64
import hashlib
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import load_der_public_key
from jwt.algorithms import Algorithm, ECAlgorithm, OKPAlgorithm
from jwt.api_jws import PyJWS

from .aws import AwsJson

PublicKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey

RAW_LIMIT = 4096
"""Bytes that KMS signs as they are; more has to be hashed before, which Ed25519 does not allow.

https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html
"""

_SM2_OID = bytes.fromhex("06082a811ccf5501822d")
"""The object identifier of the curve, 1.2.156.10197.1.301, as it stands in a public key."""


class KmsJws:
    """Signs any content with a KMS key. ``kind`` is its ``typ``, by which one kind of signed content is never taken for
    another (RFC 8725, 3.11); ``algorithm`` has to be one that the key's spec has. The key's alias ends in the ``kid``.
    """

    def __init__(self, aws: AwsJson, key: str, *, kind: str = "JWT", algorithm: str = "ES256") -> None:
        self._headers = {"kid": kid_of(key), "typ": kind}
        self._algorithm = algorithm
        self._jws = PyJWS(algorithms=[])
        self._jws.register_algorithm(algorithm, _SIGNING[algorithm](aws, key))

    def sign(self, payload: bytes) -> str:
        """The content with its signature, in the compact form."""
        return self._jws.encode(payload, key="", algorithm=self._algorithm, headers=self._headers)


def kid_of(key: str) -> str:
    """By what name a key is published."""
    return key.rpartition("/")[2]


def public_key(aws: AwsJson, alias: str) -> ec.EllipticCurvePublicKey:
    """The public half of a KMS key that signs tokens or anchors."""
    key = load_der_public_key(_public_half(aws, alias))
    assert isinstance(key, ec.EllipticCurvePublicKey)
    return key


def published(aws: AwsJson, alias: str) -> dict[str, Any]:
    """The public half of a KMS signing key of any of the three algorithms, as a JSON Web Key."""
    encoded = _public_half(aws, alias)
    if _SM2_OID in encoded:  # a curve that the library does not know: the point is what stands last
        x, y = encoded[-64:-32], encoded[-32:]
        point = {"x": _text(x), "y": _text(y)}
        return {"kty": "EC", "crv": "SM2", **point, "kid": kid_of(alias), "alg": "SM2", "use": "sig"}
    key = load_der_public_key(encoded)
    assert isinstance(key, PublicKey)
    return jwk(key, kid=kid_of(alias))


def jwk(key: PublicKey, *, kid: str) -> dict[str, Any]:
    """A public key as a JSON Web Key (RFC 7517)."""
    if isinstance(key, ed25519.Ed25519PublicKey):
        return {**OKPAlgorithm.to_jwk(key, as_dict=True), "kid": kid, "alg": "EdDSA", "use": "sig"}
    return {**ECAlgorithm.to_jwk(key, as_dict=True), "kid": kid, "alg": "ES256", "use": "sig"}


def _public_half(aws: AwsJson, alias: str) -> bytes:
    return base64.b64decode(aws.call("kms", "GetPublicKey", {"KeyId": alias})["PublicKey"])


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


class _InKms(Algorithm):
    """An algorithm whose private key stays in KMS; it only signs."""

    def __init__(self, aws: AwsJson, key: str) -> None:
        self._aws = aws
        self._key_id = key

    def prepare_key(self, key: Any) -> Any:
        return key

    def check_key_length(self, key: Any) -> None:
        return None

    def verify(self, msg: bytes, key: Any, sig: bytes) -> bool:
        raise NotImplementedError("whoever checks uses the public key")

    @staticmethod
    def to_jwk(key_obj: Any, as_dict: bool = False) -> Any:
        raise NotImplementedError("the private key never leaves KMS")

    @staticmethod
    def from_jwk(jwk: Any) -> Any:
        raise NotImplementedError("the private key never leaves KMS")

    def signed(self, message: bytes, *, kind: str, algorithm: str) -> bytes:
        """KMS's signature."""
        request = {
            "KeyId": self._key_id,
            "Message": base64.b64encode(message).decode(),
            "MessageType": kind,
            "SigningAlgorithm": algorithm,
        }
        return base64.b64decode(self._aws.call("kms", "Sign", request)["Signature"])


def _flat(der: bytes) -> bytes:
    """r and s side by side, as JWS wants them, out of the DER that KMS gives."""
    r, s = decode_dss_signature(der)
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


class _Es256(_InKms):
    """ECDSA over P-256 with SHA-256."""

    def sign(self, msg: bytes, key: Any) -> bytes:
        return _flat(self.signed(hashlib.sha256(msg).digest(), kind="DIGEST", algorithm="ECDSA_SHA_256"))


class _Ed25519(_InKms):
    """Ed25519. KMS hashes what it signs (key spec ECC_NIST_EDWARDS25519), so at most ``RAW_LIMIT`` bytes."""

    def sign(self, msg: bytes, key: Any) -> bytes:
        return self.signed(msg, kind="RAW", algorithm="ED25519_SHA_512")


class _Sm2(_InKms):
    """SM2 with SM3, in China's regions. For a raw message KMS takes the distinguishing ID 1234567812345678 (GM/T 0009)."""

    def sign(self, msg: bytes, key: Any) -> bytes:
        return _flat(self.signed(msg, kind="RAW", algorithm="SM2DSA"))


_SIGNING: dict[str, type[_InKms]] = {"ES256": _Es256, "EdDSA": _Ed25519, "SM2": _Sm2}
