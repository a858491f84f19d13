"""协同任务: what happens to a task at the supporting department beside what the department tells (``collaboration_messages``)."""

from datetime import datetime

from msgspec import Struct

from . import messages as m
from .history import Noted


class Opened(Struct, frozen=True, kw_only=True, tag="task.opened", tag_field="type"):
    """The task reached the department."""

    task: m.TaskDispatched


class Urged(Struct, frozen=True, kw_only=True, tag="task.urge_received", tag_field="type"):
    """The centre urges."""

    reason: str


class Extended(Struct, frozen=True, kw_only=True, tag="task.extension_received", tag_field="type"):
    """延期: the centre gave the task a later limit."""

    due_at: datetime
    reason: str


class Returned(Struct, frozen=True, kw_only=True, tag="task.return_received", tag_field="type"):
    """返工: the report did not pass the check; the task is in hand again, for the ``count``-th time."""

    due_at: datetime
    reason: str
    count: int


class Supplied(Struct, frozen=True, kw_only=True, tag="task.supply_received", tag_field="type"):
    """What the requester disclosed for this task, sealed to the department; None, with the reason, when nothing was."""

    sealed: m.Sealed | None = None
    reason: str = ""


class Answered(Struct, frozen=True, kw_only=True, tag="task.opinions_received", tag_field="type"):
    """The conclusion of what the department itself asked others for this task."""

    conclusion: m.CollaborationConcluded


class RequestExtended(Struct, frozen=True, kw_only=True, tag="task.request_extended", tag_field="type"):
    """What the department itself asked others has a later limit."""

    request_id: str
    due_at: datetime
    reason: str


Event = (
    Opened
    | Urged
    | Extended
    | Returned
    | Supplied
    | Answered
    | RequestExtended
    | m.TaskSigned
    | m.TaskDeclined
    | m.TaskExtensionRequested
    | m.TaskReported
    | m.TaskStopped
    | m.CollaborationRequested
    | m.CollaborationCancelled
    | m.CollaborationDisclosed
    | Noted
)
