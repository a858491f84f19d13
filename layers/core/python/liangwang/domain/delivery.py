"""What an intake system missed while it could not be reached, case by case, until it has it. Pure."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

KEPT = timedelta(days=1)
"""How long a case's document stays after the last of it was delivered."""

UNKNOWN = "unknown"
"""Stands for the intake of a case that the ledger does not know (yet); no intake has this name."""


class Missed(Struct, frozen=True, kw_only=True):
    """One message of a department, as the exchange API takes it."""

    id: str
    type: str
    time: datetime
    data: dict[str, Any]


class Delivery(Struct, frozen=True, kw_only=True, tag="delivery.kept", tag_field="type"):
    """What one case's intake has missed, in the order in which it came past. ``since`` orders the cases of an intake;
    ``tries`` counts those that failed.

    What comes past later may be delivered before it: intake sorts a case's news by their numbers.
    """

    intake: str
    since: datetime
    entries: tuple[Missed, ...] = ()
    tries: int = 0


def keep(state: Delivery | None, entries: Sequence[Missed], *, intake: str, now: datetime) -> Sequence[Delivery]:
    """Puts aside what could not be delivered; what is there already is no event."""
    held = state.entries if state is not None else ()
    known = {one.id for one in held}
    new = tuple({one.id: one for one in entries if one.id not in known}.values())
    if not new:
        return []
    since = state.since if state is not None and held else now
    return [Delivery(intake=intake or UNKNOWN, since=since, entries=(*held, *new), tries=state.tries if state else 0)]


def delivered(state: Delivery | None, ids: Collection[str]) -> Sequence[Delivery]:
    """Takes out what has arrived, or is refused for good."""
    if state is None or not any(one.id in ids for one in state.entries):
        return []
    return [replace(state, entries=tuple(one for one in state.entries if one.id not in ids), tries=0)]


def tried(state: Delivery | None, *, now: datetime) -> Sequence[Delivery]:
    """Counts a try that failed; the case goes behind the others, so that what never arrives keeps nothing back."""
    return [replace(state, tries=state.tries + 1, since=now)] if state is not None and state.entries else []


def claimed(state: Delivery | None, *, intake: str) -> Sequence[Delivery]:
    """The ledger knows now whose the case is."""
    if state is None or not state.entries or state.intake == intake:
        return []
    return [replace(state, intake=intake)]
