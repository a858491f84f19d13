"""特别程序: what the law does not count (行政许可法 art. 45), and the extension 延长 (art. 42). Pure.

An officer asks, another person approves, and what came of it ends it. From approval to end the case's clock stands; when
the time it was given has passed it goes on standing, for by law the time that is needed does not count, and supervision
urges (``deadlines``). ``stop`` and ``resume`` are the only makers of the messages by which a clock stands and runs again,
whatever it stands for: a special procedure, a supplement 补正, or other departments' answers where the item says so.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Annotated, Literal, get_args

from msgspec import Meta, Struct

from . import messages as m
from . import statutory_clock
from .case import Case, Event, ProcedureRejected, ProcedureRequested, evolve
from .catalogue import Item, Procedure
from .course import Practice, advance
from .errors import Forbidden, Invalid, NotFound, NotNow, Violation, require_reason
from .history import Recorded
from .message_parts import StopCause
from .officers import Officer
from .statutory_clock import Clock
from .working_days import Calendar

Kind = Literal["hearing", "tender", "inspection", "testing", "quarantine", "appraisal", "expert_review", "extension"]
"""What can be asked for: what art. 45 names, and the extension."""

Level = Literal["department", "government"]
"""Whose head approves: the department's 行政机关负责人, or the government's 本级人民政府负责人 (art. 42)."""

EXTENSION = "extension"
HEARING_ASKED_WITHIN = 5
"""Working days in which an applicant or interested party asks for a hearing, from being told of the right (art. 47)."""
HEARING_HELD_WITHIN = 20
"""Working days in which a hearing that was asked for is held (art. 47)."""


class AskForProcedure(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an officer asks for. ``days`` are the working days it should take (0: as many as the item allows).

    A hearing at an applicant's or interested party's wish names the day on which they were told of that right, and the day on
    which they asked (art. 47); one that the department itself thinks necessary (art. 46) names neither.
    """

    kind: Kind
    reason: m.Remark
    days: Annotated[int, Meta(ge=0, le=1000)] = 0
    told_on: date | None = None
    asked_on: date | None = None


def ask(state: Case, wish: AskForProcedure, *, officer: Officer, on: Practice, now: datetime) -> Sequence[Event]:
    """An officer who has the case in hand, or stands in for who has, asks. Its id follows from the case, so a repeated request makes no second.

    Raises NotNow when the case has no clock, or has the same procedure in hand already; Forbidden for an officer who has no
    step of it; Invalid for what the item does not allow.
    """
    clock = running_clock(state)
    on_behalf_of = _acts_for(state, officer)
    today = day_of(clock, on.calendar, now)
    _check(wish, on.item, on.calendar, today)
    running = [one.kind for one in state.asked] + [one.cause for one in clock.open_stops]
    if wish.kind in running:
        raise NotNow(f"the case has this procedure in hand already ({wish.kind}); it has to end first")
    days = wish.days or _most(on.item, wish.kind)
    if wish.kind == EXTENSION:
        statutory_clock.due_extended(clock, on.calendar, days, now)
    return [
        ProcedureRequested(
            procedure_id=f"{state.application.case_no}-T{state.procedures + 1}",
            kind=wish.kind,
            days=days,
            reason=wish.reason,
            by=officer.name,
            asked_on=wish.asked_on,
            on_behalf_of=on_behalf_of,
        )
    ]


def approve(
    state: Case, procedure_id: str, *, approver: str, level: Level, on: Practice, now: datetime
) -> Sequence[Event]:
    """The head agrees: the clock stands from today on, or the limit is longer. The applicant is told what, why, by which
    article and how long (art. 45(2), art. 42). Raises as ``_waiting``, and NotNow when it does not fit any more.
    """
    asked = _waiting(state, procedure_id, by=approver, level=level, item=on.item)
    clock = running_clock(state)
    if asked.kind == EXTENSION:
        extension = on.item.extension
        assert extension is not None
        return [
            m.CaseExtended(
                case_no=state.application.case_no,
                department=state.department,
                days=asked.days,
                reason=asked.reason,
                basis=extension.basis,
                approver=approver,
                on=day_of(clock, on.calendar, now),
                due=statutory_clock.due_extended(clock, on.calendar, asked.days, now),
            )
        ]
    procedure = _procedure(on.item, asked.kind)
    assert procedure is not None
    return [
        stop(
            state,
            stop_id=procedure_id,
            cause=procedure.kind,
            basis=procedure.basis,
            approver=approver,
            until=_until(asked, on.calendar, day_of(clock, on.calendar, now)),
            reason=asked.reason,
            on=on,
            now=now,
        )
    ]


