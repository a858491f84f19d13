"""Rows of the item tables as a file of the catalogue: whole where they are ours, else a draft that says what it lacks. Pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, get_args, get_type_hints

import msgspec
import yaml
from msgspec import Struct, structs

from ..domain.catalogue import Item
from .item_rows import WORKING_DAYS, Sheet, known
from .rows import TaskBasic

ADVICE: Mapping[str, str] = {
    "summary": "what the item is for, in a sentence of each language: {zh: …, en: …}",
    "capability": "the duty 职责 by which a department of organisation.yaml answers for it",
    "form": "the form as a JSON Schema object, and in `personal` its personal fields (docs/catalogue.md)",
    "steps": "who does what: [{name: handle, by: rule}, {name: approve, by: clerk}]",
    "example": "an invented application that is accepted: {form: {…}, materials: […]}",
    "item_type": 'GB/T 39046-2020 A.1, such as "01"',
    "kind": "GB/T 39046-2020 A.6: 1, 2 or 9",
    "audience": "GB/T 39046-2020 A.4: [1, 2]",
    "legal_basis": "the law that the item rests on",
    "en": "the English text",
    "days": "working days",
    "basis": "the article or promise that the limit rests on",
}
"""What an author has to write, by field."""


class Draft(NamedTuple):
    """A file of the catalogue: its name, its text, and what an author has to add (empty: nothing)."""

    name: str
    text: str
    lacking: tuple[str, ...]


def problems(row: TaskBasic, *, where: str) -> Iterator[str]:
    """What makes a row no item: ``where: column: what to do``."""
    if not row.task_code:
        yield f"{where}: task_code: is empty; write the code that the item is applied for by"
    if not row.task_name:
        yield f"{where}: task_name: is empty; write the item's name"
    for column, unit in (("anticipate_type", row.anticipate_type), ("promise_type", row.promise_type)):
        if unit and unit != WORKING_DAYS:
            yield f"{where}: {column}: is {unit!r}; limits are in working days here (1), so convert the days first"
    for column, days in (("anticipate_day", row.anticipate_day), ("promise_day", row.promise_day)):
        if days is not None and days < 0:
            yield f"{where}: {column}: is {days}; write 0 or more"


def draft(sheet: Sheet) -> Draft:
    """The file of one item, with what lacks named at its head, by the name that it has in the file."""
    values = _told(known(sheet))
    values.setdefault("task_version", 1)
    for place, material in enumerate(values.get("materials", ()), start=1):
        material.setdefault("code", f"material-{place}")
    lacking = tuple(_lacking(values, Item, ""))
    if not lacking:
        values = _without_defaults(msgspec.convert(values, Item))
    text = yaml.safe_dump(values, allow_unicode=True, sort_keys=False, width=120)
    return Draft(_file_name(sheet.basic.task_code, values["task_version"]), _head(lacking) + text, lacking)


def _file_name(code: str, version: int) -> str:
    stem = re.sub(r"[^0-9A-Za-z-]+", "-", code).strip("-") or "item"
    return f"{stem}.yaml" if version == 1 else f"{stem}-{version}.yaml"


def _head(lacking: tuple[str, ...]) -> str:
    if not lacking:
        return ""
    lines = [f"#   {path}: {ADVICE.get(path.rpartition('.')[2], 'is required')}" for path in lacking]
    return "\n".join(
        ("# 待补充：Taken from the item tables. Add what they do not say, then check the catalogue:", *lines, "")
    )


def _told(values: Any) -> Any:
    """Without what was not said at all: columns that are empty."""
    if isinstance(values, list):
        return [_told(value) for value in values]
    if not isinstance(values, dict):
        return values
    return {name: _told(value) for name, value in values.items() if value not in (None, "", [])}


def _lacking(values: Mapping[str, Any], kind: type[Struct], path: str) -> Iterator[str]:
    """The required fields that are not there, in a struct and in those inside it."""
    hints = get_type_hints(kind)
    for field in structs.fields(kind):
        here = f"{path}{field.name}"
        if field.name not in values:
            if field.required:
                yield here
            continue
        value, inner = values[field.name], _struct_in(hints[field.name])
        if inner is not None and isinstance(value, list):
            for place, one in enumerate(value):
                yield from _lacking(one, inner, f"{here}[{place}].")
        elif inner is not None and isinstance(value, dict):
            yield from _lacking(value, inner, f"{here}.")


def _struct_in(hint: Any) -> type[Struct] | None:
    if isinstance(hint, type) and issubclass(hint, Struct):
        return hint
    return next((found for one in get_args(hint) if (found := _struct_in(one)) is not None), None)


def _without_defaults(value: Any) -> Any:
    """A struct as an author would write it: fields that have their default are left out."""
    if isinstance(value, Struct):
        found = ((field, getattr(value, field.name)) for field in structs.fields(value))
        return {
            field.name: _without_defaults(content)
            for field, content in found
            if field.required or content != _default(field)
        }
    if isinstance(value, tuple):
        return [_without_defaults(one) for one in value]
    return value


def _default(field: structs.FieldInfo) -> Any:
    return field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default
