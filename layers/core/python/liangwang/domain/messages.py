"""The contracts between the three systems: every message that crosses Kafka, as a typed struct.

A struct's tag is its CloudEvents ``type``; ``TOPIC`` says where it travels. A message is at the same time the domain
event that an aggregate stores when it tells others something, so state and message cannot disagree.
Stored history is made of these too: fields are added with a default, never changed; another meaning is a new type.

``ASKS`` are messages that expect an answer. Whoever waits repeats them; whoever knows them already says again all that
it has said: its answers, and its own questions to others.

What a department tells of its own cases is in ``case_messages``, what departments and centres say to each other in
``collaboration_messages``, what several messages carry in ``message_parts``.
"""

from typing import Any

from msgspec import Struct

from .case_messages import CASE_ENDED as CASE_ENDED
from .case_messages import CaseAccepted as CaseAccepted
from .case_messages import CaseDecided as CaseDecided
from .case_messages import CaseExtended as CaseExtended
from .case_messages import CaseRefused as CaseRefused
from .case_messages import CaseResumed as CaseResumed
from .case_messages import CaseReturned as CaseReturned
from .case_messages import CaseSupervised as CaseSupervised
from .case_messages import CaseSuspended as CaseSuspended
from .case_messages import CaseTransferred as CaseTransferred
from .case_messages import CertificateReissued as CertificateReissued
from .case_messages import CertificateRevoked as CertificateRevoked
from .case_messages import DecisionCorrected as DecisionCorrected
from .case_messages import DecisionRevoked as DecisionRevoked
from .case_messages import OrderAnswered as OrderAnswered
from .case_messages import Progress as Progress
from .case_messages import StepCompleted as StepCompleted
from .case_messages import StepReturned as StepReturned
from .case_messages import SupplementRequested as SupplementRequested
from .collaboration_messages import Answer as Answer
from .collaboration_messages import CollaborationCancelled as CollaborationCancelled
from .collaboration_messages import CollaborationConcluded as CollaborationConcluded
from .collaboration_messages import CollaborationDisclosed as CollaborationDisclosed
from .collaboration_messages import CollaborationExtended as CollaborationExtended
from .collaboration_messages import CollaborationRequested as CollaborationRequested
from .collaboration_messages import CollaborationUrged as CollaborationUrged
from .collaboration_messages import DisclosureRequested as DisclosureRequested
from .collaboration_messages import EvidenceOffered as EvidenceOffered
from .collaboration_messages import EvidenceTaken as EvidenceTaken
from .collaboration_messages import Hop as Hop
from .collaboration_messages import TaskDeclined as TaskDeclined
from .collaboration_messages import TaskDispatched as TaskDispatched
from .collaboration_messages import TaskExtended as TaskExtended
from .collaboration_messages import TaskExtensionRequested as TaskExtensionRequested
from .collaboration_messages import TaskRecalled as TaskRecalled
from .collaboration_messages import TaskReported as TaskReported
from .collaboration_messages import TaskReturned as TaskReturned
from .collaboration_messages import TaskSigned as TaskSigned
from .collaboration_messages import TaskStopped as TaskStopped
from .collaboration_messages import TaskSupplied as TaskSupplied
from .collaboration_messages import TaskUrged as TaskUrged
from .message_parts import Attachment as Attachment
from .message_parts import Due as Due
from .message_parts import Finding as Finding
from .message_parts import Light as Light
from .message_parts import Message as Message
from .message_parts import Opinion as Opinion
from .message_parts import Outcome as Outcome
from .message_parts import Point as Point
from .message_parts import Promise as Promise
from .message_parts import Remark as Remark
from .message_parts import Sealed as Sealed
from .message_parts import StopCause as StopCause
from .message_parts import SupervisionMoment as SupervisionMoment
from .message_parts import SupervisionStage as SupervisionStage

# ------------------------------------------------------------------ applications: governance -> departments


class ApplicationSubmitted(Message, frozen=True, tag="application.submitted"):
    """A citizen applied. ``form`` is the part without personal data; ``place`` a region code.

    ``applicant_type`` is GB/T 39046-2020 A.4; ``materials`` are the material codes handed in, ``attachments`` those of them
    that are there as files or certificates. A code without one was handed over on paper. ``promises`` are codes of materials
    that the applicant promises to hand in later 容缺受理.
    """

    department: str
    task_code: str
    task_version: int
    place: str
    applicant_type: int
    channel: str
    form: dict[str, Any]
    materials: tuple[str, ...]
    sealed: Sealed | None = None
    attachments: tuple[Attachment, ...] = ()
    promises: tuple[str, ...] = ()


