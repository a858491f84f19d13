"""KMS in memory: data keys bound to a key and a context, and ES256 signatures. Keys go by whatever name they are called."""

import base64
import os
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ..aws import AwsError


class FakeKms:
    """A key comes into being when it is first used."""

    def __init__(self) -> None:
        self._wrapped: dict[str, tuple[str, dict[str, str], bytes]] = {}
        self._signing: dict[str, ec.EllipticCurvePrivateKey] = {}
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
        if (request["MessageType"], request["SigningAlgorithm"]) != ("DIGEST", "ECDSA_SHA_256"):
            raise AwsError("ValidationException", "the fake signs SHA-256 digests by ECDSA")
        digest = base64.b64decode(request["Message"])
        signature = self._key(request["KeyId"]).sign(digest, ec.ECDSA(Prehashed(hashes.SHA256())))
        return {"KeyId": request["KeyId"], "Signature": _text(signature), "SigningAlgorithm": "ECDSA_SHA_256"}

    def _get_public_key(self, request: dict[str, Any]) -> dict[str, Any]:
        public = self._key(request["KeyId"]).public_key()
        encoded = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return {"KeyId": request["KeyId"], "PublicKey": _text(encoded), "KeySpec": "ECC_NIST_P256"}

    def _key(self, name: str) -> ec.EllipticCurvePrivateKey:
        return self._signing.setdefault(name, ec.generate_private_key(ec.SECP256R1()))


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
