"""What operators are shown of collaboration events: one with its way and its timeline, or many in short."""

from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct

from ..domain import messages as m
from ..domain import policy
from ..domain.catalogue import Organisation, Text
from ..domain.collaboration import Collaboration, Task
from ..domain.disputes import slot
from ..domain.event_queue import Queued, Waits, entry
from ..store import Stored
from ..timeline import Entry, of_history


class DispatchView(Struct, frozen=True, kw_only=True):
    """One task of an event as the centre sees it.

    ``decider`` is the centre that decides on its decline, ``decide_by`` until when an operator there may; ``check_by`` until when
    its report is to be checked; ``days_asked`` the working days that the department asks for and waits for.
    """

    task_id: str
    department: str
    capability: str
    status: str
    path: tuple[m.Hop, ...]
    opinion: str | None
    explanation: str = ""
    due_at: datetime | None = None
    sign_by: datetime | None = None
    forced: bool = False
    rule: str = ""
    returns: int = 0
    urges: int = 0
    decider: str = ""
    decide_by: datetime | None = None
    check_by: datetime | None = None
    days_asked: int = 0


class UnroutedView(Struct, frozen=True, kw_only=True):
    """An ask that no department has. ``task_id`` names it where a department is named for it: its last task, or its place."""

    task_id: str
    capability: str
    question: Text
    place: str


class EventView(Struct, frozen=True, kw_only=True):
    """A collaboration event with its way through the centres. ``requester`` is a department, or a centre that asks itself."""

    collaboration_id: str
    case_no: str
    requester: str
    region: str
    due_at: datetime
    join: str
    tasks: tuple[DispatchView, ...]
    conclusion: m.CollaborationConcluded | None
    timeline: tuple[Entry, ...]
    level: int = 0
    light: m.Light = "green"
    origin: str = "item"
    waits: tuple[Waits, ...] = ()
    unrouted: tuple[UnroutedView, ...] = ()


class CollaborationSummary(Struct, frozen=True, kw_only=True):
    """An event in short. ``tasks`` counts its tasks by status; ``waits`` says what is to be done; ``late`` counts the tasks that
    were not signed, or not reported, in time. ``conclusion`` is empty while it is open."""

    collaboration_id: str
    case_no: str
    requester: str
    task_code: str
    level: int
    light: m.Light
    origin: str
    due_at: datetime
    tasks: dict[str, int]
    waits: tuple[Waits, ...]
    late: int
    conclusion: str = ""


class CollaborationList(Struct, frozen=True, kw_only=True):
    """A page of events."""

    collaborations: tuple[CollaborationSummary, ...]
    cursor: str | None = None


def seen_by(state: Collaboration, organisation: Organisation) -> policy.Thing:
    """An event as far as reading it goes: the centres that it concerns, and those above them."""
    return policy.Thing(centres=policy.centres(organisation, state.concerned))


def event_view(stored: Stored, organisation: Organisation) -> EventView:
    """One event as an operator sees it."""
    state: Collaboration = stored.state
    short = entry(state)
    return EventView(
        collaboration_id=stored.key.id,
        case_no=state.request.case_no,
        requester=short.requester,
        region=state.region,
        due_at=state.due_at,
        join=state.request.join.policy,
        tasks=tuple(_task_view(task) for task in state.tasks),
        conclusion=state.conclusion,
        timeline=of_history(stored.history, organisation),
        level=short.level,
        light=state.light,
        origin=short.origin,
        waits=short.waits,
        unrouted=tuple(_unrouted(state)),
    )


def _task_view(task: Task) -> DispatchView:
    sent = task.dispatched
    return DispatchView(
        task_id=sent.task_id,
        department=sent.department,
        capability=sent.ask.capability,
        status=task.status,
        path=sent.path,
        opinion=task.opinion,
        explanation=task.explanation,
        due_at=task.due_at,
        sign_by=sent.sign_by,
        forced=sent.forced,
        rule=sent.rule,
        returns=task.returns,
        urges=task.urges,
        decider=task.decider,
        decide_by=task.decide_by,
        check_by=task.check_by if task.status == "reported" else None,
        days_asked=task.wish.days if task.wish is not None else 0,
    )


def _unrouted(state: Collaboration) -> Iterator[UnroutedView]:
    if state.conclusion is not None:
        return
    waiting = state.unrouted
    for number, ask in enumerate(state.request.asks, start=1):
        if ask in waiting:
            held = state.held(ask)
            task_id = held.dispatched.task_id if held is not None else slot(state, number)
            yield UnroutedView(task_id=task_id, capability=ask.capability, question=ask.question, place=ask.place)


def summary(collaboration_id: str, found: Queued, due_at: datetime, *, conclusion: str = "") -> CollaborationSummary:
    """An event in short, from what an index or its state says of it."""
    return CollaborationSummary(
        collaboration_id=collaboration_id,
        case_no=found.case_no,
        requester=found.requester,
        task_code=found.task_code,
        level=found.level,
        light=found.light,
        origin=found.origin,
        due_at=due_at,
        tasks=found.statuses,
        waits=() if conclusion else found.waits,
        late=found.late,
        conclusion=conclusion,
    )
