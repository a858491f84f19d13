"""办件: a case at the department. Its events, its state, and the way from acceptance to decision.

``acceptance`` and ``approval`` decide; both end by calling ``advance``, which carries the case on as far as rules alone
can carry it, within the same write.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from msgspec import Struct, field
from msgspec.structs import replace

from . import messages as m
from .catalogue import Evaluate, Facts, Item, RuleFailed, Step, Text
from .errors import DomainError
from .history import Noted, Recorded
from .patience import Patience


class Received(Struct, frozen=True, kw_only=True, tag="case.received", tag_field="type"):
    """The application reached the department."""

    application: m.ApplicationSubmitted


class SupplementReceived(Struct, frozen=True, kw_only=True, tag="case.supplement_received", tag_field="type"):
    """The applicant's answer to the notice reached the department."""

    supplement: m.ApplicationSupplemented


class OpinionsReceived(Struct, frozen=True, kw_only=True, tag="case.opinions_received", tag_field="type"):
    """The conclusion of a collaboration reached the requesting department."""

    conclusion: m.CollaborationConcluded


class Undecidable(DomainError):
    """A rule cannot be evaluated over a case: nothing is accepted, refused or granted by mistake.

    A message that meets it becomes a dead letter; a clerk who meets it is told.
    """

    code = "undecidable"


Event = (
    Received
    | SupplementReceived
    | OpinionsReceived
    | m.CaseAccepted
    | m.SupplementRequested
    | m.CaseRefused
    | m.CollaborationRequested
    | m.CollaborationCancelled
    | m.StepCompleted
    | m.CaseDecided
    | Noted
)

Status = Literal["received", "supplementing", "in_review", "collaborating", "refused", "granted", "denied", "withdrawn"]


class Case(Struct, frozen=True, kw_only=True):
    """What the department knows of a case.

    ``attachments`` are all that were ever handed in, in order: of a code with several versions the first stays too.
    ``awaited`` are open collaboration requests; ``conclusions`` the answered ones; ``told`` counts what the citizen was told.
    """

    application: m.ApplicationSubmitted
    version: int = 1
    status: Status = "received"
    form: dict[str, Any] = field(default_factory=dict)
    materials: frozenset[str] = frozenset()
    attachments: tuple[m.Attachment, ...] = ()
    sealed: tuple[m.Sealed, ...] = ()
    supplemented: bool = False
    awaited: tuple[str, ...] = ()
    conclusions: tuple[m.CollaborationConcluded, ...] = ()
    steps: tuple[m.StepCompleted, ...] = ()
    told: int = 0
    changed_at: datetime | None = None

    @property
    def department(self) -> str:
        """The department the case belongs to."""
        return self.application.department

    @property
    def is_terminal(self) -> bool:
        """Whether the case has ended."""
        return self.status in m.TERMINAL


def evolve(state: Case | None, recorded: Recorded[Event]) -> Case:
    """Folds one recorded event into the state."""
    event = recorded.event
    if isinstance(event, Received):
        application = event.application
        return Case(
            application=application,
            form=application.form,
            materials=frozenset(application.materials),
            attachments=application.attachments,
            sealed=(application.sealed,) if application.sealed else (),
            changed_at=recorded.at,
        )
    assert state is not None
    told = state.told + isinstance(event, m.Progress)
    return replace(state, version=state.version + 1, told=told, changed_at=recorded.at, **_changes(state, event))


