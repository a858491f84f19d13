"""What numbers people and enterprises are known by, and whether one can be right: form and check digit, nothing more.

Each check answers what to mend, in English for a problem document, or an empty text. That a number exists, and whose it
is, only the authority that gave it knows.
"""

import re
import unicodedata
from datetime import date

_IDENTITY = re.compile(r"[1-9][0-9]{16}[0-9X]")
_IDENTITY_CHECK = "10X98765432"
_CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT = re.compile(rf"[{_CREDIT_ALPHABET}]{{2}}[0-9]{{6}}[{_CREDIT_ALPHABET}]{{10}}")
_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_EMAIL = re.compile(r"[^@\s]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_BANK_ACCOUNT = re.compile(r"[0-9]{8,30}")
_SEPARATORS = re.compile(r"[\s-]")
_BETWEEN_DIGITS = re.compile(r"(?<=\d)[\s-](?=[\dXx])")

LOOKS_PERSONAL = re.compile(r"(?<![0-9A-Za-z])(?:1[3-9]\d{9}|[1-9]\d{16}[\dXx])(?![0-9A-Za-z])")
"""A mobile number 手机号码 (11 digits), an identity number 公民身份号码 (GB 11643-1999: 18 characters)."""


def holds_personal_number(text: str) -> bool:
    """Whether free text holds what looks like a mobile or an identity number, however it is spaced."""
    plain_text = unicodedata.normalize("NFKC", text)
    return any(LOOKS_PERSONAL.search(one) for one in (plain_text, _BETWEEN_DIGITS.sub("", plain_text)))


def plain(number: str) -> str:
    """A number as it is kept: without spaces and hyphens, letters large, in full width as in half (NFKC)."""
    return _SEPARATORS.sub("", unicodedata.normalize("NFKC", number)).upper()


def identity_check_digit(first: str) -> str:
    """The 18th character of an identity number after its first 17 (GB 11643-1999: ISO 7064 MOD 11-2)."""
    total = sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(first))
    return _IDENTITY_CHECK[total % 11]


def wrong_with_identity_number(number: str, today: date) -> str:
    """公民身份号码 (GB 11643-1999): region, date of birth, sequence, check digit."""
    if not _IDENTITY.fullmatch(number):
        return "an identity number 公民身份号码 has 17 digits and a digit or X"
    try:
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return "characters 7 to 14 are a date of birth"
    if not date(1900, 1, 1) <= born <= today:
        return "the date of birth in it is not one of a living person"
    return (
        ""
        if identity_check_digit(number[:17]) == number[17]
        else "its check digit does not fit; look for a typing error"
    )


def credit_check_character(first: str) -> str:
    """The 18th character of a unified social credit code after its first 17 (GB 32100-2015, 4.3.5: modulo 31)."""
    total = sum(_CREDIT_ALPHABET.index(character) * pow(3, place, 31) for place, character in enumerate(first))
    return _CREDIT_ALPHABET[-total % 31]


def wrong_with_credit_code(code: str) -> str:
    """统一社会信用代码 (GB 32100-2015): authority, kind, region, subject, check character."""
    if not _CREDIT.fullmatch(code):
        return "a unified social credit code 统一社会信用代码 has 18 digits and capital letters without I, O, S, V, Z"
    return (
        ""
        if credit_check_character(code[:17]) == code[17]
        else "its check character does not fit; look for a typing error"
    )


def wrong_with_phone(number: str) -> str:
    """A mobile number of China's mainland."""
    return "" if _MOBILE.fullmatch(number) else "a mobile number has 11 digits and begins with 13 to 19"


def wrong_with_email(address: str) -> str:
    """An address to which mail can go; whether it arrives, only sending tells."""
    return "" if len(address) <= 254 and _EMAIL.fullmatch(address) else "use an address such as name@example.com"


def wrong_with_bank_account(number: str) -> str:
    """A bank account or card number."""
    return "" if _BANK_ACCOUNT.fullmatch(number) else "a bank account has 8 to 30 digits"
