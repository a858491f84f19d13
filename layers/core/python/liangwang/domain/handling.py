"""承办: whose a case's steps are, were or may next be: to them its content is shown. Pure.

Who has nothing to do with a case does not need what the applicant handed in (个人信息保护法 art. 6: no more than the purpose needs).
"""

from . import messages as m
from . import policy
from .case import Case
from .catalogue import Item, Step
from .officers import may_do, may_examine
from .steps import reached


def handles(state: Case, item: Item, *, role: str, subject: str) -> bool:
    """Whether an officer of the case's department works on it: has a step in hand or did one, asked for a procedure, or could
    take a step that comes next and that nobody has in hand; before acceptance, may examine it. A case that ended without an
    officer is open to those who look at such cases again 抽查; of one that ended otherwise only those know who worked on it.
    """
    if subject in state.officers.values() or any(subject in (one.by, one.on_behalf_of) for one in state.steps):
        return True
    if any(subject in (one.by, one.on_behalf_of) for one in state.asked):
        return True
    if state.is_terminal:
        rechecks = policy.fields(role, "case.recheck", ["department"]) is not None
        return rechecks and all(step.by == "rule" for step in state.steps)
    if state.accepted is None and may_examine(role):
        return True
    return any(step.key not in state.officers and may_do(role, step) for step in coming(state, item))


def coming(state: Case, item: Item) -> tuple[Step, ...]:
    """The officers' steps that the case stands before, or comes to next when rules have done theirs."""
    done: dict[str, object] = dict(state.done)
    while by_rule := [step for step in reached(done, item) if step.by == "rule"]:
        done |= {step.key: m.StepCompleted for step in by_rule}
    return tuple(reached(done, item))
