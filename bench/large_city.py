"""An invented city of any size: as many departments and rules as one wants to route over."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime
from itertools import cycle, islice

from liangwang.domain.catalogue import Department, Organisation, Region, Text
from liangwang.domain.responsibilities import Load, Responsibilities, RoutingRule, RuleSet, Times
from liangwang.domain.routing import Question

CAPABILITIES = 200
DEPARTMENTS_A_TOWN = 8
TOWNS_A_DISTRICT = 12
NOW = datetime(2027, 3, 1, 4, 0, tzinfo=UTC)
NAME = Text(zh="示例", en="Example")


def organisation(departments: int) -> Organisation:
    """A city with so many departments: most in towns, the others in districts and in the city."""
    towns = max(1, departments // DEPARTMENTS_A_TOWN)
    districts = max(1, towns // TOWNS_A_DISTRICT)
    regions = [Region("C", NAME, 3)]
    regions += [Region(f"D{district}", NAME, 4, "C") for district in range(districts)]
    regions += [Region(f"T{town}", NAME, 5, f"D{town % districts}") for town in range(towns)]
    places = islice(cycle(reversed(regions)), departments)
    found = [
        Department(f"X{number}", NAME, region.code, tuple(_capability(number + 7 * n) for n in range(3)))
        for number, region in enumerate(places)
    ]
    return Organisation(tuple(regions), tuple(found))


def rules(tree: Organisation, count: int, *, seed: int = 1) -> RuleSet:
    """So many rules for capabilities, items, areas, times and load anywhere in the city."""
    chance = random.Random(seed)
    made = [
        RoutingRule(
            id=f"R{number}",
            to=tuple(one.code for one in chance.sample(tree.departments, 2)),
            reason=NAME,
            capability=_capability(chance.randrange(CAPABILITIES)),
            item=chance.choice(("", f"item-{chance.randrange(300)}")),
            area=chance.choice(tree.regions).code,
            times=chance.choice((None, None, Times(weekdays=(6, 7)))),
            load=chance.choice((None, None, Load(at_most=chance.randrange(50)))),
            priority=chance.randrange(10),
            across=True,
        )
        for number in range(count)
    ]
    return RuleSet("bench", date(2027, 1, 1), tuple(made))


def city(departments: int, rule_count: int) -> Responsibilities:
    """A city with its rules."""
    tree = organisation(departments)
    return Responsibilities.of(tree, rules(tree, rule_count))


def questions(tree: Organisation, count: int, *, seed: int = 2) -> list[Question]:
    """So many questions from all over the city."""
    chance = random.Random(seed)
    towns = [region.code for region in tree.regions if region.level == 5]
    return [
        Question(
            _capability(chance.randrange(CAPABILITIES)), chance.choice(towns), f"item-{chance.randrange(300)}", NOW
        )
        for _ in range(count)
    ]


def _capability(number: int) -> str:
    return f"capability-{number % CAPABILITIES}"
