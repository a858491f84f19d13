"""`python -m local.table_page`: writes the tables of docs/exchange-tables.md anew from the standard data."""

from __future__ import annotations

from collections.abc import Iterator

from liangwang.national import standard
from liangwang.national.tables import Column, Standard, Table

from local.config import REPOSITORY

PAGE = REPOSITORY / "docs" / "exchange-tables.md"
BEGIN, END = "<!-- tables: written by make contracts -->\n", "<!-- end of tables -->\n"
HEAD = "| column | 名称 | | GB/T 39046 | sure | codes | what stands in it |\n|---|---|---|---|---|---|---|\n"


def rendered(text: str, data: Standard) -> str:
    """The page with its tables as the standard data has them."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{''.join(_parts(data))}{END}{after}"


def _parts(data: Standard) -> Iterator[str]:
    common = set.intersection(*(set(table.names) for table in data.tables.values()))
    first = next(iter(data.tables.values()))
    for table in data.tables.values():
        yield f"## `{table.name}` {table.title}\n\n{table.about[0].upper()}{table.about[1:]}.\n\n{HEAD}"
        yield from (_row(column, table) for column in table.columns if column.name not in common)
        yield "\n"
    yield f"## Every table\n\n{HEAD}"
    yield from (_row(column, first) for column in first.columns if column.name in common)
    yield "\n## Code lists\n\n| list | source | sure | codes |\n|---|---|---|---|\n"
    for one in data.codes.values():
        codes = ", ".join(f"{code} {name}" for code, name in one.codes.items())
        yield f"| {one.id} | {one.source} | {one.confidence} | {codes} |\n"
    yield "\n"


def _row(column: Column, table: Table) -> str:
    standard_item = f"{table.standard}.{column.standard}" if column.standard else ""
    must = "required" if column.required else ""
    if column.personal:
        must = f"{must}, personal".removeprefix(", ")
    why = f"empty: {column.lacking.en}" if column.lacking else ""
    told = "; ".join(part for part in (column.filled, why) if part)
    kind = f"{column.title} {column.kind}{f' ..{column.length}' if column.length else ''}"
    return f"| `{column.name}` | {kind} | {must} | {standard_item} | {column.confidence} | {column.list} | {told} |\n"


def main() -> None:
    """Write the page anew."""
    data = standard.load(REPOSITORY / "layers" / "catalogue")
    PAGE.write_text(rendered(PAGE.read_text("utf-8"), data), encoding="utf-8")


if __name__ == "__main__":
    main()
