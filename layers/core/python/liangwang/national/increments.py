"""What of a case's rows a receiver has to be told who knows it as it was at an earlier moment. Pure.

A case is shown as it was at one moment and as it was at another; the difference is the increment. It follows from the
history alone, so the same increment comes out however often it is made, and whatever happened since.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from msgspec.structs import replace

from ..domain.history import Recorded
from .case_facts import written
from .rows import Row

INSERT, UPDATE, DELETE = "I", "U", "D"

Rows = Callable[[Sequence[Recorded[Any]]], list[Row]]
"""From a case's history to its rows."""


class Span(NamedTuple):
    """From one moment to another, neither event of the second included. Without ``since`` everything is new."""

    since: datetime | None
    until: datetime

    @property
    def batch(self) -> str:
        """``cd_batch``: what the export shows; a repeated one is the same batch."""
        since = f"{self.since:%Y%m%d%H%M%S}" if self.since else "0"
        return f"{since}-{self.until:%Y%m%d%H%M%S}"


def between(history: Sequence[Recorded[Any]], span: Span, rows: Rows, *, source: str) -> list[Row]:
    """The rows of a case that are new (I), changed (U) or gone (D) since the beginning of the span."""
    now = [one for one in history if one.at < span.until]
    then = [one for one in now if span.since is not None and one.at < span.since]
    if not now or len(now) == len(then):
        return []
    had = {row.row_guid: row for row in rows(then)} if then else {}
    have = {row.row_guid: row for row in rows(now)}
    changed = [(row, UPDATE if guid in had else INSERT) for guid, row in have.items() if had.get(guid) != row]
    gone = [(row, DELETE) for guid, row in had.items() if guid not in have]
    return [stamped(row, operation, span, source=source) for row, operation in (*changed, *gone)]


def stamped(row: Row, operation: str, span: Span, *, source: str) -> Row:
    """The row as one of a batch."""
    return replace(row, cd_operation=operation, cd_time=written(span.until), cd_batch=span.batch, data_source=source)


def applied(known: Iterable[Row], increment: Iterable[Row]) -> list[Row]:
    """What a receiver has after an increment: rows by their ``row_guid``, the later one holds."""
    rows = {row.row_guid: row for row in known}
    for row in increment:
        rows.pop(row.row_guid, None)
        if row.cd_operation != DELETE:
            rows[row.row_guid] = row
    return list(rows.values())
