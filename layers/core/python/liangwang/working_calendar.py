"""The city's calendar: what the State Council has announced of the years, and what the city's own file says of the others.

Announced years come from the package ``chinesecalendar`` (docs/decisions/chinesecalendar.md). ``calendar.yaml`` of the
catalogue says the office's hours, and estimates for years that are not announced; it never overrules an announcement.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import Struct

from .domain.working_days import SATURDAY, Calendar, Office
from .yaml_document import Path as Place
from .yaml_document import YamlDocument

FILE = "calendar.yaml"
YEARS_AHEAD = 3
DAYS_OFF = 13
"""全体公民放假的节日: so many days a year since 2025, each on a weekday or made up for on one."""


class Dated(Struct, frozen=True, forbid_unknown_fields=True):
    """The content of ``calendar.yaml``. ``as_of`` is the day on which it was last compared with what is announced.

    ``announced`` are years of which the file has the State Council's notice before the package does: no estimates any more.
    ``days_off`` and ``days_worked`` are days that are not what their weekday says.
    """

    as_of: date
    office: Office = Office()
    announced: tuple[int, ...] = ()
    days_off: tuple[date, ...] = ()
    days_worked: tuple[date, ...] = ()


class Announced(NamedTuple):
    """What the State Council has said: the years, and of them the days that are not what their weekday says."""

    years: frozenset[int]
    differs: Mapping[date, bool]


@cache
def load(directory: Path) -> Calendar:
    """The calendar of the catalogue in ``directory``, read once a process."""
    return calendar_of(read(directory / FILE), announced())


def announced() -> Announced:
    """What the installed package knows. A year counts once its National Day is known: the last holiday of a notice."""
    import chinese_calendar

    off = (day for day in chinese_calendar.holidays if day.weekday() < SATURDAY)
    worked = (day for day in chinese_calendar.workdays if day.weekday() >= SATURDAY)
    years = frozenset(day.year for day in chinese_calendar.holidays if day.month == 10)
    return Announced(years, dict.fromkeys(off, False) | dict.fromkeys(worked, True))


def calendar_of(dated: Dated, said: Announced) -> Calendar:
    """What was announced, and for the years that the package does not know what the file says."""
    estimated = dict.fromkeys(dated.days_off, False) | dict.fromkeys(dated.days_worked, True)
    differs = {day: worked for day, worked in estimated.items() if day.year not in said.years}
    return Calendar({**said.differs, **differs}, said.years | set(dated.announced), dated.office)


def read(file: Path) -> Dated:
    """One ``calendar.yaml``. Raises ``msgspec.ValidationError`` for what does not fit."""
    return msgspec.convert(YamlDocument(file.read_text(encoding="utf-8")).data, Dated)


def problems(dated: Dated, said: Announced) -> Iterator[tuple[Place, str]]:
    """What is wrong with the file: where, and what to do. Nothing here changes by the mere passing of time."""
    office = dated.office
    if not office.opens < office.closes:
        yield ("office", "closes"), "the office closes after it opens"
    if office.limits_end_at is not None and office.limits_end_at < office.opens:
        yield ("office", "limits_end_at"), "no limit ends before the office opens"
    yield from _days(dated)
    yield from missing_years(dated, said, dated.as_of.year)
    for year in sorted({day.year for day in (*dated.days_off, *dated.days_worked)}):
        net = sum(day.year == year for day in dated.days_off) - sum(day.year == year for day in dated.days_worked)
        if net != DAYS_OFF:
            reason = (
                f"{year} has {net} days off (those that are worked taken away); by 《全国年节及纪念日放假办法》 it has "
                f"{DAYS_OFF}: one that falls on a weekend or on another holiday is made up for on a weekday"
            )
            yield ("days_off",), reason


def _days(dated: Dated) -> Iterator[tuple[Place, str]]:
    seen: set[date] = set()
    for name, days, is_weekend in (("days_off", dated.days_off, False), ("days_worked", dated.days_worked, True)):
        for i, day in enumerate(days):
            if day in seen:
                yield (name, i), f"{day} stands here a second time"
            seen.add(day)
            if (day.weekday() >= SATURDAY) != is_weekend:
                usual = "worked anyway" if is_weekend else "off anyway"
                yield (name, i), f"{day} is a {day:%A}, {usual}; take it out"


def missing_years(dated: Dated, said: Announced, year: int) -> Iterator[tuple[Place, str]]:
    """Which of this year and the next three are neither announced nor estimated."""
    known = said.years | {day.year for day in dated.days_off}
    for one in range(year, year + YEARS_AHEAD + 1):
        if one not in known:
            yield ("days_off",), f"{one} is neither announced nor estimated here; add its days off (docs/clock.md)"
