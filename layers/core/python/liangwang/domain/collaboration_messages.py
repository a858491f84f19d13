"""What departments and governance centres say to each other about a collaboration 协同: the contracts of four topics.

A *requester* asks; the *centre* makes an event of it and dispatches a task for each question; *supporters* answer. Who
asks is a department for one of its cases, a supporter for a task it has in hand, or a centre itself (``centre``) for a
grid event 网格事件: then ``department`` is empty, and ``case_no`` is the grid event's own number, the key of all its messages.
"""

from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

from .catalogue import Ask, Check, Join
from .message_parts import Attachment, Message, Opinion, Sealed

# ------------------------------------------------------------------ collaboration-requests: requester -> governance


class CollaborationRequested(Message, frozen=True, tag="collaboration.requested"):
    """A department needs others. ``request_id`` is unique for ever; ``form`` is the case's non-personal part.

    ``days`` is the limit for the whole event in working days, ``sign_days`` that for signing each task (0: none of its own);
    ``within`` is a moment that no limit may pass, because the requester's own time ends there. ``on_timeout`` is what
    holds when the limit passes. ``checked_by`` says who looks at reports before they count.

    ``origin`` tells why it is asked: the item's rules, an officer, a task (``parent_task``), or a grid event. ``chain`` holds
    the departments whose questions led to this one, the outermost first, without the requester.
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
    origin: Literal["item", "officer", "task", "grid"] = "item"
    centre: str = ""
    sign_days: int = 0
    checked_by: Check = "nobody"
    within: datetime | None = None
    parent_task: str = ""
    chain: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()


class CollaborationCancelled(Message, frozen=True, tag="collaboration.cancelled"):
    """The requester's case ended; supporters are asked to stop."""

    request_id: str
    department: str
    reason: str


class CollaborationUrged(Message, frozen=True, tag="collaboration.urged"):
    """催办 by the requester: the centre passes it on to those who have not answered."""

    request_id: str
    department: str
    by: str
    reason: str


class CollaborationDisclosed(Message, frozen=True, tag="collaboration.disclosed"):
    """The personal fields that a supporter's part needs, sealed to that supporter by the requester, who alone has them.

    ``sealed`` of None: there are none, or the requester does not give them, for the ``reason``.
    """

    request_id: str
    department: str
    task_id: str
    supporter: str
    sealed: Sealed | None = None
    reason: str = ""


# ------------------------------------------------------------------ collaboration-tasks: governance -> supporter


class Hop(Struct, frozen=True):
    """One governance centre on the way: its region, level and why the way goes through it."""

    region: str
    level: int
    reason: str


class TaskDispatched(Message, frozen=True, tag="task.dispatched"):
    """协同任务: one ask to one department, with the way it took. ``forced`` tasks cannot be declined.

    ``form`` has the fields that the ask names; personal ones come afterwards, sealed (``task.supplied``). ``sign_by`` is until
    when it is to be signed for (None: no limit of its own). ``chain`` holds the departments whose questions led here, the
    outermost first and the requester last. ``rule`` is the routing rule that chose the department (empty: the nearest one
    that is responsible).
    """

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
    sign_by: datetime | None = None
    chain: tuple[str, ...] = ()
    rule: str = ""
    centre: str = ""
    attachments: tuple[Attachment, ...] = ()


class TaskRecalled(Message, frozen=True, tag="task.recalled"):
    """The answer is no longer needed: please stop."""

    task_id: str
    department: str
    reason: str


class TaskUrged(Message, frozen=True, tag="task.urged"):
    """催办: the task's limit has passed or is near, or the requester asks."""

    task_id: str
    department: str
    reason: str


class TaskExtended(Message, frozen=True, tag="task.extended"):
    """延期: the task has a new limit."""

    task_id: str
    department: str
    due_at: datetime
    reason: str


class TaskReturned(Message, frozen=True, tag="task.returned"):
    """返工: the report did not pass the check; the task is in hand again until ``due_at``. ``count`` counts the times."""

    task_id: str
    department: str
    reason: str
    due_at: datetime
    count: int = 1


class TaskSupplied(Message, frozen=True, tag="task.supplied"):
    """What the requester disclosed for this task; None, with the reason, when nothing was."""

    task_id: str
    department: str
    sealed: Sealed | None = None
    reason: str = ""


# ------------------------------------------------------------------ collaboration-reports: supporter -> governance


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


class TaskExtensionRequested(Message, frozen=True, tag="task.extension_requested"):
    """The department needs ``days`` more working days, and why. The answer is ``task.extended``, or none."""

    task_id: str
    collaboration_id: str
    department: str
    by: str
    days: int
    reason: str


class TaskReported(Message, frozen=True, tag="task.reported"):
    """协同处置结果: the department's opinion, with the files that it rests on."""

    task_id: str
    collaboration_id: str
    department: str
    by: str
    opinion: Opinion
    explanation: str
    attachments: tuple[Attachment, ...] = ()


class TaskStopped(Message, frozen=True, tag="task.stopped"):
    """The department has stopped, as a recall asked."""

    task_id: str
    collaboration_id: str
    department: str


class EvidenceTaken(Message, frozen=True, tag="case.evidence_taken"):
    """The department has put a grid event to its case; not ``taken`` where there is no such case any more, for the ``reason``."""

    department: str
    evidence_id: str
    taken: bool = True
    reason: str = ""


# ------------------------------------------------------------------ collaboration-results: governance -> requester


class DisclosureRequested(Message, frozen=True, tag="collaboration.disclosure_requested"):
    """The centre has found who takes an ask that needs personal fields (``personal``, their names): seal them to ``supporter``.

    Only now is it known to whom, and only the requester can open them. Answered by ``collaboration.disclosed``.
    """

    request_id: str
    collaboration_id: str
    department: str
    task_id: str
    supporter: str
    personal: tuple[str, ...]


class CollaborationExtended(Message, frozen=True, tag="collaboration.extended"):
    """The whole event has a new limit: it was extended, or lifted to another centre."""

    request_id: str
    collaboration_id: str
    department: str
    due_at: datetime
    reason: str


class Answer(Struct, frozen=True):
    """What became of one ask: the department that held it last, and its opinion (None: no answer in time)."""

    capability: str
    department: str
    opinion: Opinion | None
    explanation: str
    task_id: str = ""
    declines: int = 0
    attachments: tuple[Attachment, ...] = ()


class CollaborationConcluded(Message, frozen=True, tag="collaboration.concluded"):
    """The event's conclusion under its join policy. ``because`` is the code of the rule that ended it (i18n ``reason.``).

    ``partial``: it was reached without every answer; those that are missing have no opinion.
    """

    request_id: str
    collaboration_id: str
    department: str
    conclusion: Literal["agree", "disagree", "cancelled"]
    because: str
    answers: tuple[Answer, ...]
    partial: bool = False


class EvidenceOffered(Message, frozen=True, tag="case.evidence_offered"):
    """A grid event that bears on a case of the department, put to it by an operator as evidence.

    ``evidence_id`` is unique for ever; ``summary`` is free of personal data. Answered by ``case.evidence_taken``.
    """

    department: str
    evidence_id: str
    event_no: str
    category: str
    summary: str
    place: str
    occurred_at: datetime
    by: str
    attachments: tuple[Attachment, ...] = ()