def reject(
    state: Case, procedure_id: str, reason: str, *, approver: str, level: Level, on: Practice
) -> Sequence[Event]:
    """The head does not agree. Raises as ``_waiting``, and Invalid without a reason."""
    _waiting(state, procedure_id, by=approver, level=level, item=on.item)
    require_reason(reason, field="reason", what="a rejection")
    return [ProcedureRejected(procedure_id=procedure_id, by=approver, reason=reason)]


def end(
    state: Case, procedure_id: str, result: str, *, officer: Officer, oversees: bool, on: Practice, now: datetime
) -> Sequence[Event]:
    """What came of it: the clock runs again, and the case goes on where nothing else holds it up.

    Raises NotNow when it does not hold, Forbidden for an officer who neither has the case in hand nor ``oversees`` the
    department, Invalid without a result. What stands for a supplement or for others' answers ends with those, not here.
    """
    if not any(one.stop_id == procedure_id and one.cause in get_args(Kind) for one in running_clock(state).open_stops):
        raise NotNow(f"no special procedure {procedure_id} is going on")
    if not oversees:
        _acts_for(state, officer)
    require_reason(result, field="result", what="the end of a special procedure")
    resumed = resume(state, procedure_id, result, on, now)
    return [resumed, *advance(evolve(state, Recorded(now, "", resumed)), on=on, now=now)]


# ------------------------------------------------------------------ stops of any cause


def stop(
    state: Case,
    *,
    stop_id: str,
    cause: StopCause,
    basis: str,
    approver: str,
    until: datetime | None,
    reason: str,
    on: Practice,
    now: datetime,
) -> m.CaseSuspended:
    """The clock stands from today on. ``basis`` is the article, ``until`` when it should be over.

    Raises NotNow when the case has ended or has no clock, and for a ``stop_id`` that it knows already.
    """
    clock = running_clock(state)
    if any(one.stop_id == stop_id for one in clock.stops):
        raise NotNow(f"the case has the stop {stop_id} already")
    return m.CaseSuspended(
        case_no=state.application.case_no,
        department=state.department,
        stop_id=stop_id,
        cause=cause,
        basis=basis,
        approver=approver,
        since=day_of(clock, on.calendar, now),
        until=until,
        reason=reason,
    )


def resume(state: Case, stop_id: str, result: str, on: Practice, now: datetime) -> m.CaseResumed:
    """The stop is over; the clock runs again unless another stop holds. Raises NotNow for a stop that does not hold."""
    clock = running_clock(state)
    stopped = next((one for one in clock.open_stops if one.stop_id == stop_id), None)
    if stopped is None:
        raise NotNow(f"the clock does not stand for {stop_id}")
    day = day_of(clock, on.calendar, now)
    others = len(clock.open_stops) > 1
    return m.CaseResumed(
        case_no=state.application.case_no,
        department=state.department,
        stop_id=stop_id,
        on=day,
        days=on.calendar.between(stopped.since, day),
        stood=0 if others else statutory_clock.standing_days(clock, on.calendar, day),
        due=statutory_clock.due_after(clock, stop_id, on.calendar, day),
        result=result,
    )


def stands_for(state: Case, stop_id: str) -> bool:
    """Whether the case is open and this stop holds."""
    open_stops = state.clock.open_stops if state.clock is not None and not state.is_terminal else ()
    return any(one.stop_id == stop_id for one in open_stops)


def close(state: Case, on: Practice, now: datetime) -> list[m.CaseResumed]:
    """Ends every stop of a case that is about to end: its ledger of time is complete."""
    events = []
    for one in state.clock.open_stops if state.clock is not None and not state.is_terminal else ():
        events.append(resume(state, one.stop_id, m.CASE_ENDED, on, now))
        state = evolve(state, Recorded(now, "", events[-1]))
    return events


def running_clock(state: Case) -> Clock:
    """The clock of a case that is neither before its acceptance nor over. Raises NotNow for any other."""
    if state.is_terminal:
        raise NotNow(f"the case is {state.status}; its clock has ended")
    if state.clock is None:
        raise NotNow("the case is not accepted yet; it has no clock")
    return state.clock


def day_of(clock: Clock, calendar: Calendar, now: datetime) -> date:
    """The day that counts for the ledger: never before what stands in it, also when a machine's clock went back."""
    written = [day for one in clock.stops for day in (one.since, one.until) if day is not None]
    return max(calendar.day_of(now), clock.due.started_on, *written)


