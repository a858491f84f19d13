"""Personal data in full: what somebody says who has to see it, and which fields that opens."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from ..domain import messages as m
from ..domain.errors import Invalid, Violation


class Unmask(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why somebody has to see personal data in full, and which fields (none named: all of them)."""

    reason: m.Remark
    fields: tuple[str, ...] = ()


def chosen(personal: Mapping[str, Any], wish: Unmask) -> dict[str, Any]:
    """The fields that are asked for. Raises Invalid for one that there is not."""
    found = [
        Violation(f"fields[{position}]", f"no personal field of this case; known: {', '.join(sorted(personal))}")
        for position, name in enumerate(wish.fields)
        if name not in personal
    ]
    if found:
        raise Invalid("these fields cannot be shown", violations=tuple(found))
    return {name: value for name, value in personal.items() if not wish.fields or name in wish.fields}
