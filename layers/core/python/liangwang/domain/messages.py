"""The contracts between the three systems: every message that crosses Kafka, as a typed struct.

A struct's tag is its CloudEvents ``type``; ``TOPIC`` says where it travels. A message is at the same time the domain
event that an aggregate stores when it tells others something, so state and message cannot disagree.
Stored history is made of these too: fields are added with a default, never changed; another meaning is a new type.

``ASKS`` are messages that expect an answer. Whoever waits repeats them; whoever knows them already says again all that
it has said: its answers, and its own questions to others.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from .catalogue import Ask, Join, Text

Opinion = Literal["agree", "disagree"]
Outcome = Literal["granted", "denied", "withdrawn"]
Remark = Annotated[str, Meta(max_length=1000)]
"""What a person writes: short enough that a case stays one item and a delivery fits one call."""


class Message(Struct, frozen=True, tag_field="type", kw_only=True):
    """What every message says: which case it is about (the Kafka key)."""

    case_no: str


class Sealed(Struct, frozen=True, kw_only=True):
    """Personal data that only the receiving department can open. All values are base64, ``algorithm`` apart.

    ``wrapped_key`` is a data key under the department's KMS key with ``case_no`` and ``department`` as context.
    """

    algorithm: str
    wrapped_key: str
    nonce: str
    ciphertext: str


class Attachment(Struct, frozen=True, kw_only=True):
    """A material 材料 that came as a file, or as a certificate 证照 that was granted before.

    ``origin`` says where it is from: ``upload`` (for this case), ``earlier`` (kept from another case of the applicant) or
    ``certificate`` (then ``certificate_no`` names it and there is no file). ``material_id`` names the file where files are
    kept (docs/intake.md): the file itself does not travel. ``name`` is made of the code, never the applicant's own name
    of the file, which may hold anything. ``version`` counts what was handed in for the same code of the same case, from 1.
    """

    code: str
    origin: Literal["upload", "earlier", "certificate"]
    material_id: str = ""
    certificate_no: str = ""
    name: str = ""
    media_type: str = ""
    size: int = 0
    sha256: str = ""
    version: int = 1


class Point(Struct, frozen=True):
    """One line of a supplement notice: the form field or material code, and what to do about it."""

    field: str
    reason: Text


class Finding(Struct, frozen=True):
    """One rule that was looked at: its id, and whether it held."""

    rule: str
    held: bool


# ------------------------------------------------------------------ applications: governance -> departments


class ApplicationSubmitted(Message, frozen=True, tag="application.submitted"):
    """A citizen applied. ``form`` is the part without personal data; ``place`` a region code.

    ``applicant_type`` is GB/T 39046-2020 A.4; ``materials`` are the material codes handed in, ``attachments`` those of them
    that are there as files or certificates. A code without one was handed over on paper.
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


class ApplicationSupplemented(Message, frozen=True, tag="application.supplemented"):
    """The answer to a supplement notice: only the fields and materials that changed."""

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


# ------------------------------------------------------------------ acceptances: department -> governance


class CaseAccepted(Message, frozen=True, tag="case.accepted"):
    """受理: a numbered receipt. ``awaits`` names the capabilities that other departments are asked for."""

    department: str
    accept_doc_no: str
    awaits: tuple[str, ...] = ()


class SupplementRequested(Message, frozen=True, tag="case.supplement_requested"):
    """补正告知, once and with everything at once (行政许可法 art. 32(4))."""

    department: str
    notice_no: str
    points: tuple[Point, ...]


class CaseRefused(Message, frozen=True, tag="case.refused"):
    """不予受理, with every reason. ``told`` as in ``CaseDecided``."""

    department: str
    refusal_doc_no: str
    reasons: tuple[Text, ...]
    told: int = 0


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


# ------------------------------------------------------------------ approvals: department -> governance


class StepCompleted(Message, frozen=True, tag="approval.step_completed"):
    """审批过程数据: one step done by rule (with its trace) or by a clerk (with an opinion)."""

    department: str
    step: str
    opinion: Opinion
    by: str
    explanation: str = ""
    trace: tuple[Finding, ...] = ()


class CaseDecided(Message, frozen=True, tag="case.decided"):
    """审批结果. A granted case may carry a certificate; ``valid_until`` of None means it does not expire.

    ``told`` counts all that the department has told the citizen of this case, this message included: whoever has fewer
    still waits for the rest.
    """

    department: str
    outcome: Outcome
    reasons: tuple[Text, ...] = ()
    certificate_no: str | None = None
    certificate_name: Text | None = None
    valid_until: datetime | None = None
    told: int = 0


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
    CaseAccepted: "acceptances",
    SupplementRequested: "acceptances",
    CaseRefused: "acceptances",
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
    CaseDecided: "approvals",
    DeadLettered: "dead-letters",
}

ASKS = (
    ApplicationSubmitted,
    ApplicationSupplemented,
    ApplicationWithdrawn,
    CollaborationRequested,
    CollaborationCancelled,
    TaskDispatched,
    TaskRecalled,
)

TERMINAL = frozenset({"refused", "granted", "denied", "withdrawn"})
"""The states in which a case has ended, in all three systems."""

Progress = CaseAccepted | SupplementRequested | CaseRefused | StepCompleted | CaseDecided
"""What a department tells the citizen, delivered by handback."""


def type_of(message: type[Struct]) -> str:
    """The CloudEvents type of a message struct."""
    tag = message.__struct_config__.tag
    assert isinstance(tag, str)
    return tag


BY_TYPE: dict[str, type[Struct]] = {type_of(message): message for message in TOPIC}
