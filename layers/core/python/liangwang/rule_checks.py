"""Checks the rules of an item: that they compile, read only what they may, and accept the item's own example."""

import itertools
import json
import math
import random
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from liangwang.domain.catalogue import Facts, Item, Organisation, RuleFailed
from liangwang.domain.rule_reading import bare, reads
from liangwang.forms import violations
from liangwang.rules import Rules
from liangwang.yaml_document import Path

Problem = tuple[Path, str]

CONCLUSIONS = ("none", "agree", "disagree")
"""What ``collaboration.conclusion`` can be: nobody was asked, or the answers under the join policy."""

VARIANTS = 2000
"""Over how many other forms one rule is tried at most; a rule that reads up to four fields is tried over all of them."""

ABSENT = object()
"""Stands for an optional field that is left empty."""


class _Site(NamedTuple):
    """One expression and where it stands. ``concluded``: evaluated after other departments have answered, all or those that it stands ``after``."""

    path: Path
    expression: str
    concluded: bool


def rule_problems(item: Item, organisation: Organisation) -> Iterator[Problem]:
    """Everything wrong with the rules of an item whose form and references have passed."""
    rules = Rules()
    found = [problem for site in _sites(item) for problem in _site_problems(item, site, rules)]
    found += _unheard_problems(item)
    yield from found
    if found:
        return
    stumbled = list(_example_problems(item, organisation, rules))
    yield from stumbled
    if not stumbled:
        yield from _variant_problems(item, organisation, rules)


def _sites(item: Item) -> Iterator[_Site]:
    for i, material in enumerate(item.materials):
        if material.when:
            yield _Site(("materials", i, "when"), material.when, False)
    for name in ("eligibility", "completeness", "collaborations", "denial"):
        for i, rule in enumerate(getattr(item, name)):
            yield _Site((name, i, "when"), rule.when, name == "denial" or bool(getattr(rule, "after", ())))
    for i, step in enumerate(item.steps):
        if step.when:
            yield _Site(("steps", i, "when"), step.when, True)


def _site_problems(item: Item, site: _Site, rules: Rules) -> Iterator[Problem]:
    try:
        rules.check(site.expression)
    except RuleFailed as error:
        yield site.path, f"not a CEL condition: {error}"
        return
    for reason in (
        *_field_reasons(item, site.expression),
        *_material_reasons(item, site.expression),
        *_collaboration_reasons(item, site),
    ):
        yield site.path, reason


def _reads_collaboration(expression: str) -> bool:
    return "collaboration" in reads(expression).facts


def _unheard_problems(item: Item) -> Iterator[Problem]:
    """Asking others and then granting whatever they say. Where clerks do every step, a clerk reads the answers."""
    decided_by_rule = any(step.by == "rule" for step in item.steps)
    if item.collaborations and decided_by_rule and not any(_reads_collaboration(rule.when) for rule in item.denial):
        reason = "no denial rule reads `collaboration`, so an objection would change nothing; add one"
        yield ("collaborations",), reason


def _field_reasons(item: Item, expression: str) -> Iterator[str]:
    if re.search(r"(?<![.\w])form\b(?!\s*\.\s*\w)", bare(expression)):
        yield "read a field as form.<name>, so that it can be seen which fields a rule reads"
    guarded = reads(expression).guarded
    for name in reads(expression).fields:
        if name not in item.form["properties"]:
            yield f"there is no form field {name!r}"
        elif name in item.personal:
            yield f"form.{name} is personal: it is sealed before it reaches the rules"
        elif name not in item.form.get("required", ()) and name not in guarded:
            yield f"form.{name} may be left empty; write has(form.{name}) && … or make it required"


def _material_reasons(item: Item, expression: str) -> Iterator[str]:
    known = {material.code for material in item.materials}
    for text in re.findall(r"(\"[^\"]*\"|'[^']*')\s+in\s+materials\b", expression):
        if text[1:-1] not in known:
            yield f"there is no material {text[1:-1]!r}"


def _collaboration_reasons(item: Item, site: _Site) -> Iterator[str]:
    if not _reads_collaboration(site.expression):
        return
    if not site.concluded:
        yield "collaboration is known only to steps, denial rules and what stands `after`: the others are asked with acceptance"
    elif not item.collaborations:
        yield "the item asks no other department, so there is no collaboration to read"
    asked = {ask.capability for one in item.collaborations for ask in one.asks}
    inside = r"(\"[^\"]*\"|'[^']*')\s+in\s+collaboration\.opinions|collaboration\.opinions\[(\"[^\"]*\"|'[^']*')\]"
    for pair in re.findall(inside, site.expression):
        capability = next(text for text in pair if text)[1:-1]
        if capability not in asked:
            yield f"the item asks nobody for {capability!r}"
    for value in re.findall(r"collaboration\.conclusion\s*[!=]=\s*(\"[^\"]*\"|'[^']*')", site.expression):
        if value[1:-1] not in CONCLUSIONS:
            yield f"a conclusion is never {value[1:-1]!r}; use {', '.join(CONCLUSIONS)}"


