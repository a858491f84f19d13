"""KMS in memory: data keys bound to a key and a context, and signatures. Keys go by whatever name they are called.

What spec a signing key has follows from its name, as in the template; SM2 by a library that only tests have.
"""

import base64
import os
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ..aws import AwsError
from ..kms_jws import RAW_LIMIT


class FakeKms:
    """A key comes into being when it is first used."""

    def __init__(self) -> None:
        self._wrapped: dict[str, tuple[str, dict[str, str], bytes]] = {}
        self._signing: dict[str, Any] = {}
        self.operations: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "GenerateDataKey": self._generate_data_key,
            "Decrypt": self._decrypt,
            "Sign": self._sign,
            "GetPublicKey": self._get_public_key,
        }

    def _generate_data_key(self, request: dict[str, Any]) -> dict[str, Any]:
        length = {"AES_256": 32, "AES_128": 16}.get(request["KeySpec"])
        if length is None:
            raise AwsError("ValidationException", "the fake makes AES_256 and AES_128 keys")
        plain, blob = os.urandom(length), _text(os.urandom(48))
        self._wrapped[blob] = (request["KeyId"], dict(request.get("EncryptionContext", {})), plain)
        return {"KeyId": request["KeyId"], "Plaintext": _text(plain), "CiphertextBlob": blob}

    def _decrypt(self, request: dict[str, Any]) -> dict[str, Any]:
        found = self._wrapped.get(request["CiphertextBlob"])
        if found is None:
            raise AwsError("InvalidCiphertextException")
        key, context, plain = found
        if request.get("KeyId", key) != key:
            raise AwsError("IncorrectKeyException", "wrapped under another key")
        if request.get("EncryptionContext", {}) != context:
            raise AwsError("InvalidCiphertextException", "another encryption context")
        return {"KeyId": key, "Plaintext": _text(plain)}

    def _sign(self, request: dict[str, Any]) -> dict[str, Any]:
        spec, message = _spec(request["KeyId"]), base64.b64decode(request["Message"])
        asked = (request["MessageType"], request["SigningAlgorithm"])
        if asked != _SIGNS[spec]:
            raise AwsError("ValidationException", f"the fake signs with a key of spec {spec} as {_SIGNS[spec]}")
        if asked[0] == "RAW" and len(message) > RAW_LIMIT:
            raise AwsError("ValidationException", f"at most {RAW_LIMIT} bytes are signed as they are")
        signature = _signature(spec, self._key(request["KeyId"]), message)
        return {"KeyId": request["KeyId"], "Signature": _text(signature), "SigningAlgorithm": asked[1]}

    def _get_public_key(self, request: dict[str, Any]) -> dict[str, Any]:
        spec, public = _spec(request["KeyId"]), self._key(request["KeyId"]).public_key()
        if spec == "SM2":
            point = bytes(public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))
            encoded = _SM2_HEADER + point[-64:]
        else:
            encoded = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return {"KeyId": request["KeyId"], "PublicKey": _text(encoded), "KeySpec": spec}

    def _key(self, name: str) -> Any:
        if name not in self._signing:
            self._signing[name] = _new_key(_spec(name))
        return self._signing[name]


_SIGNS = {
    "ECC_NIST_P256": ("DIGEST", "ECDSA_SHA_256"),
    "ECC_NIST_EDWARDS25519": ("RAW", "ED25519_SHA_512"),
    "SM2": ("RAW", "SM2DSA"),
}

_SM2_HEADER = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d03420004")
"""What stands before the point in a public key on the SM2 curve (RFC 5480, GM/T 0006)."""


def _spec(name: str) -> str:
    return {"document": "ECC_NIST_EDWARDS25519", "document-sm2": "SM2"}.get(name.rpartition("/")[2], "ECC_NIST_P256")


def _new_key(spec: str) -> Any:
    if spec == "SM2":
        from pysmx.SM2 import SM2EllipticCurvePrivateKey

        return SM2EllipticCurvePrivateKey.generate()
    return (
        ed25519.Ed25519PrivateKey.generate()
        if spec == "ECC_NIST_EDWARDS25519"
        else ec.generate_private_key(ec.SECP256R1())
    )


def _signature(spec: str, key: Any, message: bytes) -> bytes:
    if spec == "SM2":
        from pysmx.SM2 import SM2SM3SignatureAlgorithm

        flat = bytes(key.sign(message, SM2SM3SignatureAlgorithm(), uid=b"1234567812345678"))
        return encode_dss_signature(int.from_bytes(flat[:32], "big"), int.from_bytes(flat[32:], "big"))
    if spec == "ECC_NIST_EDWARDS25519":
        return bytes(key.sign(message))
    return bytes(key.sign(message, ec.ECDSA(Prehashed(hashes.SHA256()))))


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
