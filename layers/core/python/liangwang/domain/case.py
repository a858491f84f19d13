"""办件: a case at the department: its events and its state.

``acceptance``, ``approval`` and what stands beside them decide; ``course`` carries a case on as far as rules alone can.
"""

from datetime import date, datetime
from typing import Any, Literal

from msgspec import Struct, field
from msgspec.structs import replace

from . import messages as m
from .history import Noted, Recorded
from .statutory_clock import Clock
from .told_clock import clock_after


class Received(Struct, frozen=True, kw_only=True, tag="case.received", tag_field="type"):
    """The application reached the department. Nobody's word until ``deemed_at`` is acceptance (行政许可法 art. 32(4))."""

    application: m.ApplicationSubmitted
    deemed_at: datetime | None = None


class SupplementReceived(Struct, frozen=True, kw_only=True, tag="case.supplement_received", tag_field="type"):
    """The applicant's answer to the notice reached the department. ``deemed_at`` as in ``Received``."""

    supplement: m.ApplicationSupplemented
    deemed_at: datetime | None = None


class OpinionsReceived(Struct, frozen=True, kw_only=True, tag="case.opinions_received", tag_field="type"):
    """The conclusion of a collaboration reached the requesting department."""

    conclusion: m.CollaborationConcluded


class StepAssigned(Struct, frozen=True, kw_only=True, tag="step.assigned", tag_field="type"):
    """A step is in an officer's hands: claimed (``by`` is the officer), assigned, or handed over. Empty: back in the group's."""

    step: str
    officer: str
    by: str
    reason: str = ""


class StepOpened(Struct, frozen=True, kw_only=True, tag="step.opened", tag_field="type"):
    """A step can be done from now on, where that says more than the steps before it: its condition held, or it has a limit.

    ``due_at`` is when its own limit ends (None: it has none); ``stopped`` how many working days the case's clock had stood
    by then. It is told again, later, when the clock has stood since.
    """

    step: str
    due_at: datetime | None = None
    stopped: int = 0


class StepSkipped(Struct, frozen=True, kw_only=True, tag="step.skipped", tag_field="type"):
    """An optional step is not needed: its condition did not hold."""

    step: str


class ProcedureRequested(Struct, frozen=True, kw_only=True, tag="procedure.requested", tag_field="type"):
    """An officer asks for a special procedure, or ``extension``. ``asked_on``: when a party asked for a hearing (art. 47)."""

    procedure_id: str
    kind: str
    days: int
    reason: str
    by: str
    asked_on: date | None = None


class ProcedureRejected(Struct, frozen=True, kw_only=True, tag="procedure.rejected", tag_field="type"):
    """Who had to approve it does not."""

    procedure_id: str
    by: str
    reason: str


class OrderAnswered(Struct, frozen=True, kw_only=True, tag="case.order_answered", tag_field="type"):
    """What came of a supervision order 督办, which ``order`` names as ``CaseSupervised.order`` does."""

    order: str
    by: str
    result: str


class Rechecked(Struct, frozen=True, kw_only=True, tag="case.rechecked", tag_field="type"):
    """抽查: an officer looked at a case that rules had decided."""

    by: str
    finding: Literal["right", "wrong"]
    explanation: str = ""


Event = (
    Received
    | SupplementReceived
    | OpinionsReceived
    | m.CaseAccepted
    | m.SupplementRequested
    | m.CaseRefused
    | m.CollaborationRequested
    | m.CollaborationCancelled
    | m.CaseReturned
    | m.CaseTransferred
    | StepAssigned
    | StepOpened
    | StepSkipped
    | m.StepCompleted
    | m.StepReturned
    | ProcedureRequested
    | ProcedureRejected
    | m.CaseSuspended
    | m.CaseResumed
    | m.CaseExtended
    | m.CaseSupervised
    | OrderAnswered
    | m.CaseDecided
    | m.DecisionCorrected
    | m.DecisionRevoked
    | m.CertificateRevoked
    | m.CertificateReissued
    | Rechecked
    | m.ApplicationRated
    | Noted
)

Status = Literal[
    "received",
    "supplementing",
    "in_review",
    "suspended",
    "collaborating",
    "refused",
    "returned",
    "granted",
    "denied",
    "withdrawn",
    "voided",
]


