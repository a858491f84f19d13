"""Personal data, readable by the receiving department only.

Each application gets a fresh data key from the department's KMS key (``alias/…/<department>``), with the case number and
the department as encryption context and as additional data of the cipher. Governance carries it unopened.

A data key serves one cipher and one sealing: 32 bytes for AES-256-GCM, 16 for SM4-GCM, as KMS makes them. ``Sealed`` names
its cipher, so a department opens both, whatever intake is told to seal with.
"""

import base64
import os
from typing import Any

from cryptography.exceptions import InvalidTag
from msgspec import DecodeError, json

from . import ciphers
from .aws import AwsError, AwsJson
from .domain.messages import Sealed

KEY_SPEC = {"AES-256-GCM": "AES_256", "SM4-GCM": "AES_128"}
"""The kind of data key that KMS is asked for: it makes random bytes of that length, whatever they are used for."""


class Sealing:
    """Seals to a department, and opens what was sealed to one that this function may act for."""

    def __init__(self, aws: AwsJson, *, key_prefix: str, cipher: str = "AES-256-GCM") -> None:
        self._aws = aws
        self._prefix = key_prefix
        self._cipher = ciphers.known(cipher)

    def seal(self, personal: dict[str, Any], *, department: str, case_no: str) -> Sealed:
        """Encrypts the personal fields of one case for one department."""
        context = {"case_no": case_no, "department": department}
        request = {"KeyId": self._prefix + department, "KeySpec": KEY_SPEC[self._cipher], "EncryptionContext": context}
        answer = self._aws.call("kms", "GenerateDataKey", request)
        nonce = os.urandom(ciphers.NONCE_BYTES)
        key = base64.b64decode(answer["Plaintext"])
        sealed = ciphers.encrypt(self._cipher, key, nonce, json.encode(personal), _additional(context))
        return Sealed(
            algorithm=self._cipher,
            wrapped_key=answer["CiphertextBlob"],
            nonce=base64.b64encode(nonce).decode(),
            ciphertext=base64.b64encode(sealed).decode(),
        )

    def open(self, sealed: Sealed, *, department: str, case_no: str) -> dict[str, Any]:
        """Decrypts. Raises AwsError (KMS refuses) or InvalidTag when it was changed, or sealed for another case or department."""
        context = {"case_no": case_no, "department": department}
        request = {
            "CiphertextBlob": sealed.wrapped_key,
            "KeyId": self._prefix + department,
            "EncryptionContext": context,
        }
        key = base64.b64decode(self._aws.call("kms", "Decrypt", request)["Plaintext"])
        nonce, content = _bytes(sealed.nonce), _bytes(sealed.ciphertext)
        clear = ciphers.decrypt(sealed.algorithm, key, nonce, content, _additional(context))
        return json.decode(clear, type=dict[str, Any])


def is_unreadable(error: Exception) -> bool:
    """Whether what ``open`` raised says that nobody can ever open this: it was changed, or sealed for somebody else. Anything else
    may be gone at the next try."""
    if isinstance(error, AwsError):
        return error.code in ("InvalidCiphertextException", "IncorrectKeyException")
    return isinstance(error, InvalidTag | DecodeError)


def _additional(context: dict[str, str]) -> bytes:
    return f"{context['case_no']}|{context['department']}".encode()


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise InvalidTag from error
