"""派发: who gets an ask, and what the department, and the requester, are told with it. Pure.

Every ask ends in one of three ways: a task at a department; in the hands of a centre, because nobody is responsible; or
refused, because all who are responsible are among those whose questions led to it. None of them dispatches again by itself.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from . import messages as m
from . import routing
from .catalogue import Ask
from .centre_rules import Governance
from .collaboration import Collaboration, Event, Refused, Unrouted, following

FORCED_AFTER = 2
"""Declines of one ask after which the task is dispatched as forced (a department cannot decline it)."""

CYCLE = "cycle"


class Taker(NamedTuple):
    """Who takes an ask, by which routing rule, and whether by force. ``reason`` is the code of why (i18n ``reason.``)."""

    department: str
    rule: str = ""
    forced: bool = False
    reason: str = ""


def circle(request: m.CollaborationRequested) -> frozenset[str]:
    """The departments whose questions led to a nested request: none of them is asked in its turn."""
    nested = request.origin == "task" or bool(request.chain)
    return frozenset((*request.chain, request.department)) if nested else frozenset()


def taker(state: Collaboration, ask: Ask, *, on: Governance, now: datetime) -> Taker | None:
    """Who takes an ask now: whom routing finds and who has not had it; after two declines, or where nobody else is
    responsible, the first by force. None when there is nobody.
    """
    had = {task.dispatched.department: task for task in state.tasks if task.dispatched.ask == ask}
    taken_away = {department for department, task in had.items() if task.status in ("recalled", "stopped")}
    shut, declines = circle(state.request) | taken_away, state.declines(ask)
    if declines < FORCED_AFTER and (found := _routed(state, ask, shut | had.keys(), on=on, now=now)):
        return Taker(found.department, found.rule, reason="next_responsible")
    if not declines or (found := _routed(state, ask, shut, on=on, now=now)) is None:
        return None
    reason = "declined_twice" if declines >= FORCED_AFTER else "nobody_else"
    return Taker(found.department, found.rule, forced=True, reason=reason)


def _routed(
    state: Collaboration, ask: Ask, besides: frozenset[str], *, on: Governance, now: datetime
) -> routing.Choice | None:
    question = routing.Question(ask.capability, ask.place, state.request.task_code, now, besides)
    return routing.choose(on.responsibilities, question, load=on.load)


def dispatch(state: Collaboration, ask: Ask, *, on: Governance, now: datetime) -> list[Event]:
    """What becomes of an ask that nobody has: a task, a refusal, or a place before the centre in charge."""
    found = taker(state, ask, on=on, now=now)
    if found is not None:
        return task(state, ask, found, on=on, now=now)
    had = frozenset(one.dispatched.department for one in state.tasks if one.dispatched.ask == ask)
    if circle(state.request) and _routed(state, ask, had, on=on, now=now) is not None:
        return [Refused(ask=ask, because=CYCLE)]
    return [Unrouted(ask=ask, region=_centre_of(state, ask, on))]


def _centre_of(state: Collaboration, ask: Ask, on: Governance) -> str:
    """The centre that an ask is left with: the lowest above both its place and the centre in charge."""
    organisation = on.responsibilities.organisation
    if ask.place not in organisation.region:
        return state.region
    return routing.common_centre(organisation, state.region, ask.place)


def task(state: Collaboration, ask: Ask, to: Taker, *, on: Governance, now: datetime) -> list[Event]:
    """The task for a department, with limits inside the event's; the requester is asked for personal fields it needs."""
    request, raised, organisation = state.request, state.raised, on.responsibilities.organisation
    due_at = min(state.due_at, on.calendar.limit(now, ask.days)) if ask.days else state.due_at
    task_id = f"{raised.collaboration_id}-T{len(state.tasks) + 1}"
    dispatched = m.TaskDispatched(
        case_no=request.case_no,
        task_id=task_id,
        collaboration_id=raised.collaboration_id,
        department=to.department,
        requester=request.department,
        task_code=request.task_code,
        ask=ask,
        path=routing.path(organisation, origin=raised.region, target=organisation.department[to.department].region),
        due_at=due_at,
        form=_shown(request, ask),
        forced=to.forced,
        sign_by=min(due_at, on.calendar.limit(now, request.sign_days)) if request.sign_days else None,
        chain=(*request.chain, request.department) if request.department else request.chain,
        rule=to.rule,
        centre=request.centre,
        attachments=request.attachments,
    )
    if not ask.personal or not request.department or _is_outside(to.department, on):
        return [dispatched]
    return [dispatched, _disclosure(state, ask, task_id, to.department)]


def _is_outside(department: str, on: Governance) -> bool:
    """Whether it is an outside party 外部单位: nothing personal can be sealed to it, and it is shown nothing personal."""
    return on.responsibilities.organisation.department[department].connected == "link"


def _shown(request: m.CollaborationRequested, ask: Ask) -> dict[str, object]:
    """The fields of the form that a supporter's part needs; personal ones are not in it."""
    if ask.fields is None:
        return request.form
    return {name: value for name, value in request.form.items() if name in ask.fields}


def _disclosure(state: Collaboration, ask: Ask, task_id: str, supporter: str) -> m.DisclosureRequested:
    request = state.request
    return m.DisclosureRequested(
        case_no=request.case_no,
        request_id=request.request_id,
        collaboration_id=state.raised.collaboration_id,
        department=request.department,
        task_id=task_id,
        supporter=supporter,
        personal=ask.personal,
    )


def first(state: Collaboration, *, on: Governance, now: datetime) -> Sequence[Event]:
    """What becomes of every ask of an event that was just raised, each by itself. The same ask twice is one question: its one
    task answers both.
    """
    events: list[Event] = []
    for ask in dict.fromkeys(state.request.asks):
        events += dispatch(following(state, events, now), ask, on=on, now=now)
    return events
