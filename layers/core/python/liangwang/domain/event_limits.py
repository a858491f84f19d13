"""期限: what follows of a collaboration event by time alone, and how its limit is set and moved. Pure.

The event's limit lies inside the requester's own time (``within``), every other moment inside the event's. What has passed
stays passed: a light that is on stays on, whatever limit comes after it.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from . import messages as m
from . import statutory_clock
from .centre_rules import Governance
from .collaboration import (
    EVENT_EXTENDED,
    NOT_SIGNED,
    Checked,
    Collaboration,
    Event,
    Extended,
    Lifted,
    Lit,
    Stopped,
    following,
)
from .conclusion import concluded, joined_after, to_open_tasks
from .disputes import by_rule
from .errors import Invalid, NotNow, Violation, require_reason
from .event_clock import passed
from .join import timed_out
from .reports import LONGEST, extended

LIMIT_PASSED = "limit_passed"


class Limits(NamedTuple):
    """An event's limit, and when its light turns before it (None: not before)."""

    due_at: datetime
    yellow_at: datetime | None
    red_at: datetime | None


def limits(request: m.CollaborationRequested, *, on: Governance, now: datetime) -> Limits:
    """The limits of an event that begins now: so many working days, but never past the requester's own time."""
    due_at = _inside(request, on.calendar.limit(now, request.days))
    return _lit_inside(due_at, request.days, on=on, now=now)


def _lit_inside(due_at: datetime, days: int, *, on: Governance, now: datetime) -> Limits:
    """A limit with the moments of its lights, which are parts of so many working days from now."""
    ratios = on.rules.lights
    moments = [on.calendar.limit(now, statutory_clock.part(days, part)) for part in (ratios.yellow, ratios.red)]
    yellow_at, red_at = (moment if moment < due_at else None for moment in moments)
    return Limits(due_at, yellow_at, red_at)


def _inside(request: m.CollaborationRequested, moment: datetime) -> datetime:
    return moment if request.within is None else min(moment, request.within)


def wake(state: Collaboration, *, on: Governance, now: datetime) -> Sequence[Event]:
    """Everything that has become due. Nothing for an event that nothing is due of.

    What may still bring a conclusion comes before the limit that would end without it.
    """
    events: list[Event] = [*_unconfirmed(state, on)]
    state = following(state, events, now)
    for due in _DUE:
        if state.conclusion is not None:
            break
        new = due(state, on, now)
        events += new
        state = following(state, new, now)
    return events


def _unconfirmed(state: Collaboration, on: Governance) -> Sequence[Event]:
    """A party that answers by a link hears of nothing, so it never says that it has stopped: once its link is worthless, it has.
    Else the recall would be repeated to nobody for ever.
    """
    known = on.responsibilities.organisation.department
    recalled = [
        one.dispatched for one in state.tasks if one.status == "recalled" and one.dispatched.department in known
    ]
    return [Stopped(task_id=one.task_id) for one in recalled if known[one.department].connected == "link"]


def _unchecked(state: Collaboration, on: Governance, now: datetime) -> Sequence[Event]:
    """Nobody has looked at these reports in time: they count."""
    events = [Checked(task_id=moment.task_id, by="rule") for moment in passed(state, now, "check")]
    return joined_after(state, events, now=now) if events else []


def _undecided(state: Collaboration, on: Governance, now: datetime) -> Sequence[Event]:
    """No operator has decided these disputes in time: the rules do."""
    events: list[Event] = []
    for moment in passed(state, now, "decide"):
        after = following(state, events, now)
        task = after.task(moment.task_id)
        assert task is not None
        events += by_rule(after, task, task.decider, on=on, now=now)
    return joined_after(state, events, now=now) if events else []


def _limit(state: Collaboration, on: Governance, now: datetime) -> Sequence[Event]:
    """The limit has passed: conclude as the item says, or go to the centre above with a new limit, and urge."""
    if now < state.due_at:
        return []
    request = state.request
    if request.on_timeout != "lift":
        return concluded(state, *timed_out(state), recall=LIMIT_PASSED)
    due_at = _lifted_until(request, on=on, now=now)
    above = on.responsibilities.organisation.region[state.region].parent
    if above is None and not any(task.is_open or task.status == "disputed" for task in state.tasks):
        return concluded(state, "disagree", "nobody_responsible", recall=LIMIT_PASSED)
    lit: list[Event] = [] if state.light == "overdue" else [Lit(light="overdue")]
    lifted = Lifted(region=above or state.region, reason=LIMIT_PASSED, due_at=due_at)
    return [*lit, lifted, told_requester(state, due_at, LIMIT_PASSED), *to_open_tasks(state, m.TaskUrged, LIMIT_PASSED)]