# ------------------------------------------------------------------ what is allowed


def _acts_for(state: Case, officer: Officer) -> str:
    """For which absent officer this one acts; empty for nobody but themselves. Whoever has a step in hand acts for the case, or
    who stands in for them; as long as nobody has one, any officer whom the policy lets. Raises Forbidden for others.
    """
    holders = state.officers.values()
    if not holders or officer.name in holders:
        return ""
    absent = sorted(officer.stands_in_for.intersection(holders))
    if not absent:
        raise Forbidden("another officer has this case in hand")
    return absent[0]


def _check(wish: AskForProcedure, item: Item, calendar: Calendar, today: date) -> None:
    require_reason(wish.reason, field="reason", what="a special procedure")
    most, found = _most(item, wish.kind), list[Violation]()
    if most == 0:
        allowed = [one.kind for one in item.procedures] + ([EXTENSION] if item.extension else [])
        found.append(Violation("kind", f"this item has: {', '.join(allowed) or 'no special procedure'}"))
    elif wish.days > most:
        found.append(Violation("days", f"this item allows at most {most} working days"))
    found += _hearing(wish, calendar, today)
    if found:
        raise Invalid("this procedure cannot be asked for; see errors", violations=tuple(found))


def _hearing(wish: AskForProcedure, calendar: Calendar, today: date) -> Iterable[Violation]:
    told, asked = wish.told_on, wish.asked_on
    if wish.kind != "hearing":
        named = {"told_on": told, "asked_on": asked}
        return [Violation(name, "only a hearing has this") for name, day in named.items() if day is not None]
    if told is None and asked is None:
        return []
    if told is None or asked is None:
        return [Violation("asked_on" if asked is None else "told_on", "name both days, or neither")]
    if not told <= asked <= today:
        return [Violation("asked_on", "the wish comes after being told, and not in the future")]
    if calendar.between(told, asked) > HEARING_ASKED_WITHIN:
        return [
            Violation("asked_on", f"a hearing is asked for within {HEARING_ASKED_WITHIN} working days of being told")
        ]
    if calendar.between(asked, today) > HEARING_HELD_WITHIN:
        return [
            Violation("asked_on", f"a hearing is held within {HEARING_HELD_WITHIN} working days of being asked for")
        ]
    return []


def _until(asked: ProcedureRequested, calendar: Calendar, today: date) -> datetime:
    """When it should be over: after its days, a hearing that was asked for within the law's days of that."""
    last = calendar.after(today, asked.days)
    if asked.asked_on is not None:
        last = max(today, min(last, calendar.after(asked.asked_on, HEARING_HELD_WITHIN)))
    return calendar.end_of(last)


def _waiting(state: Case, procedure_id: str, *, by: str, level: Level, item: Item) -> ProcedureRequested:
    """The request that waits for this approver. Raises NotFound for none of this id, NotNow for one that was answered,
    Forbidden for one's own and for one that another level answers.
    """
    asked = next((one for one in state.asked if one.procedure_id == procedure_id), None)
    if asked is None:
        known = {f"{state.application.case_no}-T{number}" for number in range(1, state.procedures + 1)}
        if procedure_id in known:
            raise NotNow(f"procedure {procedure_id} does not wait for approval any more")
        raise NotFound(f"the case has no procedure {procedure_id}")
    if by in (asked.by, asked.on_behalf_of):
        raise Forbidden(
            "you asked for this yourself, or it was asked for in your name; another person has to approve it"
        )
    if level != (wanted := approved_by(item, asked.kind)):
        raise Forbidden(f"the head of the {wanted} decides about this, not the head of the {level}")
    return asked


def approved_by(item: Item, kind: str) -> Level:
    """The level at which this is approved."""
    return item.extension.approved_by if kind == EXTENSION and item.extension else "department"


def levels_asked(state: Case, item: Item) -> frozenset[Level]:
    """The levels whose heads have something to approve in this case."""
    return frozenset(approved_by(item, one.kind) for one in state.asked)


def _procedure(item: Item, kind: str) -> Procedure | None:
    return next((one for one in item.procedures if one.kind == kind), None)


def _most(item: Item, kind: str) -> int:
    """The working days that the item allows at most; 0 when it does not have this."""
    allowed = item.extension if kind == EXTENSION else _procedure(item, kind)
    return allowed.days if allowed is not None else 0
