"""监督: what follows when a moment of a case has passed: a light, an urge 催办, an escalation 提级, an order 督办. Pure.

Nothing here asks what time it was when somebody last looked. A moment fires when a sweep finds that it has passed and the
case has not kept that it fired: so it fires once, however often and by however many the case is looked at, and neither a
clock that jumps nor a schedule that was paused changes that. What was paused catches up: of several lights the last one,
of an urge that would have been repeated the last time, each escalation once, in order, each with its true moment.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from . import acceptance, steps
from . import messages as m
from .case import Case, Event, StepAssigned, evolve
from .course import Practice
from .deadlines import LIGHTS, Moment, awaited
from .errors import NotFound, NotNow, require_reason
from .history import Recorded
from .supervision_rule import SupervisionRule, Watch


class Wake(Protocol):
    """What follows of a case by time alone: its state changes, so that the moment is none any more."""

    def __call__(self, state: Case, *, on: Practice, now: datetime) -> Sequence[Event]: ...


PARTS: tuple[Wake, ...] = (acceptance.wake,)
"""What else follows by time alone, from other parts of a case's way: one line each, before supervision's own rules."""


def wake(state: Case, *, on: Practice, watch: Watch, now: datetime) -> Sequence[Event]:
    """Everything that has become due of a case. Nothing for a case that nothing is due of."""
    events: list[Event] = []
    for part in (_retell, *PARTS):
        for event in part(state, on=on, now=now):
            events.append(event)
            state = evolve(state, Recorded(now, "", event))
    return [*events, *_supervise(state, on=on, watch=watch, now=now)]


def _retell(state: Case, *, on: Practice, now: datetime) -> Sequence[Event]:
    """A step's limit that the clock's standing has moved is told anew, rather than found to have passed."""
    found = [steps.opening(state, step, on.calendar, now) for step in steps.open_steps(state, on.item)]
    return [one for one in found if one is not None]


def answer(state: Case, order: str, *, by: str, result: str) -> Sequence[Event]:
    """督办反馈: the department's supervisor says what came of an order. Raises NotFound for no order of this case, NotNow for
    one that was answered, Invalid without a result.
    """
    if not any(one.stage == "order" and one.order == order for one in state.supervised):
        raise NotFound(f"the case has no order {order}")
    if any(one.order == order for one in state.answered):
        raise NotNow(f"order {order} was answered already")
    require_reason(result, field="result", what="an answer")
    case_no, department = state.application.case_no, state.department
    return [m.OrderAnswered(case_no=case_no, department=department, order=order, by=by, result=result)]


def _supervise(state: Case, *, on: Practice, watch: Watch, now: datetime) -> list[Event]:
    """The rules of all moments that have passed, in the order in which they passed, until none is left."""
    lit = {rule.moment for rule in watch.rules.rules if rule.stage == "light"}
    changed = [one.kind for one in awaited(state) if one.at <= now and one.kind in lit]
    outdone = set[str](changed[:-1])  # a light that another one has outdone meanwhile is not told any more
    events: list[Event] = []
    seen: set[Moment] = set()
    while (moment := _first(state, now, seen)) is not None:
        seen.add(moment)
        again = moment.kind == "again"
        new = _repeat(state, moment, on, watch, now) if again else _fire(state, moment, on, watch, now, outdone)
        for event in new:
            state = evolve(state, Recorded(now, "", event))
        events += new
    return events


def _first(state: Case, now: datetime, seen: set[Moment]) -> Moment | None:
    ours = ("again", "deemed", "material", "stop", "step", *LIGHTS)
    return next(
        (one for one in awaited(state) if one.at <= now and one not in seen and one.kind in ours),
        None,
    )


def _fire(state: Case, moment: Moment, on: Practice, watch: Watch, now: datetime, outdone: set[str]) -> list[Event]:
    rules = watch.rules.at(moment.kind)
    events: list[Event] = []
    for rule in rules:
        if rule.stage == "light" and moment.kind in outdone:
            continue
        at = _latest(moment.at, rule, on, now)
        events += _spoken(state, rule, moment, at, 1, on, watch)
        step = moment.about.partition(".")[0]
        if rule.frees and step in state.officers:
            events.append(StepAssigned(step=step, officer="", by="rule", reason="limit_passed"))
    if not events and moment.kind not in outdone:  # no rule names it: it has passed all the same
        events.append(_event(state, moment, "", "light", state.department, moment.at, watch))
    return events


def _repeat(state: Case, moment: Moment, on: Practice, watch: Watch, now: datetime) -> list[Event]:
    before = [one for one in state.supervised if one.order == moment.about][-1]
    about = Moment(before.moment, before.about, moment.at)
    rule = watch.rules.one(before.rule)
    if rule is None:  # it is gone, and says so by speaking for the last time
        return [_event(state, about, before.rule, before.stage, before.unit, moment.at, watch, before.ordinal + 1)]
    return _spoken(state, rule, about, _latest(moment.at, rule, on, now), before.ordinal + 1, on, watch)


def _latest(at: datetime, rule: SupervisionRule, on: Practice, now: datetime) -> datetime:
    """When an urge should have been spoken last: those that were missed before are not made up for."""
    while rule.stage == "urge" and rule.every and (following := _following(at, rule, on)) <= now:
        at = following
    return at


def _following(at: datetime, rule: SupervisionRule, on: Practice) -> datetime:
    return on.calendar.limit(at, rule.every)


def _spoken(
    state: Case, rule: SupervisionRule, moment: Moment, at: datetime, ordinal: int, on: Practice, watch: Watch
) -> list[Event]:
    """What a rule says for the ``ordinal``-th time: to each officer, or to one level of the line."""
    again_at = _following(at, rule, on) if rule.every and not 0 < rule.times <= ordinal else None
    if rule.stage in ("light", "urge"):
        units = _units(state, rule, moment)
        return [_event(state, moment, rule.id, rule.stage, unit, at, watch, ordinal, again_at) for unit in units]
    line = watch.line(state.department)
    # An order is to the department; unanswered it goes up the line as any escalation does, from the centre that gave it.
    place = ordinal - 1 + (rule.stage == "escalate" and rule.to == "centre")
    stage: m.SupervisionStage = "escalate" if ordinal > 1 else rule.stage
    unit = line[min(place, len(line) - 1)]
    again = again_at if place < len(line) - 1 else None
    return [_event(state, moment, rule.id, stage, unit, at, watch, ordinal, again)]


def _units(state: Case, rule: SupervisionRule, moment: Moment) -> list[str]:
    """The officers whom it concerns; the department where nobody has the matter in hand."""
    if rule.to != "officer":
        return [state.department]
    if moment.kind == "step":
        return [state.officers.get(moment.about.partition(".")[0], state.department)]
    return sorted(set(state.officers.values())) or [state.department]


def _event(
    state: Case,
    moment: Moment,
    rule: str,
    stage: m.SupervisionStage,
    unit: str,
    at: datetime,
    watch: Watch,
    ordinal: int = 1,
    again_at: datetime | None = None,
) -> m.CaseSupervised:
    light, (_, *centres) = _light(state, moment), watch.line(state.department)
    concerns = stage == "order" or (stage == "light" and light == "overdue")
    centre = unit if unit in centres else centres[0] if concerns and centres else ""
    return m.CaseSupervised(
        case_no=state.application.case_no,
        department=state.department,
        rule=rule,
        stage=stage,
        moment=moment.kind,  # type: ignore[arg-type]
        unit=unit,
        light=light,
        at=at,
        about=moment.about,
        ordinal=ordinal,
        again_at=again_at,
        centre=centre,
    )


def _light(state: Case, moment: Moment) -> m.Light:
    """The light that is on once this moment has passed: its own, or the furthest that has fired."""
    fired = [LIGHTS.index(one.moment) for one in state.supervised if one.moment in LIGHTS]
    place = max([*fired, LIGHTS.index(moment.kind) if moment.kind in LIGHTS else -1])
    lights: tuple[m.Light, ...] = ("yellow", "red", "overdue", "overdue")
    return lights[place] if place >= 0 else "green"
