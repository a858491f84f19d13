"""Checks the rules of an item: that they compile, read only what they may, and accept the item's own example."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from liangwang.domain.catalogue import Facts, Item, Organisation, RuleFailed
from liangwang.rules import Rules
from liangwang.yaml_document import Path

Problem = tuple[Path, str]

CONCLUSIONS = ("none", "agree", "disagree")
"""What ``collaboration.conclusion`` can be: nobody was asked, or the answers under the join policy."""

_TEXT = re.compile(r"\"[^\"]*\"|'[^']*'")


class _Site(NamedTuple):
    """One expression and where it stands. ``concluded``: evaluated after the other departments have answered."""

    path: Path
    expression: str
    concluded: bool


def rule_problems(item: Item, organisation: Organisation) -> Iterator[Problem]:
    """Everything wrong with the rules of an item whose form and references have passed."""
    rules = Rules()
    found = [problem for site in _sites(item) for problem in _site_problems(item, site, rules)]
    yield from found
    if not found:
        yield from _example_problems(item, organisation, rules)


def _sites(item: Item) -> Iterator[_Site]:
    for i, material in enumerate(item.materials):
        if material.when:
            yield _Site(("materials", i, "when"), material.when, False)
    for name in ("eligibility", "completeness", "collaborations", "denial"):
        for i, rule in enumerate(getattr(item, name)):
            yield _Site((name, i, "when"), rule.when, name == "denial")


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


def _field_reasons(item: Item, expression: str) -> Iterator[str]:
    bare = _TEXT.sub('""', expression)
    if re.search(r"(?<![.\w])form\b(?!\s*\.\s*\w)", bare):
        yield "read a field as form.<name>, so that it can be seen which fields a rule reads"
    guarded = set(re.findall(r"has\(\s*form\.(\w+)\s*\)", bare))
    for name in sorted(set(re.findall(r"(?<![.\w])form\s*\.\s*(\w+)", bare))):
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
    if not re.search(r"(?<![.\w])collaboration\b", _TEXT.sub('""', site.expression)):
        return
    if not site.concluded:
        yield "collaboration is known only to denial rules: the other departments are asked after acceptance"
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


def _facts(item: Item, organisation: Organisation, conclusion: str) -> Facts:
    """The example as the rules will see it, in the first town, with nobody's opinion known."""
    form: dict[str, Any] = {key: value for key, value in item.example.form.items() if key not in item.personal}
    return {
        "form": form,
        "materials": list(item.example.materials),
        "applicant": {"type": item.audience[0]},
        "place": next(region.code for region in organisation.regions if region.level == 5),
        "today": datetime.now(UTC),  # the example must be accepted when somebody tries it, which is today
        "collaboration": {"conclusion": conclusion, "opinions": {}},
    }
