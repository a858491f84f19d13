"""审批: takes conclusions in, lets officers complete the steps that need a person, and lets them go back. Pure.

Nothing that was done is rewritten: an opinion that no longer stands is followed by the event that says so.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from . import messages as m
from . import procedures, requests, steps
from .case import Case, Event, OpinionsReceived, StepAssigned, evolve
from .catalogue import Item, Step, Text
from .course import Practice, advance, deny
from .errors import Forbidden, Invalid, NotNow, Violation, require_reason
from .history import Recorded, too_late
from .officers import Officer, acts_for, known, open_to_officers, require_role

MOST_ATTACHMENTS = 20


class CompleteStep(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An officer's opinion on a step that is open; ``step`` is its key within the item.

    ``attachments`` are ids of files that officers added to this case.
    """

    step: str
    opinion: m.Opinion
    explanation: m.Remark = ""
    attachments: Annotated[tuple[str, ...], Meta(max_length=MOST_ATTACHMENTS)] = ()


class ReturnStep(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """To which earlier step a case goes back, and why. Without ``to`` an officer takes their own opinion on the step back."""

    to: str = ""
    reason: m.Remark


def conclude_collaboration(
    state: Case, message: m.CollaborationConcluded, *, on: Practice, now: datetime
) -> Sequence[Event]:
    """Takes in the centre's conclusion and goes on, unless a special procedure holds the case up or others are to be asked next.
    Where the clock stood for the answers it runs again. A conclusion nobody waits for is kept as a note.
    """
    if message.request_id not in state.awaited:
        return [too_late(message, "nobody waits for this conclusion")]
    received = OpinionsReceived(conclusion=message)
    events: list[Event] = [received]
    case = evolve(state, Recorded(now, "", received))
    if procedures.stands_for(case, message.request_id):
        events.append(procedures.resume(case, message.request_id, "answered", on, now))
        case = evolve(case, Recorded(now, "", events[-1]))
    found = requests.needed(case, state, on=on, now=now) if not case.is_terminal else ()
    for event in requests.ask_in_turn(case, found, on=on, now=now):
        case = evolve(case, Recorded(now, "", event))
        events.append(event)
    return [*events, *advance(case, on=on, now=now)]


def complete_step(
    state: Case, command: CompleteStep, *, officer: Officer, on: Practice, now: datetime
) -> Sequence[Event]:
    """An officer completes a step, and has claimed it thereby if nobody had; disagreement denies the case at once.

    Raises NotNow when the case waits for something else, Forbidden for who may not do this step (``officers.acts_for``),
    Invalid when a disagreement gives no reason.
    """
    if (named := steps.find(on.item, command.step)) is not None:
        require_role(named, officer)
    step = _open(state, command.step, on.item)
    on_behalf_of = acts_for(state, step, officer)
    if command.opinion == "disagree":
        require_reason(command.explanation, field="explanation", what="a disagreement")
    completed = m.StepCompleted(
        case_no=state.application.case_no,
        department=state.department,
        step=step.key,
        opinion=command.opinion,
        by=officer.name,
        explanation=command.explanation,
        on_behalf_of=on_behalf_of,
        attachments=command.attachments,
    )
    case = evolve(state, Recorded(now, "", completed))
    if command.opinion == "disagree":
        reason = Text(zh=command.explanation, en=command.explanation)
        return [completed, deny(case, reasons=(reason,))]
    return [completed, *advance(case, on=on, now=now)]


def return_step(
    state: Case, key: str, command: ReturnStep, *, officer: Officer, on: Practice, now: datetime
) -> Sequence[Event]:
    """退回: from an open step back to an earlier one, or an officer's own opinion back before anybody built on it.

    Whoever did the earlier step has it in hand again. Raises NotNow when the case has been decided or waits for others, when the step
    is not open, or when an officer has acted on the opinion; Forbidden for who may not; Invalid without a reason, or for
    a step that an officer has not done.
    """
    require_reason(command.reason, field="reason", what="a return")
    known(on.item, key)
    if state.status != "in_review":
        raise NotNow(f"the case is {state.status}; nothing goes back now")
    if command.to in ("", key):
        acting, to = _taken_back(state, key, officer, on.item)
    else:
        acting, to = acts_for(state, _open(state, key, on.item), officer), _earlier(state, key, command.to, on.item)
    begun = {*state.done, *state.officers, *state.opened}
    returned = m.StepReturned(
        case_no=state.application.case_no,
        department=state.department,
        step=key,
        to=to.step,
        reopened=(to.step, *(name for name in steps.later(on.item.steps, to.step) if name in begun)),
        by=officer.name,
        reason=command.reason,
        on_behalf_of=acting,
    )
    again = StepAssigned(step=to.step, officer=to.on_behalf_of or to.by, by=officer.name, reason=command.reason)
    case = evolve(evolve(state, Recorded(now, "", returned)), Recorded(now, "", again))
    return [returned, again, *advance(case, on=on, now=now)]


def _open(state: Case, key: str, item: Item) -> Step:
    """The open step of this key. Raises NotNow."""
    step = open_to_officers(state, key, item)
    if lacking := steps.lacking(state, item, step):
        raise NotNow(f"step {key} waits for what the applicant promised: {', '.join(lacking)}")
    if state.status != "in_review":
        raise NotNow(f"the case is {state.status}; no clerk's step is open")
    return step


def _by_officer(state: Case, key: str) -> m.StepCompleted | None:
    """What an officer did of a step, if it stands."""
    done = state.done.get(key)
    return done if isinstance(done, m.StepCompleted) and done.by != "rule" else None


def _earlier(state: Case, key: str, to: str, item: Item) -> m.StepCompleted:
    known = [name for name in steps.earlier(item.steps, key) if _by_officer(state, name) is not None]
    done = _by_officer(state, to)
    if to not in known or done is None:
        choices = ", ".join(known) or "none: no officer did a step before this one"
        raise Invalid("the case cannot go back there", violations=(Violation("to", f"an earlier step: {choices}"),))
    return done


def _taken_back(state: Case, key: str, officer: Officer, item: Item) -> tuple[str, m.StepCompleted]:
    """What an officer takes back, theirs or done in their name; and for whom, where they act for an absent one."""
    done = _by_officer(state, key)
    if done is None:
        raise NotNow(f"step {key} is not done; there is no opinion to take back")
    if officer.name not in (done.by, done.on_behalf_of):
        raise Forbidden(f"the opinion on step {key} is another officer's")
    if built := [name for name in steps.later(item.steps, key) if _by_officer(state, name) is not None]:
        raise NotNow(f"step {', '.join(built)} has been done since; its officer can return the case to {key}")
    return done.on_behalf_of if done.by == officer.name else "", done
