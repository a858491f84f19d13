"""Which department answers for a capability at a place, and the way to it through the governance centres. Pure.

A rule may say who it is (``responsibilities.py``); without one it is the department nearest to the place, going up the tree.
Both look at the organisation of the question's day: whoever is not there yet, or no more, is passed over.
The way leads from the requester's centre up to the lowest common ancestor and down to the target's; every hop says why it
is there.
"""

from collections.abc import Callable, Collection, Iterator
from datetime import date, datetime
from typing import NamedTuple

from .catalogue import Department, Organisation
from .errors import Violation
from .messages import Hop
from .responsibilities import Responsibilities, RoutingRule
from .validity import day_of

OpenTasks = Callable[[str], int]
"""How many open tasks a department has, by its code. It is asked only where a rule that could match speaks of load."""


class Question(NamedTuple):
    """What is to be routed: a capability at a place, for which item, when, and which departments are out of the question."""

    capability: str
    place: str
    task_code: str = ""
    at: datetime | None = None
    besides: frozenset[str] = frozenset()


class Choice(NamedTuple):
    """Who takes it, and by which rule (empty: the nearest that is responsible)."""

    department: str
    rule: str = ""


TOWN = 5
"""A case's place is a town (GB/T 39046-2020 A.2): from there every capability is found up the tree."""


def misplaced(organisation: Organisation, place: str) -> list[Violation]:
    """What is wrong with ``place`` as the place of a case; empty for a town of this city."""
    region = organisation.region.get(place)
    if region is None or region.level != TOWN:
        return [Violation("place", "use the code of a town or subdistrict 街道/镇 of this city")]
    return []


def responsible(
    organisation: Organisation, *, capability: str, place: str, day: date, besides: Collection[str] = ()
) -> Department | None:
    """The department nearest to ``place`` that has the capability on a ``day``, leaving out those in ``besides``;
    None if nobody.

    Ties within one region are broken by the order of the organisation file. Raises KeyError for an unknown place.
    """
    near = _near(organisation, capability, organisation.lineage(place), day)
    return next((organisation.department[code] for code in near if code not in besides), None)


def is_there(organisation: Organisation, department: str, day: date) -> bool:
    """Whether the organisation has the department on a day."""
    found = organisation.department.get(department)
    return found is not None and found.span.holds(day)


def _near(organisation: Organisation, capability: str, lineage: tuple[str, ...], day: date) -> Iterator[str]:
    """The departments that answer for a capability on a day, the nearest first."""
    for region in lineage:
        for department, span in organisation.responsible.get((capability, region), ()):
            if span.holds(day):
                yield department


def choose(responsibilities: Responsibilities, question: Question, *, load: OpenTasks | None = None) -> Choice | None:
    """The department that a question goes to; None when nobody is responsible, or the place is unknown.

    The cost does not grow with the organisation or with the rules: some look-ups for each region above the place.
    """
    return next(candidates(responsibilities, question, load=load), None)


def candidates(
    responsibilities: Responsibilities, question: Question, *, load: OpenTasks | None = None
) -> Iterator[Choice]:
    """All who come into question, who takes it first; each department once. Without ``load`` nobody is busy."""
    organisation = responsibilities.organisation
    if question.place not in organisation.region:
        return
    lineage, seen = organisation.lineage(question.place), set(question.besides)
    rules = responsibilities.at(question.at).about(
        item=question.task_code, capability=question.capability, lineage=lineage
    )
    for rule in rules:
        for code in takers(rule, question, organisation, load or idle):
            if code not in seen:
                seen.add(code)
                yield Choice(code, rule.id)
    for code in _near(organisation, question.capability, lineage, day_of(question.at)):
        if code not in seen:
            yield Choice(code)


def takers(rule: RoutingRule, question: Question, organisation: Organisation, load: OpenTasks) -> list[str]:
    """The departments to which a rule, that is about such questions, sends this one; none when its time or load says no."""
    if rule.times is not None and (question.at is None or not rule.times.hold(question.at)):
        return []
    day = day_of(question.at)
    able = [code for code in rule.to if code not in question.besides and is_there(organisation, code, day)]
    if rule.load is None:
        return able
    open_tasks = {code: load(code) for code in able}
    if rule.load.at_most is not None:
        able = [code for code in able if open_tasks[code] <= rule.load.at_most]
    return sorted(able, key=open_tasks.__getitem__) if rule.load.least else able


def idle(_: str) -> int:
    """Where nobody counts, nobody is busy."""
    return 0


def path(organisation: Organisation, *, origin: str, target: str) -> tuple[Hop, ...]:
    """The centres from region ``origin`` to region ``target``, both included."""
    up, down = organisation.lineage(origin), organisation.lineage(target)
    meeting = next(region for region in up if region in down)
    climb, descend = up[: up.index(meeting)], down[: down.index(meeting)]
    hops = [_hop(organisation, region, "registered" if region == origin else "up") for region in climb]
    hops.append(_hop(organisation, meeting, "registered" if meeting == origin else "common_centre"))
    hops += [_hop(organisation, region, "down") for region in reversed(descend)]
    hops[-1] = Hop(hops[-1].region, hops[-1].level, "target" if len(hops) > 1 else "registered")
    return tuple(hops)


def common_centre(organisation: Organisation, first: str, second: str) -> str:
    """The lowest region above (or equal to) both."""
    above = organisation.lineage(second)
    return next(region for region in organisation.lineage(first) if region in above)


def _hop(organisation: Organisation, region: str, reason: str) -> Hop:
    return Hop(region, organisation.region[region].level, reason)
