"""`python -m local import-items …`: item tables of another system as files of the catalogue (docs/data-standards.md)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import click
from liangwang.national import standard
from liangwang.national.files import Unreadable, placed
from liangwang.national.item_draft import Draft, draft, problems
from liangwang.national.item_rows import item_of, sheets
from liangwang.national.rows import ITEM_ROWS, Row, TaskBasic, TaskExtend, TaskMaterial

from local.config import REPOSITORY

CATALOGUE = REPOSITORY / "layers" / "catalogue"


def drafts(paths: tuple[Path, ...], catalogue: Path) -> list[Draft]:
    """The catalogue's files of these tables. Raises Unreadable with every fault: file, line, column and what to do."""
    data = standard.load(catalogue)
    rows: list[tuple[str, Row]] = []
    found: list[str] = []
    for path in paths:
        name = next((one for one in ITEM_ROWS if path.name.lower().startswith(one)), None)
        if name is None:
            found.append(f"{path.name}:1: which table is it? begin the file's name with one of {', '.join(ITEM_ROWS)}")
            continue
        try:
            rows += placed(path.read_bytes(), data.tables[name], name=path.name)
        except Unreadable as error:
            found += error.problems
    found = found or list(_problems(rows))
    if found:
        raise Unreadable(*found)
    return [draft(sheet) for sheet in sheets([row for _, row in rows])]


def _problems(rows: Sequence[tuple[str, Row]]) -> Iterator[str]:
    basics = [row for _, row in rows if isinstance(row, TaskBasic)]
    if not basics:
        yield "no row of up_task_general_basic: name its file, the others only add to it"
    seen: dict[tuple[str, int | None], str] = {}
    for where, row in rows:
        if isinstance(row, TaskBasic):
            yield from problems(row, where=where)
            first = seen.setdefault((row.task_code, row.task_version), where)
            if first != where:
                yield f"{where}: task_code: {row.task_code!r} in this version is in {first} already; take one of them out"
        elif isinstance(row, TaskExtend | TaskMaterial) and basics and item_of(row, basics) is None:
            yield f"{where}: task_guid: no item has the row_guid {row.task_guid!r}; name the item's, or take the row out"


@click.command("import-items")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), default=CATALOGUE / "items", help="Where the files go.")
@click.option("--write", is_flag=True, help="Write them; without it they are only shown.")
def command(files: tuple[Path, ...], out: Path, write: bool) -> None:
    """Make files of the catalogue from up_task_general_basic, _extend and _material (CSV or JSON lines)."""
    try:
        made = drafts(files, CATALOGUE)
    except Unreadable as error:
        raise click.ClickException("\n".join(error.problems)) from error
    there = [one.name for one in made if (out / one.name).exists()]
    if write and there:
        raise click.ClickException(
            f"{out / there[0]} is there already: a published version never changes; move it or --out"
        )
    for one in made:
        if write:
            out.mkdir(parents=True, exist_ok=True)
            (out / one.name).write_text(one.text, encoding="utf-8")
        else:
            click.echo(f"# ---- {one.name}\n{one.text}")
        state = f"lacks {', '.join(one.lacking)}" if one.lacking else "complete"
        click.echo(f"{'wrote' if write else 'would write'} {out / one.name}: {state}", err=True)
    if not write:
        click.echo("nothing was written; --write does", err=True)
