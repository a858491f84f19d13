"""What happens to a grid event 网格事件 at the governance centre, beside the messages that it sends. Pure.

Its own words of a request and an offer are messages: ``m.CollaborationRequested`` for each handling, ``m.EvidenceOffered``.
"""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from . import messages as m
from .history import Noted

Origin = Literal["grid", "hotline", "sensor"]
"""Who noticed it: a grid worker 网格员, the 12345 hotline, a sensor."""

Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=64)]


class Coordinates(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A point, in degrees. ``datum`` says in which of the two systems: they differ by some hundred metres."""

    lat: Annotated[float, Meta(ge=-90, le=90)]
    lon: Annotated[float, Meta(ge=-180, le=180)]
    datum: Literal["WGS84", "GCJ-02"] = "WGS84"


class GridReport(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody tells of. ``origin_no`` is their own ticket's number: the same ticket is one event.

    ``place`` is a town's code, or a village's, which begins with its town's. ``description`` has no personal data in it:
    every department that is asked reads it. ``sensor`` names the device, of an event that a sensor noticed.
    """

    origin: Origin
    origin_no: Name
    category: str
    place: Annotated[str, Meta(max_length=20)]
    occurred_at: Annotated[datetime, Meta(tz=True)]
    description: m.Remark = ""
    coordinates: Coordinates | None = None
    sensor: Annotated[str, Meta(pattern=r"^([A-Za-z0-9][A-Za-z0-9._:-]*)?$", max_length=64)] = ""


class Registered(Struct, frozen=True, kw_only=True, tag="grid.registered", tag_field="type"):
    """The event was taken in at the centre of its town (``region``).

    ``reporter`` is the system or centre whose ticket it is, ``owner`` the account of the system (empty: a centre's), ``by``
    who sent it. ``again_days`` and ``call_days`` (working days) are the category's as they were then; ``due_at`` ends ``days``.
    """

    event_no: str
    report: GridReport
    region: str
    reporter: str
    owner: str
    by: str
    due_at: datetime
    again_days: int
    call_days: int


class Extended(Struct, frozen=True, kw_only=True, tag="grid.extended", tag_field="type"):
    """The handling has a new limit."""

    request_id: str
    due_at: datetime
    reason: str


class Concluded(Struct, frozen=True, kw_only=True, tag="grid.concluded", tag_field="type"):
    """The departments' part of a handling is over; the return call 回访 is due ``until`` then."""

    conclusion: m.CollaborationConcluded
    until: datetime


class Called(Struct, frozen=True, kw_only=True, tag="grid.called", tag_field="type"):
    """回访: what who told of it thinks of the ``round``-th handling, as ``by`` heard it."""

    round: int
    result: Literal["satisfied", "unsatisfied"]
    by: str
    remark: m.Remark = ""


class Reopened(Struct, frozen=True, kw_only=True, tag="grid.reopened", tag_field="type"):
    """二次办理: the event is handled once more, until ``due_at``."""

    round: int
    due_at: datetime


class EvidenceAnswered(Struct, frozen=True, kw_only=True, tag="grid.evidence_answered", tag_field="type"):
    """Whether the department took the event as evidence, and why not; ``no_answer`` where it never said."""

    evidence_id: str
    result: Literal["taken", "not_taken"]
    reason: str = ""


Event = (
    Registered
    | m.CollaborationRequested
    | Extended
    | Concluded
    | Called
    | Reopened
    | m.EvidenceOffered
    | EvidenceAnswered
    | Noted
)
