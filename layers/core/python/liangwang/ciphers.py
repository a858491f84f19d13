"""Authenticated encryption by name: AES-256-GCM (NIST SP 800-38D) and SM4-GCM (GB/T 32907-2016; RFC 8998).

What was encrypted names its cipher, so both stay readable whichever the configuration writes now.
"""

from collections.abc import Callable
from typing import Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

CipherName = Literal["AES-256-GCM", "SM4-GCM"]

KEY_BYTES: dict[str, int] = {"AES-256-GCM": 32, "SM4-GCM": 16}
NONCE_BYTES = 12
TAG_BYTES = 16

_BLOCK_CIPHER: dict[str, Callable[[bytes], algorithms.AES | algorithms.SM4]] = {
    "AES-256-GCM": algorithms.AES,
    "SM4-GCM": algorithms.SM4,
}


class UnknownCipher(Exception):
    """Nothing here is called so: neither a configuration nor something encrypted may name it."""


def known(name: str) -> str:
    """The name of a cipher. Raises UnknownCipher."""
    if name not in KEY_BYTES:
        raise UnknownCipher(f"{name!r} is no cipher; known: {', '.join(KEY_BYTES)}")
    return name


def encrypt(cipher: str, key: bytes, nonce: bytes, clear: bytes, additional: bytes) -> bytes:
    """The encrypted bytes with the tag behind them. A nonce must never come twice with one key."""
    encryptor = Cipher(_algorithm(cipher, key), modes.GCM(nonce)).encryptor()
    encryptor.authenticate_additional_data(additional)
    return encryptor.update(clear) + encryptor.finalize() + encryptor.tag


def decrypt(cipher: str, key: bytes, nonce: bytes, content: bytes, additional: bytes) -> bytes:
    """What was encrypted. Raises InvalidTag when anything of it, or what it was bound to, is another."""
    if len(content) < TAG_BYTES or len(nonce) != NONCE_BYTES:
        raise InvalidTag
    tag = content[-TAG_BYTES:]
    decryptor = Cipher(_algorithm(cipher, key), modes.GCM(nonce, tag)).decryptor()
    decryptor.authenticate_additional_data(additional)
    return decryptor.update(content[:-TAG_BYTES]) + decryptor.finalize()


def _algorithm(cipher: str, key: bytes) -> algorithms.AES | algorithms.SM4:
    if len(key) != KEY_BYTES[known(cipher)]:
        raise InvalidTag  # a key of another cipher, which AES would take as one of its own shorter kinds
    return _BLOCK_CIPHER[cipher](key)
