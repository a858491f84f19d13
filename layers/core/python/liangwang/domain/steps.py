"""环节: an item's graph of steps, and where a case stands in it. Pure.

A step comes after those that its ``after`` names, or after the one before it in the list; so steps may stand side by side. It
can be done when all before it are done or skipped, and all materials that were promised for it have come. A case has
passed when every step is done or skipped.
"""

from collections.abc import Container, Iterator, Mapping
from datetime import datetime
from functools import lru_cache

from .case import Case, StepOpened
from .case_no import SHANGHAI
from .catalogue import Item, Step
from .message_parts import Promise
from .working_days import Calendar


@lru_cache(maxsize=1024)
def before(steps: tuple[Step, ...]) -> Mapping[str, tuple[str, ...]]:
    """What stands directly before each step, by key."""
    found: dict[str, tuple[str, ...]] = {}
    previous = ""
    for step in steps:
        found[step.key] = tuple(name for name in step.after or (previous,) if name)
        previous = step.key
    return found


def earlier(steps: tuple[Step, ...], key: str) -> tuple[str, ...]:
    """All steps that must be done before this one, in the item's order."""
    direct, found = before(steps), set[str]()
    ahead = list(direct.get(key, ()))
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            ahead += direct.get(name, ())
    return tuple(step.key for step in steps if step.key in found)


def later(steps: tuple[Step, ...], key: str) -> tuple[str, ...]:
    """All steps that cannot be done before this one is, in the item's order."""
    return tuple(step.key for step in steps if key in earlier(steps, step.key))


def ends(steps: tuple[Step, ...]) -> frozenset[str]:
    """The steps after which nothing comes."""
    followed = {name for names in before(steps).values() for name in names}
    return frozenset(step.key for step in steps if step.key not in followed)


def find(item: Item, key: str) -> Step | None:
    """The item's step of this key."""
    return next((step for step in item.steps if step.key == key), None)


def reached(done: Container[str], item: Item) -> Iterator[Step]:
    """The steps that a case has come to: all before them are done or skipped, they themselves are neither."""
    direct = before(item.steps)
    for step in item.steps:
        if step.key not in done and all(name in done for name in direct[step.key]):
            yield step


def outstanding(state: Case) -> tuple[Promise, ...]:
    """容缺: the promises of an accepted case that have not been kept yet; none once it has ended."""
    if state.accepted is None or state.is_terminal:
        return ()
    return tuple(one for one in state.accepted.promised if one.material not in state.materials)


def lacking(state: Case, item: Item, step: Step) -> tuple[str, ...]:
    """The promised materials that have not come and without which this step is not done."""
    awaited = [one.material for one in outstanding(state)]
    if not awaited:
        return ()
    needed_by = {material.code: material.needed_by for material in item.materials}
    last = ends(item.steps)
    return tuple(
        code for code in awaited if step.key == needed_by.get(code) or (not needed_by.get(code) and step.key in last)
    )


def standing(state: Case, item: Item) -> tuple[Step, ...]:
    """The steps before which an accepted case stands, whether or not they can be done now."""
    if state.accepted is None or state.is_terminal:
        return ()
    return tuple(step for step in reached(state.done, item) if not step.when or step.key in state.opened)


def open_steps(state: Case, item: Item) -> tuple[Step, ...]:
    """The steps that can be done now."""
    if state.status != "in_review":
        return ()
    return tuple(step for step in standing(state, item) if not lacking(state, item, step))


def opening(state: Case, step: Step, calendar: Calendar, now: datetime) -> StepOpened | None:
    """What is to be recorded of a step that can be done from now on: that its condition held, and until when it is due.

    A step's own limit runs while the case's clock runs: it is told anew, later, when the clock has stood. None when there is
    nothing to record, or nothing new.
    """
    stopped = state.clock.stopped if state.clock is not None else 0
    known = state.opened.get(step.key)
    if known is None and (step.days or step.when):
        due = calendar.limit(now, step.days) if step.days else None
        return StepOpened(step=step.key, due_at=due, stopped=stopped)
    if known is not None and known.due_at is not None and known.stopped < stopped:
        day = calendar.after(known.due_at.astimezone(SHANGHAI).date(), stopped - known.stopped)
        return StepOpened(step=step.key, due_at=calendar.end_of(day), stopped=stopped)
    return None
