"""Where a case is and what it waits for, as far as what passed the centre tells. Pure."""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from .collaboration import Collaboration
from .ledger import Entry

Waits = Literal["acceptance", "supplement", "departments", "procedure", "officer", "delivery", "nobody"]
"""``acceptance``: the department's first word. ``supplement``: the applicant. ``departments``: others, who were asked.
``procedure``: a special procedure 特别程序. ``officer``: a step at the department. ``delivery``: the intake, which cannot be
reached. ``nobody``: the case has ended.
"""


class Waiting(Struct, frozen=True, kw_only=True):
    """One thing that a case waits for; ``departments`` are whose turn it is."""

    waits: Waits
    departments: tuple[str, ...] = ()


def waiting(entry: Entry, events: Sequence[Collaboration], *, is_kept: bool) -> tuple[Waiting, ...]:
    """All that a case waits for. ``is_kept``: news of it wait for its intake."""
    delivery = (Waiting(waits="delivery"),) if is_kept else ()
    if entry.is_terminal:
        return delivery or (Waiting(waits="nobody"),)
    asked = [event for event in events if event.conclusion is None]
    supporters = {task.dispatched.department for event in asked for task in event.tasks if task.is_open}
    others = (Waiting(waits="departments", departments=tuple(sorted(supporters))),) if asked else ()
    own: tuple[Waiting, ...] = ()
    if entry.state == "carried":
        own = (Waiting(waits="acceptance", departments=(entry.department,)),)
    elif entry.state == "supplementing":
        own = (Waiting(waits="supplement"),)
    elif entry.state == "suspended":
        own = (Waiting(waits="procedure", departments=(entry.department,)),)
    elif entry.state != "collaborating" or not asked:
        own = (Waiting(waits="officer", departments=(entry.department,)),)
    return (*own, *others, *delivery)
