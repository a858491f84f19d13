"""What a governance centre decides on a collaboration event: raise, dispatch, take reports in, cancel, follow the limits. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from . import messages as m
from . import routing
from .catalogue import Ask, Organisation
from .collaboration import Collaboration, Declined, Event, Lifted, Raised, Reported, Signed, Stopped, Task, evolve
from .errors import Invalid, Violation
from .history import Recorded, too_late
from .join import joined
from .responsibilities import Responsibilities
from .routing import OpenTasks
from .working_days import Calendar

FORCED_AFTER = 2
"""Declines of one ask after which the task is dispatched as forced (a department cannot decline it)."""

LONGEST = 366
"""Working days that a requester may give at most: longer is a mistake."""

Report = m.TaskSigned | m.TaskDeclined | m.TaskReported | m.TaskStopped


def raise_event(
    request: m.CollaborationRequested,
    *,
    responsibilities: Responsibilities,
    calendar: Calendar,
    now: datetime,
    load: OpenTasks | None = None,
) -> Sequence[Event]:
    """Registers the event at the requester's centre, with a limit in working days, and dispatches one task for each ask.

    A centre that asks itself is its own requester. Raises Invalid for a requester that the organisation does not know, and
    for a limit that is none.
    """
    organisation = responsibilities.organisation
    region = _registered_at(request, organisation)
    if not 0 <= request.days <= LONGEST:
        violation = Violation("data.days", f"give the departments 1 to {LONGEST} working days")
        raise Invalid(f"a limit of {request.days} days", violations=(violation,))
    raised = Raised(
        request=request,
        collaboration_id=request.request_id,
        region=region,
        level=organisation.region[region].level,
        due_at=calendar.limit(now, request.days),
        responsibilities=responsibilities.at(now).version,
    )
    state = evolve(None, Recorded(now, "", raised))
    events: list[Event] = [raised]
    for ask in request.asks:
        dispatched = _dispatch(state, ask, responsibilities, number=len(events), now=now, load=load)
        if dispatched is not None:
            events.append(dispatched)
    if len(events) == 1 + len(request.asks):
        return events
    return [*events, Lifted(region=region, reason="nobody_responsible", due_at=raised.due_at)]


def _registered_at(request: m.CollaborationRequested, organisation: Organisation) -> str:
    """The region of the requester: of a department, or of a centre that asks itself. Raises Invalid for neither."""
    if request.department:
        if request.department in organisation.department:
            return organisation.department[request.department].region
        violation = Violation("data.department", "use the code of a department of this city")
        raise Invalid(f"unknown department {request.department}", violations=(violation,))
    if request.centre in organisation.region:
        return request.centre
    violation = Violation("data.centre", "use the code of a region of this city, or name a department")
    raise Invalid(f"unknown centre {request.centre}", violations=(violation,))


def _dispatch(
    state: Collaboration,
    ask: Ask,
    responsibilities: Responsibilities,
    *,
    number: int,
    now: datetime,
    load: OpenTasks | None,
) -> m.TaskDispatched | None:
    """The task for an ask: whom routing finds and who has not declined it, or, after two declines, the first by force."""
    request, raised = state.request, state.raised
    forced = state.declines(ask) >= FORCED_AFTER
    declined = frozenset(task.dispatched.department for task in state.tasks if task.dispatched.ask == ask)
    question = routing.Question(ask.capability, ask.place, request.task_code, now, declined)
    found = None if forced else routing.choose(responsibilities, question, load=load)
    if found is None and (declined or forced):
        forced = True
        found = routing.choose(responsibilities, question._replace(besides=frozenset()), load=load)
    if found is None:
        return None
    organisation = responsibilities.organisation
    return m.TaskDispatched(
        case_no=request.case_no,
        task_id=f"{raised.collaboration_id}-T{number}",
        collaboration_id=raised.collaboration_id,
        department=found.department,
        requester=request.department,
        task_code=request.task_code,
        ask=ask,
        path=routing.path(organisation, origin=raised.region, target=organisation.department[found.department].region),
        due_at=state.due_at,
        form=request.form,
        forced=forced,
        rule=found.rule,
        centre=request.centre,
    )


def receive_report(
    state: Collaboration,
    message: Report,
    *,
    responsibilities: Responsibilities,
    now: datetime,
    load: OpenTasks | None = None,
) -> Sequence[Event]:
    """Takes in what a department says of its task; concludes or dispatches anew where that follows.

    A report on a task that is no longer open, or of a concluded event, is kept as a note.
    """
    task = state.task(message.task_id)
    if task is None or task.dispatched.department != message.department:
        return [too_late(message, "no such task of this department")]
    if isinstance(message, m.TaskStopped):
        return [Stopped(task_id=message.task_id)] if task.status == "recalled" else []
    if not task.is_open:
        return [too_late(message, f"the task is {task.status}")]
    match message:
        case m.TaskSigned():
            return [Signed(task_id=message.task_id, by=message.by)]
        case m.TaskDeclined():
            events = _decline(state, task, message, responsibilities, now=now, load=load)
        case m.TaskReported():
            reported = Reported(
                task_id=message.task_id, by=message.by, opinion=message.opinion, explanation=message.explanation
            )
            events = [reported]
    return _join(state, events, now=now)


def _decline(
    state: Collaboration,
    task: Task,
    message: m.TaskDeclined,
    responsibilities: Responsibilities,
    *,
    now: datetime,
    load: OpenTasks | None,
) -> list[Event]:
    if task.dispatched.forced:
        return [too_late(message, "a forced task cannot be declined")]
    organisation = responsibilities.organisation
    supporter = organisation.department[message.department].region
    centre = routing.common_centre(organisation, state.raised.region, supporter)
    declined = Declined(task_id=message.task_id, reason=message.reason, decided_by=centre)
    after = evolve(state, Recorded(now, "", declined))
    number = len(state.tasks) + 1
    again = _dispatch(after, task.dispatched.ask, responsibilities, number=number, now=now, load=load)
    return [declined, again] if again else [declined]


def check_requester(state: Collaboration, message: m.CollaborationRequested | m.CollaborationCancelled) -> None:
    """Raises Invalid when another department, or another case, uses an event's request id."""
    request = state.request
    if (message.case_no, message.department) != (request.case_no, request.department):
        violation = Violation("data.request_id", "use a request id of your own; it begins with the case number")
        raise Invalid(
            f"{message.request_id} belongs to {request.department or request.centre}", violations=(violation,)
        )


