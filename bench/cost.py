"""Write units a case, as DynamoDB's ReturnConsumedCapacity counts them: indexes included, reads not."""

from __future__ import annotations

import statistics
import time

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


def write_units(stack: Stack, scenario: Scenario, *, cases: int = 5) -> float:
    """The median over some cases, one at a time."""
    known = catalogue.load(stack.config.catalogue)
    found = []
    for number in range(cases):
        work = Work(stack)
        report = demo.play(stack, players.wishes(1, known, seed=number, chosen=[scenario]), moods=False)
        if not report.is_clean:
            raise SystemExit(f"the case did not end well, so its cost means nothing: {report}")
        time.sleep(0.3)  # the last log lines
        found.append(work.counts()["write_units"])
    return statistics.median(found)
