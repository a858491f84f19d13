"""What a governance centre makes of what a requester says: raise an event, cancel it, urge it. Pure.

The life of an event goes on in ``dispatching`` (who gets an ask), ``reports`` (what departments answer), ``disputes`` (what they
decline), ``event_limits`` (what time brings), ``centre_acts`` (what operators do) and ``conclusion`` (how it ends).
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import reduce

from msgspec.structs import replace

from . import messages as m
from . import routing
from .catalogue import Organisation
from .centre_rules import Governance
from .collaboration import NOBODY_RESPONSIBLE, Collaboration, Event, Lifted, Raised, Unrouted, Urged, evolve, following
from .conclusion import concluded, joined_after, to_open_tasks
from .dispatching import first
from .errors import Invalid, Violation
from .event_limits import limits
from .history import Recorded, too_late
from .reports import LONGEST, supply
from .task import task_of

DEPTH = 3
"""How deep requests may be nested: a case's own is the first."""

FromRequester = m.CollaborationRequested | m.CollaborationCancelled | m.CollaborationUrged | m.CollaborationDisclosed


def raise_event(request: m.CollaborationRequested, *, on: Governance, now: datetime) -> Sequence[Event]:
    """Registers the event at the requester's centre, with a limit in working days, and gives each ask to a department.

    A centre that asks itself is its own requester. A request that is nested too deep is concluded at once. Raises Invalid for
    a requester that the organisation does not know, for no question, and for a limit that is none.
    """
    organisation = on.responsibilities.organisation
    region = _registered_at(request, organisation)
    if found := tuple(_unfit(request)):
        raise Invalid("no event can be made of this request", violations=found)
    limit = limits(request, on=on, now=now)
    raised = Raised(
        request=request,
        collaboration_id=request.request_id,
        region=region,
        level=organisation.region[region].level,
        due_at=limit.due_at,
        responsibilities=on.responsibilities.at(now).version,
        yellow_at=limit.yellow_at,
        red_at=limit.red_at,
    )
    state = evolve(None, Recorded(now, "", raised))
    if len(request.chain) >= DEPTH:
        return [raised, *concluded(state, "disagree", "too_deep", recall="conclusion_reached")]
    events = list(first(state, on=on, now=now))
    if unrouted := [event.region for event in events if isinstance(event, Unrouted)]:
        centre = reduce(lambda one, other: routing.common_centre(organisation, one, other), unrouted)
        events.append(Lifted(region=centre, reason=NOBODY_RESPONSIBLE, due_at=raised.due_at))
    refused = following(state, events, now).refused
    return [raised, *(joined_after(state, events, now=now) if refused else events)]


def parent_task(request: m.CollaborationRequested) -> str:
    """The task that a nested request is asked for: its id begins with the task's, whatever else it says. Empty for any other."""
    return task_of(request.request_id) or request.parent_task


def nested(request: m.CollaborationRequested, parent: Collaboration | None) -> m.CollaborationRequested:
    """A request for a task as the centre itself knows the way to it: a chain that its asker forgot, or made up, would evade the
    bound on depth and lead in circles. ``parent`` is the event of the task. Raises Invalid where the asker has no such task.
    """
    task_id = parent_task(request)
    task = parent.task(task_id) if parent is not None else None
    if task is None or task.dispatched.department != request.department or task.dispatched.case_no != request.case_no:
        violation = Violation("data.parent_task", "name a task of your own, of the same case")
        raise Invalid(f"{request.department} has no task {task_id}", violations=(violation,))
    sent = task.dispatched
    chain = sent.chain or tuple(one for one in (sent.requester,) if one)
    return replace(request, origin="task", parent_task=task_id, chain=chain)


def _unfit(request: m.CollaborationRequested) -> Iterator[Violation]:
    """What is wrong with a request beyond its shape. It comes from anybody's system: what no clock can be made of would stop all
    that comes behind it."""
    limits_in_days = {"data.days": request.days, "data.sign_days": request.sign_days}
    limits_in_days |= {f"data.asks[{position}].days": ask.days for position, ask in enumerate(request.asks)}
    for field, days in limits_in_days.items():
        if not 0 <= days <= LONGEST:
            yield Violation(field, f"give the departments at most {LONGEST} working days")
    if not request.asks:
        yield Violation("data.asks", "ask at least one question")
    if request.within is not None and request.within.tzinfo is None:
        yield Violation("data.within", "say in which time zone: a moment ends in Z, or in an offset such as +08:00")


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


def check_requester(state: Collaboration, message: FromRequester) -> None:
    """Raises Invalid when another department, or another case, uses an event's request id."""
    request = state.request
    if (message.case_no, message.department) != (request.case_no, request.department):
        violation = Violation("data.request_id", "use a request id of your own; it begins with the case number")
        owner = request.department or request.centre
        raise Invalid(f"{message.request_id} belongs to {owner}", violations=(violation,))


def receive_request(state: Collaboration, message: FromRequester) -> Sequence[Event]:
    """What the requester says of an event that was raised; its question, asked again, adds nothing."""
    check_requester(state, message)
    match message:
        case m.CollaborationRequested():
            return []
        case m.CollaborationCancelled():
            return cancel(state, message)
        case m.CollaborationUrged():
            return urged(state, message)
        case m.CollaborationDisclosed():
            return supply(state, message)


def cancel(state: Collaboration, message: m.CollaborationCancelled) -> Sequence[Event]:
    """The requester's case ended: asks the supporters to stop and concludes as cancelled."""
    check_requester(state, message)
    if state.conclusion is not None:
        return [too_late(message, "the event is concluded")]
    return concluded(state, "cancelled", "requester_ended", recall="requester_ended")


def urged(state: Collaboration, message: m.CollaborationUrged) -> Sequence[Event]:
    """催办 by the requester, passed on to everybody who has not reported."""
    if state.conclusion is not None:
        return [too_late(message, "the event is concluded")]
    reason = message.reason or "requester_urges"
    return [Urged(by=message.by, reason=reason), *to_open_tasks(state, m.TaskUrged, reason)]