class Case(Struct, frozen=True, kw_only=True):
    """What the department knows of a case.

    ``attachments`` are all that were ever handed in, in order: of a code with several versions the first stays too.
    ``awaited`` are open collaboration requests; ``conclusions`` the answered ones; ``told`` counts what the citizen was told.
    ``steps`` is all that was done, ``done`` what of it stands, by step; ``officers`` who has which step in hand;
    ``opened`` what was told of open steps;
    ``procedures`` counts those asked for, ``asked`` wait for approval; ``clock`` runs from acceptance on; ``supervised`` has fired.
    ``certificate`` is the one that holds, until ``certificate_until`` where it expires; ``corrections`` are the decision's.
    """

    application: m.ApplicationSubmitted
    department: str
    received_at: datetime
    version: int = 1
    status: Status = "received"
    form: dict[str, Any] = field(default_factory=dict)
    materials: frozenset[str] = frozenset()
    attachments: tuple[m.Attachment, ...] = ()
    sealed: tuple[m.Sealed, ...] = ()
    supplemented: bool = False
    awaited: tuple[str, ...] = ()
    conclusions: tuple[m.CollaborationConcluded, ...] = ()
    steps: tuple[m.StepCompleted, ...] = ()
    told: int = 0
    changed_at: datetime | None = None
    deemed_at: datetime | None = None
    notices: tuple[m.SupplementRequested, ...] = ()
    accepted: m.CaseAccepted | None = None
    clock: Clock | None = None
    done: dict[str, m.StepCompleted | StepSkipped] = field(default_factory=dict)
    officers: dict[str, str] = field(default_factory=dict)
    opened: dict[str, StepOpened] = field(default_factory=dict)
    procedures: int = 0
    asked: tuple[ProcedureRequested, ...] = ()
    supervised: tuple[m.CaseSupervised, ...] = ()
    answered: tuple[OrderAnswered, ...] = ()
    decided: m.CaseDecided | None = None
    decided_at: datetime | None = None
    certificate: str | None = None
    certificate_until: datetime | None = None
    corrections: tuple[m.DecisionCorrected, ...] = ()
    rechecked: Rechecked | None = None
    rating: int | None = None
    corrected_at: datetime | None = None

    @property
    def is_terminal(self) -> bool:
        """Whether the case has ended."""
        return self.status in m.TERMINAL


def evolve(state: Case | None, recorded: Recorded[Event]) -> Case:
    """Folds one recorded event into the state."""
    event = recorded.event
    if isinstance(event, Received):
        application = event.application
        return Case(
            application=application,
            department=application.department,
            received_at=recorded.at,
            form=application.form,
            materials=frozenset(application.materials),
            attachments=application.attachments,
            sealed=(application.sealed,) if application.sealed else (),
            changed_at=recorded.at,
            deemed_at=event.deemed_at,
        )
    assert state is not None
    told = state.told + isinstance(event, m.Progress)
    return replace(state, version=state.version + 1, told=told, changed_at=recorded.at, **_changes(state, recorded))


def _changes(state: Case, recorded: Recorded[Event]) -> dict[str, Any]:
    event = recorded.event
    for part in (_of_acceptance, _of_steps, _of_time, _of_the_end):
        if (found := part(state, event, recorded.at)) is not None:
            return found
    return {}


def _of_acceptance(state: Case, event: Event, at: datetime) -> dict[str, Any] | None:
    match event:
        case SupplementReceived(supplement=supplement):
            return {
                "status": "received" if state.accepted is None else state.status,
                "supplemented": True,
                "form": {**state.form, **supplement.form},
                "materials": state.materials | set(supplement.materials),
                "attachments": (*state.attachments, *supplement.attachments),
                "sealed": (*state.sealed, supplement.sealed) if supplement.sealed else state.sealed,
                "deemed_at": event.deemed_at,
            }
        case m.SupplementRequested():
            return {"status": "supplementing", "notices": (*state.notices, event), "deemed_at": None}
        case m.CaseRefused():
            return {"status": "refused", "deemed_at": None, "decided_at": at}
        case m.CaseReturned():
            return {"status": "returned", "deemed_at": None, "decided_at": at}
        case m.CaseTransferred():
            return {"department": event.to, "sealed": event.sealed or state.sealed}
        case m.CaseAccepted():
            clock = Clock(due=event.due) if event.due is not None else None
            return {"status": "in_review", "accepted": event, "clock": clock, "deemed_at": None}
        case m.CollaborationRequested(request_id=request_id):
            return {"status": "collaborating", "awaited": (*state.awaited, request_id)}
        case OpinionsReceived(conclusion=conclusion):
            awaited = tuple(one for one in state.awaited if one != conclusion.request_id)
            status = state.status if awaited or state.status != "collaborating" else "in_review"
            return {"status": status, "awaited": awaited, "conclusions": (*state.conclusions, conclusion)}
    return None