def _lifted_until(request: m.CollaborationRequested, *, on: Governance, now: datetime) -> datetime:
    """The limit after a lift: inside the requester's own time, as long as there is any. An event outlives that time, and is
    lifted on: silence is nobody's opinion, and must not become a denial.
    """
    due_at = on.calendar.limit(now, max(request.days, 1))
    inside = _inside(request, due_at)
    return inside if inside > now else due_at


def told_requester(state: Collaboration, due_at: datetime, reason: str) -> m.CollaborationExtended:
    """The event's new limit, as the requester is told."""
    request = state.request
    return m.CollaborationExtended(
        case_no=request.case_no,
        request_id=request.request_id,
        collaboration_id=state.raised.collaboration_id,
        department=request.department,
        due_at=due_at,
        reason=reason,
    )


def _lights(state: Collaboration, on: Governance, now: datetime) -> Sequence[Event]:
    """Of several lights that were missed the last one; red urges once."""
    kinds = {moment.kind for moment in passed(state, now, "yellow", "red")}
    if "red" in kinds:
        return [Lit(light="red"), *to_open_tasks(state, m.TaskUrged, "light_red")]
    return [Lit(light="yellow")] if kinds else []


def _tasks(state: Collaboration, on: Governance, now: datetime) -> Sequence[Event]:
    """Who has not signed, or not reported, in time is urged, once each."""
    return [
        _urged(state, moment.task_id, NOT_SIGNED if moment.kind == "sign" else "task_limit_passed")
        for moment in passed(state, now, "sign", "task")
    ]


def _urged(state: Collaboration, task_id: str, reason: str) -> m.TaskUrged:
    task = state.task(task_id)
    assert task is not None
    return m.TaskUrged(
        case_no=state.request.case_no, task_id=task_id, department=task.dispatched.department, reason=reason
    )


_DUE: tuple[Callable[[Collaboration, Governance, datetime], Sequence[Event]], ...] = (
    _unchecked,
    _undecided,
    _limit,
    _lights,
    _tasks,
)
"""What follows by time, in this order."""


def extend(
    state: Collaboration, due_at: datetime, *, by: str, reason: str, on: Governance, now: datetime
) -> Sequence[Event]:
    """延期 of the whole event until a moment; open tasks without a limit of their own get it too.

    Raises NotNow once it was extended as often as the rules and its lifts allow, Invalid for a moment past the
    requester's own time (as long as there is any), or no later than the limit is.
    """
    require_reason(reason, field="reason", what="an extension")
    if state.conclusion is not None:
        raise NotNow("the event is concluded")
    if state.extensions >= on.rules.extensions + state.lifts:
        raise NotNow(f"the event was extended {state.extensions} times; lift it to the centre above first")
    within = state.request.within if state.request.within and state.request.within > now else None
    if due_at <= state.due_at or (within is not None and due_at > within):
        until = f" and at most until {within.isoformat()}, when the requester's own time ends" if within else ""
        violation = Violation("days", f"give it more time than it has{until}")
        raise Invalid("no new limit", violations=(violation,))
    days = on.calendar.between(on.calendar.day_of(now), on.calendar.day_of(due_at))
    _, yellow_at, red_at = _lit_inside(due_at, max(0, days), on=on, now=now)
    new = Extended(by=by, due_at=due_at, reason=reason, yellow_at=yellow_at, red_at=red_at)
    return [new, told_requester(state, due_at, reason), *_with_it(state, due_at)]


def _with_it(state: Collaboration, due_at: datetime) -> Iterator[m.TaskExtended]:
    for task in state.open_tasks:
        if task.due_at >= state.due_at:
            yield extended(task, due_at, EVENT_EXTENDED)


def checked_days(days: int) -> int:
    """How many working days somebody asks for. Raises Invalid for a number that is none."""
    if not 1 <= days <= LONGEST:
        violation = Violation("days", f"give 1 to {LONGEST} working days")
        raise Invalid(f"{days} days", violations=(violation,))
    return days
