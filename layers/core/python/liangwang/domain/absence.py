"""不在岗: an officer is away for some days, and another of the department stands in for them. Pure."""

from datetime import date, datetime, time, timedelta

from msgspec import Struct

from .case_no import SHANGHAI
from .errors import Invalid, Violation
from .officers import Account

LONGEST = timedelta(days=366)
KEPT = timedelta(days=30)
"""How long an absence that is over is kept."""


class Absent(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From when to when (both days included, Asia/Shanghai) an officer is away, and who stands in for them.

    ``officer``: for whom a supervisor says so; the caller's own when it is left out.
    """

    since: date
    until: date
    delegate: Account
    officer: Account = ""


class Absence(Struct, frozen=True, kw_only=True, tag="absence", tag_field="type"):
    """What one officer's department knows of their being away. One that was ended has no ``delegate``."""

    officer: str
    department: str
    since: date
    until: date
    delegate: str
    by: str


def absent(wish: Absent, *, officer: str, department: str, by: str, now: datetime) -> Absence:
    """The absence that is wished for. Raises Invalid, naming every field that is not right."""
    delegate, found = wish.delegate.strip(), []
    if wish.until < wish.since:
        found.append(Violation("until", "not before `since`"))
    if wish.until < now.astimezone(SHANGHAI).date():
        found.append(Violation("until", "today or later"))
    if wish.until - wish.since > LONGEST:
        found.append(Violation("until", f"at most {LONGEST.days} days after `since`"))
    if not delegate or delegate == officer:
        found.append(Violation("delegate", "the account of another officer of the department"))
    if found:
        raise Invalid("the absence cannot be kept so; see errors", violations=tuple(found))
    return Absence(officer=officer, department=department, since=wish.since, until=wish.until, delegate=delegate, by=by)


def stands_in(absence: Absence, name: str, now: datetime) -> bool:
    """Whether this officer stands in for the absent one now. Who stands in hands nothing on to a third."""
    return absence.delegate == name and absence.since <= now.astimezone(SHANGHAI).date() <= absence.until


def expires_at(absence: Absence) -> datetime:
    """When it is forgotten. What was done on whose behalf stands in the cases."""
    return datetime.combine(absence.until, time.max, SHANGHAI) + KEPT
