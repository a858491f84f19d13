"""协同事件: what a collaboration event of the three-level governance centre is, folded from its history. Pure.

One event serves one request of one case: it asks one department for each of the request's asks, follows declines and
time limits, and concludes when the join policy says so. It is its own aggregate, apart from the case. What is decided
on it is in ``coordination``.
"""

from datetime import datetime
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from . import messages as m
from .catalogue import Ask
from .collaboration_events import Checked as Checked
from .collaboration_events import Decided as Decided
from .collaboration_events import Declined as Declined
from .collaboration_events import Disputed as Disputed
from .collaboration_events import Event as Event
from .collaboration_events import ExtensionAsked as ExtensionAsked
from .collaboration_events import ExtensionRefused as ExtensionRefused
from .collaboration_events import Lifted as Lifted
from .collaboration_events import Lit as Lit
from .collaboration_events import Raised as Raised
from .collaboration_events import Reported as Reported
from .collaboration_events import Signed as Signed
from .collaboration_events import Stopped as Stopped
from .collaboration_events import Unrouted as Unrouted
from .collaboration_events import Urged as Urged
from .history import Recorded
from .patience import Patience

TaskStatus = Literal[
    "dispatched", "signed", "declined", "disputed", "reported", "checked", "returned", "recalled", "stopped"
]
"""``disputed``: declined, and an operator has still to say who takes it; ``returned`` 返工: in hand again."""


class Task(Struct, frozen=True, kw_only=True):
    """A task as the centre sees it. ``since`` is when it came to be what it is, ``due_at`` its limit as it stands."""

    dispatched: m.TaskDispatched
    since: datetime
    due_at: datetime
    status: TaskStatus = "dispatched"
    opinion: m.Opinion | None = None
    explanation: str = ""
    attachments: tuple[m.Attachment, ...] = ()
    returns: int = 0
    urges: int = 0
    decide_by: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether a report is still expected."""
        return self.status in ("dispatched", "signed", "returned")


class Collaboration(Struct, frozen=True, kw_only=True):
    """The state of one event. ``tasks`` are by task id, in the order of dispatch; ``region`` is the centre in charge."""

    raised: Raised
    region: str
    due_at: datetime
    touched_at: datetime
    raised_at: datetime
    version: int = 1
    tasks: tuple[Task, ...] = ()
    light: m.Light = "green"
    conclusion: m.CollaborationConcluded | None = None

    @property
    def request(self) -> m.CollaborationRequested:
        """What was asked."""
        return self.raised.request

    def task(self, task_id: str) -> Task | None:
        """One task by id."""
        return next((task for task in self.tasks if task.dispatched.task_id == task_id), None)

    def held(self, ask: Ask) -> Task | None:
        """The newest task for an ask."""
        return next((task for task in reversed(self.tasks) if task.dispatched.ask == ask), None)

    def declines(self, ask: Ask) -> int:
        """How often an ask was handed back."""
        return sum(task.dispatched.ask == ask and task.status in ("declined", "disputed") for task in self.tasks)


def evolve(state: Collaboration | None, recorded: Recorded[Event]) -> Collaboration:
    """Folds one recorded event into the state."""
    event = recorded.event
    if isinstance(event, Raised):
        return Collaboration(
            raised=event, region=event.region, due_at=event.due_at, touched_at=recorded.at, raised_at=recorded.at
        )
    assert state is not None
    state = replace(state, version=state.version + 1, touched_at=recorded.at)
    match event:
        case m.TaskDispatched():
            return replace(state, tasks=(*state.tasks, Task(dispatched=event, since=recorded.at, due_at=event.due_at)))
        case Lifted():
            return replace(state, region=event.region, due_at=event.due_at)
        case Lit():
            return replace(state, light=event.light)
        case m.CollaborationExtended():
            return replace(state, due_at=event.due_at)
        case m.CollaborationConcluded():
            return replace(state, conclusion=event)
        case _:
            return _of_task(state, event, recorded.at)


_BECOMES: dict[type[Any], TaskStatus] = {
    Signed: "signed",
    Declined: "declined",
    Disputed: "disputed",
    Decided: "declined",
    Reported: "reported",
    Checked: "checked",
    Stopped: "stopped",
    m.TaskReturned: "returned",
    m.TaskRecalled: "recalled",
}
"""What a task comes to by an event that names it."""


def _of_task(state: Collaboration, event: Event, at: datetime) -> Collaboration:
    """An event that names a task: what the task comes to."""
    task = state.task(getattr(event, "task_id", ""))
    if task is None:
        return state
    status = _BECOMES.get(type(event))
    if status is not None:
        task = replace(task, status=status, since=at)
    match event:
        case Disputed():
            task = replace(task, decide_by=event.until)
        case Reported():
            task = replace(task, opinion=event.opinion, explanation=event.explanation, attachments=event.attachments)
        case m.TaskReturned():
            task = replace(task, opinion=None, returns=task.returns + 1, due_at=event.due_at)
        case m.TaskExtended():
            task = replace(task, due_at=event.due_at)
        case m.TaskUrged():
            task = replace(task, urges=task.urges + 1)
    changed = task
    tasks = tuple(changed if one.dispatched.task_id == changed.dispatched.task_id else one for one in state.tasks)
    return replace(state, tasks=tasks)


def wake_at(state: Collaboration, patience: Patience, *, last: datetime | None = None) -> datetime | None:
    """When to look again: at the limit; once concluded, only to repeat recalls that nobody has confirmed.

    Before the limit the requester's question finds what was lost.
    """
    if any(task.status == "recalled" for task in state.tasks) and state.conclusion is not None:
        return patience.until(state.touched_at, last=last)
    return state.due_at if state.conclusion is None else None
