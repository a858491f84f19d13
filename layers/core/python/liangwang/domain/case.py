"""办件: a case at the department: its events and its state.

``acceptance``, ``approval`` and what stands beside them decide; ``course`` carries a case on as far as rules alone can.
"""

from datetime import datetime
from typing import Any, Literal

from msgspec import Struct, field
from msgspec.structs import replace

from . import messages as m
from .case_events import Event as Event
from .case_events import EvidenceReceived as EvidenceReceived
from .case_events import OpinionsReceived as OpinionsReceived
from .case_events import ProcedureRejected as ProcedureRejected
from .case_events import ProcedureRequested as ProcedureRequested
from .case_events import RatingReceived as RatingReceived
from .case_events import Received as Received
from .case_events import Rechecked as Rechecked
from .case_events import RequestExtended as RequestExtended
from .case_events import Sampled as Sampled
from .case_events import StepAssigned as StepAssigned
from .case_events import StepOpened as StepOpened
from .case_events import StepSkipped as StepSkipped
from .case_events import SupplementReceived as SupplementReceived
from .history import Recorded
from .statutory_clock import Clock
from .told_clock import clock_after

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
    ``requests`` are all that were raised, ``awaited`` the ids of those that are open, ``cancelled`` of those that an officer cancelled;
    ``conclusions`` are the answers; ``extended``, ``urged`` are by request, ``disclosed`` has the tasks whose supporters were given what they
    need. ``told`` counts what the citizen was told.
    ``departments`` are those that have had the case, in order, the present one last; ``sealed_for`` says for which of them each
    of ``sealed`` can be opened. ``arrived_at`` is when the newest materials came; ``open_notice`` the one that waits for an answer.
    ``steps`` is all that was done, ``done`` what of it stands, by step; ``officers`` who has which step in hand;
    ``opened`` what was told of open steps; ``reopened`` how often one that was begun begins anew;
    ``procedures`` counts those asked for, ``asked`` wait for approval; ``clock`` runs from acceptance on; ``supervised`` has fired.
    ``certificate`` is the one that holds, until ``certificate_until`` where it expires; ``corrections`` are the decision's. ``evidence`` are
    grid events that a centre put to it.
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
    sealed_for: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()
    arrived_at: datetime | None = None
    supplemented: bool = False
    awaited: tuple[str, ...] = ()
    conclusions: tuple[m.CollaborationConcluded, ...] = ()
    requests: tuple[m.CollaborationRequested, ...] = ()
    cancelled: tuple[str, ...] = ()
    extended: dict[str, datetime] = field(default_factory=dict)
    urged: dict[str, int] = field(default_factory=dict)
    disclosed: frozenset[str] = frozenset()
    steps: tuple[m.StepCompleted, ...] = ()
    told: int = 0
    changed_at: datetime | None = None
    deemed_at: datetime | None = None
    notices: tuple[m.SupplementRequested, ...] = ()
    open_notice: m.SupplementRequested | None = None
    accepted: m.CaseAccepted | None = None
    clock: Clock | None = None
    done: dict[str, m.StepCompleted | StepSkipped] = field(default_factory=dict)
    officers: dict[str, str] = field(default_factory=dict)
    opened: dict[str, StepOpened] = field(default_factory=dict)
    reopened: dict[str, int] = field(default_factory=dict)
    procedures: int = 0
    asked: tuple[ProcedureRequested, ...] = ()
    supervised: tuple[m.CaseSupervised, ...] = ()
    answered: tuple[m.OrderAnswered, ...] = ()
    decided: m.CaseDecided | None = None
    decided_at: datetime | None = None
    certificate: str | None = None
    certificate_until: datetime | None = None
    corrections: tuple[m.DecisionCorrected, ...] = ()
    sampled: bool = False
    rechecked: Rechecked | None = None
    rating: int | None = None
    corrected_at: datetime | None = None
    evidence: tuple[m.EvidenceOffered, ...] = ()

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
            sealed_for=(application.department,) if application.sealed else (),
            departments=(application.department,),
            arrived_at=recorded.at,
            changed_at=recorded.at,
            deemed_at=event.deemed_at,
        )
    assert state is not None
    told = state.told + isinstance(event, m.Progress)
    return replace(state, version=state.version + 1, told=told, changed_at=recorded.at, **_changes(state, recorded))


def _changes(state: Case, recorded: Recorded[Event]) -> dict[str, Any]:
    event = recorded.event
    for part in (_of_acceptance, _of_requests, _of_steps, _of_time, _of_the_end):
        if (found := part(state, event, recorded.at)) is not None:
            return found
    return {}


