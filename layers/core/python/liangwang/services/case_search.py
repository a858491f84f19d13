"""检索: which of a department's cases somebody looks for, and how a found page leaves as a file."""

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, get_args
from urllib.parse import urlencode

from msgspec import Struct, json

from ..domain.case import Status
from ..domain.case_no import SHANGHAI
from ..domain.errors import Invalid, Violation
from ..domain.worklist import Criteria
from ..http import Request

CSV = "text/csv"
JSON_LINES = "application/x-ndjson"

STATUSES: tuple[str, ...] = get_args(Status)
FIRST, LAST = datetime(2000, 1, 1, tzinfo=SHANGHAI), datetime(2200, 1, 1, tzinfo=SHANGHAI)
DAY = timedelta(days=1)

_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_BLANKS = ("\t", "\r", "\n")
"""What a spreadsheet may take for the beginning of a formula, in the wide forms too (OWASP, CSV injection)."""


_LIGHTS = ("green", "yellow", "red", "overdue")
_SORTS = ("due", "-due")
_SWITCH = {"true": True, "false": False}
_IN_HAND: dict[str, bool | None] = {**_SWITCH, "any": None}

CHOICES: Mapping[str, tuple[str, ...]] = {
    "status": STATUSES,
    "light": _LIGHTS,
    "sort": _SORTS,
    "mine": tuple(_SWITCH),
    "group": tuple(_SWITCH),
    "in_hand": tuple(_IN_HAND),
}
"""The criteria of which only these values are one."""


def criteria(request: Request) -> Criteria:
    """From the query. Raises Invalid for a value that is none of ``CHOICES``, and for what is no date or moment."""
    found: list[Violation] = []
    chosen = {name: request.query.get(name, "") for name in CHOICES}
    for name, value in chosen.items():
        if value and value not in CHOICES[name]:
            found.append(Violation(name, f"use one of: {', '.join(CHOICES[name])}"))
    since, until, due = (_moment(request, name, found) for name in ("received_from", "received_to", "due_before"))
    if found:
        raise Invalid("the search cannot be done", violations=tuple(found))
    mine = _SWITCH.get(chosen["mine"], False)
    return Criteria(
        status=chosen["status"],
        task_code=request.query.get("task_code", ""),
        received_from=since[0] if since else None,
        received_to=until[1] if until else None,
        due_before=due[0] if due else None,
        light=chosen["light"],
        mine=mine,
        group=_SWITCH.get(chosen["group"], False),
        in_hand=_IN_HAND.get(chosen["in_hand"], None if mine else True),
        latest_first=chosen["sort"] == "-due",
    )


def _moment(request: Request, name: str, found: list[Violation]) -> tuple[datetime, datetime] | None:
    """A moment as the beginning and the end of what it means: a day here, or the millisecond itself."""
    text = request.query.get(name, "")
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    is_day = len(text) == len("2027-03-01")
    if moment is not None and is_day:
        moment = moment.replace(tzinfo=SHANGHAI)
    if moment is None or moment.tzinfo is None or not FIRST <= moment < LAST:
        found.append(Violation(name, "use a date such as 2027-03-01, or a moment with its zone"))
        return None
    return moment, moment + (DAY if is_day else timedelta(milliseconds=1))


def next_page(request: Request, path: str, cursor: str | None) -> dict[str, str]:
    """The header that leads to the next page (RFC 8288), with the same criteria; none on the last page."""
    if cursor is None:
        return {}
    return {"link": f'<{path}?{urlencode({**request.query, "cursor": cursor})}>; rel="next"'}


def lines(rows: Iterable[Struct]) -> bytes:
    """One JSON document a line."""
    return b"".join(json.encode(row) + b"\n" for row in rows)


def table(rows: Iterable[dict[str, Any]], columns: tuple[str, ...], *, head: bool) -> bytes:
    """Comma-separated values (RFC 4180) that a spreadsheet shows and does not run.

    The first page has the names of the columns, after the byte order mark without which Excel misreads Chinese; the
    others have neither, so that pages put one after the other are one file.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    if head:
        writer.writerow(columns)
    writer.writerows([_cell(row[column]) for column in columns] for row in rows)
    return (b"\xef\xbb\xbf" if head else b"") + text.getvalue().encode()


def _cell(value: Any) -> str:
    """A value as text, in a form that is no formula."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.encode(value).decode()
    return f"'{text}" if text.startswith(_BLANKS) or text.lstrip().startswith(_FORMULA) else text
