"""The days that a request for figures names: ``from`` and ``to``, both included, in China's time."""

from collections.abc import Iterator
from datetime import date, timedelta

from ..domain.case_no import SHANGHAI
from ..domain.errors import Invalid, Violation
from ..http import Request


def asked(request: Request) -> tuple[date, date]:
    """The first and the last day; without them, this month until today. Raises Invalid for what is no day."""
    today = request.now.astimezone(SHANGHAI).date()
    found: list[Violation] = []
    last = _day(request, "to", found) or today
    first = _day(request, "from", found) or last.replace(day=1)
    if not found and last < first:
        found.append(Violation("to", "use a day that is not before from"))
    if found:
        raise Invalid("not a time", violations=tuple(found))
    return first, last


def between(first: date, last: date) -> Iterator[date]:
    """Every day from the first to the last."""
    return (first + timedelta(days=number) for number in range((last - first).days + 1))


def _day(request: Request, name: str, found: list[Violation]) -> date | None:
    text = request.query.get(name, "")
    if not text:
        return None
    try:
        day = date.fromisoformat(text) if len(text) == len("2027-03-01") else None
    except ValueError:
        day = None
    if day is None or not 2000 <= day.year < 2200:
        found.append(Violation(name, "use a day such as 2027-03-01"))
    return day
