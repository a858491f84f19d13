"""Checks the graph of an item's steps by going through every state that a case can come to.

What is done, what was skipped, returns to an earlier step and stops of the clock make a state; there are few, so all of them
are visited. From each one a case must be able to be granted, every step must open somewhere, nobody may wait without a
clock (where officers act the item promises at least a day: ``catalogue_checks``), and no case may be granted that nobody approved.
"""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from liangwang.domain import policy, steps
from liangwang.domain.catalogue import Item, Step
from liangwang.yaml_document import Path

Problem = tuple[Path, str]

ORDER = ("handle", "review", "approve")
MOST_STEPS = 10
"""Each step at most triples the states."""


class State(NamedTuple):
    """Where a case can stand. ``stands``: its clock does, so nothing is done."""

    done: frozenset[str] = frozenset()
    skipped: frozenset[str] = frozenset()
    stands: bool = False


def step_problems(item: Item) -> Iterator[Problem]:
    """Everything wrong with the steps of an item, but for their conditions (``rule_checks``)."""
    found = [*_misnamed(item), *_out_of_order(item)]
    yield from found
    yield from _unheeded(item)
    yield from _awaited_for_ever(item)
    if found:
        return
    reachable = explored(item)
    dead = list(_never_open(item, reachable))
    yield from dead
    if not dead:
        yield from _stuck(reachable, item)
        yield from _unapproved(item, reachable)
        yield from _over_budget(item)


def explored(item: Item) -> Mapping[State, tuple[State, ...]]:
    """Every state that a case of this item can come to, and where it can go from there. Denial is left out: it ends a case."""
    found: dict[State, tuple[State, ...]] = {}
    ahead = [State()]
    while ahead:
        state = ahead.pop()
        if state not in found:
            found[state] = tuple(_moves(item, state))
            ahead += found[state]
    return found


def open_in(item: Item, state: State) -> list[Step]:
    """The steps that can be done in a state."""
    passed = state.done | state.skipped
    direct = steps.before(item.steps)
    return [step for step in item.steps if step.key not in passed and passed.issuperset(direct[step.key])]


def _moves(item: Item, state: State) -> Iterator[State]:
    if state.stands:
        yield state._replace(stands=False)
        return
    waiting = open_in(item, state)
    for step in waiting:
        yield state._replace(done=state.done | {step.key})
        if step.when:
            yield state._replace(skipped=state.skipped | {step.key})
        if step.by == "clerk":
            yield from (_without(item, state, to) for to in steps.earlier(item.steps, step.key) if to in state.done)
    if waiting and item.procedures:
        yield state._replace(stands=True)


def _without(item: Item, state: State, to: str) -> State:
    """After a return: that step and all after it begin anew."""
    again = {to, *steps.later(item.steps, to)}
    return state._replace(done=state.done - again, skipped=state.skipped - again)


def _misnamed(item: Item) -> Iterator[Problem]:
    if not 1 <= len(item.steps) <= MOST_STEPS:
        yield ("steps",), f"an item has 1 to {MOST_STEPS} steps; this one has {len(item.steps)}"
    seen: set[str] = set()
    for i, step in enumerate(item.steps):
        if step.id and not re.fullmatch(rf"{step.name}-[a-z0-9-]+", step.id):
            yield (
                ("steps", i, "id"),
                f"begins with the step's name, as in {step.name}-site: letters a-z, digits, hyphens",
            )
        if step.key in seen:
            yield ("steps", i), f"{step.key!r} stands here a second time; an `id` tells steps of one name apart"
        seen.add(step.key)
    for i, step in enumerate(item.steps):
        for n, name in enumerate(step.after):
            if name and name not in seen:
                yield ("steps", i, "after", n), f"there is no step {name!r}"
        if "" in step.after and len(step.after) > 1:
            yield ("steps", i, "after"), "an empty name stands for the beginning, and stands alone"


