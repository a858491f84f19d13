"""特别程序台账: every special procedure and every stop of a case, from what is recorded. Pure."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from . import messages as m
from .case import ProcedureRejected, ProcedureRequested
from .history import Recorded

State = Literal["requested", "rejected", "in_progress", "ended", "granted", "lapsed"]
"""``granted`` is an extension: it has no end of its own. ``lapsed`` is a request that waited when the case ended."""


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
        if isinstance(recorded.event, m.CaseDecided | m.CaseRefused | m.CaseReturned):
            found = {name: _lapsed(one) for name, one in found.items()}
        name = _name(recorded.event, found)
        if name:
            found[name] = _entry(found.get(name), name, recorded)
    return tuple(found.values())


def _lapsed(entry: Entry) -> Entry:
    """The entry once the case has ended: nobody answers a request any more."""
    return replace(entry, state="lapsed") if entry.state == "requested" else entry


def _name(event: object, found: Mapping[str, Entry]) -> str:
    """Which procedure or stop an event speaks of; empty for any other event."""
    match event:
        case ProcedureRequested() | ProcedureRejected():
            return event.procedure_id
        case m.CaseSuspended() | m.CaseResumed():
            return event.stop_id
        case m.CaseExtended():
            return next(name for name, one in found.items() if (one.kind, one.state) == ("extension", "requested"))
    return ""


def _entry(before: Entry | None, name: str, recorded: Recorded[Any]) -> Entry:
    """What stands in the ledger after this event; a stop that nobody asked for begins with it."""
    event, at = recorded.event, recorded.at
    if isinstance(event, ProcedureRequested):
        return Entry(
            procedure_id=name,
            kind=event.kind,
            state="requested",
            days=event.days,
            reason=event.reason,
            requested_by=event.by,
            requested_at=at,
            asked_on=event.asked_on,
        )
    known = before or Entry(procedure_id=name, kind=event.cause, state="requested")
    match event:
        case ProcedureRejected():
            return replace(known, state="rejected", answered_by=event.by, answered_at=at, answer=event.reason)
        case m.CaseResumed():
            return replace(known, state="ended", ended_on=event.on, lasted=event.days, result=event.result)
    answered = replace(known, answered_by=event.approver, answered_at=at, basis=event.basis)
    if isinstance(event, m.CaseExtended):
        return replace(answered, state="granted", days=event.days, since=event.on)
    return replace(answered, state="in_progress", reason=event.reason, since=event.since, until=event.until)
