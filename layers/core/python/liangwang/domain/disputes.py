"""退单与争议: what becomes of a declined task. Pure.

The centre above requester and supporter decides: an operator there, where the centre's rules give one time for it, else
the rules at once. Whoever decides, the decision is an event with its reason, and a new task follows from it.
"""

from collections.abc import Sequence
from datetime import datetime

from . import messages as m
from . import routing
from .centre_rules import Governance
from .collaboration import Collaboration, Decided, Declined, Disputed, Event, Task, following
from .dispatching import FORCED_AFTER, Taker, circle, dispatch, taker
from .dispatching import task as new_task
from .errors import Invalid, NotFound, NotNow, Violation, require_reason
from .history import too_late
from .validity import day_of


def decline(state: Collaboration, task: Task, message: m.TaskDeclined, *, on: Governance, now: datetime) -> list[Event]:
    """A department hands its task back. A forced task cannot be declined: that is kept as a note."""
    if task.dispatched.forced:
        return [too_late(message, "a forced task cannot be declined")]
    centre = _above_both(state, message.department, on)
    declined = Declined(task_id=message.task_id, reason=message.reason, decided_by=centre)
    after = following(state, [declined], now)
    if days := _operators_days(after, task, on=on, now=now):
        until = min(on.calendar.limit(now, days), state.due_at)
        return [declined, Disputed(task_id=message.task_id, centre=centre, until=until)]
    return [declined, *by_rule(after, task, centre, on=on, now=now)]


def _above_both(state: Collaboration, supporter: str, on: Governance) -> str:
    organisation = on.responsibilities.organisation
    found = organisation.department.get(supporter)
    return routing.common_centre(organisation, state.raised.region, found.region) if found else state.region


def _operators_days(state: Collaboration, task: Task, *, on: Governance, now: datetime) -> int:
    """How long an operator has with a decline; 0: the rules decide. After two declines there is nothing to decide."""
    ask = task.dispatched.ask
    if state.declines(ask) >= FORCED_AFTER:
        return 0
    found = taker(state, ask, on=on, now=now)
    return on.rules.decide_days if found is not None and not found.forced else on.rules.alone_days


def by_rule(state: Collaboration, task: Task, centre: str, *, on: Governance, now: datetime) -> Sequence[Event]:
    """The rules decide: the next who is responsible, or, after two declines or where there is no other, the first by force."""
    sent = task.dispatched
    found = taker(state, sent.ask, on=on, now=now)
    if found is None:
        return dispatch(state, sent.ask, on=on, now=now)
    decided = Decided(
        task_id=sent.task_id,
        centre=centre,
        by="rule",
        outcome="forced" if found.forced else "another",
        department=found.department,
        explanation=found.reason,
    )
    return [decided, *new_task(following(state, [decided], now), sent.ask, found, on=on, now=now)]


def slot(state: Collaboration, number: int) -> str:
    """What names an ask that has no task yet: its place in the request, from 1."""
    return f"{state.raised.collaboration_id}-A{number}"


def assign(
    state: Collaboration, slot_id: str, department: str, *, by: str, explanation: str, on: Governance, now: datetime
) -> Sequence[Event]:
    """An operator names the department for an ask that nobody has: a declined or recalled task's, or (``slot``) one without.

    A department that declined it, or that comes after two declines, gets it by force. Raises NotFound for no such ask,
    NotNow when somebody has it, Invalid for a department that cannot have it or without an explanation.
    """
    require_reason(explanation, field="explanation", what="a decision")
    named = state.task(slot_id)
    asks = {slot(state, number): ask for number, ask in enumerate(state.request.asks, start=1)}
    ask = named.dispatched.ask if named else asks.get(slot_id)
    if ask is None:
        raise NotFound(f"the event has no task {slot_id}")
    held = state.held(ask)
    waits = ask in state.unrouted or (held is not None and held.status == "disputed")
    if (
        state.conclusion is not None or not waits or named is not held
    ):  # an ask that has had a task is named by its newest
        raise NotNow("this ask is not waiting for a department to be named")
    there = routing.is_there(on.responsibilities.organisation, department, day_of(now))
    if not there or department in circle(state.request):
        violation = Violation(
            "department", "use the code of a department that is there today and did not lead to this question itself"
        )
        raise Invalid(f"{department} cannot be given this task", violations=(violation,))
    declined = any(
        one.dispatched.department == department and one.dispatched.ask == ask and one.status in ("declined", "disputed")
        for one in state.tasks
    )
    forced = declined or state.declines(ask) >= FORCED_AFTER
    centre = named.decider if named and named.decider else state.region
    decided = Decided(
        task_id=slot_id,
        centre=centre,
        by=by,
        outcome="forced" if forced else "another",
        department=department,
        explanation=explanation,
    )
    after = following(state, [decided], now)
    return [decided, *new_task(after, ask, Taker(department, forced=forced), on=on, now=now)]
