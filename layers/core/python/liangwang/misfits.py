"""What would have fitted, where msgspec's one sentence only says what did not, such as "Invalid enum value 'x'"."""

import re
from collections.abc import Iterable, Sequence
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from msgspec import Struct, structs

Path = Sequence[str | int]


def path_of(place: str) -> tuple[str | int, ...]:
    """The path in ``.name.zh`` or ``.acts[0]``; it ends where msgspec does not name the key of a plain dict."""
    path: list[str | int] = []
    for key, position in re.findall(r"\.(\w+)|\[(\d+|\.\.\.)\]", place):
        if position == "...":
            break
        path.append(int(position) if position else key)
    return tuple(path)


def fix(reason: str, shape: Any, path: Path) -> str:
    """What to do about a misfit of ``shape`` at ``path``, as the end of a sentence; empty where the shape does not tell."""
    if reason.startswith("Invalid enum value") and (known := choices(shape, path)):
        return f"use {either(known)}"
    if reason.startswith("Object contains unknown field") and (names := _fields(shape, path)):
        return f"there are {', '.join(names)}"
    return ""


def choices(shape: Any, path: Path) -> tuple[Any, ...]:
    """The values that the ``Literal`` at the end of ``path`` allows."""
    return tuple(value for kind in _kinds(shape, path) if get_origin(kind) is Literal for value in get_args(kind))


def either(values: Sequence[Any]) -> str:
    """One or more values as people list them: ``1, 2 or 9``."""
    *others, last = (str(value) for value in values)
    return f"{', '.join(others)} or {last}" if others else last


def _fields(shape: Any, path: Path) -> list[str]:
    return [field.encode_name for kind in _kinds(shape, path) if _is_struct(kind) for field in structs.fields(kind)]


def _kinds(shape: Any, path: Path) -> list[Any]:
    """The types that a value at ``path`` may have."""
    kinds = list(_alternatives(shape))
    for part in path:
        kinds = [one for kind in kinds for inner in _inner(kind, part) for one in _alternatives(inner)]
    return kinds


def _alternatives(kind: Any) -> Iterable[Any]:
    if get_origin(kind) is Annotated:
        yield from _alternatives(get_args(kind)[0])
    elif get_origin(kind) in (Union, UnionType):
        for one in get_args(kind):
            yield from _alternatives(one)
    else:
        yield kind


def _inner(kind: Any, part: str | int) -> Iterable[Any]:
    if isinstance(part, int):
        return get_args(kind)[:1]
    if _is_struct(kind):
        return [field.type for field in structs.fields(kind) if field.encode_name == part]
    return get_args(kind)[1:] if get_origin(kind) is dict else ()


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Struct)
