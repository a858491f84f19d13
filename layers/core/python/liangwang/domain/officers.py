"""承办人: in whose hands a step is, and who may do it. Pure.

A step lies with its group until an officer claims it, is given it, or simply does it. An officer who is absent may have named
another who stands in for them; what that one does counts as both's. Nobody does two steps of a case that stand.

The department system knows no accounts: that whoever was given a step is of the department, and of a role that may do it, is
looked at when they act, by what their token says. A supervisor gives a step that lies wrongly to somebody else.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated

from msgspec import Meta, Struct

from . import messages as m
from . import policy
from .case import Case, Event, StepAssigned
from .catalogue import Item, Step
from .errors import Forbidden, Invalid, NotFound, NotNow, Violation, require_reason
from .steps import find, standing

Account = Annotated[str, Meta(max_length=100)]
"""An officer's account, as tokens name it."""


class Officer(Struct, frozen=True, kw_only=True):
    """Who acts: account and role, as the token says. ``stands_in_for``: officers who are absent and have named this one."""

    name: str
    role: str
    stands_in_for: frozenset[str] = frozenset()


class GiveStep(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose hands a step goes to: an officer's account, the caller's own when it is left out, nobody's (the group's) when empty.

    ``reason`` is needed when it is taken out of somebody's hands.
    """

    officer: Account | None = None
    reason: m.Remark = ""


def involved(state: Case) -> Mapping[str, str]:
    """Who did which step that stands, in person or through another: the step's key by account."""
    found: dict[str, str] = {}
    for key, done in state.done.items():
        if isinstance(done, m.StepCompleted) and done.by != "rule":
            found |= dict.fromkeys((name for name in (done.by, done.on_behalf_of) if name), key)
    return found


def others_with(state: Case, key: str, name: str) -> Sequence[str]:
    """Who else than ``name`` has the step in hand."""
    return [one for one in (state.officers.get(key, name),) if one != name]


def may_do(role: str, step: Step) -> bool:
    """Whether somebody of this role does such a step: the step's own role, or what the policy says."""
    return step.role in ("", role) and policy.fields(role, policy.STEPS[step.name], ["department"]) is not None


def may_examine(role: str) -> bool:
    """Whether somebody of this role says the word on acceptance."""
    return policy.fields(role, "case.accept", ["department"]) is not None


def require_role(step: Step, officer: Officer) -> None:
    """Raises Forbidden when the officer's role does not do this step."""
    if not may_do(officer.role, step):
        raise Forbidden(f"role {officer.role} does not do step {step.key}")


def acts_for(state: Case, step: Step, officer: Officer) -> str:
    """For which absent officer this one does the step; empty for nobody but themselves.

    Raises Forbidden for a role that does not do it, for a step in another's hands, and for who did another step of the
    case: nobody reviews their own work, nor what was done for them or in their name.
    """
    require_role(step, officer)
    holder = state.officers.get(step.key, officer.name)
    if holder != officer.name and holder not in officer.stands_in_for:
        raise Forbidden(f"step {step.key} is in another officer's hands")
    _require_other_eyes(state, step, officer.name, holder)
    return "" if holder == officer.name else holder


def give(state: Case, key: str, command: GiveStep, *, officer: Officer, item: Item) -> Sequence[Event]:
    """Claims a step, hands it over, gives it back, or (a supervisor) gives it to somebody.

    Raises NotFound for a step that the item does not have, NotNow for one that the case does not stand before or that
    somebody else has, Forbidden for who may not, Invalid where a reason is needed or the other did a step already.
    """
    known(item, key)
    step = open_to_officers(state, key, item)
    holder, to = state.officers.get(key, ""), officer.name if command.officer is None else command.officer.strip()
    leads = policy.fields(officer.role, "step.assign", ["department"]) is not None
    has_it = holder == officer.name or holder in officer.stands_in_for
    if to == holder:
        return []
    if to == officer.name:
        require_role(step, officer)
        _require_other_eyes(state, step, to)
        if holder and not (has_it or leads):
            raise NotNow(f"step {key} is in another officer's hands; they or a supervisor can give it to you")
    elif not (has_it or leads):
        raise Forbidden(f"step {key} is not in your hands; a supervisor can give it to somebody")
    elif to and to in involved(state):
        reason = f"did step {involved(state)[to]} of this case, and nobody does two"
        raise Invalid("another officer must do this step", violations=(Violation("officer", reason),))
    if holder and (to or holder != officer.name):
        require_reason(command.reason, field="reason", what="taking a step out of somebody's hands")
    return [StepAssigned(step=key, officer=to, by=officer.name, reason=command.reason)]


def known(item: Item, key: str) -> Step:
    """The item's step of this key. Raises NotFound."""
    if (step := find(item, key)) is None:
        raise NotFound(f"the item has no step {key}")
    return step


def open_to_officers(state: Case, key: str, item: Item) -> Step:
    """The officers' step of this key that the case stands before. Raises NotNow."""
    waiting = {one.key: one for one in standing(state, item) if one.by == "clerk"}
    if key not in waiting:
        here = ", ".join(waiting) or "no step of an officer"
        raise NotNow(f"the case is {state.status} and stands before {here}, not {key}")
    return waiting[key]


def _require_other_eyes(state: Case, step: Step, *names: str) -> None:
    others = {name: key for name, key in involved(state).items() if key != step.key}
    for name in names:
        if name in others:
            raise Forbidden(
                f"step {others[name]} of this case was done by you or for you; another officer must do {step.key}"
            )
