"""情形引导: what the answers that somebody has given so far already decide, and what is still to be asked. Pure.

The same rules that acceptance will look at, over a form that is not complete yet. A rule is settled as soon as it comes out
the same whatever is answered later; what acceptance says of the complete form is then what was said here.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from .catalogue import Collaboration, Evaluate, Item, Material, Rule, RuleFailed
from .course import find
from .rule_reading import reads


class Situation(NamedTuple):
    """What is known. None stands for what was not told; ``empty`` are optional fields that will be left empty."""

    answers: Mapping[str, Any]
    now: datetime
    empty: Collection[str] = ()
    materials: Collection[str] | None = None
    place: str | None = None
    applicant_type: int | None = None


class Advice(NamedTuple):
    """What follows. True and False are settled, None is not.

    ``questions`` are form fields, in the form's order, and ``missing`` the other facts that were not told; both are empty
    when nothing can change any more. ``eligible`` False comes with the ``refusals`` settled so far. ``corrections`` are
    rules of completeness that the answers break.
    """

    questions: tuple[str, ...]
    missing: tuple[str, ...]
    eligible: bool | None
    refusals: tuple[Rule, ...]
    corrections: tuple[Rule, ...]
    materials: tuple[tuple[Material, bool | None], ...]
    collaborations: tuple[tuple[Collaboration, bool | None], ...]


def advise(item: Item, known: Situation, *, evaluate: Evaluate) -> Advice:
    """What the answers decide. Raises Undecidable for a rule that cannot be evaluated though all it reads is known."""

    def verdict(name: str, expression: str) -> bool | None:
        return _verdict(name, expression, known, evaluate)

    eligibility = [(rule, verdict(rule.id, rule.when)) for rule in item.eligibility]
    completeness = [(rule, verdict(rule.id, rule.when)) for rule in item.completeness]
    materials = tuple((one, verdict(one.code, one.when) if one.when else _always(one)) for one in item.materials)
    collaborations = tuple((one, verdict(one.id, one.when)) for one in item.collaborations)
    suits = known.applicant_type is None or known.applicant_type in item.audience
    refusals = tuple(rule for rule, held in eligibility if held is False)
    refused = bool(refusals) or not suits
    settled = known.applicant_type is not None and all(held is not None for _, held in eligibility)
    judged: list[tuple[Rule | Material | Collaboration, bool | None]] = [*eligibility, *completeness]
    judged += [*materials, *collaborations]
    open_rules = [] if refused else [one.when for one, held in judged if held is None]
    return Advice(
        questions=tuple(_questions(item, known, open_rules)),
        missing=() if refused else tuple(_missing(known, open_rules)),
        eligible=False if refused else True if settled else None,
        refusals=refusals,
        corrections=tuple(rule for rule, held in completeness if held is False),
        materials=materials,
        collaborations=collaborations,
    )


def _always(material: Material) -> bool:
    return material.necessity == "required"


def _questions(item: Item, known: Situation, open_rules: Collection[str]) -> Iterator[str]:
    wanted = {name for when in open_rules for name in reads(when).fields}
    for name in item.form.get("properties", {}):
        if name in wanted and not _is_told(name, known):
            yield name


def _missing(known: Situation, open_rules: Collection[str]) -> Iterator[str]:
    looked_at = {fact for when in open_rules for fact in reads(when).facts}
    if known.applicant_type is None:
        yield "applicant_type"
    if known.place is None and "place" in looked_at:
        yield "place"
    if known.materials is None and "materials" in looked_at:
        yield "materials"


def _is_told(name: str, known: Situation) -> bool:
    return name in known.answers or name in known.empty


def _verdict(name: str, expression: str, known: Situation, evaluate: Evaluate) -> bool | None:
    """Whether the rule holds; None while an answer can still change that.

    A field that is not there is an error in CEL, and ``&&`` and ``||`` come out without an operand that is an error only
    where the other operand decides: so an answer in spite of a missing field stands whatever the field will be. Not so
    where the rule asks ``has(…)`` about it.
    https://github.com/google/cel-spec/blob/master/doc/langdef.md#logical-operators
    """
    looked_at = reads(expression)
    told: dict[str, Any] = {"today": known.now, "place": known.place}
    if known.materials is not None:
        told["materials"] = sorted(known.materials)
    if known.applicant_type is not None:
        told["applicant"] = {"type": known.applicant_type}
    untold = [name for name in looked_at.fields if not _is_told(name, known)]
    if any(told.get(fact) is None for fact in looked_at.facts) or looked_at.guarded.intersection(untold):
        return None
    facts = {"form": dict(known.answers), **{fact: value for fact, value in told.items() if value is not None}}
    if not untold:
        return find(name, expression, evaluate, facts).held
    try:
        return evaluate(expression, facts)
    except RuleFailed:
        return None
