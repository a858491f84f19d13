"""An aggregate is its history: the recorded events, folded into a state when it is needed.

Each recorded event keeps the cause that led to it: the id of the message or command. Seeing a cause again changes
nothing, which turns at-least-once delivery in into exactly one effect out.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar

from msgspec import Struct, to_builtins

E = TypeVar("E")
S = TypeVar("S")


class Recorded(Struct, Generic[E], frozen=True, array_like=True):
    """One event of an aggregate, when it was recorded (UTC), and the cause that led to it."""

    at: datetime
    cause: str
    event: E


class Noted(Struct, frozen=True, kw_only=True, tag="noted", tag_field="type"):
    """A valid message that came too late for the state, or does not fit it: kept and flagged, without effect."""

    message_type: str
    reason: str
    content: dict[str, Any]


Evolve = Callable[[S | None, Recorded[E]], S]


def fold(evolve: "Evolve[S, E]", history: Sequence[Recorded[E]]) -> S | None:
    """The state after a history; None for an empty one."""
    state: S | None = None
    for recorded in history:
        state = evolve(state, recorded)
    return state


def knows(history: Sequence[Recorded[Any]], cause: str) -> bool:
    """Whether this cause has had its effect already."""
    return any(recorded.cause == cause for recorded in history)


def too_late(message: Struct, reason: str) -> Noted:
    """Keeps a valid message that no longer fits the state."""
    return Noted(message_type=str(message.__struct_config__.tag), reason=reason, content=to_builtins(message))
