"""协同任务 at the supporting department: taken, declined, reported, or stopped when it is recalled. Pure."""

from collections.abc import Sequence
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from . import messages as m
from .errors import NotNow, require_reason
from .history import Noted, Recorded, too_late


class Opened(Struct, frozen=True, kw_only=True, tag="task.opened", tag_field="type"):
    """The task reached the department."""

    task: m.TaskDispatched


class Urged(Struct, frozen=True, kw_only=True, tag="task.urge_received", tag_field="type"):
    """The centre urges."""

    reason: str


Event = Opened | Urged | m.TaskSigned | m.TaskDeclined | m.TaskReported | m.TaskStopped | Noted

Status = Literal["open", "signed", "declined", "reported", "stopped"]


class Report(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A clerk's opinion on the task."""

    opinion: m.Opinion
    explanation: m.Remark = ""


class Task(Struct, frozen=True, kw_only=True):
    """What the department knows of a task."""

    task: m.TaskDispatched
    version: int = 1
    status: Status = "open"
    urges: int = 0

    @property
    def is_open(self) -> bool:
        """Whether the department still owes a report."""
        return self.status in ("open", "signed")


def evolve(state: Task | None, recorded: Recorded[Event]) -> Task:
    """Folds one recorded event into the state."""
    event = recorded.event
    if isinstance(event, Opened):
        return Task(task=event.task)
    assert state is not None
    state = replace(state, version=state.version + 1)
    match event:
        case m.TaskSigned():
            return replace(state, status="signed")
        case m.TaskDeclined():
            return replace(state, status="declined")
        case m.TaskReported():
            return replace(state, status="reported")
        case m.TaskStopped():
            return replace(state, status="stopped") if state.is_open else state
        case Urged():
            return replace(state, urges=state.urges + 1)
        case _:
            return state


def open_task(message: m.TaskDispatched) -> Sequence[Event]:
    """A dispatched task reaches the department."""
    return [Opened(task=message)]


def recall(state: Task, message: m.TaskRecalled) -> Sequence[Event]:
    """Stops work on a recalled task. A task that is reported already stays so; the recall is noted."""
    stopped = m.TaskStopped(**_named(state))
    if state.is_open:
        return [stopped]
    return [too_late(message, f"the task is {state.status}"), stopped] if state.status != "stopped" else []


def urge(state: Task, message: m.TaskUrged) -> Sequence[Event]:
    """Notes that the centre urges."""
    return [Urged(reason=message.reason)] if state.is_open else [too_late(message, f"the task is {state.status}")]


def sign(state: Task, *, clerk: str) -> Sequence[Event]:
    """签收. Raises NotNow unless the task is open and unsigned."""
    if state.status != "open":
        raise NotNow(f"the task is {state.status}; it cannot be signed for")
    return [m.TaskSigned(**_named(state), by=clerk)]


def decline(state: Task, *, clerk: str, reason: str) -> Sequence[Event]:
    """退单. Raises NotNow when the task is closed or forced, Invalid without a reason."""
    if not state.is_open:
        raise NotNow(f"the task is {state.status}; it cannot be declined")
    if state.task.forced:
        raise NotNow("the task was dispatched by force after two declines; it cannot be declined")
    require_reason(reason, field="reason", what="a decline")
    return [m.TaskDeclined(**_named(state), by=clerk, reason=reason)]


def report(state: Task, command: Report, *, clerk: str) -> Sequence[Event]:
    """The department's opinion. Raises NotNow when the task is closed, Invalid when a disagreement gives no reason."""
    if not state.is_open:
        raise NotNow(f"the task is {state.status}; no report is expected")
    if command.opinion == "disagree":
        require_reason(command.explanation, field="explanation", what="a disagreement")
    return [m.TaskReported(**_named(state), by=clerk, opinion=command.opinion, explanation=command.explanation)]


def _named(state: Task) -> dict[str, Any]:
    """What every message about a task names: the case, the task, its event, and the department that speaks."""
    task = state.task
    return {
        "case_no": task.case_no,
        "task_id": task.task_id,
        "collaboration_id": task.collaboration_id,
        "department": task.department,
    }


def holder(state: Task) -> str | None:
    """The department that has the task in hand; None when it is closed."""
    return state.task.department if state.is_open else None
