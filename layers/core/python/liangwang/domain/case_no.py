"""办件编号: readable, sortable, checkable case numbers, without a counter.

``20261121-990101001-4K7Q2M9XW3TC-5``: day (Asia/Shanghai), region, 60 random bits in Crockford's base 32, and one check
character (ISO/IEC 7064 MOD 37,36) that catches a wrong or swapped character.
"""

from datetime import datetime, timedelta, timezone

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")
"""China has had one time, without summer time, since 1991."""

_CHECK = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def build(*, at: datetime, region: str, entropy: bytes) -> str:
    """The case number for an application made ``at`` in ``region``; ``entropy`` gives its random part (8 bytes used)."""
    number = int.from_bytes(entropy[:8], "big") >> 4
    letters = "".join(ALPHABET[(number >> shift) & 31] for shift in range(55, -1, -5))
    stem = f"{at.astimezone(SHANGHAI):%Y%m%d}-{region}-{letters}"
    return f"{stem}-{check_character(stem)}"


def is_valid(case_no: str) -> bool:
    """Whether the number has the right shape and its check character holds."""
    stem, dash, check = case_no.rpartition("-")
    if not dash or stem.count("-") != 2 or len(case_no) > 50:
        return False
    return all(c in _CHECK or c == "-" for c in stem) and check == check_character(stem)


def check_character(stem: str) -> str:
    """ISO/IEC 7064 MOD 37,36 over the letters and digits of ``stem``; dashes do not count."""
    remainder = 36
    for character in stem:
        if character != "-":
            remainder = (remainder + _CHECK.index(character)) % 36 or 36
            remainder = remainder * 2 % 37
    return _CHECK[(37 - remainder) % 36]
