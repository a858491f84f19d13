"""The course of an accepted case: what rules alone carry on, until a person or another department is needed, or it is decided.

``acceptance`` and ``approval`` end by calling ``advance``, within the same write.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from . import messages as m
from . import recheck, steps
from .case import Case, Event, StepSkipped, evolve
from .catalogue import Evaluate, Facts, Item, RuleFailed, Step, Text
from .decisions import first_number
from .errors import DomainError
from .history import Recorded
from .working_days import Calendar


def unworded(key: str, /, **values: object) -> Text:
    """Stands where there are no texts: the key itself."""
    return Text(zh=key, en=key)


class Practice(NamedTuple):
    """What a department decides a case by: the item, who evaluates its rules, the calendar that its limits run by, and the
    texts for people (``texts.text``: a key and its values).
    """

    item: Item
    evaluate: Evaluate
    calendar: Calendar
    say: Callable[..., Text] = unworded


class Undecidable(DomainError):
    """A rule cannot be evaluated over a case: nothing is accepted, refused or granted by mistake.

    A message that meets it becomes a dead letter; a clerk who meets it is told.
    """

    code = "undecidable"


def facts(state: Case, now: datetime) -> Facts:
    """What the item's rules may look at. Of what others answered it is what the item itself asked: an officer's own question is
    the officer's to judge.
    """
    by_officers = {one.request_id for one in state.requests if one.origin == "officer"}
    conclusions = [one for one in state.conclusions if one.request_id not in by_officers]
    opinions = {answer.capability: answer.opinion or "none" for one in conclusions for answer in one.answers}
    disagreed = any(one.conclusion != "agree" for one in conclusions)
    return {
        "form": state.form,
        "materials": sorted(state.materials),
        "applicant": {"type": state.application.applicant_type},
        "place": state.application.place,
        "today": now,
        "collaboration": {
            "conclusion": ("disagree" if disagreed else "agree") if conclusions else "none",
            "opinions": opinions,
        },
    }


def find(rule_id: str, expression: str, evaluate: Evaluate, known: Facts) -> m.Finding:
    """Looks at one rule. Raises Undecidable when it cannot be evaluated: nothing follows from a rule that is broken."""
    try:
        return m.Finding(rule_id, evaluate(expression, known))
    except RuleFailed as error:
        raise Undecidable(f"rule {rule_id} cannot be evaluated: {error}") from error


def waits_for_clerk(state: Case, item: Item) -> bool:
    """Whether an officer can act now."""
    return any(step.by == "clerk" for step in steps.open_steps(state, item))


def advance(state: Case, *, on: Practice, now: datetime) -> Sequence[Event]:
    """Carries an accepted case on until a person or another department is needed, or it is decided.

    Denial rules are looked at in every step that is done by rule; the first that holds ends the case. It has passed when
    every step is done or skipped.
    """
    events: list[Event] = []
    while state.status == "in_review" and (new := _onward(state, on=on, now=now)):
        for event in new:
            state = evolve(state, Recorded(now, "", event))
        events += new
    return [*events, *recheck.sample(state, on.item)] if events else events


def _onward(state: Case, *, on: Practice, now: datetime) -> Sequence[Event]:
    """What follows next without anybody's act; nothing when the case waits for somebody."""
    if all(step.key in state.done for step in on.item.steps):
        return [grant(state, on.item, now)]
    for step in steps.reached(state.done, on.item):
        if not _is_needed(state, step, on=on, now=now):
            return [StepSkipped(step=step.key)]
        if steps.lacking(state, on.item, step):
            continue
        if step.by == "rule":
            return _step_by_rule(state, step, on=on, now=now)
        if (opened := steps.opening(state, step, on.calendar, now)) is not None:
            return [opened]
    return []


def _is_needed(state: Case, step: Step, *, on: Practice, now: datetime) -> bool:
    """An optional step's condition is looked at once: when the case comes to the step."""
    if not step.when or step.key in state.opened:
        return True
    return find(step.key, step.when, on.evaluate, facts(state, now)).held


def _step_by_rule(state: Case, step: Step, *, on: Practice, now: datetime) -> list[Event]:
    known = facts(state, now)
    trace = tuple(find(rule.id, rule.when, on.evaluate, known) for rule in on.item.denial)
    against = tuple(rule.reason for rule, finding in zip(on.item.denial, trace, strict=True) if finding.held)
    completed = m.StepCompleted(
        case_no=state.application.case_no,
        department=state.department,
        step=step.key,
        opinion="disagree" if against else "agree",
        by="rule",
        trace=trace,
    )
    if not against:
        return [completed]
    return [completed, deny(evolve(state, Recorded(now, "", completed)), reasons=against)]


def grant(state: Case, item: Item, now: datetime) -> m.CaseDecided:
    """准予, with the item's certificate. Its number follows from the case's, so a retry never makes a second one."""
    certificate = item.certificate
    valid_until = None
    if certificate is not None and certificate.valid_days is not None:
        valid_until = now + timedelta(days=certificate.valid_days)
    return m.CaseDecided(
        case_no=state.application.case_no,
        department=state.department,
        outcome="granted",
        certificate_no=first_number(state.application.case_no) if certificate else None,
        certificate_name=certificate.name if certificate else None,
        valid_until=valid_until,
        told=state.told + 1,
    )


def deny(state: Case, *, reasons: tuple[Text, ...]) -> m.CaseDecided:
    """不予许可, with every reason."""
    return m.CaseDecided(
        case_no=state.application.case_no,
        department=state.department,
        outcome="denied",
        reasons=reasons,
        told=state.told + 1,
    )
