"""Passwords as Argon2id PHC strings, by ``cryptography``. Costs follow OWASP's minimum (19 MiB, 2 passes, 1 lane)."""

import os
import unicodedata

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
"""Checked when the account does not exist, so that the answer takes as long."""


def digest(password: str) -> str:
    """The PHC string to store."""
    kdf = Argon2id(salt=os.urandom(16), length=32, iterations=2, lanes=1, memory_cost=19_456)
    return kdf.derive_phc_encoded(_bytes(password))


def matches(password: str, stored: str) -> bool:
    """Whether the password is the one behind a stored PHC string."""
    try:
        Argon2id.verify_phc_encoded(_bytes(password), stored)
    except InvalidKey:
        return False
    return True


def _bytes(password: str) -> bytes:
    """The same for every way to type it: keyboards differ in how they compose letters (NIST SP 800-63B, 3.1.1.2: NFKC)."""
    return unicodedata.normalize("NFKC", password).encode()
