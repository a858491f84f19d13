"""The contracts between the three systems: every message that crosses Kafka, as a typed struct.

A struct's tag is its CloudEvents ``type``; ``TOPIC`` says where it travels. A message is at the same time the domain
event that an aggregate stores when it tells others something, so state and message cannot disagree.
Stored history is made of these too: fields are added with a default, never changed; another meaning is a new type.

``ASKS`` are messages that expect an answer. Whoever waits repeats them; whoever knows them already says again all that
it has said: its answers, and its own questions to others.

What a department tells of its own cases is in ``case_messages``, what several messages carry in ``message_parts``.
"""

from datetime import datetime
from typing import Any, Literal

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
from .catalogue import Ask, Join
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


# ------------------------------------------------------------------ collaboration


class CollaborationRequested(Message, frozen=True, tag="collaboration.requested"):
    """A department needs others. ``request_id`` is unique for ever; ``form`` is the case's non-personal part.

    ``days`` is the limit for the whole event; ``on_timeout`` what holds when it passes.
    """

    request_id: str
    department: str
    task_code: str
    place: str
    asks: tuple[Ask, ...]
    join: Join
    days: int
    on_timeout: Literal["proceed", "deny", "lift"]
    form: dict[str, Any]


class CollaborationCancelled(Message, frozen=True, tag="collaboration.cancelled"):
    """The requester's case ended; supporters are asked to stop."""

    request_id: str
    department: str
    reason: str


class Hop(Struct, frozen=True):
    """One governance centre on the way: its region, level and why the way goes through it."""

    region: str
    level: int
    reason: str


class TaskDispatched(Message, frozen=True, tag="task.dispatched"):
    """协同任务: one ask to one department, with the way it took. ``forced`` tasks cannot be declined."""

    task_id: str
    collaboration_id: str
    department: str
    requester: str
    task_code: str
    ask: Ask
    path: tuple[Hop, ...]
    due_at: datetime
    form: dict[str, Any]
    forced: bool = False


class TaskRecalled(Message, frozen=True, tag="task.recalled"):
    """The answer is no longer needed: please stop."""

    task_id: str
    department: str
    reason: str


class TaskUrged(Message, frozen=True, tag="task.urged"):
    """催办: the task's limit has passed or is near."""

    task_id: str
    department: str
    reason: str


class TaskSigned(Message, frozen=True, tag="task.signed"):
    """签收: the department has taken the task."""

    task_id: str
    collaboration_id: str
    department: str
    by: str


class TaskDeclined(Message, frozen=True, tag="task.declined"):
    """退单, with a reason. The centre above both departments decides who takes it."""

    task_id: str
    collaboration_id: str
    department: str
    by: str
    reason: str


class TaskReported(Message, frozen=True, tag="task.reported"):
    """协同处置结果: the department's opinion."""

    task_id: str
    collaboration_id: str
    department: str
    by: str
    opinion: Opinion
    explanation: str


class TaskStopped(Message, frozen=True, tag="task.stopped"):
    """The department has stopped, as a recall asked."""

    task_id: str
    collaboration_id: str
    department: str


class Answer(Struct, frozen=True):
    """What became of one ask: the department that held it last, and its opinion (None: no answer in time)."""

    capability: str
    department: str
    opinion: Opinion | None
    explanation: str


class CollaborationConcluded(Message, frozen=True, tag="collaboration.concluded"):
    """The event's conclusion under its join policy. ``because`` is the code of the rule that ended it (i18n ``reason.``)."""

    request_id: str
    collaboration_id: str
    department: str
    conclusion: Literal["agree", "disagree", "cancelled"]
    because: str
    answers: tuple[Answer, ...]


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
    TaskDispatched: "collaboration-tasks",
    TaskRecalled: "collaboration-tasks",
    TaskUrged: "collaboration-tasks",
    TaskSigned: "collaboration-reports",
    TaskDeclined: "collaboration-reports",
    TaskReported: "collaboration-reports",
    TaskStopped: "collaboration-reports",
    CollaborationConcluded: "collaboration-results",
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
