"""协同任务 at the supporting department: taken, declined, reported, returned, or stopped when it is recalled. Pure.

For a task its department may itself ask others (``ask``): such requests are the task's own, their ids begin with the
task's, and they are cancelled when the task leaves its hands. What the centre says comes in any order and more than once:
what no longer fits is kept as a note.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct
from msgspec.structs import replace

from . import messages as m
from . import statutory_clock
from .catalogue import Lights, Organisation
from .errors import Invalid, NotNow, Violation, require_reason
from .history import Recorded, too_late
from .patience import Patience
from .question import LONGEST, MOST_REQUESTS, AskOthers, Known, asks_of, require_new
from .task_events import Answered as Answered
from .task_events import Event as Event
from .task_events import Extended as Extended
from .task_events import Opened as Opened
from .task_events import RequestExtended as RequestExtended
from .task_events import Returned as Returned
from .task_events import Supplied as Supplied
from .task_events import Urged as Urged
from .working_days import Calendar

Status = Literal["open", "signed", "declined", "reported", "returned", "stopped"]
"""``returned`` 返工: reported, and in hand again because the report did not pass the check."""

DEEPEST = 3
"""How deep requests go: a case's, one for a task of it, one for a task of that."""

MOST_EXTENSIONS = 3
"""How often a department may ask for more time for one task."""

MOST_ATTACHMENTS = 20

OPEN = ("open", "signed", "returned")
"""The states in which the department still owes a report."""

LIGHTS = Lights()

_OWN_REQUEST = re.compile(r"(.+-T\d+)-R\d+")

Told = m.TaskRecalled | m.TaskUrged | m.TaskExtended | m.TaskReturned | m.TaskSupplied
"""What the centre says of a task that was dispatched."""


