"""协同请求 of a case: what it asks other departments, by its item's rules or by its officers, and what becomes of it. Pure.

The item's requests are raised with acceptance, or, where they stand ``after`` others, in the write in which the last of those
is concluded. Officers raise theirs in review. The case waits for all of them; when it ends it cancels what is open.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Literal

from msgspec import structs

from . import messages as m
from . import policy, procedures
from .case import Case, Event, RequestExtended, evolve
from .catalogue import Collaboration, Item, Organisation
from .course import Practice, facts, find
from .errors import NotFound, NotNow, require_reason
from .history import Recorded, too_late
from .question import MOST_REQUESTS, AskOthers, Known, asks_of, require_new

MOST_URGES = 20
"""How often one request may be urged."""

BEFORE: frozenset[str] = frozenset({"in_review", "collaborating"})
"""The states in which officers may ask."""


def needed(state: Case, before: Case | None, *, on: Practice, now: datetime) -> Sequence[Collaboration]:
    """What the item asks of others whose turn has come since ``before`` (None: the case is just being accepted), and that the
    case needs. Raises Undecidable.
    """
    if not on.item.collaborations:
        return ()
    known = facts(state, now)
    return in_turn(state, before, on.item, lambda one: find(one.id, one.when, on.evaluate, known).held)


def ask_in_turn(state: Case, found: Sequence[Collaboration], *, on: Practice, now: datetime) -> Sequence[Event]:
    """Asks what has come to its turn."""
    events: list[Event] = []
    for one in found:
        for event in _asked(state, one, on=on, now=now):
            state = evolve(state, Recorded(now, "", event))
            events.append(event)
    return events


def in_turn(
    state: Case, before: Case | None, item: Item, is_needed: Callable[[Collaboration], bool]
) -> Sequence[Collaboration]:
    """Which collaborations to raise now. One that is not needed when its turn comes never is, and those after it need not wait
    for it; so whether a condition held is looked at once.
    """
    known = {one.id: one for one in item.collaborations}
    raising: dict[str, Collaboration] = {}

    def is_settled(one: Collaboration, seen: Case) -> bool:
        request_id = _request_id(seen, one)
        if one.id in raising or request_id in seen.awaited:
            return False
        raised = any(request.request_id == request_id for request in seen.requests)
        return raised or all(is_settled(known[name], seen) for name in one.after)

    for one in _in_order(item.collaborations):
        came = all(is_settled(known[name], state) for name in one.after)
        had_come = before is not None and all(is_settled(known[name], before) for name in one.after)
        if came and not had_come and is_needed(one):
            raising[one.id] = one
    return tuple(raising.values())


def _in_order(found: Sequence[Collaboration]) -> Sequence[Collaboration]:
    """Each after those it stands after, else as the item has them. Their order has no circle (``catalogue_checks``)."""
    ordered: dict[str, Collaboration] = {}
    while left := [one for one in found if one.id not in ordered]:
        ready = next((one for one in left if all(name in ordered for name in one.after)), left[0])
        ordered[ready.id] = ready
    return tuple(ordered.values())


def _asked(state: Case, one: Collaboration, *, on: Practice, now: datetime) -> Sequence[Event]:
    """The question to other departments; the clock stands until they have answered where an article says so."""
    request = _request(state, one, personal=on.item.personal, now=now)
    if not one.stops_clock:
        return [request]
    stopped = procedures.stop(
        state,
        stop_id=request.request_id,
        cause="collaboration",
        basis=one.stops_clock,
        approver="rule",
        until=on.calendar.limit(now, one.days),
        reason="",
        on=on,
        now=now,
    )
    return [request, stopped]


def _request(
    state: Case, collaboration: Collaboration, *, personal: Sequence[str], now: datetime
) -> m.CollaborationRequested:
    """An ask whose place is a form field goes to that place; the request carries region codes only.

    Of the form it carries what the policy lets cross to those who support.
    """
    application = state.application
    asks = tuple(
        structs.replace(ask, place=application.place if ask.place == "case" else str(state.form.get(ask.place)))
        for ask in collaboration.asks
    )
    return m.CollaborationRequested(
        case_no=application.case_no,
        request_id=_request_id(state, collaboration),
        department=state.department,
        task_code=application.task_code,
        place=application.place,
        asks=asks,
        join=collaboration.join,
        days=collaboration.days,
        on_timeout=collaboration.on_timeout,
        sign_days=collaboration.sign_days,
        checked_by=collaboration.checked_by,
        within=None if collaboration.stops_clock else _within(state, now),
        form=policy.crossing("crossing.collaboration", state.form, personal=personal).clear,
    )


def _request_id(state: Case, collaboration: Collaboration) -> str:
    return f"{state.application.case_no}-{collaboration.id}"


def _within(state: Case, now: datetime) -> datetime | None:
    """When the case's own time ends: as it was promised, or by law once that has passed; None while its clock stands."""
    clock = state.clock
    if clock is None or clock.standing_since is not None:
        return None
    return next((at for at in (clock.due.promised_at, clock.due.statutory_at) if now < at), None)


# ------------------------------------------------------------------ what officers do


