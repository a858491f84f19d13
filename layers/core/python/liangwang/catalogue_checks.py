"""What must be true of a catalogue beyond the shape of its structs. Runs in CI, in the tests and at the local start.

Each check is a generator of ``(path, reason)``: where in the file, and what to do about it.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import date

from msgspec import structs

from liangwang.domain.catalogue import Ask, Collaboration, Department, Item, Organisation, Scenario
from liangwang.domain.levels import days_from
from liangwang.domain.procedures import HEARING_HELD_WITHIN
from liangwang.domain.responsibilities import Responsibilities
from liangwang.domain.routing import TOWN
from liangwang.domain.supervision_rule import SupervisionRules
from liangwang.domain.validity import Held, Span
from liangwang.form_checks import form_problems
from liangwang.limit_checks import limit_problems
from liangwang.responsibility_checks import covered
from liangwang.rule_checks import rule_problems
from liangwang.step_checks import step_problems
from liangwang.yaml_document import Path

Problem = tuple[Path, str]

ITEM_TYPES = frozenset(["01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "20"])  # GB/T 39046-2020 A.1


def organisation_problems(organisation: Organisation) -> Iterator[Problem]:
    """The regions are one tree, city over districts over towns, and every department sits in one of them."""
    yield from _repeated((("regions", i, "code"), region.code) for i, region in enumerate(organisation.regions))
    yield from _repeated((("departments", i, "code"), one.code) for i, one in enumerate(organisation.departments))
    roots = [region.code for region in organisation.regions if region.parent is None]
    if len(roots) != 1:
        yield ("regions",), f"exactly one region has no parent, the city; here it is {', '.join(roots) or 'none'}"
    for i, region in enumerate(organisation.regions):
        parent = organisation.region.get(region.parent or "")
        if region.parent is not None and parent is None:
            yield ("regions", i, "parent"), f"there is no region {region.parent!r}"
        elif parent is not None and parent.level >= region.level:
            yield (
                ("regions", i, "level"),
                f"a region of level {region.level} cannot be under {parent.code} of level {parent.level}",
            )
    for i, department in enumerate(organisation.departments):
        if department.region not in organisation.region:
            yield ("departments", i, "region"), f"there is no region {department.region!r}"
        if not department.code.replace("-", "").isalnum() or not department.code.isascii():
            yield ("departments", i, "code"), "letters, digits and hyphens only: a KMS alias is made of it"
        if not department.capabilities:
            yield ("departments", i, "capabilities"), "a department answers for at least one capability"
        for path, reason in _days_that_stand(department):
            yield ("departments", i, *path), reason


def _days_that_stand(department: Department) -> Iterator[Problem]:
    """A department, and a capability of it, is there on some day; a capability stands twice only for days apart."""
    if department.span.empty:
        yield (
            ("until",),
            f"ends on {department.until}, and begins on {department.since} only: `until` is the first day without it",
        )
        return
    seen: list[tuple[str, Span]] = []
    for n, ((code, span), entry) in enumerate(zip(department.duties, department.capabilities, strict=True)):
        here: Path = ("capabilities", n)
        if isinstance(entry, Held) and entry.since is None and entry.until is None:
            yield here, f"says no day: write {code} alone, or `since` or `until`"
        if span.empty:
            yield (
                here,
                f"{code!r} is held on no day: `until` is the first day without it, and the department's own days bound it",
            )
        elif any(code == other and not span.within(days).empty for other, days in seen):
            yield here, f"{code!r} stands here a second time"
        seen.append((code, span))


def supervision_problems(rules: SupervisionRules) -> Iterator[Problem]:
    """Every rule has a number of its own, says something sensible of its moment, and each light changes by one rule."""
    yield from _repeated((("rules", i, "id"), rule.id) for i, rule in enumerate(rules.rules))
    lights = [(("rules", i, "moment"), rule.moment) for i, rule in enumerate(rules.rules) if rule.stage == "light"]
    yield from _repeated((path, moment) for path, moment in lights)
    for i, rule in enumerate(rules.rules):
        here: Path = ("rules", i)
        if not rule.id or not rule.id.replace("-", "").isalnum() or not rule.id.isascii():
            yield (*here, "id"), "letters, digits and hyphens only: orders are named by it in addresses"
        if rule.every < 0:
            yield (*here, "every"), "a number of working days, or 0 for once"
        if rule.stage == "urge" and rule.every > 0 and rule.times < 1:
            yield (*here, "times"), "how often at most: a case that is left lying would grow for ever"
        if rule.stage == "light" and rule.moment not in ("yellow", "red", "promised"):
            yield (*here, "moment"), f"no light changes when {rule.moment!r} passes; yellow, red and promised have one"
        if rule.stage == "light" and rule.every:
            yield (*here, "every"), "a light changes once"
        if rule.stage == "order" and not rule.every:
            yield (*here, "every"), "an order says within how many working days it has to be answered"
        if rule.stage == "order" and rule.to != "department":
            yield (*here, "to"), "an order is to the department"
        if rule.stage == "escalate" and rule.to == "officer":
            yield (*here, "to"), "it goes up to the department or to the centre, not to an officer"
        if rule.frees and rule.moment != "step":
            yield (*here, "frees"), f"only a step can be freed, and {rule.moment!r} is none"
    for name, number in structs.asdict(rules.collaboration).items():
        if isinstance(number, int) and number < 0:
            yield ("collaboration", name), "a number that is not below 0"
    lit = rules.collaboration.lights
    if not 0 < lit.yellow < lit.red <= 1:
        yield ("collaboration", "lights"), "parts of the limit up to 1, yellow before red"


def item_problems(
    item: Item, responsibilities: Responsibilities, scenarios: Collection[Scenario] = (), *, today: date
) -> Iterator[Problem]:
    """Everything wrong with one item, its form and its rules, from ``today`` on. The organisation has passed its own checks."""
    organisation = responsibilities.organisation
    found = [problem for check in _ITEM_CHECKS for problem in check(item, organisation)]
    found += _asks_can_be_answered(item, responsibilities, today)
    found += _scenarios_are_known(item, scenarios)
    yield from found
    if not found:  # a rule is worth evaluating only over a form that stands
        yield from rule_problems(item, organisation)


def _codes_are_unique(item: Item, _: Organisation) -> Iterator[Problem]:
    yield from _repeated((("materials", i, "code"), material.code) for i, material in enumerate(item.materials))
    # One name space: the trace of a decision names a rule by its id alone.
    named = [
        (name, i, one.id)
        for name in ("eligibility", "completeness", "collaborations", "denial")
        for i, one in enumerate(getattr(item, name))
    ]
    yield from _repeated(((name, i, "id"), one_id) for name, i, one_id in named)


def _codes_are_known(item: Item, _: Organisation) -> Iterator[Problem]:
    if not 0 < len(item.task_code) <= 50:
        yield ("task_code",), "must have 1 to 50 characters"
    if item.item_type not in ITEM_TYPES:
        choices = ", ".join(sorted(ITEM_TYPES))
        yield ("item_type",), f"{item.item_type!r} is not in GB/T 39046-2020 A.1; use one of {choices}"
    if not item.audience:
        yield ("audience",), "name at least one applicant type"
    if not item.legal_basis:
        yield ("legal_basis",), "name the law that the item rests on"


def _scenarios_are_known(item: Item, scenarios: Collection[Scenario]) -> Iterator[Problem]:
    known = {scenario.code for scenario in scenarios}
    for i, code in enumerate(item.scenarios):
        if code not in known:
            yield ("scenarios", i), f"{code!r} is not in scenarios.yaml; add it there or correct it"
    yield from _repeated((("scenarios", i), code) for i, code in enumerate(item.scenarios))


def _limits_keep_the_law(item: Item, _: Organisation) -> Iterator[Problem]:
    return limit_problems(item)


def _steps_lead_to_an_end(item: Item, _: Organisation) -> Iterator[Problem]:
    yield from step_problems(item)
    if item.denial and all(step.by == "clerk" for step in item.steps):
        yield ("denial",), "no step is done by rule, so these rules would never be looked at"


def _instant_items_wait_for_nobody(item: Item, _: Organisation) -> Iterator[Problem]:
    if item.kind != 1:
        return
    for i, step in enumerate(item.steps):
        if step.by != "rule":
            yield ("steps", i, "by"), "an item of kind 1 即办件 is decided at once: every step is by rule"
    if item.collaborations:
        yield ("collaborations",), "an item of kind 1 即办件 is decided at once: it asks no other department"


def _procedures_keep_the_law(item: Item, _: Organisation) -> Iterator[Problem]:
    yield from _repeated((("procedures", i, "kind"), one.kind) for i, one in enumerate(item.procedures))
    for i, procedure in enumerate(item.procedures):
        if procedure.days < 1:
            yield ("procedures", i, "days"), "a special procedure takes at least one day"
        if procedure.kind == "hearing" and procedure.days > HEARING_HELD_WITHIN:
            yield ("procedures", i, "days"), f"a hearing is held within {HEARING_HELD_WITHIN} days (行政许可法 art. 47)"
        if not procedure.basis:
            yield ("procedures", i, "basis"), "name the article by which its time does not count"
    if item.kind == 1 and item.procedures:
        yield ("procedures",), "an item of kind 1 即办件 is decided at once: it needs no special procedure"


def _materials_say_when(item: Item, _: Organisation) -> Iterator[Problem]:
    for i, material in enumerate(item.materials):
        if material.necessity == "conditional" and not material.when:
            yield ("materials", i), "a conditional material says in `when` which cases need it"
        if material.necessity != "conditional" and material.when:
            yield ("materials", i, "when"), f"is never looked at: the material is {material.necessity}, not conditional"
        if material.copies < 1:
            yield ("materials", i, "copies"), "at least one copy"


def _promises_can_be_kept(item: Item, _: Organisation) -> Iterator[Problem]:
    for i, material in enumerate(item.materials):
        if material.later_days and material.necessity == "optional":
            yield ("materials", i, "later_days"), "nobody waits for an optional material"
        if material.later_days and item.kind == 1:
            yield ("materials", i, "later_days"), "an item of kind 1 即办件 is decided at once: it waits for nothing"


def _acceptance_has_bounds(item: Item, _: Organisation) -> Iterator[Problem]:
    if item.kind == 1 and item.accepted_by != "rule":
        yield ("accepted_by",), "an item of kind 1 即办件 is decided at once: rules accept it"
    if not 0 <= item.recheck <= 1:
        yield ("recheck",), "a part of all cases: from 0 to 1"
    elif item.recheck and any(step.by == "clerk" for step in item.steps):
        yield ("recheck",), "officers decide this item: there is nothing that rules alone decided"


def _rules_name_what_to_change(item: Item, _: Organisation) -> Iterator[Problem]:
    known = {*item.form.get("properties", {}), *(material.code for material in item.materials)}
    for name in ("eligibility", "completeness", "denial"):
        for i, rule in enumerate(getattr(item, name)):
            if rule.field and rule.field not in known:
                yield (name, i, "field"), f"there is no form field and no material {rule.field!r}"
            if name == "completeness" and not rule.field:
                yield (name, i), "the supplement notice needs `field`: which form field or material to put right"


def _asks_can_be_answered(item: Item, responsibilities: Responsibilities, today: date) -> Iterator[Problem]:
    """Everywhere, at any time from today on: an item that nobody may answer is a mistake, where a capability alone is not."""
    organisation = responsibilities.organisation
    towns = [region.code for region in organisation.regions if region.level == TOWN]
    alone = Responsibilities(organisation)  # whose case it is no rule says: intake asks for the nearest department
    yield from _unanswered(("capability",), item.capability, towns, alone, item, today)
    for i, collaboration in enumerate(item.collaborations):
        asked = [ask.capability for ask in collaboration.asks]
        yield from _repeated((("collaborations", i, "asks", n, "capability"), one) for n, one in enumerate(asked))
        for n, ask in enumerate(collaboration.asks):
            here: Path = ("collaborations", i, "asks", n)
            places = towns if ask.place == "case" else _places_of_field(item, ask.place)
            if not places:
                reason = f"must be `case` or a required form field with an `enum` of regions, not {ask.place!r}"
                yield (*here, "place"), reason
            for place in places:
                if place not in organisation.region:
                    yield (*here, "place"), f"the form field {ask.place} offers {place!r}, which is no region"
            yield from _shows_what_there_is(here, ask, item)
            known = [place for place in places if place in organisation.region]
            yield from _unanswered((*here, "capability"), ask.capability, known, responsibilities, item, today)


def _shows_what_there_is(here: Path, ask: Ask, item: Item) -> Iterator[Problem]:
    """An ask shows fields that the form has, the personal ones sealed to whoever answers."""
    clear = sorted(set(item.form.get("properties", {})) - set(item.personal))
    for i, name in enumerate(ask.fields or ()):
        if name not in clear:
            yield (*here, "fields", i), f"{name!r} is no field that everybody may see; use one of {', '.join(clear)}"
    for i, name in enumerate(ask.personal):
        if name not in item.personal:
            choices = ", ".join(item.personal) or "none: the item has none"
            yield (*here, "personal", i), f"{name!r} is no personal field of the item; use one of {choices}"


def _places_of_field(item: Item, name: str) -> list[str]:
    if name not in item.form.get("required", ()) or name in item.personal:
        return []
    return list(item.form.get("properties", {}).get(name, {}).get("enum", ()))


def _unanswered(
    path: Path,
    capability: str,
    places: Collection[str],
    responsibilities: Responsibilities,
    item: Item,
    today: date,
) -> Iterator[Problem]:
    changes = (edition.effective_from for edition in responsibilities.editions)
    for day in days_from(responsibilities.organisation, today, changes):
        rules = responsibilities.on(day)
        for place in places:
            if not covered(responsibilities, rules, capability=capability, place=place, item=item.task_code, day=day):
                above = " or above it in ".join(responsibilities.organisation.lineage(place))
                since = f" from {day} on" if day > today else ""
                yield path, f"no department answers for {capability!r} in {above}{since}"
                return


def _joins_can_be_met(item: Item, _: Organisation) -> Iterator[Problem]:
    for i, collaboration in enumerate(item.collaborations):
        here: Path = ("collaborations", i)
        if not collaboration.asks:
            yield (*here, "asks"), "ask at least one department"
        if collaboration.days < 1:
            yield (*here, "days"), "give the departments at least one day"
        join, most = collaboration.join, len(collaboration.asks)
        if join.policy == "quorum" and not 1 <= join.count <= most:
            reason = f"a quorum of {join.count} cannot be met by {most} asks; write a count of 1 to {most}"
            yield (*here, "join"), reason
        if join.policy != "quorum" and join.count:
            yield (*here, "join", "count"), f"is never looked at: the policy is {join.policy}, not quorum"


_NUMBERED = re.compile(r"(.*-)?[RT]\d+(-.*)?")
"""Ids that requests of officers and for tasks, and tasks themselves, are told by (``domain/task.py``)."""


def _requests_come_in_turn(item: Item, _: Organisation) -> Iterator[Problem]:
    """A collaboration stands after others of the item, and their order has no circle."""
    known = {one.id: one for one in item.collaborations}
    for i, one in enumerate(item.collaborations):
        if _NUMBERED.fullmatch(one.id):
            yield ("collaborations", i, "id"), "R or T with a number names what officers ask, and tasks; use a word"
        for n, name in enumerate(one.after):
            here: Path = ("collaborations", i, "after", n)
            if name not in known:
                choices = ", ".join(sorted(set(known) - {one.id})) or "none: the item has no other"
                yield here, f"there is no collaboration {name!r}; known: {choices}"
            elif one.id in _before(name, known):
                yield here, f"{one.id!r} would wait for itself"


def _before(name: str, known: Mapping[str, Collaboration]) -> set[str]:
    """The collaboration and all that must be concluded before it."""
    found, ahead = set[str](), [name]
    while ahead:
        one = ahead.pop()
        if one in known and one not in found:
            found.add(one)
            ahead += known[one].after
    return found


def _form_stands(item: Item, _: Organisation) -> Iterator[Problem]:
    return form_problems(item)


_ITEM_CHECKS: tuple[Callable[[Item, Organisation], Iterator[Problem]], ...] = (
    _codes_are_known,
    _codes_are_unique,
    _limits_keep_the_law,
    _form_stands,
    _steps_lead_to_an_end,
    _instant_items_wait_for_nobody,
    _procedures_keep_the_law,
    _materials_say_when,
    _promises_can_be_kept,
    _acceptance_has_bounds,
    _rules_name_what_to_change,
    _joins_can_be_met,
    _requests_come_in_turn,
)


def _repeated(places: Iterable[tuple[Path, str]]) -> Iterator[Problem]:
    """Names that stand a second time, each with the place where it does."""
    seen: set[str] = set()
    for path, name in places:
        if name in seen:
            yield path, f"{name!r} stands here a second time"
        seen.add(name)
