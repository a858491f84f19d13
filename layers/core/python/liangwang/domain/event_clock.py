"""The clocks of a collaboration event and of its tasks, each inside its parent's: when to look at it again. Pure.

A moment is awaited until an event of the history says that it has fired; so it fires once, however often and however
late the event is looked at. All moments were fixed, by the calendar, when what they limit began.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Literal, NamedTuple

from .collaboration import LATE, NOT_SIGNED, Collaboration, Task
from .patience import Patience

Kind = Literal["check", "decide", "limit", "yellow", "red", "sign", "task"]


class Moment(NamedTuple):
    """When something is due: of one task, or (without ``task_id``) of the event itself."""

    at: datetime
    kind: Kind
    task_id: str = ""


def awaited(state: Collaboration) -> Iterator[Moment]:
    """The moments that have not fired; none of a concluded event."""
    if state.conclusion is not None:
        return
    yield Moment(state.due_at, "limit")
    if state.yellow_at is not None and state.light == "green":
        yield Moment(state.yellow_at, "yellow")
    if state.red_at is not None and state.light in ("green", "yellow"):
        yield Moment(state.red_at, "red")
    for task in state.tasks:
        yield from _of_task(task, state)


def _of_task(task: Task, state: Collaboration) -> Iterator[Moment]:
    sent = task.dispatched
    if task.status == "dispatched" and sent.sign_by is not None and NOT_SIGNED not in task.told:
        yield Moment(sent.sign_by, "sign", sent.task_id)
    if task.is_open and task.due_at < state.due_at and LATE.isdisjoint(task.told):
        yield Moment(task.due_at, "task", sent.task_id)
    if task.status == "disputed" and task.decide_by is not None:
        yield Moment(task.decide_by, "decide", sent.task_id)
    if task.status == "reported" and task.check_by is not None:
        yield Moment(task.check_by, "check", sent.task_id)


def passed(state: Collaboration, now: datetime, *kinds: Kind) -> list[Moment]:
    """The awaited moments of these kinds that have passed, in the order in which they did."""
    return sorted(moment for moment in awaited(state) if moment.kind in kinds and moment.at <= now)


def waits_for_word(state: Collaboration) -> bool:
    """Whether something was asked that nobody else asks again: a recall or a disclosure that is not confirmed, or all
    questions of a centre that asks itself."""
    recalled = any(task.status == "recalled" for task in state.tasks)
    if state.conclusion is not None:
        return recalled
    undisclosed = any(task.disclosure == "asked" for task in state.open_tasks)
    return recalled or undisclosed or not state.request.department


def wake_at(state: Collaboration, patience: Patience, *, last: datetime | None = None) -> datetime | None:
    """When to look again: at the earliest moment that has not fired, or when it is time to ask again.

    A department that asks repeats its question itself, and is answered with all that was said; what it waits for needs no
    patience of the centre's.
    """
    moments = [moment.at for moment in awaited(state)]
    if waits_for_word(state):
        moments.append(patience.until(state.touched_at, last=last))
    return min(moments, default=None)
