"""办件: what happens to a case at the department beside what it tells (``case_messages``): its own events, and all of both."""

from datetime import date, datetime
from typing import Literal

from msgspec import Struct

from . import messages as m
from .history import Noted


class Received(Struct, frozen=True, kw_only=True, tag="case.received", tag_field="type"):
    """The application reached the department. Nobody's word until ``deemed_at`` is acceptance (行政许可法 art. 32(4))."""

    application: m.ApplicationSubmitted
    deemed_at: datetime | None = None


class SupplementReceived(Struct, frozen=True, kw_only=True, tag="case.supplement_received", tag_field="type"):
    """The applicant's answer to the notice reached the department. ``deemed_at`` as in ``Received``."""

    supplement: m.ApplicationSupplemented
    deemed_at: datetime | None = None


class EvidenceReceived(Struct, frozen=True, kw_only=True, tag="case.evidence_received", tag_field="type"):
    """A centre put a grid event to the case as evidence."""

    offered: m.EvidenceOffered


class OpinionsReceived(Struct, frozen=True, kw_only=True, tag="case.opinions_received", tag_field="type"):
    """The conclusion of a collaboration reached the requesting department."""

    conclusion: m.CollaborationConcluded


class RequestExtended(Struct, frozen=True, kw_only=True, tag="case.request_extended", tag_field="type"):
    """The centre gave a collaboration a later limit: answers may come until then."""

    request_id: str
    due_at: datetime
    reason: str


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
    """An officer asks for a special procedure, or ``extension``. ``asked_on``: when a party asked for a hearing (art. 47);
    ``on_behalf_of``: the absent officer in whose name it was asked.
    """

    procedure_id: str
    kind: str
    days: int
    reason: str
    by: str
    asked_on: date | None = None
    on_behalf_of: str = ""


class ProcedureRejected(Struct, frozen=True, kw_only=True, tag="procedure.rejected", tag_field="type"):
    """Who had to approve it does not."""

    procedure_id: str
    by: str
    reason: str


class Sampled(Struct, frozen=True, kw_only=True, tag="case.sampled", tag_field="type"):
    """抽查: the case, which rules alone decided, is one of those that an officer looks at again."""

    ratio: float


class RatingReceived(Struct, frozen=True, kw_only=True, tag="case.rated", tag_field="type"):
    """好差评: what the applicant thought of it reached the department, after the end."""

    rating: m.ApplicationRated


class Rechecked(Struct, frozen=True, kw_only=True, tag="case.rechecked", tag_field="type"):
    """抽查: an officer looked at a case that rules had decided."""

    by: str
    finding: Literal["right", "wrong"]
    explanation: str = ""


Event = (
    Received
    | SupplementReceived
    | OpinionsReceived
    | EvidenceReceived
    | m.EvidenceTaken
    | RequestExtended
    | m.CaseAccepted
    | m.SupplementRequested
    | m.CaseRefused
    | m.CollaborationRequested
    | m.CollaborationCancelled
    | m.CollaborationUrged
    | m.CollaborationDisclosed
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
    | m.OrderAnswered
    | m.CaseDecided
    | m.DecisionCorrected
    | m.DecisionRevoked
    | m.CertificateRevoked
    | m.CertificateReissued
    | Sampled
    | Rechecked
    | RatingReceived
    | Noted
)