def _example_problems(item: Item, organisation: Organisation, rules: Rules) -> Iterator[Problem]:
    """The example is accepted, and no rule stumbles over it whatever the other departments answer."""
    for site in _sites(item):
        for conclusion in CONCLUSIONS:
            try:
                rules.evaluate(site.expression, _facts(item, organisation, conclusion))
            except RuleFailed as error:
                yield site.path, f"cannot be evaluated over the item's example: {error}"
                return
    known = _facts(item, organisation, "none")
    for i, material in enumerate(item.materials):
        needed = material.necessity == "required" or (bool(material.when) and rules.evaluate(material.when, known))
        if needed and material.code not in item.example.materials:
            yield ("example", "materials"), f"the example needs the material {material.code!r} (materials[{i}])"
    for name in ("eligibility", "completeness"):
        for rule in getattr(item, name):
            if not rules.evaluate(rule.when, known):
                yield ("example", "form"), f"the example does not meet the {name} rule {rule.id!r}"


def _variant_problems(item: Item, organisation: Organisation, rules: Rules) -> Iterator[Problem]:
    """No rule stumbles over another form that the schema lets through.

    CEL adds no integer to a decimal, and JSON writes a `number` as either: ``form.capital * 2`` holds for 30 and stumbles
    over 30.5. What stands behind ``&&`` is only evaluated where the rest is true, hence the other fields' values as well.
    """
    for site in _sites(item):
        for changed in _variants(item, reads(site.expression).fields):
            for conclusion in CONCLUSIONS if site.concluded else CONCLUSIONS[:1]:
                try:
                    rules.evaluate(site.expression, _facts(item, organisation, conclusion, changed))
                except RuleFailed as error:
                    form = ", ".join(f"{name} {_shown(value)}" for name, value in changed.items())
                    yield site.path, f"cannot be evaluated over a form with {form}: {error}"
                    break
            else:
                continue
            break


def _shown(value: Any) -> str:
    return "left empty" if value is ABSENT else json.dumps(value, ensure_ascii=False)


def _variants(item: Item, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Other values for the fields that a rule reads: all combinations, or as many as ``VARIANTS`` drawn from them."""
    choices = [candidates(item, name) for name in names]
    if math.prod(map(len, choices)) <= VARIANTS:
        combined: Iterator[Any] = itertools.product(*choices)
    else:
        dice = random.Random(0)  # the same ones every time # nosec B311
        combined = (tuple(dice.choice(values) for values in choices) for _ in range(VARIANTS))
    yield from (dict(zip(names, values, strict=True)) for values in combined)


def candidates(item: Item, name: str) -> list[Any]:
    """Values of one field that between them take every branch of a condition, as far as its schema tells them."""
    field, example = item.form["properties"][name], item.example.form.get(name, ABSENT)
    found = [example]
    if name not in item.form.get("required", ()):
        found.append(ABSENT)
    kinds = {field["type"]} if isinstance(field["type"], str) else set(field["type"])
    if "null" in kinds:
        found.append(None)
    if "boolean" in kinds:
        found += [False, True]
    if "enum" in field:
        found += field["enum"]
    elif kinds & {"number", "integer"}:
        edges = [field.get("minimum", field.get("exclusiveMinimum")), example]
        edges.append(field.get("maximum", field.get("exclusiveMaximum")))
        for edge in edges:
            found += _numbers_near(item, name, edge) if isinstance(edge, int | float) else ()
    distinct = {repr(value): value for value in found}  # 1, 1.0 and true are three values here
    return list(distinct.values())


def _numbers_near(item: Item, name: str, edge: float) -> Iterator[Any]:
    """The integer and the decimal nearest to ``edge`` that the field takes."""
    whole = math.floor(edge)
    for candidates in ((whole, whole + 1, whole - 1), (whole + 0.5, whole - 0.5)):
        fitting = (one for one in candidates if not violations(item.form, {**item.example.form, name: one}))
        yield from itertools.islice(fitting, 1)


def _facts(item: Item, organisation: Organisation, conclusion: str, changed: dict[str, Any] | None = None) -> Facts:
    """The example, some fields changed, as the rules will see it: in the first town, with nobody's opinion known."""
    form = {**item.example.form, **(changed or {})}
    form = {key: value for key, value in form.items() if key not in item.personal and value is not ABSENT}
    return {
        "form": form,
        "materials": list(item.example.materials),
        "applicant": {"type": item.audience[0]},
        "place": next(region.code for region in organisation.regions if region.level == 5),
        "today": datetime.now(UTC),  # the example must be accepted when somebody tries it, which is today
        "collaboration": {"conclusion": conclusion, "opinions": {}},
    }
