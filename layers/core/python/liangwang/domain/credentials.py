"""What a username and a password have to be like. Each check answers what to mend, or an empty text."""

import re

SHORTEST, LONGEST = 8, 128

_USERNAME = re.compile(r"[a-z][a-z0-9-]{2,31}")
_MANY_DIGITS = re.compile(r"\d{6}")

COMMON = frozenset(
    [
        "12345678",
        "123456789",
        "1234567890",
        "0123456789",
        "11111111",
        "00000000",
        "88888888",
        "66666666",
        "87654321",
        "987654321",
        "12344321",
        "11223344",
        "123123123",
        "147258369",
        "123654789",
        "5201314520",
        "1314520520",
        "password",
        "password1",
        "password12",
        "password123",
        "passw0rd",
        "p@ssw0rd",
        "p@ssword",
        "qwertyuiop",
        "qwerty123",
        "qwerty12",
        "1qaz2wsx",
        "1q2w3e4r",
        "1q2w3e4r5t",
        "qazwsxedc",
        "qwer1234",
        "asdfghjkl",
        "zxcvbnm1",
        "a1234567",
        "a12345678",
        "a123456789",
        "aa123456",
        "aa12345678",
        "abc12345",
        "abcd1234",
        "abcdefgh",
        "abcdefg1",
        "abc123456",
        "qq123456",
        "asd123456",
        "zxc123456",
        "iloveyou",
        "iloveyou1",
        "woaini1314",
        "woaini520",
        "5201314a",
        "sunshine",
        "princess",
        "football",
        "baseball",
        "superman",
        "trustno1",
        "welcome1",
        "welcome123",
        "admin123",
        "admin1234",
        "administrator",
        "letmein1",
        "changeme",
        "changeme1",
        "default1",
        "guest1234",
        "test1234",
        "testtest",
        "liangwang",
        "liangwang1",
        "liangwang123",
    ]
)
"""Those that are tried first, in small letters, and our own name (NIST SP 800-63B, 3.1.1.2: a blocklist)."""


def wrong_with_username(username: str) -> str:
    """Never a phone or identity number: it stands in URLs, logs and records."""
    if not _USERNAME.fullmatch(username):
        return "use 3 to 32 small letters, digits and hyphens, beginning with a letter"
    return "use no phone or identity number: at most five digits in a row" if _MANY_DIGITS.search(username) else ""


def wrong_with_password(password: str, username: str) -> str:
    """NIST SP 800-63B, 3.1.1.2: length and a blocklist; no rules of composition, no forced changes."""
    if not SHORTEST <= len(password) <= LONGEST:
        return f"use {SHORTEST} to {LONGEST} characters; several words are a good password"
    small = password.casefold()
    if small in COMMON or len(set(small)) < 3:
        return "this password is among the first that are tried; choose another"
    return "a password must not be the username" if small.strip("0123456789!") == username.rstrip("0123456789") else ""
