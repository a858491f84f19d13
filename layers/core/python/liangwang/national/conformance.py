"""How far rows keep to the tables: what is filled, too long, or a code that no list has. Pure.

A tally is a plain count that pages add to, so that an export that is resumed goes on counting.
"""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct, field

from ..domain.catalogue import Text
from .rows import TABLE_OF, Row
from .tables import Column, Dialect, Standard


class Counted(Struct, kw_only=True):
    """Of one column: in how many rows it is filled, too long, cut to its length, or holds an unknown code."""

    filled: int = 0
    long: int = 0
    cut: int = 0
    unknown: int = 0


class Tally(Struct, kw_only=True):
    """Of one table: its rows, and each column's counts. Rows that say that a row is gone are not looked at."""

    rows: int = 0
    gone: int = 0
    columns: dict[str, Counted] = field(default_factory=dict)


Tallies = dict[str, Tally]


def count(tallies: Tallies, rows: Iterable[Row], standard: Standard, dialect: Dialect) -> None:
    """Adds rows to the tallies of their tables."""
    for row in rows:
        name = TABLE_OF[type(row)]
        table, tally = standard.tables[name], tallies.setdefault(name, Tally())
        if row.cd_operation == "D":
            tally.gone += 1
            continue
        tally.rows += 1
        cut = row.liangwang_ext.get("cut", ())
        for column in table.columns:
            counted = tally.columns.setdefault(column.name, Counted())
            value = getattr(row, column.name)
            if value in ("", None, {}):
                continue
            counted.filled += 1
            counted.cut += column.name in cut
            counted.long += bool(column.length) and len(str(value)) > column.length
            known = standard.codes_of(column, dialect)
            counted.unknown += known is not None and not known.issuperset(str(value).split(","))


class ColumnReport(Struct, frozen=True, kw_only=True):
    """One column: ``per_cent`` of the rows in which it is filled (None without rows); ``why`` it may be empty.

    ``standard`` is the item of GB/T 39046-2020 as table and row, empty where the standard has none.
    """

    name: str
    title: str
    standard: str
    confidence: str
    required: bool
    filled: int
    per_cent: float | None
    why: Text | None = None
    long: int = 0
    cut: int = 0
    unknown: int = 0


class TableReport(Struct, frozen=True, kw_only=True):
    """One table; ``required_per_cent`` is the part of required values that are there, over all rows."""

    name: str
    title: str
    rows: int
    gone: int
    required: int
    complete: int
    required_per_cent: float | None
    never_filled: tuple[str, ...]
    columns: tuple[ColumnReport, ...]


def report(tallies: Tallies, standard: Standard) -> tuple[TableReport, ...]:
    """What was counted, table by table in the order of the standard data; tables without a tally are left out."""
    return tuple(_table(name, tallies[name], standard) for name in standard.tables if name in tallies)


def _table(name: str, tally: Tally, standard: Standard) -> TableReport:
    table = standard.tables[name]
    columns = tuple(
        _column(column, table.standard, tally.columns.get(column.name, Counted()), tally.rows)
        for column in table.columns
        if column.kind != "extension"
    )
    required = [column for column in columns if column.required]
    wanted, there = len(required) * tally.rows, sum(column.filled for column in required)
    return TableReport(
        name=name,
        title=table.title,
        rows=tally.rows,
        gone=tally.gone,
        required=len(required),
        complete=sum(column.filled == tally.rows for column in required),
        required_per_cent=_per_cent(there, wanted),
        never_filled=tuple(column.name for column in required if tally.rows and not column.filled),
        columns=columns,
    )


def _column(column: Column, table: int, counted: Counted, rows: int) -> ColumnReport:
    return ColumnReport(
        name=column.name,
        title=column.title,
        standard=f"{table}.{column.standard}" if column.standard else "",
        confidence=column.confidence,
        required=column.required,
        filled=counted.filled,
        per_cent=_per_cent(counted.filled, rows),
        why=column.lacking if counted.filled < rows else None,
        long=counted.long,
        cut=counted.cut,
        unknown=counted.unknown,
    )


def _per_cent(part: int, whole: int) -> float | None:
    """To a tenth, rounded down: a hundred means all of them."""
    return None if not whole else (part * 1000 // whole) / 10


def said(found: Iterable[TableReport], words: Any) -> list[str]:
    """The report for people, a line each, in both languages. ``words`` is ``texts.text``."""
    lines: list[str] = []
    for table in found:
        counts: dict[str, Any] = {
            "table": table.name,
            "title": table.title,
            "rows": table.rows,
            "complete": table.complete,
            "required": table.required,
            "per_cent": "–" if table.required_per_cent is None else table.required_per_cent,
        }
        lines += _both(words("exchange_table.table", **counts))
        for column in table.columns:
            about = {
                "column": column.name,
                "title": column.title,
                "per_cent": column.per_cent,
                "standard": column.standard or "–",
            }
            if column.required and column.filled < table.rows:
                why = column.why or words("exchange_table.no_reason")
                sentence = words("exchange_table.lacking", **about, why="{why}")
                lines += [f"  {sentence.zh.format(why=why.zh)}", f"  {sentence.en.format(why=why.en)}"]
            for what in ("long", "cut", "unknown"):
                if number := getattr(column, what):
                    lines += _both(words(f"exchange_table.{what}", **about, number=number), indent="  ")
    return lines


def _both(sentence: Text, *, indent: str = "") -> list[str]:
    return [f"{indent}{sentence.zh}", f"{indent}{sentence.en}"]
