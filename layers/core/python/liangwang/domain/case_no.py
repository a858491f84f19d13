"""办件编号: readable, sortable, checkable case numbers, without a counter.

``20261121-990101001-4K7Q2M9XW3TC-X``: day (Asia/Shanghai), region, 60 random bits in Crockford's base 32, and one check
character (ISO/IEC 7064 MOD 37-2) that catches any wrong character and any two neighbours swapped.
"""

from datetime import datetime, timedelta, timezone

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")
"""China has had one time, without summer time, since 1991."""

_AWKWARD = "*"
"""The 37th check character. It does not read well in an address, so a number that would end in it is passed over."""

_CHECK = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ" + _AWKWARD


def build(*, at: datetime, region: str, entropy: bytes) -> str:
    """The case number for an application made ``at`` in ``region``; ``entropy`` gives its random part (8 bytes used)."""
    number = int.from_bytes(entropy[:8], "big") >> 4
    while True:
        letters = "".join(ALPHABET[(number >> shift) & 31] for shift in range(55, -1, -5))
        stem = f"{at.astimezone(SHANGHAI):%Y%m%d}-{region}-{letters}"
        check = check_character(stem)
        if check != _AWKWARD:
            return f"{stem}-{check}"
        number += 1


def is_valid(case_no: str) -> bool:
    """Whether the number has the right shape and its check character holds."""
    stem, dash, check = case_no.rpartition("-")
    if not dash or stem.count("-") != 2 or len(case_no) > 50 or _AWKWARD in case_no:
        return False
    return all(c in _CHECK or c == "-" for c in stem) and check == check_character(stem)


def check_character(stem: str) -> str:
    """ISO/IEC 7064 MOD 37-2 over the letters and digits of ``stem``; dashes do not count."""
    remainder = 0
    for character in stem:
        if character != "-":
            remainder = (remainder + _CHECK.index(character)) * 2 % 37
    return _CHECK[(1 - remainder) % 37]
