"""The keyed blind index: equal values have equal indexes, and without the key an index tells nothing.

Phone and identity numbers are so few that a plain hash could be undone by trying them all; a keyed one cannot.
"""

import re
import unicodedata
from collections.abc import Callable

from cryptography.hazmat.primitives import hashes, hmac

DIGESTS: dict[str, type[hashes.HashAlgorithm]] = {"HMAC-SHA-256": hashes.SHA256, "HMAC-SM3": hashes.SM3}
"""RFC 2104 with FIPS 180-4 or with GB/T 32905-2016. Indexes of the two differ: the choice is made once, at the start."""

_SPACES = re.compile(r"\s+")
_SEPARATORS = re.compile(r"[-()./·‐-―]")
_NUMBERS = frozenset({"phone", "identity_no", "bank_account"})
_PHONE = re.compile(r"(?:\+86|0086|86)?(1\d{10})")


def normal_form(field: str, value: str) -> str:
    """How a value counts in the index, however it was written: full or half width (NFKC), case, spaces, and in numbers
    separators and the prefix of China (+86)."""
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", value).casefold())
    text = _SPACES.sub("", text)
    if field in _NUMBERS:
        text = _SEPARATORS.sub("", text)
    mobile = _PHONE.fullmatch(text) if field == "phone" else None
    return mobile[1] if mobile else unicodedata.normalize("NFKC", text)  # what stood apart may now be one letter


class BlindIndex:
    """From a field and a value to the index. ``secret`` gives the key when it is first needed."""

    def __init__(self, secret: Callable[[], str], *, digest: str = "HMAC-SHA-256") -> None:
        if digest not in DIGESTS:
            raise ValueError(f"{digest!r} is no digest of the index; known: {', '.join(DIGESTS)}")
        self._secret = secret
        self._digest = DIGESTS[digest]

    def __call__(self, field: str, value: str) -> str:
        """The index in hexadecimal (64 characters). The field is part of it: one person's phone is not another's name."""
        keyed = hmac.HMAC(self._secret().encode(), self._digest())
        keyed.update(f"{field}\0{normal_form(field, value)}".encode())
        return keyed.finalize().hex()
