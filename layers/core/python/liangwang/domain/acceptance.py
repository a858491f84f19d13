"""受理: accept, ask for what is missing, or refuse; and what follows when nobody does in time. Pure.

行政许可法 art. 32: what is incomplete is told within five days, one time, everything together, else it counts as accepted
from the day it came; what the department may not accept is refused with its reason. Rules do so at once; where the item
leaves it to an officer the case waits (``officer_acceptance``).
"""

from collections.abc import Sequence
from datetime import datetime

from . import messages as m
from . import procedures, requests, statutory_clock
from .case import Case, Event, Received, SupplementReceived, evolve
from .catalogue import Text
from .course import Practice, Undecidable, advance, facts
from .examination import GRACE, asked_before, examine, is_needed, is_promised, topic
from .history import Recorded, too_late
from .steps import outstanding

LAW = "《中华人民共和国行政许可法》第三十二条"
"""The article that acceptance, the one notice and deemed acceptance rest on."""

DEEMED_AFTER = 5
"""Working days in which a department has to say something (art. 32(4))."""


def receive(state: Case | None, message: m.ApplicationSubmitted, *, on: Practice, now: datetime) -> Sequence[Event]:
    """Takes in an application and examines it. A second one for the same case is kept as a note."""
    if state is not None:
        return [too_late(message, f"the case is {state.status} already")]
    received = Received(application=message, deemed_at=_deemed_at(on, now))
    case = evolve(None, Recorded(now, "", received))
    return [received, *_by_rule(case, on=on, now=now)]


def receive_supplement(
    state: Case, message: m.ApplicationSupplemented, *, on: Practice, now: datetime
) -> Sequence[Event]:
    """Takes in the answer to a notice, or a promised material. One that nobody waits for any more is kept as a note."""
    if state.accepted is not None and message.notice_no == state.accepted.accept_doc_no:
        return _back_fill(state, message, on=on, now=now)
    notice = state.open_notice
    if notice is None or state.is_terminal:
        return [too_late(message, f"no supplement is awaited; the case is {state.status}")]
    deemed_at = _deemed_at(on, now) if state.accepted is None else None
    received = SupplementReceived(supplement=message, deemed_at=deemed_at)
    case = evolve(state, Recorded(now, "", received))
    if state.accepted is not None:
        return [received, *_resumed(case, notice, on.say("supplement.made").zh, on=on, now=now)]
    return [received, *_by_rule(case, on=on, now=now)]


def _resumed(
    state: Case, notice: m.SupplementRequested, result: str, *, on: Practice, now: datetime
) -> Sequence[Event]:
    """The clock that stood for a supplement in review runs again, and the case goes on."""
    resumed = procedures.resume(state, notice.notice_no, result, on, now)
    return [resumed, *advance(evolve(state, Recorded(now, "", resumed)), on=on, now=now)]


def _back_fill(state: Case, message: m.ApplicationSupplemented, *, on: Practice, now: datetime) -> Sequence[Event]:
    if not outstanding(state):
        return [too_late(message, f"no promised material is awaited; the case is {state.status}")]
    received = SupplementReceived(supplement=message)
    case = evolve(state, Recorded(now, "", received))
    return [received, *advance(case, on=on, now=now)]


def withdraw(state: Case, message: m.ApplicationWithdrawn, *, on: Practice, now: datetime) -> Sequence[Event]:
    """Ends the case at the applicant's wish, with all that its clock stood for, and asks supporters to stop. After a decision
    it is only noted.
    """
    if state.is_terminal:
        return [too_late(message, f"the case is {state.status} already")]
    closed = procedures.close(state, on, now)
    told = state.told + len(closed) + 1
    decided = m.CaseDecided(
        case_no=state.application.case_no, department=state.department, outcome="withdrawn", told=told
    )
    return [*requests.cancelled(state), *closed, decided]


def wake(state: Case, *, on: Practice, now: datetime) -> Sequence[Event]:
    """What has come about by time alone: deemed acceptance, and the return of what was not supplemented in time. In review a
    supplement that was not made lets the clock run again: the officer decides on what is there.

    What has passed changes the state, so that it is no moment any more (``deadlines``).

    A rule that cannot be evaluated stops none of it (``_deemed``, ``_overdue_in_review``): else every later run would fail the same way.
    """
    if state.is_terminal:
        return []
    if state.status == "received" and is_late(state, now):
        return _deemed(state, on=on, now=now)
    notice = state.open_notice
    if notice is not None and notice.until is not None and notice.until + GRACE <= now:
        if state.accepted is not None:
            return _overdue_in_review(state, notice, on=on, now=now)
        reason = on.say("return.supplement_overdue", notice_no=notice.notice_no)
        return give_back(state, reasons=(reason,), on=on, now=now)
    late = {one.material for one in outstanding(state) if one.until + GRACE <= now}
    if late:
        names = tuple(material.name for material in on.item.materials if material.code in late)
        return give_back(state, reasons=(on.say("return.promise_overdue"), *names), on=on, now=now)
    return []


def is_late(state: Case, now: datetime) -> bool:
    """Whether the time in which the department has to say something has passed."""
    return state.deemed_at is not None and state.deemed_at <= now


