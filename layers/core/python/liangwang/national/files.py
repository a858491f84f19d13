"""Rows as files: CSV (RFC 4180) or JSON lines, written page by page and read with the place of every fault.

A spreadsheet runs a cell that looks like a formula; such a text gets an apostrophe before it (``case_search``), and so does
one that begins with an apostrophe itself, so that reading takes exactly one away again.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import structs

from ..services import case_search
from .rows import ROWS, TABLE_OF, Row
from .tables import Column, Table

Format = Literal["csv", "jsonl"]

Kind = TypeVar("Kind", bound=Row)


class Unreadable(Exception):
    """Rows that cannot be read. ``problems`` holds one ``file:line: column: what to do`` each."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def written(rows: Sequence[Row], table: Table, form: Format, *, head: bool) -> bytes:
    """Rows of one table as a part of its file; ``head`` for the first part."""
    if form == "jsonl":
        return b"".join(msgspec.json.encode(_ordered(row, table)) + b"\n" for row in rows)
    cells = ({name: _kept(getattr(row, name)) for name in table.names} for row in rows)
    return case_search.table(cells, table.names, head=head)


def _ordered(row: Row, table: Table) -> dict[str, Any]:
    return {name: getattr(row, name) for name in table.names}


def _kept(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith("'") else value


def read(content: bytes, table: Table, *, name: str) -> list[Row]:
    """The rows of a file of one table. Raises Unreadable with every fault in it."""
    return [row for _, row in placed(content, table, name=name)]


def placed(content: bytes, table: Table, *, name: str) -> list[tuple[str, Row]]:
    """The rows of a file of one table, each with its place (``file:line``). Raises Unreadable with every fault in it.

    Columns' names are read in upper case too; columns that the table does not have are passed over.
    """
    kind = ROWS[table.name]
    found: list[tuple[str, Row]] = []
    problems: list[str] = []
    columns = {column.name: column for column in table.columns}
    for line, values in _lines(content, name):
        here = {key.lower(): value for key, value in values.items() if key and key.lower() in columns}
        rowed: dict[str, Any] = {}
        for key, value in here.items():
            try:
                rowed[key] = _value(value, columns[key])
            except ValueError as error:
                problems.append(f"{name}:{line}: {key}: {error}")
        lacking = [field for field in _must(kind) if field not in rowed and field != "row_guid"]
        problems += [f"{name}:{line}: {field}: the column is missing; add it" for field in lacking]
        if not problems:
            rowed.setdefault("row_guid", f"{name}:{line}")
            found.append((f"{name}:{line}", msgspec.convert(rowed, kind)))
    if problems:
        raise Unreadable(*problems)
    return found


def _must(kind: type[Row]) -> Iterator[str]:
    return (one.name for one in structs.fields(kind) if one.required)


def _lines(content: bytes, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise Unreadable(f"{name}:{line}: is not UTF-8 text; save it as UTF-8") from error
    if text.lstrip()[:1] == "{":
        yield from _json_lines(text, name)
        return
    reader = csv.reader(io.StringIO(text), strict=True)
    try:
        head = next(reader, None)
        if head is None:
            return
        line = reader.line_num + 1
        for cells in reader:
            if len(cells) != len(head) and cells:
                raise Unreadable(
                    f"{name}:{line}: has {len(cells)} cells under {len(head)} names; put missing commas in"
                )
            if cells:
                yield line, dict(zip(head, (_unkept(cell) for cell in cells), strict=True))
            line = reader.line_num + 1
    except csv.Error as error:
        raise Unreadable(f"{name}:{reader.line_num}: is no CSV (RFC 4180): {error}") from error


def _unkept(cell: str) -> str:
    return cell[1:] if cell.startswith("'") else cell


def _json_lines(text: str, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for line, document in enumerate(text.split("\n"), start=1):
        if document.strip():
            try:
                yield line, msgspec.json.decode(document, type=dict[str, Any])
            except msgspec.DecodeError as error:
                raise Unreadable(f"{name}:{line}: is no JSON object: {error}") from error


def _value(value: Any, column: Column) -> Any:
    """A cell or a JSON value as its column's. Raises ValueError, saying what to do."""
    if column.kind == "integer":
        text = "" if value is None else str(value).strip()
        if text and not (text.removeprefix("-").isdecimal() and text.isascii()):
            raise ValueError(f"{text!r} is no whole number; write digits only")
        return int(text) if text else None
    if column.kind == "extension":
        if isinstance(value, dict):
            return value
        try:
            return msgspec.json.decode(value, type=dict[str, Any]) if value else {}
        except (msgspec.DecodeError, TypeError) as error:
            raise ValueError("is no JSON object; leave it as it was exported, or empty") from error
    if value is not None and not isinstance(value, str | int | float):
        raise ValueError("write one value, not a list or a map")
    return "" if value is None else str(value)


def by_table(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Rows by the name of their table."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(TABLE_OF[type(row)], []).append(row)
    return found
