"""What must be true of a version of the routing rules beyond the shape of its structs (docs/routing.md).

Each check is a generator of ``(path, reason)``: where in the file, and what to do about it. ``uncovered`` lists what is no
mistake by itself: capabilities that nobody answers for at some place.
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import date, time, timedelta

from msgspec import Struct

from liangwang.domain import routing
from liangwang.domain.catalogue import Department, Item, Organisation
from liangwang.domain.responsibilities import Hours, Responsibilities, RoutingRule, RuleSet, Times
from liangwang.domain.routing import TOWN
from liangwang.domain.validity import Span
from liangwang.yaml_document import Path

Problem = tuple[Path, str]

MIDNIGHT = time(0)

MOST_ALIKE = 100
"""Rules about the same, which are looked at one after the other for a question, and each beside each here."""


class Uncovered(Struct, frozen=True, kw_only=True):
    """A capability that nobody answers for at some towns; ``items`` ask for it or are of it."""

    capability: str
    places: tuple[str, ...]
    items: tuple[str, ...]


def rule_set_problems(rules: RuleSet, organisation: Organisation, items: Collection[Item]) -> Iterator[Problem]:
    """Everything that is wrong with a version."""
    yield from _own_names(rules)
    known = _Known(organisation, items)
    for number, rule in enumerate(rules.rules):
        here: Path = ("rules", number)
        for problem in (*_unknown(rule, known), *_unrelated(rule, organisation), *_senseless(rule)):
            yield (*here, *problem[0]), problem[1]
    yield from _beaten(rules, organisation)


class _Known:
    """The names that a rule may use."""

    def __init__(self, organisation: Organisation, items: Collection[Item]) -> None:
        self.departments = organisation.department
        self.regions = organisation.region
        self.items = {item.task_code for item in items}
        self.capabilities = organisation.capabilities | set(needs(items))


def needs(items: Iterable[Item]) -> dict[str, set[str]]:
    """The capabilities that items are of or ask for, each with their task_codes."""
    found: dict[str, set[str]] = {}
    for item in items:
        asked = (ask.capability for collaboration in item.collaborations for ask in collaboration.asks)
        for capability in (item.capability, *asked):
            found.setdefault(capability, set()).add(item.task_code)
    return found


def _own_names(rules: RuleSet) -> Iterator[Problem]:
    if not rules.version or len(rules.version) > 50:
        yield ("version",), "a name of 1 to 50 characters: every event keeps the version that it was routed by"
    seen: set[str] = set()
    for number, rule in enumerate(rules.rules):
        if not rule.id.replace("-", "").isalnum() or not rule.id.isascii() or len(rule.id) > 50:
            yield ("rules", number, "id"), "1 to 50 letters, digits and hyphens: tasks name the rule that chose"
        if rule.id in seen:
            yield ("rules", number, "id"), f"{rule.id!r} stands here a second time"
        seen.add(rule.id)


def _unknown(rule: RoutingRule, known: _Known) -> Iterator[Problem]:
    if not rule.to:
        yield ("to",), "name at least one department"
    for number, code in enumerate(rule.to):
        if code not in known.departments:
            yield ("to", number), f"there is no department {code!r}"
        if code in rule.to[:number]:
            yield ("to", number), f"{code!r} stands here a second time"
    if rule.area and rule.area not in known.regions:
        yield ("area",), f"there is no region {rule.area!r}"
    if rule.item and rule.item not in known.items:
        yield ("item",), f"there is no item {rule.item!r}"
    if rule.capability and rule.capability not in known.capabilities:
        yield ("capability",), f"no department answers for {rule.capability!r} and no item asks for it"


def _unrelated(rule: RoutingRule, organisation: Organisation) -> Iterator[Problem]:
    """A department beside the area is a slip of the pen more often than it is meant."""
    if rule.across or rule.area not in organisation.region:
        return
    for number, code in enumerate(rule.to):
        department = organisation.department.get(code)
        if department is None or department.region not in organisation.region:
            continue
        above, below = organisation.lineage(rule.area), organisation.lineage(department.region)
        if department.region not in above and rule.area not in below:
            reason = f"{code} is of {department.region}, neither above nor below {rule.area}; if that is meant, write `across: true`"
            yield ("to", number), reason


def _senseless(rule: RoutingRule) -> Iterator[Problem]:
    if rule.times is not None:
        if not (rule.times.weekdays or rule.times.hours or rule.times.days):
            yield ("times",), "says no time: name weekdays, hours or days, or take it out"
        for number, hours in enumerate(rule.times.hours):
            if hours.since == hours.until:
                yield ("times", "hours", number), "begins when it ends; for the whole day write no hours"
        for number, days in enumerate(rule.times.days):
            if days.last < days.first:
                yield ("times", "days", number), "ends before it begins"
    if rule.load is not None:
        if rule.load.at_most is None and not rule.load.least:
            yield ("load",), "says nothing of load: write `at_most` or `least: true`, or take it out"
        if rule.load.at_most is not None and rule.load.at_most < 0:
            yield ("load", "at_most"), "a number of open tasks, 0 or more"
        if rule.load.least and len(rule.to) == 1:
            yield ("load", "least"), "is never looked at: there is one department only"


def absence_problems(rules: RuleSet, organisation: Organisation, *, until: date | None = None) -> Iterator[Problem]:
    """Rules that send questions to departments that are not there. ``until`` is the first day of the next version.

    Whoever is there on some of a rule's days only is passed over on the others; but the newest version names nobody who ends:
    without an end of its own it would go on to name them.
    """
    in_force = Span(rules.effective_from, until or date.max)
    for number, rule in enumerate(rules.rules):
        days = _days_of(rule, in_force)
        last = max((span.until for span in days), default=in_force.since)
        for n, code in enumerate(rule.to):
            department = organisation.department.get(code)
            here: Path = ("rules", number, "to", n)
            if department is None or not days:
                continue
            if all(department.span.within(span).empty for span in days):
                yield here, f"{code} is not there on any day that this rule is in force; {_days(department)}"
            elif until is None and department.span.until < last:
                reason = f"{code} ends on {department.until}; name who does its work then in a version of that day"
                yield here, reason


def _days_of(rule: RoutingRule, in_force: Span) -> list[Span]:
    """The days on which a rule may hold."""
    if rule.times is None or not rule.times.days:
        return [in_force]
    spans = (Span(one.first, one.last + timedelta(days=1)).within(in_force) for one in rule.times.days)
    return [span for span in spans if not span.empty]


def _days(department: Department) -> str:
    since = f"begins on {department.since}" if department.since else ""
    until = f"ends on {department.until}" if department.until else ""
    return "it " + " and ".join(part for part in (since, until) if part)


# ------------------------------------------------------------------ rules against each other


def _beaten(rules: RuleSet, organisation: Organisation) -> Iterator[Problem]:
    """Rules that never come first, and pairs of which only the order in the file says who does."""
    place = {rule.id: number for number, rule in enumerate(rules.rules)}
    city = _city(organisation)
    for areas in rules.by_subject.values():
        for area, about in areas.items():
            # Every place is in the city: a rule for all of it comes before one without an area, and is for the same questions.
            wider = () if area else areas.get(city, ())
            if len(about) > MOST_ALIKE:
                reason = f"{len(about)} rules are about the same item, capability and area; at most {MOST_ALIKE} are"
                yield ("rules", place[about[MOST_ALIKE].id]), reason
                continue
            for number, rule in enumerate(about):
                for other in (*wider, *about[:number]):
                    if reason := _why_never(rule, other):
                        yield ("rules", place[rule.id]), reason
                        break


def _why_never(rule: RoutingRule, other: RoutingRule) -> str:
    """What is wrong with a rule beside one that comes before it; nothing where both have their questions."""
    if _contradicts(other, rule):
        return f"says otherwise than {other.id} of the same priority; give one of them a higher `priority`"
    if _always_before(other, rule):
        return f"is never the first: {other.id} takes every question that it is for"
    return ""


def _city(organisation: Organisation) -> str:
    return next((region.code for region in organisation.regions if region.parent is None), "")


def _contradicts(other: RoutingRule, rule: RoutingRule) -> bool:
    same = (other.subject, other.conditions, other.priority) == (rule.subject, rule.conditions, rule.priority)
    return same and (other.to, other.load) != (rule.to, rule.load) and _meet(other.times, rule.times)


def _always_before(other: RoutingRule, rule: RoutingRule) -> bool:
    """Whether ``other``, which comes before, takes every question that ``rule`` would: at its times, with its load."""
    if not _covers(other.times, rule.times):
        return False
    if other.load is None or other.load.at_most is None:
        return True  # it never says no
    at_most = None if rule.load is None else rule.load.at_most
    return at_most is not None and at_most <= other.load.at_most and set(rule.to) <= set(other.to)


def _covers(wide: Times | None, narrow: Times | None) -> bool:
    """Whether it is always one of the wide times when it is one of the narrow. Where a look at weekdays, hours and days
    each for itself does not show it, it is taken not to be so.
    """
    if wide is None or narrow is None:
        return wide is None
    weekdays, hours, days = _narrower(wide.weekdays, narrow.weekdays), True, True
    if wide.hours:
        open_hours = _spans(wide.hours)
        hours = bool(narrow.hours) and all(_within(open_hours, one) for one in _spans(narrow.hours))
    if wide.days:
        days = bool(narrow.days) and all(
            any(of.first <= one.first and one.last <= of.last for of in wide.days) for one in narrow.days
        )
    return weekdays and hours and days


def _narrower(wide: Collection[int], narrow: Collection[int]) -> bool:
    return not wide or (bool(narrow) and set(narrow) <= set(wide))


def _meet(first: Times | None, second: Times | None) -> bool:
    """Whether there may be a moment that is one of both."""
    if first is None or second is None:
        return True
    weekdays = not first.weekdays or not second.weekdays or not set(first.weekdays).isdisjoint(second.weekdays)
    spans = [(one, of) for one in _spans(first.hours) for of in _spans(second.hours)]
    hours = not first.hours or not second.hours or any(one[0] < of[1] and of[0] < one[1] for one, of in spans)
    pairs = [(one, of) for one in first.days for of in second.days]
    days = not first.days or not second.days or any(one.first <= of.last and of.first <= one.last for one, of in pairs)
    return weekdays and hours and days


def _spans(hours: Iterable[Hours]) -> list[tuple[float, float]]:
    """Hours as spans of seconds of the day; what goes over midnight becomes two."""
    found = []
    for one in hours:
        since, until = _seconds(one.since), _seconds(one.until)
        found += [(since, until)] if since < until else [(since, 86_400.0), (0.0, until)]
    return [span for span in found if span[0] < span[1]]


def _seconds(moment: time) -> float:
    return moment.hour * 3600 + moment.minute * 60 + moment.second + moment.microsecond / 1e6


def _within(spans: Iterable[tuple[float, float]], one: tuple[float, float]) -> bool:
    reached = one[0]
    for since, until in sorted(spans):
        if since <= reached < until:
            reached = until
    return reached >= one[1]


# ------------------------------------------------------------------ what nobody answers for


def covered(
    responsibilities: Responsibilities, rules: RuleSet, *, capability: str, place: str, item: str = "", day: date
) -> bool:
    """Whether somebody takes the question at any time of a day, however busy they are."""
    organisation = responsibilities.organisation
    if routing.responsible(organisation, capability=capability, place=place, day=day) is not None:
        return True
    about = rules.about(item=item, capability=capability, lineage=organisation.lineage(place))
    return any(
        rule.times is None
        and (rule.load is None or rule.load.at_most is None)
        and any(routing.is_there(organisation, code, day) for code in rule.to)
        for rule in about
    )


def uncovered(
    responsibilities: Responsibilities, rules: RuleSet, items: Collection[Item], *, day: date
) -> tuple[Uncovered, ...]:
    """The capabilities, of departments or of items, that nobody answers for at some town on a day; by their names."""
    organisation, needed = responsibilities.organisation, needs(items)
    towns = [region.code for region in organisation.regions if region.level == TOWN]
    held = {key for key, tenures in organisation.responsible.items() if any(one.span.holds(day) for one in tenures)}
    everywhere = {capability for capability, region in held if region == _city(organisation)}
    known = {capability for capability, _ in held} | set(needed)
    found = []
    for capability in sorted(known - everywhere):
        places = tuple(
            town for town in towns if not covered(responsibilities, rules, capability=capability, place=town, day=day)
        )
        if places:
            of = tuple(sorted(needed.get(capability, ())))
            found.append(Uncovered(capability=capability, places=places, items=of))
    return tuple(found)


def edition_problems(day: date, rules: RuleSet, before: Iterable[RuleSet]) -> Iterator[Problem]:
    """A version stands in the file that has the name of its first day, and has a name of its own."""
    if rules.effective_from != day:
        yield ("effective_from",), f"the file is named for {day}; both must say the same day"
    if any(other.version == rules.version for other in before):
        yield ("version",), f"{rules.version!r} is the name of an earlier version; versions are never changed"
