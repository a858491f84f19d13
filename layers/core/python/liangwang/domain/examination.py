"""审查: what an item's rules find in an application. Pure.

Rules decide by it at once; where an officer accepts, it is what the officer has to answer for.
"""

from datetime import timedelta
from typing import NamedTuple

from . import messages as m
from .case import Case
from .catalogue import Evaluate, Facts, Item, Material, Text
from .course import find

GRACE = timedelta(days=1)
"""What the applicant did in the last minute may be on the way this long, before anything is held against them."""


class Examination(NamedTuple):
    """What speaks against accepting: reasons for a refusal, and points that the applicant can mend; and each rule's finding."""

    refused: tuple[Text, ...]
    points: tuple[m.Point, ...]
    trace: tuple[m.Finding, ...]


def examine(state: Case, item: Item, evaluate: Evaluate, known: Facts) -> Examination:
    """Looks at the rules of eligibility and completeness and at the materials. Raises Undecidable."""
    eligibility = [find(rule.id, rule.when, evaluate, known) for rule in item.eligibility]
    refused = [rule.reason for rule, found in zip(item.eligibility, eligibility, strict=True) if not found.held]
    missing = [
        m.Point(material.code, _hand_in(material))
        for material in item.materials
        if material.code not in state.materials
        and not is_promised(state, material)
        and is_needed(material, evaluate, known)
    ]
    completeness = [find(rule.id, rule.when, evaluate, known) for rule in item.completeness]
    wrong = [
        m.Point(rule.field, rule.reason)
        for rule, found in zip(item.completeness, completeness, strict=True)
        if not found.held
    ]
    return Examination(tuple(refused), (*missing, *wrong), (*eligibility, *completeness))


def is_promised(state: Case, material: Material) -> bool:
    """Whether the applicant promised a material that may come later 容缺受理."""
    return material.later_days > 0 and material.code in state.application.promises


def is_needed(material: Material, evaluate: Evaluate, known: Facts) -> bool:
    """Whether the application needs the material. Raises Undecidable."""
    if material.necessity == "conditional":
        return find(material.code, material.when, evaluate, known).held
    return material.necessity == "required"


def asked_before(state: Case) -> frozenset[str]:
    """What the notices of this case have named: art. 32 lets it be asked once."""
    return frozenset(topic(point) for notice in state.notices for point in notice.points)


def topic(point: m.Point) -> str:
    """What a point is about: its field or material, or its reason where it names none."""
    return point.field or point.reason.zh


def _hand_in(material: Material) -> Text:
    return Text(zh=f"请提交材料：{material.name.zh}", en=f"Please hand in: {material.name.en}")
