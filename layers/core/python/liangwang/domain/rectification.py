"""差评整改: a bad rating is put right in 15 working days, and the citizen hears what was done. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from .errors import NotNow
from .history import Recorded
from .rating import Rated
from .working_days import Calendar

LIMIT_DAYS = 15
"""Working days, as everywhere where the department has to do something."""


class Opened(Struct, frozen=True, kw_only=True, tag="rectification.opened", tag_field="type"):
    """A bad rating came in: what it was about, and until when something has to be put right."""

    owner: str
    department: str
    task_code: str
    task_version: int
    code: int
    tags: tuple[str, ...]
    comment: dict[str, str]
    due_at: datetime


class Overdue(Struct, frozen=True, kw_only=True, tag="rectification.overdue", tag_field="type"):
    """The limit passed without a response. The duty stays."""


class Responded(Struct, frozen=True, kw_only=True, tag="rectification.responded", tag_field="type"):
    """A supervisor of the department said what was put right. ``text`` holds Vault tokens of the owner."""

    by: str
    text: dict[str, str]


class Confirmed(Struct, frozen=True, kw_only=True, tag="rectification.confirmed", tag_field="type"):
    """The citizen has seen the response and said, once, whether it satisfies."""

    satisfied: bool


Event = Opened | Overdue | Responded | Confirmed


class Rectification(Struct, frozen=True, kw_only=True):
    """One bad rating on its way to being put right."""

    opened: Opened
    opened_at: datetime
    is_overdue: bool = False
    response: Responded | None = None
    responded_at: datetime | None = None
    satisfied: bool | None = None

    @property
    def status(self) -> Literal["open", "overdue", "responded", "confirmed"]:
        """Where it is, as far as it has been recorded."""
        if self.satisfied is not None:
            return "confirmed"
        if self.response is not None:
            return "responded"
        return "overdue" if self.is_overdue else "open"


def evolve(state: Rectification | None, recorded: Recorded[Event]) -> Rectification:
    """Folds one recorded event into the state."""
    event = recorded.event
    if isinstance(event, Opened):
        return Rectification(opened=event, opened_at=recorded.at)
    assert state is not None
    match event:
        case Overdue():
            return replace(state, is_overdue=True)
        case Responded():
            return replace(state, response=event, responded_at=recorded.at)
        case Confirmed():
            return replace(state, satisfied=event.satisfied)


def open_for(state: Rectification | None, rated: Rated, calendar: Calendar) -> Sequence[Event]:
    """Opens the rectification of a bad rating; none for a good one, and none a second time.

    The limit runs from the rating, not from when the system came to open this.
    """
    if state is not None or not rated.is_bad:
        return []
    opened = Opened(
        owner=rated.owner,
        department=rated.department,
        task_code=rated.task_code,
        task_version=rated.task_version,
        code=rated.code,
        tags=rated.tags,
        comment=rated.comment,
        due_at=calendar.limit(rated.at, LIMIT_DAYS),
    )
    return [opened]


def wake(state: Rectification | None, now: datetime) -> Sequence[Event]:
    """Flags, once, that the limit has passed without a response."""
    due = state is not None and (at := wake_at(state)) is not None and at <= now
    return [Overdue()] if due else []


def respond(state: Rectification, *, by: str, text: dict[str, str]) -> Sequence[Event]:
    """Says what was put right. Raises NotNow when that has been said."""
    if state.response is not None:
        raise NotNow("this rectification has its response")
    return [Responded(by=by, text=text)]


def confirm(state: Rectification, *, satisfied: bool) -> Sequence[Event]:
    """The citizen's word on the response. Raises NotNow before there is one, and a second time."""
    if state.response is None:
        raise NotNow("the department has not responded yet")
    if state.satisfied is not None:
        raise NotNow("the response was confirmed already")
    return [Confirmed(satisfied=satisfied)]


def wake_at(state: Rectification) -> datetime | None:
    """When it becomes overdue; None once it has been flagged, or answered."""
    return None if state.response is not None or state.is_overdue else state.opened.due_at


def holder(state: Rectification) -> str | None:
    """The department that has to put something right; None when it has said what it did."""
    return state.opened.department if state.response is None else None
