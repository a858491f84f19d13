"""协同事件: what a collaboration event of the three-level governance centre is, folded from its history. Pure.

One event serves one request of one case: it asks one department for each of the request's asks, follows declines and
time limits, and concludes when the join policy says so. It is its own aggregate, apart from the case. What is decided
on it is in ``coordination``.
"""

from collections.abc import Iterable
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
from .collaboration_events import Extended as Extended
from .collaboration_events import ExtensionAsked as ExtensionAsked
from .collaboration_events import ExtensionRefused as ExtensionRefused
from .collaboration_events import Lifted as Lifted
from .collaboration_events import Lit as Lit
from .collaboration_events import Raised as Raised
from .collaboration_events import Refused as Refused
from .collaboration_events import Reported as Reported
from .collaboration_events import Signed as Signed
from .collaboration_events import Stopped as Stopped
from .collaboration_events import Unrouted as Unrouted
from .collaboration_events import Urged as Urged
from .history import Recorded

TaskStatus = Literal[
    "dispatched", "signed", "declined", "disputed", "reported", "checked", "returned", "recalled", "stopped"
]
"""``disputed``: declined, and an operator has still to say who takes it; ``returned`` 返工: in hand again."""


NOBODY_RESPONSIBLE = "nobody_responsible"
"""Why an event stands before a centre as soon as it is raised; it is not lifted by that as one that nobody answers is."""

NOT_SIGNED = "not_signed"
LATE = frozenset({"task_limit_passed", "limit_passed"})
"""Reasons of urges that are told once, when the moment has passed: it was to be signed by then, or reported."""

EVENT_EXTENDED = "event_extended"
"""Why a task has a new limit that nobody asked for: its event has one."""


class Task(Struct, frozen=True, kw_only=True):
    """A task as the centre sees it. ``since`` is when it came to be what it is, ``due_at`` its limit as it stands.

    ``told`` holds the reasons for which the department was urged. ``decider`` is the centre that decides, or decided, on its
    decline, ``decide_by`` until when an operator there may. ``wish`` is the extension that waits for an operator,
    ``extensions`` counts those that were given to this task alone. ``disclosure``: the requester was asked for the personal
    fields, and what it gave has gone to the department.
    """

    dispatched: m.TaskDispatched
    since: datetime
    due_at: datetime
    status: TaskStatus = "dispatched"
    opinion: m.Opinion | None = None
    explanation: str = ""
    attachments: tuple[m.Attachment, ...] = ()
    returns: int = 0
    urges: int = 0
    told: tuple[str, ...] = ()
    decider: str = ""
    decide_by: datetime | None = None
    check_by: datetime | None = None
    wish: ExtensionAsked | None = None
    extensions: int = 0
    disclosure: Literal["", "asked", "supplied"] = ""

    @property
    def is_open(self) -> bool:
        """Whether a report is still expected."""
        return self.status in ("dispatched", "signed", "returned")

    @property
    def is_undone(self) -> bool:
        """Whether it was taken from the department again, which owes no report."""
        return self.status in ("declined", "recalled", "stopped")


class Collaboration(Struct, frozen=True, kw_only=True):
    """The state of one event. ``tasks`` are by task id, in the order of dispatch; ``region`` is the centre in charge.

    ``lifts`` counts how often it went up because of its limit or by an operator's word; ``refused`` are the asks that nobody
    is given.
    """

    raised: Raised
    region: str
    due_at: datetime
    touched_at: datetime
    raised_at: datetime
    version: int = 1
    tasks: tuple[Task, ...] = ()
    light: m.Light = "green"
    yellow_at: datetime | None = None
    red_at: datetime | None = None
    extensions: int = 0
    lifts: int = 0
    refused: tuple[Refused, ...] = ()
    conclusion: m.CollaborationConcluded | None = None

    @property
    def request(self) -> m.CollaborationRequested:
        """What was asked."""
        return self.raised.request

    @property
    def open_tasks(self) -> tuple[Task, ...]:
        """The tasks that a report is expected on."""
        return tuple(task for task in self.tasks if task.is_open)

    @property
    def unrouted(self) -> tuple[Ask, ...]:
        """The asks that no department has, and that were not refused: an operator may name one."""
        refused = {one.ask for one in self.refused} if self.refused else ()
        held = [(ask, self.held(ask)) for ask in self.request.asks]
        return tuple(ask for ask, task in held if (task is None or task.is_undone) and ask not in refused)

    @property
    def concerned(self) -> frozenset[str]:
        """The regions whose centres see the event: where it was raised, who is in charge or decides, and its tasks' ways."""
        hops = {hop.region for task in self.tasks for hop in task.dispatched.path}
        deciders = {task.decider for task in self.tasks if task.decider}
        return frozenset(hops | deciders | {self.region, self.raised.region})

    def task(self, task_id: str) -> Task | None:
        """One task by id."""
        return next((task for task in self.tasks if task.dispatched.task_id == task_id), None)

    def held(self, ask: Ask) -> Task | None:
        """The newest task for an ask."""
        return next((task for task in reversed(self.tasks) if task.dispatched.ask == ask), None)

    def refusal(self, ask: Ask) -> Refused | None:
        """Why nobody is given an ask; None for one that was not refused."""
        return next((one for one in self.refused if one.ask == ask), None)

    def declines(self, ask: Ask) -> int:
        """How often an ask was handed back."""
        return sum(task.dispatched.ask == ask and task.status in ("declined", "disputed") for task in self.tasks)


