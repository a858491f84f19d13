"""Who answers for what, as it was agreed: the organisation and the dated versions of the rules over it. Pure.

Without a rule the nearest department with the capability answers. A rule says otherwise for a capability, an item, an
area, a time or a load (docs/routing.md). All that routing needs is indexed once, so that a question costs some look-ups
along the lineage of its place, however many departments and rules there are.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from functools import cached_property, partial
from typing import Literal, NamedTuple

from msgspec import Struct

from .case_no import SHANGHAI
from .catalogue import Organisation, Text
from .validity import day_of

Weekday = Literal[1, 2, 3, 4, 5, 6, 7]
"""ISO 8601: 1 is Monday."""


class Hours(Struct, frozen=True, forbid_unknown_fields=True):
    """Hours of the day (Asia/Shanghai), ``until`` not included; where they end before they begin, they go over midnight."""

    since: time
    until: time

    def __contains__(self, moment: time) -> bool:
        if self.since < self.until:
            return self.since <= moment < self.until
        return moment >= self.since or moment < self.until


class Days(Struct, frozen=True, forbid_unknown_fields=True):
    """From one day to another (Asia/Shanghai), both included."""

    first: date
    last: date


class Times(Struct, frozen=True, forbid_unknown_fields=True):
    """When a rule holds: on these weekdays, in these hours, on these days (Asia/Shanghai). What is not said holds always."""

    weekdays: tuple[Weekday, ...] = ()
    hours: tuple[Hours, ...] = ()
    days: tuple[Days, ...] = ()

    def hold(self, at: datetime) -> bool:
        """Whether a moment is one of these."""
        here = at.astimezone(SHANGHAI)
        today, clock = here.date(), here.time()
        return (
            (not self.weekdays or here.isoweekday() in self.weekdays)
            and (not self.hours or any(clock in hours for hours in self.hours))
            and (not self.days or any(days.first <= today <= days.last for days in self.days))
        )


class Load(Struct, frozen=True, forbid_unknown_fields=True):
    """How busy a department may be: with ``at_most`` so many open tasks; of several, the ``least`` loaded one is taken."""

    at_most: int | None = None
    least: bool = False


class RoutingRule(Struct, frozen=True, forbid_unknown_fields=True):
    """职责规则: questions for a ``capability`` (empty: for any) go ``to`` these departments, the first of them that may take it.

    ``item`` is a task_code, ``area`` a region: the rule holds there and below. Empty means any. Of several rules that
    match, the more specific comes first, then the one of higher ``priority``, then the one that stands first.
    ``across`` says that it is meant when a department lies neither above nor below the area.
    """

    id: str
    to: tuple[str, ...]
    reason: Text
    capability: str = ""
    item: str = ""
    area: str = ""
    times: Times | None = None
    load: Load | None = None
    priority: int = 0
    across: bool = False

    @property
    def conditions(self) -> int:
        """How many of time and load it speaks of."""
        return (self.times is not None) + (self.load is not None)

    @property
    def subject(self) -> tuple[str, str, str]:
        """What questions it is for: item, capability and area."""
        return self.item, self.capability, self.area


class RuleSet(Struct, frozen=True, dict=True, forbid_unknown_fields=True):
    """One published version of the rules, in force from a day (Asia/Shanghai) until the next one is."""

    version: str
    effective_from: date
    rules: tuple[RoutingRule, ...] = ()

    @cached_property
    def by_subject(self) -> dict[tuple[str, str], dict[str, tuple[RoutingRule, ...]]]:
        """The rules by item and capability, then by area; of those about the same, the one that comes first, first."""
        found: dict[tuple[str, str], dict[str, list[RoutingRule]]] = {}
        for rule in self.rules:
            found.setdefault((rule.item, rule.capability), {}).setdefault(rule.area, []).append(rule)
        return {
            subject: {area: tuple(sorted(rules, key=_rank)) for area, rules in areas.items()}
            for subject, areas in found.items()
        }

    def about(self, *, item: str, capability: str, lineage: tuple[str, ...]) -> Iterator[RoutingRule]:
        """The rules for such a question, whatever its time and whoever is busy, first things first."""
        index = self.by_subject
        for of_item in (item, "") if item else ("",):
            areas = [index[of_item, one] for one in (capability, "") if (of_item, one) in index]
            if areas:
                for area in (*lineage, ""):
                    for rules in areas:
                        yield from rules.get(area, ())


def _rank(rule: RoutingRule) -> tuple[int, int]:
    """The order of rules about the same; sorting keeps that of the file where this is equal."""
    return -rule.conditions, -rule.priority


NO_RULES = RuleSet(version="", effective_from=date.min)
"""What is in force before the first version, and where there is none."""


class Edition(NamedTuple):
    """A version as it lies in the catalogue: its first day, and how to read it, which whoever needs no old ones never does."""

    effective_from: date
    read: Callable[[], RuleSet]


class Responsibilities(Struct, frozen=True, dict=True):
    """The organisation, and every version of the rules in the order in which they come into force."""

    organisation: Organisation
    editions: tuple[Edition, ...] = ()

    @classmethod
    def of(cls, organisation: Organisation, *versions: RuleSet) -> "Responsibilities":
        """The responsibilities by these versions."""
        found = (Edition(one.effective_from, partial(_itself, one)) for one in versions)
        return cls(organisation, tuple(sorted(found, key=lambda edition: edition.effective_from)))

    def at(self, moment: datetime | None) -> RuleSet:
        """The version in force at a moment, or the newest one: the rules of a question are those of its time."""
        return self.on(day_of(moment))

    def on(self, day: date) -> RuleSet:
        """The version in force on a day."""
        number = bisect_right(self.editions, day, key=lambda edition: edition.effective_from)
        return self.editions[number - 1].read() if number else NO_RULES

    def version(self, name: str) -> RuleSet | None:
        """The version of this name; None where there is none."""
        return next((found for edition in self.editions if (found := edition.read()).version == name), None)


def _itself(version: RuleSet) -> RuleSet:
    return version