class Report(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A clerk's opinion on the task. ``attachments`` are ids of files that were added to it."""

    opinion: m.Opinion
    explanation: m.Remark = ""
    attachments: Annotated[tuple[str, ...], Meta(max_length=MOST_ATTACHMENTS)] = ()


class Task(Struct, frozen=True, kw_only=True):
    """What the department knows of a task.

    ``since`` is when it was last given to the department, ``due_at`` its limit as it stands; ``urged`` says why it was urged,
    each time. ``requests`` are the department's own to others, ``awaited`` the ids of those without an answer.
    """

    task: m.TaskDispatched
    since: datetime
    due_at: datetime
    changed_at: datetime
    version: int = 1
    status: Status = "open"
    urged: tuple[str, ...] = ()
    returned: tuple[Returned, ...] = ()
    extended: tuple[Extended, ...] = ()
    extensions_asked: int = 0
    supplied: Supplied | None = None
    reports: tuple[m.TaskReported, ...] = ()
    requests: tuple[m.CollaborationRequested, ...] = ()
    awaited: tuple[str, ...] = ()
    conclusions: tuple[m.CollaborationConcluded, ...] = ()
    refused: frozenset[str] = frozenset()

    @property
    def is_open(self) -> bool:
        """Whether the department still owes a report."""
        return self.status in OPEN

    @property
    def urges(self) -> int:
        """How often it was urged."""
        return len(self.urged)


def evolve(state: Task | None, recorded: Recorded[Event]) -> Task:
    """Folds one recorded event into the state."""
    event, at = recorded.event, recorded.at
    if isinstance(event, Opened):
        return Task(task=event.task, since=at, due_at=event.task.due_at, changed_at=at)
    assert state is not None
    state = replace(state, version=state.version + 1, changed_at=at)
    return replace(state, **_changes(state, event, at))


def _changes(state: Task, event: Event, at: datetime) -> dict[str, Any]:
    match event:
        case m.TaskSigned():
            return {"status": "signed"}
        case m.TaskDeclined():
            return {"status": "declined"}
        case m.TaskReported():
            return {"status": "reported", "reports": (*state.reports, event)}
        case m.TaskStopped():
            return {"status": "stopped"} if state.is_open else {}
        case m.TaskExtensionRequested():
            return {"extensions_asked": state.extensions_asked + 1}
        case Urged():
            return {"urged": (*state.urged, event.reason)}
        case Extended():
            return {"due_at": event.due_at, "extended": (*state.extended, event)}
        case Returned():
            returned = (*state.returned, event)
            return {"status": "returned", "since": at, "due_at": event.due_at, "returned": returned}
        case Supplied():
            return {"supplied": event}
        case m.CollaborationRequested(request_id=request_id):
            return {"requests": (*state.requests, event), "awaited": (*state.awaited, request_id)}
        case Answered(conclusion=conclusion):
            awaited = tuple(one for one in state.awaited if one != conclusion.request_id)
            return {"awaited": awaited, "conclusions": (*state.conclusions, conclusion)}
        case m.CollaborationDisclosed():
            return {"refused": state.refused | {event.task_id}}
    return {}


# ------------------------------------------------------------------ what the centre says


def open_task(message: m.TaskDispatched) -> Sequence[Event]:
    """A dispatched task reaches the department."""
    return [Opened(task=message)]


def receive(state: Task, message: Told) -> Sequence[Event]:
    """Takes in what the centre says of a task that the department has."""
    match message:
        case m.TaskRecalled():
            return recall(state, message)
        case m.TaskUrged():
            return urge(state, message)
        case m.TaskExtended():
            return extend(state, message)
        case m.TaskReturned():
            return take_back(state, message)
        case m.TaskSupplied():
            return supply(state, message)


def recall(state: Task, message: m.TaskRecalled) -> Sequence[Event]:
    """Stops work on a recalled task, and what others were asked for it. A task that is reported already stays so; the recall is
    noted, and confirmed all the same.
    """
    stopped = m.TaskStopped(**_named(state))
    if state.is_open:
        return [stopped, *_cancelled(state)]
    return [] if state.status == "stopped" else [too_late(message, f"the task is {state.status}"), stopped]


def urge(state: Task, message: m.TaskUrged) -> Sequence[Event]:
    """Notes that the centre urges."""
    return [Urged(reason=message.reason)] if state.is_open else [too_late(message, f"the task is {state.status}")]


def extend(state: Task, message: m.TaskExtended) -> Sequence[Event]:
    """The centre gives more time. Of two words that overtook each other the later limit holds."""
    if not state.is_open:
        return [too_late(message, f"the task is {state.status}")]
    return [Extended(due_at=max(state.due_at, message.due_at), reason=message.reason)]


def take_back(state: Task, message: m.TaskReturned) -> Sequence[Event]:
    """The report did not pass the check: the department has the task in hand again. Only what was reported can come back, and
    each time once.
    """
    if state.status != "reported" or message.count <= max((one.count for one in state.returned), default=0):
        return [too_late(message, f"the task is {state.status} and came back {len(state.returned)} times")]
    return [Returned(due_at=message.due_at, reason=message.reason, count=message.count)]


def supply(state: Task, message: m.TaskSupplied) -> Sequence[Event]:
    """The personal data that the task needs has come. Of a task that will not come back nothing is kept: nobody is going to open it."""
    if state.is_open or state.status == "reported":
        return [Supplied(sealed=message.sealed, reason=message.reason)]
    return [too_late(replace(message, sealed=None), f"the task is {state.status}")]


# ------------------------------------------------------------------ what the department's clerks do


def sign(state: Task, *, clerk: str) -> Sequence[Event]:
    """签收. Raises NotNow unless the task is open and unsigned."""
    if state.status != "open":
        raise NotNow(f"the task is {state.status}; it cannot be signed for")
    return [m.TaskSigned(**_named(state), by=clerk)]


def decline(state: Task, *, clerk: str, reason: str) -> Sequence[Event]:
    """退单. Raises NotNow when the task is closed, forced, or back for rework; Invalid without a reason."""
    if not state.is_open:
        raise NotNow(f"the task is {state.status}; it cannot be declined")
    if state.status == "returned":
        raise NotNow("the department has reported on the task, so it is its own; it cannot be declined any more")
    if state.task.forced:
        raise NotNow("the task was dispatched by force after two declines; it cannot be declined")
    require_reason(reason, field="reason", what="a decline")
    return [m.TaskDeclined(**_named(state), by=clerk, reason=reason), *_cancelled(state)]


def report(state: Task, command: Report, *, clerk: str, attachments: tuple[m.Attachment, ...] = ()) -> Sequence[Event]:
    """The department's opinion, with the files that it rests on; what it asked others itself is not needed any longer.

    Raises NotNow when the task is closed, Invalid when a disagreement gives no reason.
    """
    if not state.is_open:
        raise NotNow(f"the task is {state.status}; no report is expected")
    if command.opinion == "disagree":
        require_reason(command.explanation, field="explanation", what="a disagreement")
    reported = m.TaskReported(
        **_named(state),
        by=clerk,
        opinion=command.opinion,
        explanation=command.explanation,
        attachments=attachments,
    )
    return [reported, *_cancelled(state)]


def request_extension(state: Task, *, clerk: str, days: int, reason: str) -> Sequence[Event]:
    """申请延期. The centre answers with a later limit, or not at all. Raises NotNow when the task is closed or more time was asked
    for often enough, Invalid without a reason or for no number of days.
    """
    if not state.is_open:
        raise NotNow(f"the task is {state.status}; it needs no more time")
    if state.extensions_asked >= MOST_EXTENSIONS:
        raise NotNow(f"more time was asked for {MOST_EXTENSIONS} times already; report what you have")
    if not 1 <= days <= LONGEST:
        raise Invalid("how much more time?", violations=(Violation("days", f"1 to {LONGEST} working days"),))
    require_reason(reason, field="reason", what="more time")
    return [m.TaskExtensionRequested(**_named(state), by=clerk, days=days, reason=reason)]


def ask(state: Task, wish: AskOthers, *, organisation: Organisation, now: datetime) -> Sequence[Event]:
    """The department asks others for what it needs itself. Nobody gets more than it has: the task's own form, no personal data,
    and no time after the task's limit.

    Raises NotNow when the task is closed or overdue, when the question would go too deep, was asked already or too many were;
    Invalid for what cannot be asked.
    """
    task = state.task
    if not state.is_open:
        raise NotNow(f"the task is {state.status}; nothing is asked for it any more")
    if now >= state.due_at:
        raise NotNow("the task's limit has passed; nobody can answer within it")
    chain = task.chain or tuple(one for one in (task.requester,) if one)
    if len(chain) >= DEEPEST:
        raise NotNow(f"this task came by way of {' → '.join(chain)}; a request goes no deeper than {DEEPEST}")
    if len(state.requests) >= MOST_REQUESTS:
        raise NotNow(f"at most {MOST_REQUESTS} requests are raised for one task")
    asks = asks_of(wish, Known(place=task.ask.place, fields=task.form), organisation)
    require_new(asks, (one for one in state.requests if one.request_id in state.awaited))
    named = None if any(one.fields is None for one in asks) else {name for one in asks for name in one.fields or ()}
    request = m.CollaborationRequested(
        case_no=task.case_no,
        request_id=f"{task.task_id}-R{len(state.requests) + 1}",
        department=task.department,
        task_code=task.task_code,
        place=task.ask.place,
        asks=asks,
        join=wish.join,
        days=wish.days,
        on_timeout=wish.on_timeout,
        form={name: value for name, value in task.form.items() if named is None or name in named},
        origin="task",
        sign_days=wish.sign_days,
        within=state.due_at,
        parent_task=task.task_id,
        chain=chain,
    )
    return [request]


# ------------------------------------------------------------------ what comes of its own requests


def task_of(request_id: str) -> str | None:
    """The task that a request was raised for; None for a request of a case. The ids of the item's own requests never look so
    (``catalogue_checks``)."""
    found = _OWN_REQUEST.fullmatch(request_id)
    return found[1] if found else None


def conclude(state: Task, message: m.CollaborationConcluded) -> Sequence[Event]:
    """Takes in what others answered. What nobody waits for is kept as a note."""
    if message.request_id not in state.awaited:
        return [too_late(message, "nobody waits for this conclusion")]
    return [Answered(conclusion=message)]


def extend_request(state: Task, message: m.CollaborationExtended) -> Sequence[Event]:
    """What was asked of others has a later limit."""
    if message.request_id not in state.awaited:
        return [too_late(message, "nobody waits for this request")]
    return [RequestExtended(request_id=message.request_id, due_at=message.due_at, reason=message.reason)]


def refuse_disclosure(state: Task, message: m.DisclosureRequested) -> Sequence[Event]:
    """Personal data that was given for one task is not passed on: whoever has it gives it."""
    if message.task_id in state.refused:
        return []
    return [
        m.CollaborationDisclosed(
            case_no=state.task.case_no,
            request_id=message.request_id,
            department=state.task.department,
            task_id=message.task_id,
            supporter=message.supporter,
            reason="not_ours_to_give",
        )
    ]


def _cancelled(state: Task) -> list[Event]:
    return [
        m.CollaborationCancelled(
            case_no=state.task.case_no,
            request_id=request_id,
            department=state.task.department,
            reason="requester_ended",
        )
        for request_id in state.awaited
    ]


def _named(state: Task) -> dict[str, Any]:
    """What every message about a task names: the case, the task, its event, and the department that speaks."""
    task = state.task
    return {
        "case_no": task.case_no,
        "task_id": task.task_id,
        "collaboration_id": task.collaboration_id,
        "department": task.department,
    }


# ------------------------------------------------------------------ how it is found


def holder(state: Task) -> str | None:
    """The department that has the task in hand; None when it is closed."""
    return state.task.department if state.is_open else None


def wake_at(state: Task, patience: Patience, *, last: datetime | None = None) -> datetime | None:
    """When to say again what nobody asks about: that the requests of a task that is closed are cancelled, until that is
    confirmed. While it is open the centre asks, and keeps its clock.
    """
    return patience.until(state.changed_at, last=last) if state.awaited and not state.is_open else None


def light(state: Task, calendar: Calendar, now: datetime) -> m.Light | None:
    """红黄灯 by the task's own limit, counted from when the department was given it; one that is not signed for in time is red.
    None for one that is closed. Found when somebody looks: nothing is written for it.
    """
    if not state.is_open:
        return None
    if now >= state.due_at:
        return "overdue"
    days = calendar.between(calendar.day_of(state.since), calendar.day_of(state.due_at))
    unsigned = state.status == "open" and state.task.sign_by is not None and now >= state.task.sign_by
    if unsigned or now >= calendar.limit(state.since, statutory_clock.part(max(days, 0), LIGHTS.red)):
        return "red"
    yellow = calendar.limit(state.since, statutory_clock.part(max(days, 0), LIGHTS.yellow))
    return "yellow" if now >= yellow else "green"
