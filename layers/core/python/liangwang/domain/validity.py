"""From which day until which something of the organisation is so, by the calendar of China (Asia/Shanghai). Pure."""

from datetime import date, datetime, timedelta
from typing import NamedTuple

from msgspec import Struct

from .case_no import SHANGHAI

NEWEST = date.max - timedelta(days=1)
"""The day of a question without a moment: all that was ever to begin has begun, all that was ever to end has ended."""


class Span(NamedTuple):
    """Days, ``until`` not included: what ends on a day and what begins on it never overlap."""

    since: date = date.min
    until: date = date.max

    def holds(self, day: date) -> bool:
        """Whether a day is one of these."""
        return self.since <= day < self.until

    def within(self, other: "Span") -> "Span":
        """The days that are of both; perhaps none."""
        return Span(max(self.since, other.since), min(self.until, other.until))

    @property
    def empty(self) -> bool:
        """Whether it is no day at all."""
        return self.since >= self.until


class Dated(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is there from the day ``since`` (None: from the beginning) up to the day ``until``, not included (None: for good)."""

    since: date | None = None
    until: date | None = None

    @property
    def span(self) -> Span:
        """The days on which it is there."""
        return Span(self.since or date.min, self.until or date.max)


class Held(Dated, frozen=True, forbid_unknown_fields=True):
    """A capability 职责 that a department has for some of its days only."""

    code: str


class Tenure(NamedTuple):
    """A department that answers, by its code, and the days on which it does."""

    department: str
    span: Span


def day_of(moment: datetime | None) -> date:
    """The day in China of a moment; ``NEWEST`` without one."""
    return NEWEST if moment is None else moment.astimezone(SHANGHAI).date()
