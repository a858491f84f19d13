"""The city's calendar: what the State Council has announced of the years, and what the city's own file says of the others.

Announced years come from the package ``chinesecalendar`` (docs/decisions/chinesecalendar.md). ``calendar.yaml`` of the
catalogue says the office's hours, and estimates for years that are not announced; it never overrules an announcement.
"""

from datetime import date
from functools import cache
from pathlib import Path

import msgspec
from msgspec import Struct

from .domain.working_days import Calendar, Office
from .yaml_document import YamlDocument


class Dated(Struct, frozen=True, forbid_unknown_fields=True):
    """The content of ``calendar.yaml``. ``as_of`` is the day on which it was last compared with what is announced.

    ``days_off`` and ``days_worked`` are days that are not what their weekday says.
    """

    as_of: date
    office: Office = Office()
    days_off: tuple[date, ...] = ()
    days_worked: tuple[date, ...] = ()


@cache
def load(directory: Path) -> Calendar:
    """The calendar of the catalogue in ``directory``, read once a process."""
    import chinese_calendar

    announced = frozenset(day.year for day in chinese_calendar.holidays)
    dated = read(directory / "calendar.yaml")
    estimated = dict.fromkeys(dated.days_off, False) | dict.fromkeys(dated.days_worked, True)
    differs = {day: worked for day, worked in estimated.items() if day.year not in announced}
    differs |= {day: False for day in chinese_calendar.holidays if day.weekday() < 5}
    differs |= dict.fromkeys(chinese_calendar.workdays, True)
    return Calendar(differs, announced, dated.office)


def read(file: Path) -> Dated:
    """One ``calendar.yaml``. Raises ``msgspec.ValidationError`` for what does not fit."""
    return msgspec.convert(YamlDocument(file.read_text(encoding="utf-8")).data, Dated, strict=False)
