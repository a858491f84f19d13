"""网格事件编号: the number of a grid event, made of who told of it and by which ticket: the same ticket has one number for ever.

``WG-4K7Q2M9XW3TC8PQR-M``: ``WG`` 网格, 80 bits of a SHA-256 in Crockford's base 32, and a check character as case numbers
have. It stands where a case number stands in messages and keys, and can be none: those begin with a day. From one number
no other follows; who knows one still sees only what the policy shows them.
"""

import hashlib
import re

from .case_no import ALPHABET, check_character

PATTERN = r"WG-[0-9A-HJKMNP-TV-Z]{16}-[0-9A-Z]"
"""What every number looks like."""

_SHAPE = re.compile(PATTERN)
_AWKWARD = "*"


def build(reporter: str, origin_no: str) -> str:
    """The number of what ``reporter`` (a system, or a centre) calls ``origin_no``."""
    digest = hashlib.sha256(f"{len(reporter)}/{reporter}/{origin_no}".encode()).digest()
    number = int.from_bytes(digest[:10], "big")
    while True:
        stem = "WG-" + "".join(ALPHABET[(number >> shift) & 31] for shift in range(75, -1, -5))
        check = check_character(stem)
        if check != _AWKWARD:
            return f"{stem}-{check}"
        number += 1


def is_valid(number: str) -> bool:
    """Whether it has the shape of a grid event's number and its check character holds."""
    return _SHAPE.fullmatch(number) is not None and check_character(number[:-2]) == number[-1]