def evolve(state: Collaboration | None, recorded: Recorded[Event]) -> Collaboration:
    """Folds one recorded event into the state."""
    event = recorded.event
    if isinstance(event, Raised):
        return Collaboration(
            raised=event,
            region=event.region,
            due_at=event.due_at,
            touched_at=recorded.at,
            raised_at=recorded.at,
            yellow_at=event.yellow_at,
            red_at=event.red_at,
        )
    assert state is not None
    state = replace(state, version=state.version + 1, touched_at=recorded.at)
    match event:
        case m.TaskDispatched():
            return replace(state, tasks=(*state.tasks, Task(dispatched=event, since=recorded.at, due_at=event.due_at)))
        case Lifted():
            lifts = state.lifts + (event.reason != NOBODY_RESPONSIBLE)
            return replace(state, region=event.region, due_at=event.due_at, lifts=lifts)
        case Lit():
            return replace(state, light=event.light)
        case Extended():
            return replace(
                state,
                due_at=event.due_at,
                yellow_at=event.yellow_at,
                red_at=event.red_at,
                extensions=state.extensions + 1,
            )
        case m.CollaborationExtended():
            return replace(state, due_at=event.due_at)
        case Refused():
            return replace(_undisputed(state, event.ask), refused=(*state.refused, event))
        case Unrouted():
            return _undisputed(state, event.ask)
        case m.CollaborationConcluded():
            return replace(state, conclusion=event)
        case _:
            return _of_task(state, event, recorded.at)


def _undisputed(state: Collaboration, ask: Ask) -> Collaboration:
    """A dispute about an ask is over when there is nobody to decide for."""
    tasks = tuple(
        replace(task, status="declined", decide_by=None)
        if task.status == "disputed" and task.dispatched.ask == ask
        else task
        for task in state.tasks
    )
    return replace(state, tasks=tasks)


def following(state: Collaboration, events: Iterable[Event], now: datetime) -> Collaboration:
    """The state after events that are decided but not recorded yet."""
    for event in events:
        state = evolve(state, Recorded(now, "", event))
    return state


_BECOMES: dict[type[Any], TaskStatus] = {
    Signed: "signed",
    Declined: "declined",
    Disputed: "disputed",
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
    changed = _changed(task, event)
    tasks = tuple(changed if one.dispatched.task_id == changed.dispatched.task_id else one for one in state.tasks)
    return replace(state, tasks=tasks)


def _changed(task: Task, event: Event) -> Task:
    match event:
        case Declined():
            return replace(task, decider=event.decided_by)
        case Disputed():
            return replace(task, decider=event.centre, decide_by=event.until)
        case Decided():
            return replace(task, status="declined" if task.status == "disputed" else task.status, decide_by=None)
        case Reported():
            return replace(
                task,
                opinion=event.opinion,
                explanation=event.explanation,
                attachments=event.attachments,
                check_by=event.check_by,
                wish=None,
            )
        case m.TaskReturned():
            told = _untold(task)
            return replace(task, opinion=None, returns=task.returns + 1, due_at=event.due_at, check_by=None, told=told)
        case _:
            return _timed(task, event)


def _timed(task: Task, event: Event) -> Task:
    """What is said of a task's time, and of what it is done with."""
    match event:
        case m.TaskExtended():
            given = event.reason != EVENT_EXTENDED
            wish = None if given else task.wish
            extensions = task.extensions + given
            return replace(task, due_at=event.due_at, wish=wish, extensions=extensions, told=_untold(task))
        case ExtensionAsked():
            return replace(task, wish=event)
        case ExtensionRefused():
            return replace(task, wish=None)
        case m.TaskUrged():
            return replace(task, urges=task.urges + 1, told=tuple(dict.fromkeys((*task.told, event.reason))))
        case m.DisclosureRequested():
            return replace(task, disclosure="asked")
        case m.TaskSupplied():
            return replace(task, disclosure="supplied")
        case _:
            return task


def _untold(task: Task) -> tuple[str, ...]:
    """What the department was told of, but for the limit that is none any more."""
    return tuple(reason for reason in task.told if reason not in LATE)
