"""What of a case may leave in the exchange tables, and moments as the tables write them. Pure."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from ..domain import messages as m
from ..domain.case import Event, Received, SupplementReceived
from ..domain.case_no import SHANGHAI
from ..domain.history import Noted, Recorded

WRITTEN = "%Y-%m-%d %H:%M:%S"


def exportable(history: Sequence[Recorded[Event]]) -> tuple[Recorded[Event], ...]:
    """A case's history without what was sealed for its department, and without what told causes apart (ids of ours)."""
    return tuple(Recorded(one.at, "", _open(one.event)) for one in history)


def _open(event: Event) -> Event:
    match event:
        case Received(application=application):
            return replace(event, application=replace(application, sealed=None))
        case SupplementReceived(supplement=supplement):
            return replace(event, supplement=replace(supplement, sealed=None))
        case m.CaseTransferred():
            return replace(event, sealed=())
        case m.CollaborationDisclosed():
            return replace(event, sealed=None)
        case Noted(content=content):
            return replace(event, content={name: value for name, value in content.items() if name != "sealed"})
    return event


def plain(value: Any) -> Any:
    """A fact in JSON's values."""
    return msgspec.to_builtins(value)


def event_of(values: Mapping[str, Any]) -> Event:
    """The event that ``plain`` wrote. Raises msgspec.ValidationError."""
    return msgspec.convert(dict(values), Event)  # type: ignore[no-any-return]


def written(moment: datetime | None) -> str:
    """A moment in a column: to the second, in Asia/Shanghai; empty for None."""
    return moment.astimezone(SHANGHAI).strftime(WRITTEN) if moment is not None else ""


def written_day(day: date, at: datetime) -> str:
    """A day in a column of moments: the moment itself where it lies in that day, else the day's beginning."""
    return written(at) if at.astimezone(SHANGHAI).date() == day else f"{day.isoformat()} 00:00:00"


def read_moment(text: str) -> str | None:
    """What a column says of a moment, as ``plain`` writes moments; None where it says nothing."""
    try:
        moment = datetime.strptime(text, WRITTEN)
    except ValueError:
        return None
    return str(plain(moment.replace(tzinfo=SHANGHAI).astimezone(UTC)))


def read_day(text: str) -> str | None:
    """The day of a column of moments."""
    return text[:10] if read_moment(text) else None
