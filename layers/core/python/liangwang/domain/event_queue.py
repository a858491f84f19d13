"""协同台面: what a centre's index of open collaboration events says of each, so that a queue is found without loading events. Pure.

An entry follows from the event's state alone, and nothing of the applicant's is in it.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from . import messages as m
from .collaboration import LATE, NOT_SIGNED, Collaboration
from .desk import Placed
from .rating import month

Waits = Literal["sign", "report", "check", "decision", "unrouted", "extension"]
"""What an event waits for: a department signs or reports, a report is checked, a decline decided, an ask given to somebody,
an extension granted. The last four are an operator's."""


class Queued(Struct, frozen=True, kw_only=True, array_like=True):
    """An open event in short. ``statuses`` counts its tasks by status. New fields come last, with a default.

    ``requester`` is the department that asks, or the centre where one asks itself; ``late`` counts the tasks that were not signed,
    or not reported, in time.
    """

    requester: str
    task_code: str
    level: int
    light: m.Light
    origin: str
    statuses: dict[str, int] = {}
    waits: tuple[Waits, ...] = ()
    late: int = 0
    case_no: str = ""


def desk(region: str) -> str:
    """The desk of a region's centre."""
    return f"event/{region}"


def shelf(of_month: str) -> str:
    """Where the concluded events are that were raised in a month, such as ``2027-03`` (Asia/Shanghai)."""
    return f"concluded/{of_month}"


def placed(state: Collaboration) -> Placed:
    """The event's place: before the centre in charge by its limit; while a decline is to be decided, before the centre that
    decides it (of several the one whose time ends first); once it is concluded, with its month by when it was raised.
    """
    if state.conclusion is not None:
        return Placed(shelf(month(state.raised_at)), state.raised_at, entry(state))
    disputed = [(task.decide_by or state.due_at, task.decider) for task in state.tasks if task.status == "disputed"]
    region = min(disputed)[1] if disputed else ""
    return Placed(desk(region or state.region), state.due_at, entry(state))


def entry(state: Collaboration) -> Queued:
    """What the index says of an open event."""
    request = state.request
    return Queued(
        requester=request.department or request.centre,
        task_code=request.task_code,
        level=state.raised.level,
        light=state.light,
        origin=request.origin,
        statuses=dict(Counter(task.status for task in state.tasks)),
        waits=tuple(_waits(state)),
        case_no=request.case_no,
        late=sum(not {NOT_SIGNED, *LATE}.isdisjoint(task.told) for task in state.open_tasks),
    )


def _waits(state: Collaboration) -> Iterator[Waits]:
    statuses = {task.status for task in state.tasks}
    if "dispatched" in statuses:
        yield "sign"
    if statuses & {"signed", "returned"}:
        yield "report"
    if "reported" in statuses and state.request.checked_by == "centre":
        yield "check"
    if "disputed" in statuses:
        yield "decision"
    if state.unrouted:
        yield "unrouted"
    if any(task.wish is not None for task in state.open_tasks):
        yield "extension"
