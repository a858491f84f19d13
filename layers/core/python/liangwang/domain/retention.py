"""Forgetting: what is personal in a case, when it may go, and what stays.

个人信息保护法 art. 19: no longer than its purpose needs. The purpose of what intake keeps of an ended case is that the
applicant can look at it and contest the decision: 行政诉讼法 art. 46 gives six months, 行政复议法 art. 20 at most a year.
What is left afterwards (status, item, place, times, department) says nothing of a person and serves statistics.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from . import messages as m
from .application import Application, Opened, Redacted
from .history import Noted, Recorded

Because = Literal["retention", "erasure"]


class Periods(Struct, frozen=True, kw_only=True):
    """How long the personal part of an application outlives its end.

    ``decided``: as long as a decision can be contested at the latest. ``withdrawn``: nothing was decided; long enough for
    questions about the withdrawal itself.
    """

    decided: timedelta = timedelta(days=365)
    withdrawn: timedelta = timedelta(days=90)


class Ended(Struct, frozen=True, kw_only=True, tag="ended.noted", tag_field="type"):
    """Cases that ended together, and when what is personal in them shall be forgotten; ``done_at`` when it was."""

    cases: tuple[str, ...]
    due_at: datetime
    done_at: datetime | None = None


def forget_at(state: Application, periods: Periods) -> datetime | None:
    """When what is personal in an application shall go; None for one that is not at rest or has nothing left."""
    if not state.is_at_rest or state.redacted or state.heard_at is None:
        return None
    return state.heard_at + (periods.withdrawn if state.status == "withdrawn" else periods.decided)


def redact(history: Sequence[Recorded[Any]], *, because: Because, at: datetime) -> tuple[Recorded[Any], ...]:
    """The same history without what is personal, and the event that says so: versions, ids, times and folds are as before.

    A redacted history stays as it is. What the applicant's requests were recognised by (digests of their content) goes too.
    """
    if any(isinstance(recorded.event, Redacted) for recorded in history):
        return tuple(history)
    kept = (Recorded(one.at, _without_digest(one.cause), _without_personal(one.event)) for one in history)
    return (*kept, Recorded(at, f"redacted/{because}", Redacted(because=because)))


def is_redaction(before: Sequence[Recorded[Any]], after: Sequence[Recorded[Any]]) -> bool:
    """Whether a history became the other by redaction and by nothing else."""
    last = after[-1] if after else None
    if last is None or not isinstance(last.event, Redacted) or len(after) != len(before) + 1:
        return False
    return redact(before, because=last.event.because, at=last.at) == tuple(after)


def _without_personal(event: Any) -> Any:
    match event:
        case m.ApplicationSubmitted() | m.ApplicationSupplemented() | m.ApplicationWithdrawn():
            return replace(event, sealed=None)
        case Opened():
            return replace(event, digest="")
        case Noted():
            return replace(event, content={name: value for name, value in event.content.items() if name != "sealed"})
    return event


def _without_digest(cause: str) -> str:
    """A person's cause ends in a digest of what was sent (``processing.act``)."""
    return cause.rpartition("/")[0] + "/" if cause.startswith("person/") else cause
