"""`python -m local import-items …`: item tables of another system as files of the catalogue (docs/data-standards.md)."""

from __future__ import annotations

from pathlib import Path

import click
from liangwang.national import standard
from liangwang.national.files import Unreadable, read
from liangwang.national.item_draft import Draft, draft, problems
from liangwang.national.item_rows import Sheet, sheets
from liangwang.national.rows import ITEM_ROWS, Row

from local.config import REPOSITORY

CATALOGUE = REPOSITORY / "layers" / "catalogue"


def drafts(paths: tuple[Path, ...], catalogue: Path) -> list[Draft]:
    """The catalogue's files of these tables. Raises Unreadable with every fault: file, line, column and what to do."""
    data = standard.load(catalogue)
    rows: list[Row] = []
    found: list[str] = []
    for path in paths:
        name = next(
            (one for one in sorted(ITEM_ROWS, key=len, reverse=True) if path.name.lower().startswith(one)), None
        )
        if name is None:
            found.append(f"{path.name}:1: which table is it? begin the file's name with one of {', '.join(ITEM_ROWS)}")
            continue
        try:
            rows += read(path.read_bytes(), data.tables[name], name=path.name)
        except Unreadable as error:
            found += error.problems
    put_together = sheets(rows)
    found += [problem for sheet in put_together for problem in problems(sheet.basic, where=_where(sheet))]
    if not put_together and not found:
        found.append("no row of up_task_general_basic: name its file, the others only add to it")
    if found:
        raise Unreadable(*found)
    return [draft(sheet) for sheet in put_together]


def _where(sheet: Sheet) -> str:
    """A row of somebody else's without a `row_guid` is named by its file and line, one with it by that."""
    return sheet.basic.row_guid


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