def cancel(state: Collaboration, message: m.CollaborationCancelled, *, now: datetime) -> Sequence[Event]:
    """The requester's case ended: asks the supporters to stop and concludes as cancelled."""
    check_requester(state, message)
    if state.conclusion is not None:
        return [too_late(message, "the event is concluded")]
    return [
        *_to_open_tasks(state, m.TaskRecalled, "requester_ended"),
        _conclusion(state, "cancelled", "requester_ended"),
    ]


def wake(
    state: Collaboration, *, responsibilities: Responsibilities, calendar: Calendar, now: datetime
) -> Sequence[Event]:
    """What happens when the event's limit has passed: proceed, deny, or lift to the centre above and urge."""
    if state.conclusion is not None or now < state.due_at:
        return []
    on_timeout = state.request.on_timeout
    if on_timeout != "lift":
        verdict = _conclusion(state, "agree" if on_timeout == "proceed" else "disagree", f"timeout_{on_timeout}")
        return [*_to_open_tasks(state, m.TaskRecalled, "limit_passed"), verdict]
    above = responsibilities.organisation.region[state.region].parent
    if above is None and not any(task.is_open for task in state.tasks):
        return [_conclusion(state, "disagree", "nobody_responsible")]
    return [
        Lifted(region=above or state.region, reason="limit_passed", due_at=calendar.limit(now, state.request.days)),
        *_to_open_tasks(state, m.TaskUrged, "limit_passed"),
    ]


def _to_open_tasks(
    state: Collaboration, message: type[m.TaskRecalled] | type[m.TaskUrged], reason: str
) -> list[m.TaskRecalled | m.TaskUrged]:
    return [
        message(
            case_no=state.request.case_no,
            task_id=task.dispatched.task_id,
            department=task.dispatched.department,
            reason=reason,
        )
        for task in state.tasks
        if task.is_open
    ]


def _join(state: Collaboration, events: list[Event], *, now: datetime) -> Sequence[Event]:
    """Adds the conclusion where the policy now has one."""
    for event in events:
        state = evolve(state, Recorded(now, "", event))
    verdict = joined(state)
    if verdict is None:
        return events
    conclusion, because = verdict
    return [
        *events,
        *_to_open_tasks(state, m.TaskRecalled, "conclusion_reached"),
        _conclusion(state, conclusion, because),
    ]


def _conclusion(
    state: Collaboration, conclusion: Literal["agree", "disagree", "cancelled"], because: str
) -> m.CollaborationConcluded:
    request = state.request
    held = [(ask, state.held(ask)) for ask in request.asks]
    return m.CollaborationConcluded(
        case_no=request.case_no,
        request_id=request.request_id,
        collaboration_id=state.raised.collaboration_id,
        department=request.department,
        conclusion=conclusion,
        because=because,
        answers=tuple(
            m.Answer(
                capability=ask.capability,
                department=task.dispatched.department if task else "",
                opinion=task.opinion if task else None,
                explanation=task.explanation if task else "",
            )
            for ask, task in held
        ),
    )
