"""Personal data, readable by the receiving department only.

Each application gets a fresh data key from the department's KMS key (``alias/…/<department>``), with the case number and
the department as encryption context and as additional data of AES-256-GCM. Governance carries it unopened.
"""

import base64
import os
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import json

from .aws import AwsJson
from .domain.messages import Sealed

ALGORITHM = "AES-256-GCM"


class Sealing:
    """Seals to a department, and opens what was sealed to one that this function may act for."""

    def __init__(self, aws: AwsJson, *, key_prefix: str) -> None:
        self._aws = aws
        self._prefix = key_prefix

    def seal(self, personal: dict[str, Any], *, department: str, case_no: str) -> Sealed:
        """Encrypts the personal fields of one case for one department."""
        context = {"case_no": case_no, "department": department}
        request = {"KeyId": self._prefix + department, "KeySpec": "AES_256", "EncryptionContext": context}
        answer = self._aws.call("kms", "GenerateDataKey", request)
        nonce = os.urandom(12)
        cipher = AESGCM(base64.b64decode(answer["Plaintext"]))
        sealed = cipher.encrypt(nonce, json.encode(personal), _additional(context))
        return Sealed(
            algorithm=ALGORITHM,
            wrapped_key=answer["CiphertextBlob"],
            nonce=base64.b64encode(nonce).decode(),
            ciphertext=base64.b64encode(sealed).decode(),
        )

    def open(self, sealed: Sealed, *, department: str, case_no: str) -> dict[str, Any]:
        """Decrypts. Raises AwsError (KMS refuses) or InvalidTag when it was sealed for another case or department."""
        context = {"case_no": case_no, "department": department}
        request = {
            "CiphertextBlob": sealed.wrapped_key,
            "KeyId": self._prefix + department,
            "EncryptionContext": context,
        }
        key = base64.b64decode(self._aws.call("kms", "Decrypt", request)["Plaintext"])
        clear = AESGCM(key).decrypt(
            base64.b64decode(sealed.nonce), base64.b64decode(sealed.ciphertext), _additional(context)
        )
        return json.decode(clear, type=dict[str, Any])


def _additional(context: dict[str, str]) -> bytes:
    return f"{context['case_no']}|{context['department']}".encode()