def ask_others(
    state: Case, wish: AskOthers, *, organisation: Organisation, on: Practice, now: datetime
) -> Sequence[Event]:
    """An officer asks other departments; the case waits until they have answered.

    Raises NotNow unless the case is in review, when it has asked often enough, and for what it is asking already; Invalid for what
    cannot be asked.
    """
    if state.status not in BEFORE:
        raise NotNow(f"the case is {state.status}; other departments are asked while it is in review")
    application, number = state.application, 1 + sum(one.origin == "officer" for one in state.requests)
    if number > MOST_REQUESTS:
        raise NotNow(f"officers raise at most {MOST_REQUESTS} requests in one case")
    known = Known(place=application.place, fields=(*state.form, *on.item.personal), personal=on.item.personal)
    asks = asks_of(wish, known, organisation)
    require_new(asks, (one for one in state.requests if one.request_id in state.awaited))
    request = m.CollaborationRequested(
        case_no=application.case_no,
        request_id=f"{application.case_no}-R{number}",
        department=state.department,
        task_code=application.task_code,
        place=application.place,
        asks=asks,
        join=wish.join,
        days=wish.days,
        on_timeout=wish.on_timeout,
        form=policy.crossing("crossing.collaboration", state.form, personal=on.item.personal).clear,
        origin="officer",
        sign_days=wish.sign_days,
        within=_within(state, now),
    )
    return [request]


def urge(state: Case, request_id: str, *, officer: str, reason: str) -> Sequence[Event]:
    """催办: the centre passes it on to those who have not answered. Raises as ``_open``, NotNow when it was urged often enough,
    Invalid without a reason."""
    request = _open(state, request_id)
    if state.urged.get(request_id, 0) >= MOST_URGES:
        raise NotNow(f"it was urged {MOST_URGES} times; more does not help")
    require_reason(reason, field="reason", what="an urge")
    return [
        m.CollaborationUrged(
            case_no=request.case_no,
            request_id=request_id,
            department=state.department,
            by=officer,
            reason=reason,
        )
    ]


def cancel(state: Case, request_id: str, *, reason: str) -> Sequence[Event]:
    """The answers to an officer's question are not needed any more; the case goes on when the centre has confirmed it.

    Raises as ``_open``, NotNow for what the item's rules ask and for what was cancelled already, Invalid without a reason.
    """
    request = _open(state, request_id)
    if request.origin != "officer":
        raise NotNow("the item's rules ask this; an officer cannot do without the answers")
    if request_id in state.cancelled:
        raise NotNow("it was cancelled already; the centre's word is awaited")
    require_reason(reason, field="reason", what="cancelling a request")
    return [
        m.CollaborationCancelled(
            case_no=request.case_no, request_id=request_id, department=state.department, reason=reason
        )
    ]


def _open(state: Case, request_id: str) -> m.CollaborationRequested:
    """The request of this id that waits for answers. Raises NotFound for one that the case does not have, NotNow for one
    that is concluded."""
    found = raised(state, request_id)
    if found is None:
        raise NotFound(f"the case has no collaboration {request_id}")
    if request_id not in state.awaited:
        raise NotNow("this collaboration is concluded")
    return found


def raised(state: Case, request_id: str) -> m.CollaborationRequested | None:
    """The case's request of this id."""
    return next((one for one in state.requests if one.request_id == request_id), None)


def cancelled(state: Case) -> list[Event]:
    """What a case that ends says of its open requests: supporters are asked to stop."""
    return [
        m.CollaborationCancelled(
            case_no=state.application.case_no,
            request_id=request_id,
            department=state.department,
            reason="requester_ended",
        )
        for request_id in state.awaited
        if request_id not in state.cancelled
    ]


# ------------------------------------------------------------------ what the centre says


def extend(state: Case, message: m.CollaborationExtended) -> Sequence[Event]:
    """The answers are awaited until later. Nothing is said back."""
    if message.request_id not in state.awaited:
        return [too_late(message, "nobody waits for this request")]
    return [RequestExtended(request_id=message.request_id, due_at=message.due_at, reason=message.reason)]


Refusal = Literal["", "not_awaited", "case_ended", "not_asked", "unknown_supporter"]


def refusal(state: Case, message: m.DisclosureRequested, organisation: Organisation) -> Refusal:
    """Why nothing is disclosed; empty where it is. Only what one of the request's asks names is, to a department, while the
    answers are awaited."""
    request = raised(state, message.request_id)
    if state.is_terminal:
        return "case_ended"
    if request is None or message.request_id not in state.awaited:
        return "not_awaited"
    supporter = organisation.department.get(message.supporter)
    if supporter is None or supporter.connected == "link":
        return "unknown_supporter"
    if not any(set(message.personal) <= set(ask.personal) for ask in request.asks):
        return "not_asked"
    return ""


def disclose(
    state: Case, message: m.DisclosureRequested, *, sealed: m.Sealed | None, reason: str = ""
) -> Sequence[Event]:
    """What was sealed to the supporter of a task, or why nothing was: said once for each task."""
    if message.task_id in state.disclosed:
        return []
    return [
        m.CollaborationDisclosed(
            case_no=message.case_no,
            request_id=message.request_id,
            department=message.department,
            task_id=message.task_id,
            supporter=message.supporter,
            sealed=sealed,
            reason=reason,
        )
    ]
