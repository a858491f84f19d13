"""What operators of a governance centre do on a collaboration event: urge, lift, extend, recall. Pure.

Naming a department is in ``disputes``, checking a report in ``reports``. Every act raises NotNow on a concluded event.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from . import messages as m
from .centre_rules import Governance
from .collaboration import Collaboration, Event, ExtensionRefused, Lifted, Task, Unrouted, Urged, following
from .conclusion import joined_after, to_open_tasks
from .dispatching import dispatch
from .errors import NotFound, NotNow, require_reason
from .event_limits import checked_days, extend
from .reports import extended


def _open(state: Collaboration) -> None:
    if state.conclusion is not None:
        raise NotNow("the event is concluded")


def _task(state: Collaboration, task_id: str) -> Task:
    """A task in hand. Raises NotFound for none of this event, NotNow for one of which no report is expected."""
    _open(state)
    task = state.task(task_id)
    if task is None:
        raise NotFound(f"the event has no task {task_id}")
    if not task.is_open:
        raise NotNow(f"the task is {task.status}")
    return task


def urge(state: Collaboration, *, by: str, reason: str) -> Sequence[Event]:
    """催办: all departments that have not reported. Raises NotNow when there is none."""
    _open(state)
    if not state.open_tasks:
        raise NotNow("no department has a report to make")
    return [Urged(by=by, reason=reason), *to_open_tasks(state, m.TaskUrged, reason or "centre_urges")]


def lift(state: Collaboration, *, reason: str, on: Governance) -> Sequence[Event]:
    """提级: to the centre above in the same line, with the limit that it has. Raises NotNow where none is above."""
    _open(state)
    require_reason(reason, field="reason", what="a lift")
    above = on.responsibilities.organisation.region[state.region].parent
    if above is None:
        raise NotNow("no centre is above this one")
    return [Lifted(region=above, reason=reason, due_at=state.due_at)]


def extend_by(
    state: Collaboration, days: int, *, by: str, reason: str, on: Governance, now: datetime
) -> Sequence[Event]:
    """延期 of the whole event by working days, counted from its limit (``event_limits.extend``)."""
    due_at = on.calendar.limit(max(state.due_at, now), checked_days(days))
    return extend(state, due_at, by=by, reason=reason, on=on, now=now)


def answer_extension(
    state: Collaboration,
    task_id: str,
    verdict: Literal["grant", "refuse"],
    *,
    by: str,
    reason: str,
    on: Governance,
    now: datetime,
) -> Sequence[Event]:
    """Whether a department gets the time that it asked for; where the event's limit is too near, the whole event gets it.

    Raises NotNow when the task's department asks for none, and as ``event_limits.extend``.
    """
    task = _task(state, task_id)
    if task.wish is None:
        raise NotNow("the department does not ask for more time")
    if verdict == "refuse":
        require_reason(reason, field="reason", what="a refusal")
        return [ExtensionRefused(task_id=task_id, by=by, reason=reason)]
    due_at = on.calendar.limit(max(task.due_at, now), task.wish.days)
    reason = reason or task.wish.reason
    if due_at <= state.due_at:
        return [extended(task, due_at, reason)]
    events = extend(state, due_at, by=by, reason=reason, on=on, now=now)
    return [*(event for event in events if getattr(event, "task_id", "") != task_id), extended(task, due_at, reason)]


def recall(
    state: Collaboration, task_id: str, *, reason: str, elsewhere: bool, on: Governance, now: datetime
) -> Sequence[Event]:
    """撤回: the department is asked to stop. The ask goes ``elsewhere`` at once, or waits for an operator to name somebody."""
    task = _task(state, task_id)
    require_reason(reason, field="reason", what="a recall")
    sent = task.dispatched
    recalled = m.TaskRecalled(case_no=sent.case_no, task_id=task_id, department=sent.department, reason=reason)
    after = following(state, [recalled], now)
    if elsewhere:
        return joined_after(state, [recalled, *dispatch(after, sent.ask, on=on, now=now)], now=now)
    return [recalled, Unrouted(ask=sent.ask, region=state.region)]
