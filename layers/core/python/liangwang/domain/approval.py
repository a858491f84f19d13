"""审批: takes conclusions in and lets people complete the steps that need a person. Pure."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from . import messages as m
from . import procedures
from .case import Case, Event, OpinionsReceived, evolve
from .catalogue import Text
from .course import Practice, advance, deny
from .errors import Forbidden, NotNow, require_reason
from .history import Recorded, too_late
from .steps import open_steps


class CompleteStep(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A clerk's opinion on a step that is open; ``step`` is its key within the item."""

    step: str
    opinion: m.Opinion
    explanation: m.Remark = ""


def conclude_collaboration(
    state: Case, message: m.CollaborationConcluded, *, on: Practice, now: datetime
) -> Sequence[Event]:
    """Takes in the centre's conclusion and goes on, unless a special procedure holds the case up. Where the clock stood for the
    answers it runs again. A conclusion nobody waits for is kept as a note.
    """
    if message.request_id not in state.awaited:
        return [too_late(message, "nobody waits for this conclusion")]
    received = OpinionsReceived(conclusion=message)
    events: list[Event] = [received]
    case = evolve(state, Recorded(now, "", received))
    if procedures.stands_for(case, message.request_id):
        events.append(procedures.resume(case, message.request_id, "answered", on, now))
        case = evolve(case, Recorded(now, "", events[-1]))
    return [*events, *advance(case, on=on, now=now)]


def complete_step(state: Case, command: CompleteStep, *, clerk: str, on: Practice, now: datetime) -> Sequence[Event]:
    """A clerk completes a step; disagreement denies the case.

    Raises NotNow when the case waits for something else, Forbidden when the clerk did an earlier step of this case
    (nobody reviews their own work), Invalid when a disagreement gives no reason.
    """
    waiting = {step.key: step for step in open_steps(state, on.item) if step.by == "clerk"}
    if not waiting:
        raise NotNow(f"the case is {state.status}; no clerk's step is open")
    step = waiting.get(command.step)
    if step is None:
        raise NotNow(f"the case stands before step {', '.join(waiting)}, not {command.step}")
    if any(done.by == clerk for done in state.steps):
        raise Forbidden("you completed an earlier step of this case; another clerk must do this one")
    if command.opinion == "disagree":
        require_reason(command.explanation, field="explanation", what="a disagreement")
    completed = m.StepCompleted(
        case_no=state.application.case_no,
        department=state.department,
        step=step.key,
        opinion=command.opinion,
        by=clerk,
        explanation=command.explanation,
    )
    case = evolve(state, Recorded(now, "", completed))
    if command.opinion == "disagree":
        reason = Text(zh=command.explanation, en=command.explanation)
        return [completed, deny(case, reasons=(reason,))]
    return [completed, *advance(case, on=on, now=now)]
