"""好差评: what an applicant says of how a case was handled, once, after it has ended. Pure.

A rating is final from the moment that it is given, and it can be given only when the case is closed: so nobody who works
on an open case ever sees one. Code 1 is the best (非常满意) and 5 the worst (非常不满意); stars run the other way.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct

from .application import Application
from .case_no import SHANGHAI
from .errors import DomainError, Invalid, NotNow, Violation

CODES = range(1, 6)
BAD = frozenset({4, 5})
"""The codes that open a rectification 差评整改."""

TAGS = (
    "fast",
    "clear",
    "polite",
    "convenient",
    "slow",
    "unclear",
    "rude",
    "inconvenient",
    "excessive_materials",
    "unfair",
)
"""What a rating may be tagged with (i18n ``rating.tag.``): a fixed list, so that it can be counted and names nobody."""


class AlreadyRated(DomainError):
    """The case has its rating: there is one, and it stays."""

    code = "already_rated"
    status = 409


class Rated(Struct, frozen=True, kw_only=True, tag="rating.given", tag_field="type"):
    """One rating. ``owner`` is the applicant's account, ``by`` who gave it (the applicant or an agent).

    ``comment`` holds Vault tokens of the owner. What statistics need stands beside it in the clear, so they stay right
    when the owner's key is destroyed.
    """

    owner: str
    by: str
    code: int
    tags: tuple[str, ...]
    comment: dict[str, str]
    department: str
    task_code: str
    task_version: int
    at: datetime

    @property
    def stars(self) -> int:
        """Five for the best, one for the worst."""
        return 6 - self.code

    @property
    def is_bad(self) -> bool:
        """Whether something has to be put right."""
        return self.code in BAD


def check(*, code: int, tags: tuple[str, ...]) -> None:
    """Raises Invalid for what is no rating."""
    found = []
    if code not in CODES:
        found.append(Violation("rating", "use a code from 1 (非常满意, the best) to 5 (非常不满意, the worst)"))
    for position, tag in enumerate(tags):
        if tag not in TAGS:
            found.append(Violation(f"tags[{position}]", f"use tags of this list: {', '.join(TAGS)}"))
    if len(set(tags)) < len(tags):
        found.append(Violation("tags", "name each tag once"))
    if found:
        raise Invalid("this is no rating; see errors", violations=tuple(found))


def check_time(case: Application) -> None:
    """Raises NotNow unless the case has ended and the applicant has heard all of it."""
    if not (case.is_terminal and case.has_heard_all):
        raise NotNow("a case is rated after its end; this one is still open")


def month(at: datetime) -> str:
    """The month that a rating counts in, such as ``2027-03`` (Asia/Shanghai)."""
    return f"{at.astimezone(SHANGHAI):%Y-%m}"


def holder(rated: Rated) -> str:
    """Where a rating is found: its department's month."""
    return f"{rated.department}/{month(rated.at)}"


class Tally(Struct, frozen=True, kw_only=True):
    """How often each code was given, best first (``counts[0]`` is code 1), for one item of one department."""

    department: str
    task_code: str
    counts: tuple[int, int, int, int, int]


def tallies(ratings: Iterable[Rated]) -> tuple[Tally, ...]:
    """Counts by code for every department and item, in their order."""
    counted = Counter((one.department, one.task_code, one.code) for one in ratings)
    found = []
    for department, task_code in sorted({key[:2] for key in counted}):
        first, second, third, fourth, fifth = (counted[department, task_code, code] for code in CODES)
        counts = (first, second, third, fourth, fifth)
        found.append(Tally(department=department, task_code=task_code, counts=counts))
    return tuple(found)
