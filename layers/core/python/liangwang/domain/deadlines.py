"""到期: the moments of a case at which something follows by itself, though nobody does anything. Pure.

``SOURCES`` is the one table of them: a case shows its earliest moment to the index that the sweep looks at, and nothing
ever scans for what is late. A moment is a line here and a line of ``supervision.wake``. What has fired is kept in the
case and is no moment any more, whatever the clock says later.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from . import messages as m
from .case import Case
from .examination import GRACE
from .patience import Patience
from .steps import outstanding

LIGHTS = ("yellow", "red", "promised", "statutory")
"""The clock's own moments, in the order in which they pass: the later one tells all that those before it could."""

SAID_AGAIN_FOR = timedelta(days=30)
"""How long a department repeats by itself what corrects a decision: nobody asks about a case that has ended."""


class Moment(NamedTuple):
    """Something of a case that time alone brings about: what kind, of what (a step, a stop, a rule), and when (UTC)."""

    kind: str
    about: str
    at: datetime


Source = Callable[[Case], Iterator[Moment]]


def _examined(state: Case) -> Iterator[Moment]:
    """Nobody has examined the application in time: it counts as accepted (行政许可法 art. 32(4)), and that is looked into."""
    if state.deemed_at is not None:
        yield Moment("deemed", unexamined(state), state.deemed_at)
    elif state.accepted is not None and state.accepted.deemed:
        yield Moment("deemed", "", state.changed_at or state.received_at)


def unexamined(state: Case) -> str:
    """What names the time for a word on acceptance that runs now: after a supplement another one does."""
    return f"{state.arrived_at or state.received_at:%Y%m%dT%H%M%SZ}"


def _supplement(state: Case) -> Iterator[Moment]:
    """The supplement was not made in time (``acceptance.wake``)."""
    notice = state.open_notice
    if notice is not None and notice.until is not None:
        yield Moment("supplement", notice.notice_no, notice.until + GRACE)


def _materials(state: Case) -> Iterator[Moment]:
    """What was promised 容缺受理 was not handed in."""
    for promise in outstanding(state):
        yield Moment("material", promise.material, promise.until)


def _promises(state: Case) -> Iterator[Moment]:
    """What was promised is not waited for any longer (``acceptance.wake``)."""
    for promise in outstanding(state):
        yield Moment("promise", promise.material, promise.until + GRACE)


def _stops(state: Case) -> Iterator[Moment]:
    """A special procedure takes longer than it should. The clock stands meanwhile, so nothing else would tell."""
    for stop in state.clock.open_stops if state.clock is not None else ():
        if stop.ends_by is not None and stop.cause != "supplement":
            yield Moment("stop", stop.stop_id, stop.ends_by)


def _steps(state: Case) -> Iterator[Moment]:
    """A step's own limit has passed. One that was given back and is done again has another limit."""
    if state.clock is None or state.clock.standing_since is not None:
        return
    for step, opened in state.opened.items():
        if step not in state.done and opened.due_at is not None:
            yield Moment("step", step_again(state, step), opened.due_at)


def step_again(state: Case, step: str) -> str:
    """What names a step, and once it began anew which time it is, whether or not it had been done before."""
    times = state.reopened.get(step, 0)
    return f"{step}.{times + 1}" if times else step


def _lights(state: Case) -> Iterator[Moment]:
    """The clock's moments while it runs, those behind the furthest that has fired: what has passed stays passed, so a due date
    that a stop or an extension moves fires only if it had not fired before.
    """
    if state.clock is None or state.clock.standing_since is not None:
        return
    due = state.clock.due
    moments = (due.yellow_at, due.red_at, due.promised_at, due.statutory_at)
    fired = [LIGHTS.index(one.moment) for one in state.supervised if one.moment in LIGHTS]
    for kind, at in list(zip(LIGHTS, moments, strict=True))[max(fired, default=-1) + 1 :]:
        yield Moment(kind, "", at)


def _again(state: Case) -> Iterator[Moment]:
    """A rule speaks again of what is not done yet."""
    newest = {one.order: one for one in state.supervised}
    for order, one in newest.items():
        if one.again_at is not None and is_open(state, one):
            yield Moment("again", order, one.again_at)


SOURCES: tuple[Source, ...] = (_examined, _supplement, _materials, _promises, _stops, _steps, _lights, _again)


def is_open(state: Case, spoken: m.CaseSupervised) -> bool:
    """Whether there is still something to do about what a rule spoke of.

    While the clock stands nobody is late, so of the clock's moments nothing is repeated; an order waits for its answer
    whatever the clock does.
    """
    if spoken.stage == "order" or any(one.stage == "order" and one.order == spoken.order for one in state.supervised):
        return all(answer.order != spoken.order for answer in state.answered)
    clock = state.clock
    match spoken.moment:
        case "stop":
            return clock is not None and any(stop.stop_id == spoken.about for stop in clock.open_stops)
        case "material":
            return spoken.about not in state.materials
        case "step":
            step = spoken.about.partition(".")[0]
            runs = clock is not None and clock.standing_since is None
            return runs and step not in state.done and spoken.about == step_again(state, step)
        case "deemed":
            return not spoken.about or (state.deemed_at is not None and spoken.about == unexamined(state))
    return clock is not None and clock.standing_since is None


def raised(state: Case) -> tuple[m.CaseSupervised, ...]:
    """What a supervisor has to look at: the newest word on each open escalation and order. An order waits for its answer even
    when the case has ended.
    """
    newest = {one.order: one for one in state.supervised if one.stage in ("escalate", "order")}
    ordered = {one.order for one in state.supervised if one.stage == "order"}
    return tuple(
        one for order, one in newest.items() if is_open(state, one) and (order in ordered or not state.is_terminal)
    )


def holder(state: Case) -> str | None:
    """In whose list the case stands while something is raised."""
    return listed_at(state.department) if raised(state) else None


def listed_at(department: str) -> str:
    """What the list of a department's escalations and orders is called in the index."""
    return f"{department}/orders"


def awaited(state: Case) -> list[Moment]:
    """The moments of a case in hand that have not fired, in the order in which they come. None of a case that has ended."""
    if state.is_terminal:
        return []
    fired = {(one.moment, one.about) for one in state.supervised}
    found = [moment for source in SOURCES for moment in source(state) if (moment.kind, moment.about) not in fired]
    return sorted(found, key=lambda moment: moment.at)


def next_moment(state: Case, patience: Patience, *, last: datetime | None = None) -> datetime | None:
    """When to look at a case again, though nobody has done anything; None when nothing comes by itself.

    A case that has ended says again what nobody asks about: that a collaboration is cancelled, until the centre confirms
    it, and a correction, for ``SAID_AGAIN_FOR``. ``last`` is when it was said last.
    """
    if state.is_terminal:
        return min(_said_again(state, patience, last), default=None)
    moments = awaited(state)
    return moments[0].at if moments else None


def _said_again(state: Case, patience: Patience, last: datetime | None) -> Iterator[datetime]:
    if state.awaited and state.changed_at is not None:
        yield patience.until(state.changed_at, last=last)
    if state.corrected_at is not None:
        again = patience.until(state.corrected_at, last=last)
        if again <= state.corrected_at + SAID_AGAIN_FOR:
            yield again