def _of_steps(state: Case, event: Event, at: datetime) -> dict[str, Any] | None:
    match event:
        case StepAssigned(step=step, officer=officer):
            others = _but(state.officers, step)
            return {"officers": {**others, step: officer} if officer else others}
        case StepOpened(step=step):
            return {"opened": {**state.opened, step: event}}
        case StepSkipped(step=step):
            return {"done": {**state.done, step: event}}
        case m.StepCompleted(step=step):
            return {
                "steps": (*state.steps, event),
                "done": {**state.done, step: event},
                "officers": _but(state.officers, step),
                "opened": _but(state.opened, step),
            }
        case m.StepReturned(reopened=reopened):
            return {name: _but(getattr(state, name), *reopened) for name in ("done", "officers", "opened")}
    return None


def _but(known: dict[str, Any], *without: str) -> dict[str, Any]:
    return {name: one for name, one in known.items() if name not in without}


def _of_time(state: Case, event: Event, at: datetime) -> dict[str, Any] | None:
    clock = state.clock
    match event:
        case ProcedureRequested():
            return {"asked": (*state.asked, event), "procedures": state.procedures + 1}
        case ProcedureRejected(procedure_id=procedure_id):
            return {"asked": _without(state.asked, procedure_id)}
        case m.CaseSupervised():
            return {"supervised": (*state.supervised, event)}
        case OrderAnswered():
            return {"answered": (*state.answered, event)}
    if clock is None:
        return None
    match event:
        case m.CaseSuspended(stop_id=stop_id, cause=cause):
            status = state.status if cause in ("collaboration", "supplement") else "suspended"
            return {"clock": clock_after(clock, event, at), "status": status, "asked": _without(state.asked, stop_id)}
        case m.CaseResumed():
            changed = clock_after(clock, event, at)
            return {"clock": changed, "status": _running(state, changed)}
        case m.CaseExtended():
            waiting = tuple(one for one in state.asked if one.kind != "extension")
            return {"clock": clock_after(clock, event, at), "asked": waiting}
    return None


def _without(asked: tuple[ProcedureRequested, ...], procedure_id: str) -> tuple[ProcedureRequested, ...]:
    return tuple(one for one in asked if one.procedure_id != procedure_id)


def _running(state: Case, clock: Clock) -> Status:
    """What a case is when a stop of its clock has ended."""
    if state.is_terminal or any(stop.cause not in ("collaboration", "supplement") for stop in clock.open_stops):
        return state.status
    if state.awaited:
        return "collaborating"
    return "supplementing" if any(stop.cause == "supplement" for stop in clock.open_stops) else "in_review"


def _of_the_end(state: Case, event: Event, at: datetime) -> dict[str, Any] | None:
    match event:
        case m.CaseDecided(outcome=outcome):
            return {
                "status": outcome,
                "decided": event,
                "decided_at": at,
                "certificate": event.certificate_no,
                "certificate_until": event.valid_until,
                "officers": {},
                "opened": {},
            }
        case m.DecisionCorrected():
            until = event.valid_until or state.certificate_until
            return {"corrections": (*state.corrections, event), "certificate_until": until, "corrected_at": at}
        case m.DecisionRevoked():
            return {"status": "voided", "certificate": None, "corrected_at": at}
        case m.CertificateRevoked():
            return {"certificate": None, "corrected_at": at}
        case m.CertificateReissued(certificate_no=certificate_no):
            return {"certificate": certificate_no, "certificate_until": event.valid_until, "corrected_at": at}
        case Rechecked():
            return {"rechecked": event}
        case m.ApplicationRated(code=code):
            return {"rating": code}
    return None
