"""Reads ``layers/catalogue/national``: tables, code lists, the applicant's fields and the dialects."""

from functools import cache
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct, structs

from .. import misfits
from ..catalogue import CatalogueError
from ..yaml_document import BrokenYaml, YamlDocument
from .rows import ROWS
from .tables import ENUMERATIONS, Applicant, CodeList, Column, Dialect, Standard, Table

Kind = TypeVar("Kind")


class _Common(Struct, frozen=True, forbid_unknown_fields=True):
    columns: tuple[Column, ...]


class _Lists(Struct, frozen=True, forbid_unknown_fields=True):
    lists: tuple[CodeList, ...]


@cache
def load(catalogue: Path) -> Standard:
    """The standard data of a catalogue directory, looked at in full: it is read by tools only.

    Raises CatalogueError with every problem found: a file that does not read, a code list that is not there, a dialect
    that cannot be used in both directions, a table whose columns are not those of its rows.
    """
    folder = catalogue / "national"
    common = _read(catalogue, folder / "tables" / "common.yaml", _Common).columns
    tables = [
        structs.replace(table, columns=(*table.columns, *common))
        for path in sorted((folder / "tables").glob("*.yaml"))
        if path.name != "common.yaml"
        for table in (_read(catalogue, path, Table),)
    ]
    dialects = [_read(catalogue, path, Dialect) for path in sorted((folder / "dialects").glob("*.yaml"))]
    found = Standard(
        tables={table.name: table for table in tables},
        codes={one.id: one for one in _read(catalogue, folder / "codes.yaml", _Lists).lists},
        applicant=_read(catalogue, folder / "applicant.yaml", Applicant),
        dialects={dialect.name: dialect for dialect in dialects},
    )
    problems = [*_table_problems(found), *_dialect_problems(found)]
    if problems:
        raise CatalogueError(*problems)
    return found


def _table_problems(found: Standard) -> list[str]:
    problems = [f"national/tables: {name} has no file" for name in ROWS if name not in found.tables]
    for name, table in found.tables.items():
        where = f"national/tables/{name}.yaml"
        if name not in ROWS:
            problems.append(f"{where}: no rows are made for it")
        elif set(ROWS[name].__struct_fields__) != set(table.names):
            wrong = set(ROWS[name].__struct_fields__) ^ set(table.names)
            problems.append(f"{where}: differs from its rows in {', '.join(sorted(wrong))}")
        problems += [
            f"{where}: {column.name}: there is no code list {column.list}"
            for column in table.columns
            if column.list and column.list not in found.codes and column.list not in ENUMERATIONS
        ]
    return problems


def _dialect_problems(found: Standard) -> list[str]:
    return [
        f"national/dialects/{name}.yaml: {problem}"
        for name, dialect in found.dialects.items()
        for problem in dialect.problems()
    ]


def _read(root: Path, path: Path, kind: type[Kind]) -> Kind:
    where = path.relative_to(root).as_posix()
    try:
        document = YamlDocument(path.read_text(encoding="utf-8"))
        return msgspec.convert(document.data, kind)
    except OSError as error:
        raise CatalogueError(f"{where}:1: cannot be read: {error.strerror}") from error
    except BrokenYaml as error:
        raise CatalogueError(f"{where}:{error.line}: {error.reason}") from error
    except msgspec.ValidationError as error:
        line = document.line(misfits.path_of(str(error).partition(" - at `")[2]))
        raise CatalogueError(f"{where}:{line}: {error}") from error
