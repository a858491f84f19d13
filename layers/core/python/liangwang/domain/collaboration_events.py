"""What happens to a collaboration event 协同事件 at the governance centre, beside the messages that it sends. Pure.

The life of a task, as the centre records it: dispatched (``m.TaskDispatched``), ``Signed`` 签收 or ``Declined`` 退单, ``Reported``
反馈, ``Checked`` 核查 or returned 返工 (``m.TaskReturned``); at any time urged, extended, recalled, or the whole event lifted.
"""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from . import messages as m
from .catalogue import Ask
from .history import Noted


class Raised(Struct, frozen=True, kw_only=True, tag="collaboration.raised", tag_field="type"):
    """A request became an event, registered at the requester's centre (``region``, ``level``).

    ``responsibilities`` is the version of the rules that it is routed by; ``yellow_at`` and ``red_at`` are when its light turns
    (None: not before its limit).
    """

    request: m.CollaborationRequested
    collaboration_id: str
    region: str
    level: int
    due_at: datetime
    responsibilities: str = ""
    yellow_at: datetime | None = None
    red_at: datetime | None = None


class Signed(Struct, frozen=True, kw_only=True, tag="collaboration.signed", tag_field="type"):
    """A department took its task."""

    task_id: str
    by: str


class Declined(Struct, frozen=True, kw_only=True, tag="collaboration.declined", tag_field="type"):
    """A department handed its task back; ``decided_by`` is the centre above both that says who takes it."""

    task_id: str
    reason: str
    decided_by: str


class Reported(Struct, frozen=True, kw_only=True, tag="collaboration.reported", tag_field="type"):
    """A department answered. ``check_by`` is until when somebody is to look at it; then it counts unchecked (None: it counts)."""

    task_id: str
    by: str
    opinion: m.Opinion
    explanation: str
    attachments: tuple[m.Attachment, ...] = ()
    check_by: datetime | None = None


class Stopped(Struct, frozen=True, kw_only=True, tag="collaboration.stopped", tag_field="type"):
    """A recalled department has stopped."""

    task_id: str


class Lifted(Struct, frozen=True, kw_only=True, tag="collaboration.lifted", tag_field="type"):
    """提级: the event went to the centre above, with a new limit."""

    region: str
    reason: str
    due_at: datetime


class Extended(Struct, frozen=True, kw_only=True, tag="collaboration.limit_extended", tag_field="type"):
    """延期: an operator gave the whole event a new limit, and its light new moments; the requester is told by a message."""

    by: str
    due_at: datetime
    reason: str
    yellow_at: datetime | None = None
    red_at: datetime | None = None


class Refused(Struct, frozen=True, kw_only=True, tag="collaboration.ask_refused", tag_field="type"):
    """Nobody is given an ask, and that counts as a disagreement: ``because`` of a ``cycle``, everybody who is responsible being
    among those whose questions led to it."""

    ask: Ask
    because: str


class Unrouted(Struct, frozen=True, kw_only=True, tag="collaboration.unrouted", tag_field="type"):
    """Nobody is responsible for an ask: the centre ``region`` has it in hand, until an operator names a department."""

    ask: Ask
    region: str


class Disputed(Struct, frozen=True, kw_only=True, tag="collaboration.disputed", tag_field="type"):
    """A decline that an operator of the ``centre`` above both decides; if none does ``until`` then, the rules do."""

    task_id: str
    centre: str
    until: datetime


class Decided(Struct, frozen=True, kw_only=True, tag="collaboration.decided", tag_field="type"):
    """裁定: what becomes of a declined task, or of an ask that nobody took: to ``another`` department, or ``forced``.

    ``by`` is who decided (``rule`` when nobody did), ``explanation`` why, for people.
    """

    task_id: str
    centre: str
    by: str
    outcome: Literal["another", "forced"]
    department: str
    explanation: str


class Checked(Struct, frozen=True, kw_only=True, tag="collaboration.checked", tag_field="type"):
    """核查: a report passed, by an operator's word or (``rule``) because nobody looked at it in time."""

    task_id: str
    by: str
    explanation: str = ""


class ExtensionAsked(Struct, frozen=True, kw_only=True, tag="collaboration.extension_asked", tag_field="type"):
    """A supporter asks for ``days`` more working days than the centre may give without being asked itself."""

    task_id: str
    by: str
    days: int
    reason: str


class ExtensionRefused(Struct, frozen=True, kw_only=True, tag="collaboration.extension_refused", tag_field="type"):
    """An operator gives no more time."""

    task_id: str
    by: str
    reason: str


class Lit(Struct, frozen=True, kw_only=True, tag="collaboration.lit", tag_field="type"):
    """The event's light 红黄灯 changed, by its own limit."""

    light: m.Light


class Urged(Struct, frozen=True, kw_only=True, tag="collaboration.urge_received", tag_field="type"):
    """The requester, or an operator, urges; the urges to supporters follow as messages of their own."""

    by: str
    reason: str


Event = (
    Raised
    | Unrouted
    | Refused
    | Signed
    | Declined
    | Disputed
    | Decided
    | Reported
    | Checked
    | Stopped
    | ExtensionAsked
    | ExtensionRefused
    | Lit
    | Urged
    | Lifted
    | Extended
    | m.TaskDispatched
    | m.TaskRecalled
    | m.TaskUrged
    | m.TaskExtended
    | m.TaskReturned
    | m.TaskSupplied
    | m.DisclosureRequested
    | m.CollaborationExtended
    | m.CollaborationConcluded
    | Noted
)
