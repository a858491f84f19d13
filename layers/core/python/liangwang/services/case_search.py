"""检索: which of a department's cases somebody looks for, and how a found page leaves as a file."""

import csv
import io
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, get_args
from urllib.parse import urlencode

from msgspec import Struct, json

from ..domain.case import Case, Status
from ..domain.case_no import SHANGHAI
from ..domain.errors import Invalid, Violation
from ..http import Request

CSV = "text/csv"
JSON_LINES = "application/x-ndjson"

STATUSES: tuple[str, ...] = get_args(Status)
FIRST, LAST = datetime(2000, 1, 1, tzinfo=SHANGHAI), datetime(2200, 1, 1, tzinfo=SHANGHAI)
DAY = timedelta(days=1)

_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_BLANKS = ("\t", "\r", "\n")
"""What a spreadsheet may take for the beginning of a formula, in the wide forms too (OWASP, CSV injection)."""


class Criteria(Struct, frozen=True, kw_only=True):
    """What is looked for: each criterion that is given must hold. ``until`` is not included."""

    status: str = ""
    task_code: str = ""
    since: datetime = FIRST
    until: datetime = LAST

    def match(self, state: Case) -> bool:
        """Whether a case is looked for, as far as its own state tells."""
        by_status = not self.status or state.status == self.status
        return by_status and (not self.task_code or state.application.task_code == self.task_code)


def criteria(request: Request) -> Criteria:
    """From the query. Raises Invalid for a status that is none, and for what is no date or moment."""
    found: list[Violation] = []
    status = request.query.get("status", "")
    if status and status not in STATUSES:
        found.append(Violation("status", f"use one of: {', '.join(STATUSES)}"))
    since, until = (_moment(request, name, found) for name in ("received_from", "received_to"))
    if found:
        raise Invalid("the search cannot be done", violations=tuple(found))
    return Criteria(
        status=status,
        task_code=request.query.get("task_code", ""),
        since=since[0] if since else FIRST,
        until=until[1] if until else LAST,
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
