"""网格事件: one event of the city's running 一网统管, from its being told to its last return call 回访. Pure.

It is handled as a collaboration without a case: the event asks as a department would, its number in the place of a case
number, and waits for the conclusion. Who is not satisfied gets a second handling, once.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from msgspec import Struct, field
from msgspec.structs import replace

from . import messages as m
from .catalogue import Organisation
from .desk import Placed
from .errors import DomainError, Invalid, NotNow, Violation
from .grid_category import GridCategory
from .grid_events import Called as Called
from .grid_events import Concluded as Concluded
from .grid_events import Coordinates as Coordinates
from .grid_events import Event as Event
from .grid_events import EvidenceAnswered as EvidenceAnswered
from .grid_events import Extended as Extended
from .grid_events import GridReport as GridReport
from .grid_events import Origin as Origin
from .grid_events import Registered as Registered
from .grid_events import Reopened as Reopened
from .history import Recorded, too_late
from .identifiers import holds_personal_number
from .patience import Patience
from .routing import TOWN
from .working_days import Calendar

AHEAD = timedelta(minutes=5)
"""How far the clock of who tells may be ahead of ours."""

EVIDENCE = 20
"""To so many cases one event can be put."""

PATIENCE_WITH_EVIDENCE = timedelta(days=30)
"""How long an offer waits for a department's answer."""

_CHINA = {"lat": (0.8, 55.9), "lon": (72.0, 137.9)}
"""Where GCJ-02 is defined, in degrees."""

Status = Literal["handling", "awaiting_call", "closed"]


class TicketReused(DomainError):
    """The same ticket came again with another content."""

    code = "ticket_reused"
    status = 409


class GridEvent(Struct, frozen=True, kw_only=True):
    """The state of one event. ``requests`` are its handlings in order, ``concluded`` what became of them by request id.

    ``asked_at`` is when it last asked something that is still unanswered, ``due_at`` the limit of the present handling or
    call; ``offers`` are put to cases as evidence, ``answers`` what departments said to them by evidence id.
    """

    registered: Registered
    asked_at: datetime
    due_at: datetime
    version: int = 1
    requests: tuple[m.CollaborationRequested, ...] = ()
    concluded: dict[str, m.CollaborationConcluded] = field(default_factory=dict)
    calls: tuple[Called, ...] = ()
    offers: tuple[m.EvidenceOffered, ...] = ()
    offered_at: dict[str, datetime] = field(default_factory=dict)
    answers: dict[str, EvidenceAnswered] = field(default_factory=dict)

    @property
    def report(self) -> GridReport:
        """What was told."""
        return self.registered.report

    @property
    def status(self) -> Status:
        """Whether departments have it in hand, the return call is due, or nothing is."""
        if len(self.concluded) < len(self.requests):
            return "handling"
        return "awaiting_call" if len(self.calls) < len(self.requests) else "closed"

    @property
    def unanswered(self) -> tuple[m.EvidenceOffered, ...]:
        """Offers that no department has answered."""
        return tuple(one for one in self.offers if one.evidence_id not in self.answers)


def evolve(state: GridEvent | None, recorded: Recorded[Event]) -> GridEvent:
    """Folds one recorded event into the state."""
    event, at = recorded.event, recorded.at
    if isinstance(event, Registered):
        return GridEvent(registered=event, asked_at=at, due_at=event.due_at)
    assert state is not None
    return replace(state, version=state.version + 1, **_changes(state, event, at))


def _changes(state: GridEvent, event: Event, at: datetime) -> dict[str, Any]:
    match event:
        case m.CollaborationRequested():
            return {"requests": (*state.requests, event), "asked_at": at}
        case Extended() | Reopened():
            return {"due_at": event.due_at}
        case Concluded(conclusion=conclusion):
            return {"concluded": {**state.concluded, conclusion.request_id: conclusion}, "due_at": event.until}
        case Called():
            return {"calls": (*state.calls, event)}
        case m.EvidenceOffered(evidence_id=evidence_id):
            offered_at = {**state.offered_at, evidence_id: at}
            return {"offers": (*state.offers, event), "offered_at": offered_at, "asked_at": at}
        case EvidenceAnswered(evidence_id=evidence_id):
            return {"answers": {**state.answers, evidence_id: event}}
    return {}