def _deemed(state: Case, *, on: Practice, now: datetime) -> Sequence[Event]:
    """What nobody examined in time is accepted; or it stays with the department's officers, where a rule of the item cannot say
    whom to ask. Nobody is left out by mistake: the moment fires as one that a supervisor has to look into (``supervision``).
    """
    try:
        return accept(state, by="rule", deemed=True, on=on, now=now)
    except Undecidable:
        return []


def _overdue_in_review(state: Case, notice: m.SupplementRequested, *, on: Practice, now: datetime) -> Sequence[Event]:
    """The clock runs again, also where a rule cannot say how the case goes on: its lights tell then."""
    result = on.say("supplement.not_made").zh
    try:
        return _resumed(state, notice, result, on=on, now=now)
    except Undecidable:
        return [procedures.resume(state, notice.notice_no, result, on, now)]


def accept(
    state: Case,
    *,
    by: str,
    on: Practice,
    now: datetime,
    deemed: bool = False,
    trace: tuple[m.Finding, ...] = (),
    explanation: str = "",
) -> Sequence[Event]:
    """Accepts, asks other departments where the item says so, and goes on as far as rules can.

    A deemed acceptance holds as of the day the materials arrived, and the clock with it.
    """
    case_no, needed = state.application.case_no, requests.needed(state, None, on=on, now=now)
    started = (state.arrived_at or state.received_at) if deemed else now
    accepted = m.CaseAccepted(
        case_no=case_no,
        department=state.department,
        accept_doc_no=f"{case_no}-S",
        awaits=tuple(ask.capability for one in needed for ask in one.asks),
        due=statutory_clock.start(on.item, on.calendar, started),
        deemed=deemed,
        promised=_promised(state, on=on, now=now),
        by=by,
        basis=LAW if deemed else "",
        trace=trace,
        explanation=explanation,
    )
    events: list[Event] = [accepted]
    case = evolve(state, Recorded(now, "", accepted))
    for event in requests.ask_in_turn(case, needed, on=on, now=now):
        case = evolve(case, Recorded(now, "", event))
        events.append(event)
    return [*events, *advance(case, on=on, now=now)]


def request_supplement(
    state: Case, points: tuple[m.Point, ...], *, by: str, on: Practice, now: datetime
) -> m.SupplementRequested:
    """补正告知: everything at once, and until when it is awaited. The first notice is ``-G``, a later one ``-G2``."""
    number = len(state.notices) + 1
    return m.SupplementRequested(
        case_no=state.application.case_no,
        department=state.department,
        notice_no=f"{state.application.case_no}-G{number if number > 1 else ''}",
        points=points,
        until=on.calendar.limit(now, on.item.supplement_days),
        by=by,
    )


def refuse(
    state: Case,
    reasons: tuple[Text, ...],
    *,
    on: Practice,
    by: str = "rule",
    basis: str = LAW,
    remedy: Text | None = None,
) -> Event:
    """不予受理, with every reason and what the applicant can do about it."""
    return m.CaseRefused(
        case_no=state.application.case_no,
        department=state.department,
        refusal_doc_no=f"{state.application.case_no}-B",
        reasons=reasons,
        told=state.told + 1,
        remedy=remedy or on.say("refusal.remedy"),
        by=by,
        basis=basis,
    )


def give_back(
    state: Case, *, reasons: tuple[Text, ...], on: Practice, now: datetime, by: str = "rule", basis: str = ""
) -> Sequence[Event]:
    """退件: ends the case without a decision, with all that its clock stood for, and asks supporters to stop."""
    closed = procedures.close(state, on, now)
    returned = m.CaseReturned(
        case_no=state.application.case_no,
        department=state.department,
        return_doc_no=f"{state.application.case_no}-T",
        reasons=reasons,
        told=state.told + len(closed) + 1,
        by=by,
        basis=basis,
    )
    return [*requests.cancelled(state), *closed, returned]


def _deemed_at(on: Practice, now: datetime) -> datetime | None:
    """Until when the department has to say something; rules do so at once."""
    if on.item.accepted_by == "rule":
        return None
    return on.calendar.limit(now, DEEMED_AFTER)


def _by_rule(state: Case, *, on: Practice, now: datetime) -> Sequence[Event]:
    """What rules make of an application; nothing where an officer accepts.

    What a notice named and is still wrong leads to a refusal. What no notice named was not to be seen before: the first
    named all there was, so it arose from the supplement and is asked for.
    """
    if on.item.accepted_by == "clerk":
        return []
    found = examine(state, on.item, on.evaluate, facts(state, now))
    before = asked_before(state)
    still = tuple(point.reason for point in found.points if topic(point) in before)
    if found.refused or still:
        return [refuse(state, found.refused or still, on=on)]
    if found.points:
        return [request_supplement(state, found.points, by="rule", on=on, now=now)]
    instant = all(step.by == "rule" for step in on.item.steps)
    return accept(state, by="rule", on=on, now=now, trace=found.trace if instant else ())


def _promised(state: Case, *, on: Practice, now: datetime) -> tuple[m.Promise, ...]:
    """What may come later, and until when: counted from the day of acceptance."""
    known = facts(state, now)
    return tuple(
        m.Promise(material=one.code, until=on.calendar.limit(now, one.later_days))
        for one in on.item.materials
        if one.code not in state.materials and is_promised(state, one) and is_needed(one, on.evaluate, known)
    )