_NOTHING_OPEN: dict[str, Any] = {"deemed_at": None, "open_notice": None, "officers": {}, "opened": {}, "asked": ()}
"""However a case ends, nobody has a step of it in hand, and nothing waits for an answer."""


def _of_acceptance(state: Case, event: Event, at: datetime) -> dict[str, Any] | None:
    match event:
        case SupplementReceived():
            return _supplemented(state, event, at)
        case m.SupplementRequested():
            notices = (*state.notices, event)
            return {"status": "supplementing", "notices": notices, "open_notice": event, "deemed_at": None}
        case m.CaseRefused():
            return {"status": "refused", "decided_at": at, **_NOTHING_OPEN}
        case m.CaseReturned():
            return {"status": "returned", "decided_at": at, **_NOTHING_OPEN}
        case m.CaseTransferred():
            return {
                "department": event.to,
                "departments": (*state.departments, event.to),
                "sealed": event.sealed or state.sealed,
                "sealed_for": (event.to,) * len(event.sealed) or state.sealed_for,
            }
        case m.CaseAccepted():
            clock = Clock(due=event.due) if event.due is not None else None
            return {"status": "in_review", "accepted": event, "clock": clock, "deemed_at": None}
    return None


def _of_requests(state: Case, event: Event, at: datetime) -> dict[str, Any] | None:
    """What other departments are asked. A case that stands for something else goes on standing for it."""
    match event:
        case m.CollaborationRequested(request_id=request_id):
            return {
                "status": "collaborating" if state.status == "in_review" else state.status,
                "awaited": (*state.awaited, request_id),
                "requests": (*state.requests, event),
            }
        case OpinionsReceived(conclusion=conclusion):
            awaited = tuple(one for one in state.awaited if one != conclusion.request_id)
            status = state.status if awaited or state.status != "collaborating" else "in_review"
            return {"status": status, "awaited": awaited, "conclusions": (*state.conclusions, conclusion)}
        case m.CollaborationCancelled(request_id=request_id):
            return {"cancelled": (*state.cancelled, request_id)}
        case m.CollaborationUrged(request_id=request_id):
            return {"urged": {**state.urged, request_id: state.urged.get(request_id, 0) + 1}}
        case m.CollaborationDisclosed(task_id=task_id):
            return {"disclosed": state.disclosed | {task_id}}
        case RequestExtended(request_id=request_id, due_at=due_at):
            return {"extended": {**state.extended, request_id: due_at}}
    return None


def _supplemented(state: Case, event: SupplementReceived, at: datetime) -> dict[str, Any]:
    """An answer to the open notice, or promised materials that came (they name the receipt): those leave a notice open."""
    supplement, sealed = event.supplement, event.supplement.sealed
    back_filled = state.accepted is not None and supplement.notice_no == state.accepted.accept_doc_no
    return {
        "status": "received" if state.accepted is None else state.status,
        "supplemented": True,
        "form": {**state.form, **supplement.form},
        "materials": state.materials | set(supplement.materials),
        "attachments": (*state.attachments, *supplement.attachments),
        "sealed": (*state.sealed, sealed) if sealed else state.sealed,
        "sealed_for": (*state.sealed_for, supplement.department) if sealed else state.sealed_for,
        "arrived_at": at,
        "open_notice": state.open_notice if back_filled else None,
        "deemed_at": event.deemed_at,
    }


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
            begun = [step for step in reopened if step in state.done or step in state.opened]
            again = {step: state.reopened.get(step, 0) + 1 for step in begun}
            left = {name: _but(getattr(state, name), *reopened) for name in ("done", "officers", "opened")}
            return {**left, "reopened": {**state.reopened, **again}}
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
        case m.OrderAnswered():
            return {"answered": (*state.answered, event)}
    if clock is None:
        return None
    match event:
        case m.CaseSuspended(stop_id=stop_id, cause=cause):
            status = state.status if cause in ("collaboration", "supplement") else "suspended"
            return {"clock": clock_after(clock, event, at), "status": status, "asked": _without(state.asked, stop_id)}
        case m.CaseResumed(stop_id=stop_id):
            changed = clock_after(clock, event, at)
            notice = state.open_notice
            still = notice if notice is not None and notice.notice_no != stop_id else None
            return {"clock": changed, "status": _running(state, changed), "open_notice": still}
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
                **_NOTHING_OPEN,
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
        case EvidenceReceived(offered=offered):
            return {"evidence": (*state.evidence, offered)}
        case Sampled():
            return {"sampled": True}
        case Rechecked():
            return {"rechecked": event}
        case RatingReceived(rating=rating):
            return {"rating": rating.code}
    return None
