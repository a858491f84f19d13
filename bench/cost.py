"""Write units a case, as DynamoDB's ReturnConsumedCapacity counts them: indexes included, reads not.

The aims are about the case's own way. What follows from the streams, which no case waits for, is counted beside it.
"""

from __future__ import annotations

import statistics
import time
from typing import NamedTuple

from liangwang import catalogue

from bench.work import Work
from local import demo, players
from local.players import Scenario
from local.stack import Stack

PLAIN = Scenario(item="elderly-card")
"""即办件: applied for, accepted, decided by rule, handed back."""

STAFFED = Scenario(item="food-business-licence")
"""承诺件: the same with two steps by clerks."""

TWO_DEPARTMENTS = Scenario(item="individual-business-registration", form={"premises_kind": "home", "trade": "catering"})
"""Two departments are asked and answer; the rest is by rule."""

CASES = (
    ("plain: decided at once", PLAIN, "10"),
    ("two departments asked", TWO_DEPARTMENTS, "24"),
    ("two steps by clerks", STAFFED, ""),
)
"""What is printed, with the aims."""


BEHIND_SECONDS = 6.0
"""How long what follows from streams may take after a case: windows of a second or two, then a write."""


class Cost(NamedTuple):
    """Write units of one case: on its own way (the aims), of logging in, and of what follows behind it."""

    case: float
    people: float
    behind: float


def write_units(stack: Stack, scenario: Scenario, *, cases: int = 5) -> Cost:
    """The medians over some cases, one at a time: behind a case alone, nothing is shared with others."""
    known = catalogue.load(stack.config.catalogue)
    found = []
    for number in range(cases):
        work = Work(stack)
        report = demo.play(stack, players.wishes(1, known, seed=number, chosen=[scenario]), moods=False)
        if not report.is_clean:
            raise SystemExit(f"the case did not end well, so its cost means nothing: {report}")
        time.sleep(BEHIND_SECONDS)
        counts = work.counts()
        found.append(Cost(counts["write_units"], counts["write_units_people"], counts["write_units_behind"]))
    return Cost(*(statistics.median(units) for units in zip(*found, strict=True)))