class ApplicationSupplemented(Message, frozen=True, tag="application.supplemented"):
    """The answer to a supplement notice: only the fields and materials that changed. Promised materials come in the same way:
    then ``notice_no`` is the receipt's number.
    """

    department: str
    notice_no: str
    form: dict[str, Any]
    materials: tuple[str, ...]
    sealed: Sealed | None = None
    attachments: tuple[Attachment, ...] = ()


class ApplicationWithdrawn(Message, frozen=True, tag="application.withdrawn"):
    """The citizen asks to withdraw. It takes effect when the department says so in ``case.decided``.

    What the citizen wrote as a reason is sealed to the department: free text may hold anything.
    """

    department: str
    sealed: Sealed | None = None


class ApplicationRated(Message, frozen=True, tag="application.rated"):
    """好差评: what the applicant thought of it, 1 非常满意 to 5 非常不满意, without their words."""

    department: str
    code: int


# ------------------------------------------------------------------ dead letters


class DeadLettered(Struct, frozen=True, kw_only=True, tag="dead_letter", tag_field="type"):
    """A record that no retry can help: where it stood, its bytes (base64) and why it was set aside.

    A dead letter must itself fit an item and a message: of a value longer than ``DEAD_LETTER_LIMIT`` characters the
    beginning is kept, and ``length`` tells how long it was.
    """

    consumer: str
    topic: str
    partition: int
    offset: int
    key: str | None
    value: str | None
    reason: str
    length: int = 0
    attempts: int = 1


DEAD_LETTER_LIMIT = 100_000

TOPIC: dict[type[Struct], str] = {
    ApplicationSubmitted: "applications",
    ApplicationSupplemented: "applications",
    ApplicationWithdrawn: "applications",
    ApplicationRated: "applications",
    CaseAccepted: "acceptances",
    SupplementRequested: "acceptances",
    CaseRefused: "acceptances",
    CaseReturned: "acceptances",
    CaseTransferred: "acceptances",
    CollaborationRequested: "collaboration-requests",
    CollaborationCancelled: "collaboration-requests",
    CollaborationUrged: "collaboration-requests",
    CollaborationDisclosed: "collaboration-requests",
    TaskDispatched: "collaboration-tasks",
    TaskRecalled: "collaboration-tasks",
    TaskUrged: "collaboration-tasks",
    TaskExtended: "collaboration-tasks",
    TaskReturned: "collaboration-tasks",
    TaskSupplied: "collaboration-tasks",
    TaskSigned: "collaboration-reports",
    TaskDeclined: "collaboration-reports",
    TaskReported: "collaboration-reports",
    TaskStopped: "collaboration-reports",
    TaskExtensionRequested: "collaboration-reports",
    EvidenceTaken: "collaboration-reports",
    CollaborationConcluded: "collaboration-results",
    CollaborationExtended: "collaboration-results",
    DisclosureRequested: "collaboration-results",
    EvidenceOffered: "collaboration-results",
    StepCompleted: "approvals",
    StepReturned: "approvals",
    CaseSuspended: "approvals",
    CaseResumed: "approvals",
    CaseExtended: "approvals",
    CaseSupervised: "approvals",
    OrderAnswered: "approvals",
    CaseDecided: "approvals",
    DecisionCorrected: "approvals",
    DecisionRevoked: "approvals",
    CertificateRevoked: "approvals",
    CertificateReissued: "approvals",
    DeadLettered: "dead-letters",
}

ASKS = (
    ApplicationSubmitted,
    ApplicationSupplemented,
    ApplicationWithdrawn,
    ApplicationRated,
    CollaborationRequested,
    CollaborationCancelled,
    TaskDispatched,
    TaskRecalled,
    DisclosureRequested,
    EvidenceOffered,
)

TERMINAL = frozenset({"refused", "returned", "granted", "denied", "withdrawn", "voided"})
"""The states in which a case has ended, in all three systems."""

LastWord = CaseDecided | CaseRefused | CaseReturned
"""What ends a case. What comes after it corrects it (``Afterwards``)."""

Afterwards = DecisionCorrected | DecisionRevoked | CertificateRevoked | CertificateReissued
"""What changes an end that was told already."""


def type_of(message: type[Struct]) -> str:
    """The CloudEvents type of a message struct."""
    tag = message.__struct_config__.tag
    assert isinstance(tag, str)
    return tag


BY_TYPE: dict[str, type[Struct]] = {type_of(message): message for message in TOPIC}
