"""反馈与核查: what a centre makes of what departments say of their tasks, and what counts of it. Pure."""

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from . import messages as m
from .centre_rules import Governance
from .collaboration import (
    Checked,
    Collaboration,
    Event,
    ExtensionAsked,
    Reported,
    Signed,
    Stopped,
    Task,
)
from .conclusion import joined_after
from .disputes import decline
from .errors import Invalid, NotFound, NotNow, Violation, require_reason
from .history import too_late

Report = m.TaskSigned | m.TaskDeclined | m.TaskReported | m.TaskStopped | m.TaskExtensionRequested

LONGEST = 366
"""Working days that anybody may ask for at most: longer is a mistake."""

GRANTED = "granted_by_rule"


def receive_report(state: Collaboration, message: Report, *, on: Governance, now: datetime) -> Sequence[Event]:
    """Takes in what a department says of its task; concludes or dispatches anew where that follows.

    A report on a task that is no longer open, or of a concluded event, is kept as a note.
    """
    task = state.task(message.task_id)
    if task is None or task.dispatched.department != message.department:
        return [too_late(message, "no such task of this department")]
    if isinstance(message, m.TaskStopped):
        return [Stopped(task_id=message.task_id)] if task.status == "recalled" else []
    if not task.is_open or state.conclusion is not None:
        return [too_late(message, f"the task is {task.status}")]
    match message:
        case m.TaskSigned():
            return [Signed(task_id=message.task_id, by=message.by)] if task.status != "signed" else []
        case m.TaskExtensionRequested():
            return _extension(state, task, message, on=on, now=now)
        case m.TaskDeclined():
            events = decline(state, task, message, on=on, now=now)
        case m.TaskReported():
            events = [_reported(state, message, on=on, now=now)]
    return joined_after(state, events, now=now)


def _reported(state: Collaboration, message: m.TaskReported, *, on: Governance, now: datetime) -> Reported:
    checked = state.request.checked_by == "centre"
    return Reported(
        task_id=message.task_id,
        by=message.by,
        opinion=message.opinion,
        explanation=message.explanation,
        attachments=message.attachments,
        check_by=min(on.calendar.limit(now, on.rules.check_days), state.due_at) if checked else None,
    )


def _extension(
    state: Collaboration, task: Task, message: m.TaskExtensionRequested, *, on: Governance, now: datetime
) -> Sequence[Event]:
    """The first extension that stays inside the event's limit is given at once; an operator decides on any other."""
    if not 1 <= message.days <= LONGEST:
        violation = Violation("data.days", f"ask for 1 to {LONGEST} working days")
        raise Invalid(f"an extension by {message.days} days", violations=(violation,))
    due_at = on.calendar.limit(max(task.due_at, now), message.days)
    if due_at <= state.due_at and not task.extensions:
        return [extended(task, due_at, GRANTED)]
    return [ExtensionAsked(task_id=message.task_id, by=message.by, days=message.days, reason=message.reason)]


def extended(task: Task, due_at: datetime, reason: str) -> m.TaskExtended:
    """A task's new limit, as its department is told."""
    sent = task.dispatched
    return m.TaskExtended(
        case_no=sent.case_no, task_id=sent.task_id, department=sent.department, due_at=due_at, reason=reason
    )


def supply(state: Collaboration, message: m.CollaborationDisclosed) -> Sequence[Event]:
    """What the requester discloses goes to the supporter, once a task; for a task that is not open it is kept as a note."""
    task = state.task(message.task_id)
    if task is None or task.dispatched.department != message.supporter or not task.dispatched.ask.personal:
        return [too_late(_without_seal(message), "no such task of this supporter")]
    if task.disclosure == "supplied":
        return []
    if not task.is_open or state.conclusion is not None:
        return [too_late(_without_seal(message), f"the task is {task.status}")]
    return [
        m.TaskSupplied(
            case_no=message.case_no,
            task_id=message.task_id,
            department=message.supporter,
            sealed=message.sealed,
            reason=message.reason,
        )
    ]


def _without_seal(message: m.CollaborationDisclosed) -> m.CollaborationDisclosed:
    """What is kept as a note: of what nobody is going to open, nothing."""
    return replace(message, sealed=None)


def to_check(state: Collaboration, task_id: str) -> Task:
    """The task whose report waits to be checked. Raises NotFound for no such task, NotNow when none does."""
    task = state.task(task_id)
    if task is None:
        raise NotFound(f"the event has no task {task_id}")
    if task.status != "reported" or state.request.checked_by != "centre" or state.conclusion is not None:
        raise NotNow(f"the task is {task.status}; there is no report to check")
    return task


def pass_report(
    state: Collaboration, task_id: str, *, by: str, explanation: str = "", now: datetime
) -> Sequence[Event]:
    """核查通过: the report counts from now on."""
    to_check(state, task_id)
    return joined_after(state, [Checked(task_id=task_id, by=by, explanation=explanation)], now=now)


def return_report(state: Collaboration, task_id: str, *, reason: str, on: Governance, now: datetime) -> Sequence[Event]:
    """返工: the department does it again, inside the event's limit. Raises NotNow when it was done again often enough."""
    task = to_check(state, task_id)
    require_reason(reason, field="reason", what="a return")
    if task.returns >= on.rules.returns:
        raise NotNow(f"the report was returned {task.returns} times; let it pass, or recall the task")
    sent = task.dispatched
    return [
        m.TaskReturned(
            case_no=sent.case_no,
            task_id=task_id,
            department=sent.department,
            reason=reason,
            due_at=min(on.calendar.limit(now, on.rules.return_days), state.due_at),
            count=task.returns + 1,
        )
    ]