def _changes(state: Case, event: Event) -> dict[str, Any]:
    match event:
        case SupplementReceived(supplement=supplement):
            return {
                "status": "received",
                "supplemented": True,
                "form": {**state.form, **supplement.form},
                "materials": state.materials | set(supplement.materials),
                "attachments": (*state.attachments, *supplement.attachments),
                "sealed": (*state.sealed, supplement.sealed) if supplement.sealed else state.sealed,
            }
        case m.SupplementRequested():
            return {"status": "supplementing"}
        case m.CaseRefused():
            return {"status": "refused"}
        case m.CaseAccepted():
            return {"status": "in_review"}
        case m.CollaborationRequested(request_id=request_id):
            return {"status": "collaborating", "awaited": (*state.awaited, request_id)}
        case OpinionsReceived(conclusion=conclusion):
            awaited = tuple(one for one in state.awaited if one != conclusion.request_id)
            status = state.status if state.is_terminal or awaited else "in_review"
            return {"status": status, "awaited": awaited, "conclusions": (*state.conclusions, conclusion)}
        case m.StepCompleted():
            return {"steps": (*state.steps, event)}
        case m.CaseDecided(outcome=outcome):
            return {"status": outcome}
        case _:
            return {}


def facts(state: Case, now: datetime) -> Facts:
    """What the item's rules may look at."""
    opinions = {
        answer.capability: answer.opinion or "none" for conclusion in state.conclusions for answer in conclusion.answers
    }
    disagreed = any(conclusion.conclusion != "agree" for conclusion in state.conclusions)
    return {
        "form": state.form,
        "materials": sorted(state.materials),
        "applicant": {"type": state.application.applicant_type},
        "place": state.application.place,
        "today": now,
        "collaboration": {
            "conclusion": ("disagree" if disagreed else "agree") if state.conclusions else "none",
            "opinions": opinions,
        },
    }


def find(rule_id: str, expression: str, evaluate: Evaluate, known: Facts) -> m.Finding:
    """Looks at one rule. Raises Undecidable when it cannot be evaluated: nothing follows from a rule that is broken."""
    try:
        return m.Finding(rule_id, evaluate(expression, known))
    except RuleFailed as error:
        raise Undecidable(f"rule {rule_id} cannot be evaluated: {error}") from error


def next_step(state: Case, item: Item) -> Step | None:
    """The step the case stands before; None when all are done."""
    done = len(state.steps)
    return item.steps[done] if done < len(item.steps) else None


def waits_for_clerk(state: Case, item: Item) -> bool:
    """Whether a person has to act next."""
    step = next_step(state, item)
    return state.status == "in_review" and step is not None and step.by == "clerk"


def advance(state: Case, *, item: Item, evaluate: Evaluate, now: datetime) -> Sequence[Event]:
    """Carries an accepted case on until a person or another department is needed, or it is decided.

    Denial rules are looked at in every step that is done by rule; the first that holds ends the case.
    """
    events: list[Event] = []
    while state.status == "in_review":
        step = next_step(state, item)
        if step is None:
            new: list[Event] = [grant(state, item, now)]
        elif step.by == "rule":
            new = _step_by_rule(state, step, item=item, evaluate=evaluate, now=now)
        else:
            break
        for event in new:
            state = evolve(state, Recorded(now, "", event))
        events += new
    return events


def _step_by_rule(state: Case, step: Step, *, item: Item, evaluate: Evaluate, now: datetime) -> list[Event]:
    known = facts(state, now)
    trace = tuple(find(rule.id, rule.when, evaluate, known) for rule in item.denial)
    against = tuple(rule.reason for rule, finding in zip(item.denial, trace, strict=True) if finding.held)
    completed = m.StepCompleted(
        case_no=state.application.case_no,
        department=state.department,
        step=step.name,
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
        certificate_no=f"{state.application.case_no}-Z" if certificate else None,
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


def wake_at(state: Case, patience: Patience, *, last: datetime | None = None) -> datetime | None:
    """When to tell the centre again that a collaboration is cancelled: until it has confirmed.

    A case in hand needs no such moment: intake asks about it, and the department passes the question on.
    """
    if not state.is_terminal or not state.awaited or state.changed_at is None:
        return None
    return patience.until(state.changed_at, last=last)


def holder(state: Case) -> str | None:
    """The department whose clerks have it in hand; None while it waits for others or has ended."""
    return state.department if state.status == "in_review" else None