def _out_of_order(item: Item) -> Iterator[Problem]:
    names = {step.key: step.name for step in item.steps}
    for i, step in enumerate(item.steps):
        for name in (names[key] for key in steps.before(item.steps)[step.key] if key in names):
            if ORDER.index(name) > ORDER.index(step.name):
                yield ("steps", i, "name"), f"{step.name} cannot follow {name}; the order is {', '.join(ORDER)}"


def _unheeded(item: Item) -> Iterator[Problem]:
    """Roles that may not, and what nobody would look at."""
    for i, step in enumerate(item.steps):
        if step.by == "rule":
            for name in ("role", "days"):
                if getattr(step, name):
                    yield ("steps", i, name), "is never looked at: the step is done by rule"
            continue
        if step.role and policy.fields(step.role, policy.STEPS[step.name], ["department"]) is None:
            able = sorted(policy.roles(policy.STEPS[step.name]))
            yield ("steps", i, "role"), f"a {step.role} may not {step.name}; use {' or '.join(able)}"
        if step.days < 0:
            yield ("steps", i, "days"), "a limit is at least one day (0: none of its own)"


def _awaited_for_ever(item: Item) -> Iterator[Problem]:
    """What a case waits for besides officers and within limits (``limit_checks``): materials that were promised for a step."""
    known = {step.key for step in item.steps}
    for i, one in enumerate(item.materials):
        if one.needed_by and one.needed_by not in known:
            yield ("materials", i, "needed_by"), f"there is no step {one.needed_by!r}"
        elif one.needed_by and not one.later_days:
            yield ("materials", i, "needed_by"), "is never looked at: without `later_days` it may not come later"


def _never_open(item: Item, reachable: Mapping[State, object]) -> Iterator[Problem]:
    opened = {step.key for state in reachable for step in open_in(item, state)}
    for i, step in enumerate(item.steps):
        if step.key not in opened:
            yield ("steps", i), f"is never reached: it waits for {', '.join(_waits_for(item, step.key, opened))}"


def _waits_for(item: Item, key: str, opened: set[str]) -> list[str]:
    return [name for name in steps.before(item.steps)[key] if name not in opened]


def _passed(item: Item, state: State) -> bool:
    return len(state.done) + len(state.skipped) == len(item.steps)


def _stuck(reachable: Mapping[State, tuple[State, ...]], item: Item) -> Iterator[Problem]:
    """A state from which no case can be granted any more."""
    origins: dict[State, list[State]] = {}
    for state, following in reachable.items():
        for one in following:
            origins.setdefault(one, []).append(state)
    good: set[State] = set()
    ahead = [state for state in reachable if _passed(item, state)]
    while ahead:
        state = ahead.pop()
        if state not in good:
            good.add(state)
            ahead += origins.get(state, ())
    for state in reachable:
        if state not in good:
            yield ("steps",), f"no end is reached after {', '.join(sorted(state.done)) or 'the beginning'}"
            return


def _unapproved(item: Item, reachable: Mapping[State, object]) -> Iterator[Problem]:
    """A way to be granted on which nobody approves."""
    approving = {step.key for step in item.steps if step.name == "approve"}
    for state in reachable:
        if _passed(item, state) and not state.done & approving:
            skipped = ", ".join(key for key in (step.key for step in item.steps) if key in state.skipped)
            how = f" when {skipped} is skipped" if skipped else ""
            yield ("steps",), f"a case would be granted without an approve step{how}"
            return


def _over_budget(item: Item) -> Iterator[Problem]:
    """Steps share the promised days: the longest way through them must fit in."""
    direct = steps.before(item.steps)
    spent: dict[str, int] = {}
    ahead = list(enumerate(item.steps))
    while ahead:
        i, step = ahead.pop(0)
        if not all(name in spent for name in direct[step.key]):
            ahead.append((i, step))
            continue
        so_far = max((spent[name] for name in direct[step.key]), default=0)
        spent[step.key] = so_far + step.days
        if so_far <= item.promised.days < spent[step.key]:
            reason = f"the steps up to here take {spent[step.key]} days, more than the promised {item.promised.days}"
            yield ("steps", i, "days"), reason
