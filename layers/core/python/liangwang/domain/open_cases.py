"""What a centre's index of open cases says of each, so that those at a place are found without loading the ledger. Pure.

A case stands on the desk of its town and item from when it was carried until it ends. Its place there and what is shown
stay the same while it moves on, so that news of a case do not write the index.
"""

from datetime import datetime

from msgspec import Struct

from .desk import Placed
from .ledger import Entry


class OpenCase(Struct, frozen=True, kw_only=True, array_like=True):
    """An open case in short. New fields come last, with a default."""

    task_code: str
    place: str
    department: str
    applied_at: datetime


def desk(town: str, task_code: str) -> str:
    """The desk of one item's open cases in one town."""
    return f"place/{town}/{task_code}"


def placed(state: Entry) -> Placed | None:
    """The case's place on it; None for one that has ended, or of which the centre does not know item and place."""
    if state.is_terminal or not (state.place and state.task_code and state.applied_at):
        return None
    entry = OpenCase(
        task_code=state.task_code, place=state.place, department=state.department, applied_at=state.applied_at
    )
    return Placed(desk(state.place, state.task_code), state.applied_at, entry)
