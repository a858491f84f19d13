"""``liangwang_ext``: what a row's columns do not say of our facts, so that nothing is lost and nothing is said twice.

A row is read as far as its columns alone tell (``said``); the extension holds the rest (``beyond``), and both together
are the whole again (``whole``). A column that was cut, is coarser than ours or means several things at once is therefore
no loss: what it does not say stands in the extension, in whatever row and whatever is added to our messages later.
"""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from .rows import TABLE_OF, Row
from .tables import Table


def beyond(fact: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """What ``said`` does not say of a fact (both in JSON's values); what is said inside a map is compared inside it."""
    rest: dict[str, Any] = {}
    for name, value in fact.items():
        known = said.get(name)
        if name in said and known == value:
            continue
        if isinstance(value, dict) and isinstance(known, dict):
            assert known.keys() <= value.keys(), f"{name}: rows say what is no part of the fact"
            rest[name] = beyond(value, known)
        else:
            rest[name] = value
    return rest


def whole(said: Mapping[str, Any], rest: Mapping[str, Any]) -> dict[str, Any]:
    """The fact again."""
    found = dict(said)
    for name, value in rest.items():
        known = said.get(name)
        found[name] = whole(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return found


def fitted(row: Row, tables: Mapping[str, Table]) -> Row:
    """The row with texts no longer than their columns; ``cut`` in the extension names those that were longer.

    A code is never cut: half a number is another number. The conformance report counts those that are too long.
    """
    long = {
        column.name: getattr(row, column.name)[: column.length]
        for column in tables[TABLE_OF[type(row)]].columns
        if column.kind == "text" and column.length and len(getattr(row, column.name)) > column.length
    }
    if not long:
        return row
    return replace(row, **long, liangwang_ext={**row.liangwang_ext, "cut": sorted(long)})