def misfits(report: GridReport, organisation: Organisation, *, known: bool, now: datetime) -> list[Violation]:
    """What is wrong with a report beyond its shape; ``known``: the catalogue has its category."""
    found = []
    if not known:
        found.append(Violation("category", "use the code of a category of grid.yaml"))
    town = town_of(report.place, organisation)
    if town is None:
        found.append(Violation("place", "use the code of a town 街道/镇 of this city, or of a village in it"))
    if report.occurred_at > now + AHEAD:
        found.append(Violation("occurred_at", "it has not happened yet; look at the clock and at the time zone"))
    if holds_personal_number(report.description):
        found.append(Violation("description", "take out what looks like a phone or an identity number"))
    if (report.origin == "sensor") != bool(report.sensor):
        message = "name the device" if report.origin == "sensor" else "only what a sensor noticed has one"
        found.append(Violation("sensor", message))
    return found + _beyond(report.coordinates)


def _beyond(point: Coordinates | None) -> list[Violation]:
    """What is wrong with a point: GCJ-02 is defined in China only."""
    if point is None or point.datum != "GCJ-02":
        return []
    return [
        Violation(f"coordinates.{name}", f"GCJ-02 reaches from {low} to {high} degrees; are lat and lon swapped?")
        for name, (low, high) in _CHINA.items()
        if not low <= getattr(point, name) <= high
    ]


def town_of(place: str, organisation: Organisation) -> str | None:
    """The town of a place: itself, or the one that a village's code begins with (9 of 12 digits); None for neither."""
    town = place[:9] if len(place) == 12 and place.isdecimal() and place.isascii() else place
    region = organisation.region.get(town)
    return town if region is not None and region.level == TOWN else None


def register(
    report: GridReport, *, event_no: str, told: "Told", category: GridCategory, calendar: Calendar, now: datetime
) -> Sequence[Event]:
    """Takes an event in, and asks the departments of its category. ``report`` has been looked at (``misfits``)."""
    due_at = calendar.limit(now, category.days)
    registered = Registered(
        event_no=event_no,
        report=report,
        region=told.region,
        reporter=told.reporter,
        owner=told.owner,
        by=told.by,
        due_at=due_at,
        again_days=category.again_days,
        call_days=category.call_days,
    )
    request = m.CollaborationRequested(
        case_no=event_no,
        request_id=f"{event_no}-1",
        department="",
        task_code=f"grid.{category.code}",
        place=told.region,
        asks=category.asks(told.region),
        join=category.join,
        days=category.days,
        on_timeout="lift",
        form=_form(report, category),
        origin="grid",
        centre=told.region,
        sign_days=category.sign_days,
        checked_by="centre",
    )
    return [registered, request]


class Told(Struct, frozen=True, kw_only=True):
    """Who told of an event, and where: the town's region, the system or centre, the system's account, the caller."""

    region: str
    reporter: str
    owner: str
    by: str


def _form(report: GridReport, category: GridCategory) -> dict[str, Any]:
    """What the departments that are asked read of it."""
    form: dict[str, Any] = {
        "category": category.code,
        "category_name": category.name.zh,
        "origin": report.origin,
        "place": report.place,
        "occurred_at": report.occurred_at.isoformat(),
        "description": report.description,
    }
    if report.coordinates is not None:
        point = report.coordinates
        form |= {"lat": point.lat, "lon": point.lon, "datum": point.datum}
    return form


def require_same(state: GridEvent, report: GridReport) -> None:
    """Raises TicketReused when a ticket that is known comes with another content, naming what differs."""
    names = [name for name in GridReport.__struct_fields__ if getattr(state.report, name) != getattr(report, name)]
    if names:
        raise reused(state.registered.event_no, names)


def reused(event_no: str, names: Sequence[str]) -> TicketReused:
    """The refusal of a ticket that said something else before, in these fields."""
    violations = tuple(Violation(name, "differs from what this ticket said before") for name in names)
    return TicketReused(f"this ticket belongs to event {event_no} already; use a new origin_no", violations=violations)


def conclude(
    state: GridEvent, message: m.CollaborationConcluded, *, calendar: Calendar, now: datetime
) -> Sequence[Event]:
    """A handling is over: now who told of it is called."""
    if message.request_id in state.concluded:
        return []
    if all(one.request_id != message.request_id for one in state.requests):
        return [too_late(message, "the event never asked for this")]
    return [Concluded(conclusion=message, until=calendar.limit(now, state.registered.call_days))]


def extend(state: GridEvent, message: m.CollaborationExtended) -> Sequence[Event]:
    """The centre gave the handling another limit."""
    if state.status != "handling" or message.request_id != state.requests[-1].request_id:
        return [too_late(message, "this handling is over")]
    return [Extended(request_id=message.request_id, due_at=message.due_at, reason=message.reason)]


