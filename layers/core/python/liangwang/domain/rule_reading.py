"""What a rule looks at, read off its text: the form's fields and the other facts.

Rules always write a field as ``form.<name>`` (the catalogue's check sees to it), so the text tells without parsing CEL.
"""

import re
from functools import cache
from typing import NamedTuple

_TEXT = re.compile(r"\"[^\"]*\"|'[^']*'")


class Reads(NamedTuple):
    """What one expression looks at. ``guarded`` are fields that it asks ``has(…)`` about; ``facts`` the names beside ``form``."""

    fields: tuple[str, ...]
    guarded: frozenset[str]
    facts: frozenset[str]


def bare(expression: str) -> str:
    """The expression with its texts emptied, so that no word in them is taken for a name."""
    return _TEXT.sub('""', expression)


@cache
def reads(expression: str) -> Reads:
    """What the expression looks at."""
    text = bare(expression)
    return Reads(
        fields=tuple(sorted(set(re.findall(r"(?<![.\w])form\s*\.\s*(\w+)", text)))),
        guarded=frozenset(re.findall(r"has\(\s*form\.(\w+)\s*\)", text)),
        facts=frozenset(re.findall(r"(?<![.\w])(materials|applicant|place|today|collaboration)\b", text)),
    )
