"""特别程序台账: every special procedure and every stop of a case, from what is recorded. Pure."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from . import messages as m
from .case import ProcedureRejected, ProcedureRequested
from .history import Recorded

State = Literal["requested", "rejected", "in_progress", "ended", "granted"]
"""``granted`` is an extension: it has no end of its own."""


class Entry(Struct, frozen=True, kw_only=True):
    """One special procedure from request to result, or another stop of the clock (``kind`` supplement or collaboration).

    ``days`` are those asked for, ``lasted`` those it took, both in working days; ``until`` is when it should be over;
    ``answered_by`` approved or rejected it, for ``answer`` where it was rejected.
    """

    procedure_id: str
    kind: str
    state: State
    days: int = 0
    reason: str = ""
    requested_by: str = ""
    requested_at: datetime | None = None
    asked_on: date | None = None
    answered_by: str = ""
    answered_at: datetime | None = None
    answer: str = ""
    basis: str = ""
    since: date | None = None
    until: datetime | None = None
    ended_on: date | None = None
    lasted: int = 0
    result: str = ""


def entries(history: Iterable[Recorded[Any]]) -> tuple[Entry, ...]:
    """What a case's history says of its procedures and stops, in the order in which they began."""
    found: dict[str, Entry] = {}
    for recorded in history:
        event, at = recorded.event, recorded.at
        match event:
            case ProcedureRequested(procedure_id=name):
                found[name] = Entry(
                    procedure_id=name,
                    kind=event.kind,
                    state="requested",
                    days=event.days,
                    reason=event.reason,
                    requested_by=event.by,
                    requested_at=at,
                    asked_on=event.asked_on,
                )
            case ProcedureRejected(procedure_id=name):
                found[name] = replace(
                    found[name], state="rejected", answered_by=event.by, answered_at=at, answer=event.reason
                )
            case m.CaseSuspended(stop_id=name):
                before = found.get(name) or Entry(procedure_id=name, kind=event.cause, state="requested")
                found[name] = replace(
                    before,
                    state="in_progress",
                    reason=event.reason,
                    answered_by=event.approver,
                    answered_at=at,
                    basis=event.basis,
                    since=event.since,
                    until=event.until,
                )
            case m.CaseResumed(stop_id=name):
                found[name] = replace(
                    found[name], state="ended", ended_on=event.on, lasted=event.days, result=event.result
                )
            case m.CaseExtended():
                name = next(
                    one for one, entry in found.items() if (entry.kind, entry.state) == ("extension", "requested")
                )
                found[name] = replace(
                    found[name],
                    state="granted",
                    days=event.days,
                    answered_by=event.approver,
                    answered_at=at,
                    basis=event.basis,
                    since=event.on,
                )
    return tuple(found.values())