class ReturnCall(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """回访: whether who told of it is satisfied. ``remark`` has no personal data in it."""

    satisfied: bool
    remark: m.Remark = ""


def call(state: GridEvent, wish: ReturnCall, *, by: str, calendar: Calendar, now: datetime) -> Sequence[Event]:
    """Records a return call. The first unsatisfied one leads to a second handling, which is asked as the first was.

    Raises NotNow unless a call is due, Invalid for a remark with what looks like a personal number.
    """
    if state.status != "awaiting_call":
        raise NotNow(f"the event is {state.status}; no return call is due")
    if holds_personal_number(wish.remark):
        violation = Violation("remark", "take out what looks like a phone or an identity number")
        raise Invalid("the remark must be free of personal data", violations=(violation,))
    called = Called(
        round=len(state.requests), result="satisfied" if wish.satisfied else "unsatisfied", by=by, remark=wish.remark
    )
    if wish.satisfied or len(state.requests) > 1:
        return [called]
    days, number = state.registered.again_days, len(state.requests) + 1
    first = state.requests[0]
    again = replace(
        first,
        request_id=f"{state.registered.event_no}-{number}",
        days=days,
        form={**first.form, "second_handling": True, "return_call": wish.remark},
    )
    return [called, Reopened(round=number, due_at=calendar.limit(now, days)), again]


def offer(state: GridEvent, case_no: str, *, department: str, category: str, by: str) -> Sequence[Event]:
    """Puts the event to a case as evidence. Raises NotNow when it is there, or waits for an answer, and for too many."""
    for one in state.offers:
        answer = state.answers.get(one.evidence_id)
        if one.case_no == case_no and (answer is None or answer.result == "taken"):
            raise NotNow(f"the event has been put to case {case_no} already")
    if len(state.offers) >= EVIDENCE:
        raise NotNow(f"the event has been put to {EVIDENCE} cases; that is all it can be")
    report = state.report
    return [
        m.EvidenceOffered(
            case_no=case_no,
            department=department,
            evidence_id=f"{state.registered.event_no}-E{len(state.offers) + 1}",
            event_no=state.registered.event_no,
            category=category,
            summary=report.description,
            place=report.place,
            occurred_at=report.occurred_at,
            by=by,
        )
    ]


def answer(state: GridEvent, message: m.EvidenceTaken, *, organisation: Organisation) -> Sequence[Event]:
    """A department answered an offer. The first answer holds. It is the department's that was offered it, or, of departments
    of this deployment, that has the case by now.
    """
    found = next((one for one in state.offers if one.evidence_id == message.evidence_id), None)
    if found is None or found.case_no != message.case_no:
        return [too_late(message, "the event was never put to this case")]
    departments = {found.department, message.department}
    if len(departments) > 1 and not all(map(organisation.is_here, departments)):
        return [too_late(message, "the event was put to another department")]
    if message.evidence_id in state.answers:
        return []
    result: Literal["taken", "not_taken"] = "taken" if message.taken else "not_taken"
    return [EvidenceAnswered(evidence_id=message.evidence_id, result=result, reason=message.reason)]


def event_of(evidence_id: str) -> str:
    """The event that an offer is of."""
    return evidence_id.rpartition("-E")[0]


def wake(state: GridEvent, now: datetime) -> Sequence[Event]:
    """Gives up offers that no department has answered for long; the rest is asking again."""
    return [
        EvidenceAnswered(evidence_id=one.evidence_id, result="not_taken", reason="no_answer")
        for one in state.unanswered
        if now >= state.offered_at[one.evidence_id] + PATIENCE_WITH_EVIDENCE
    ]


def wake_at(state: GridEvent, patience: Patience, *, last: datetime | None = None) -> datetime | None:
    """When to ask again what is unanswered: the handling's conclusion, and offers of evidence."""
    if state.status != "handling" and not state.unanswered:
        return None
    return patience.until(state.asked_at, last=last)


class GridEntry(Struct, frozen=True, kw_only=True, array_like=True):
    """An event in short, as a list shows it. New fields come last, with a default."""

    category: str
    origin: Origin
    place: str
    occurred_at: datetime
    due_at: datetime
    round: int


def placed(state: GridEvent) -> Placed | None:
    """Where an open event stands in its centre's lists: by what it waits for, soonest due first; None once closed."""
    if state.status == "closed":
        return None
    report = state.report
    entry = GridEntry(
        category=report.category,
        origin=report.origin,
        place=report.place,
        occurred_at=report.occurred_at,
        due_at=state.due_at,
        round=len(state.requests),
    )
    return Placed(f"grid/{state.registered.region}/{state.status}", state.due_at, entry)
