"""What each shipped item does with a case: how many departments it asks, what it refuses, what it asks to supplement."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from liangwang import catalogue
from liangwang.domain.catalogue import Item
from liangwang.forms import violations
from liangwang.rules import Rules

ITEMS = catalogue.load(Path(__file__).resolve().parents[2] / "layers" / "catalogue").items
EVALUATE = Rules().evaluate
TODAY = date(2031, 2, 1)

# item, what differs from its example, departments asked when everything it needs is handed in
ASKED = [
    ("food-business-licence", {}, 0),
    ("food-business-licence", {"area": 300, "gas_kitchen": False}, 1),
    ("food-business-licence", {"area": 300, "business": "retail"}, 1),
    ("food-business-licence", {"area": 300}, 2),
    ("food-business-licence", {"area": 1200}, 3),
    ("outdoor-advertisement", {}, 0),
    ("outdoor-advertisement", {"position": "roadside"}, 1),
    ("outdoor-advertisement", {"area": 15}, 2),
    ("outdoor-advertisement", {"area": 25}, 3),
    ("outdoor-advertisement", {"position": "roof"}, 3),
    ("road-excavation", {}, 0),
    ("road-excavation", {"length": 12}, 1),
    ("road-excavation", {"closes_lane": True}, 2),
    ("road-excavation", {"length": 80}, 3),
    ("construction-permit", {}, 0),
    ("construction-permit", {"floor_area": 8000}, 1),
    ("construction-permit", {"use": "industrial"}, 2),
    ("construction-permit", {"floor_area": 30000}, 3),
    ("construction-permit", {"height": 80}, 3),
    ("public-place-hygiene", {}, 0),
    ("public-place-hygiene", {"kind": "bath"}, 1),
    ("public-place-hygiene", {"kind": "hotel"}, 2),
    ("public-place-hygiene", {"kind": "pool", "pool_volume": 500}, 3),
    ("gas-business", {"kind": "piped", "storage": 0}, 0),
    ("gas-business", {}, 1),
    ("gas-business", {"storage": 80}, 3),
    ("individual-business-registration", {}, 0),
    ("individual-business-registration", {"premises_kind": "home"}, 1),
    ("individual-business-registration", {"premises_kind": "home", "trade": "catering"}, 2),
    ("residence-permit", {}, 0),
    ("residence-permit", {"reason": "home"}, 1),
    ("residence-permit", {"reason": "home", "former_district": "990101"}, 2),
    ("road-occupation", {}, 0),
    ("road-occupation", {"area": 50}, 1),
    ("road-occupation", {"surface": "carriageway", "detour_district": "990102"}, 2),
    ("road-occupation", {"bus_stop": True}, 3),
    ("drainage-permit", {}, 0),
    ("drainage-permit", {"volume": 80}, 1),
    ("drainage-permit", {"source": "medical"}, 2),
    ("drainage-permit", {"source": "industry"}, 3),
    ("mass-event-safety", {}, 0),
    ("mass-event-safety", {"people": 3000}, 1),
    ("mass-event-safety", {"outdoors": True}, 2),
    ("mass-event-safety", {"kind": "race"}, 3),
    ("construction-waste", {}, 0),
    ("construction-waste", {"volume": 300}, 1),
    ("construction-waste", {"volume": 6000}, 2),
    ("construction-waste", {"volume": 60000}, 3),
]

# item, what differs from its example, the eligibility rule that refuses it
REFUSED = [
    ("elderly-card", {"birth_year": 1990}, "is-65"),
    ("food-business-licence", {"area": 3}, "not-a-stall"),
    ("outdoor-advertisement", {"near_protected_site": True}, "outside-control-zones"),
    ("construction-permit", {"floor_area": 200}, "permit-needed"),
    ("construction-permit", {"investment": 20}, "permit-needed"),
    ("public-place-hygiene", {"kind": "park"}, "licence-needed"),
    ("gas-business", {"distance_to_homes": 5}, "far-enough-from-homes"),
    ("individual-business-registration", {"trade": "tobacco"}, "open-to-individuals"),
    ("residence-permit", {"months": 3}, "half-a-year"),
    ("unemployment-registration", {"birth_year": 2020}, "working-age"),
    ("road-occupation", {"days": 200}, "not-lasting"),
    ("drainage-permit", {"sewer": False}, "within-sewers"),
    ("mass-event-safety", {"people": 500}, "large-enough"),
    ("mass-event-safety", {"people": 8000}, "not-for-the-city"),
    ("construction-waste", {"hazardous": True}, "no-hazardous-waste"),
]

# item, what differs from its example, the materials and completeness rules that a supplement notice names
SUPPLEMENTED = [
    ("elderly-card", {"household": "other"}, ["residence-proof"]),
    ("elderly-card", {"birth_year": 1905}, ["plausible-age"]),
    ("food-business-licence", {"cold_dishes": True}, ["cold-dish-room"]),
    ("food-business-licence", {"business": "retail", "cold_dishes": True}, ["cold-dish-room", "retail-makes-nothing"]),
    ("outdoor-advertisement", {"area": 15}, ["structure-drawing"]),
    ("outdoor-advertisement", {"months": 36}, ["term-within-limit"]),
    ("road-excavation", {"length": 80, "years_since_built": 2}, ["traffic-plan", "government-approval"]),
    ("road-excavation", {"end_date": "2031-03-01"}, ["dates-in-order"]),
    ("construction-permit", {"height": 1}, ["height-plausible"]),
    ("public-place-hygiene", {"central_air": True}, ["air-report"]),
    ("public-place-hygiene", {"kind": "pool"}, ["pool-has-volume"]),
    ("gas-business", {"storage": 0}, ["bottled-has-storage"]),
    ("individual-business-registration", {"premises_kind": "home"}, ["owners-consent"]),
    ("individual-business-registration", {"trade_name": "示例"}, ["name-has-trade"]),
    ("residence-permit", {"reason": "home"}, ["lease"]),
    ("residence-permit", {"reason": "school"}, ["enrolment"]),
    ("unemployment-registration", {"last_status": "graduate"}, ["graduation"]),
    ("road-occupation", {"surface": "carriageway"}, ["traffic-plan", "carriageway-names-detour"]),
    ("road-occupation", {"bus_stop": True}, ["bus-diversion"]),
    ("drainage-permit", {"volume": 80}, ["water-test"]),
    ("mass-event-safety", {"kind": "race"}, ["route-map"]),
    ("mass-event-safety", {"start_date": "2031-02-05"}, ["twenty-days-ahead"]),
    ("construction-waste", {"volume": 300}, ["reception-agreement"]),
    ("construction-waste", {"vehicles": 0}, ["enough-lorries"]),
]

# item, what differs from its example, what the other departments say, the denial rule that decides
DENIED = [
    ("unemployment-registration", {"has_job": True}, {}, "has-a-job"),
    ("drainage-permit", {"interceptor": False}, {}, "no-interceptor"),
    ("construction-waste", {"volume": 60000}, {"waste-reception": "disagree"}, "no-room"),
    ("outdoor-advertisement", {"area": 25}, {"structure-safety": "disagree"}, "structure-unsafe"),
    ("road-excavation", {"length": 80}, {"gas-pipeline-protection": "disagree"}, "pipeline-in-danger"),
    ("gas-business", {}, {"fire-inspection": "disagree"}, "fire-brigade-disagrees"),
]


def facts(item: Item, changed: dict[str, Any], *, conclusion: str = "none", opinions: Any = None) -> dict[str, Any]:
    form = {**item.example.form, **changed}
    assert violations(item.form, form) == []
    return {
        "form": {name: value for name, value in form.items() if name not in item.personal},
        "materials": item.example.materials,
        "applicant": {"type": item.audience[0]},
        "place": "990103001",
        "today": TODAY,
        "collaboration": {"conclusion": conclusion, "opinions": opinions or {}},
    }


def lacking(item: Item, known: dict[str, Any]) -> Iterator[str]:
    for material in item.materials:
        needed = material.necessity == "required" or (material.when and EVALUATE(material.when, known))
        if needed and material.code not in known["materials"]:
            yield material.code
    yield from (rule.id for rule in item.completeness if not EVALUATE(rule.when, known))


@pytest.mark.parametrize(("code", "changed", "departments"), ASKED)
def test_an_item_asks_as_many_departments_as_the_case_needs(
    code: str, changed: dict[str, Any], departments: int
) -> None:
    item = ITEMS[code]
    wanted = [one for one in item.collaborations if EVALUATE(one.when, facts(item, changed))]
    assert sum(len(one.asks) for one in wanted) == departments
    assert all(EVALUATE(rule.when, facts(item, changed)) for rule in item.eligibility)


@pytest.mark.parametrize(("code", "changed", "rule_id"), REFUSED)
def test_an_item_refuses_what_it_is_not_for(code: str, changed: dict[str, Any], rule_id: str) -> None:
    item = ITEMS[code]
    assert rule_id in [rule.id for rule in item.eligibility if not EVALUATE(rule.when, facts(item, changed))]


@pytest.mark.parametrize(("code", "changed", "points"), SUPPLEMENTED)
def test_an_item_names_everything_that_is_lacking(code: str, changed: dict[str, Any], points: list[str]) -> None:
    item = ITEMS[code]
    assert list(lacking(item, facts(item, changed))) == points


@pytest.mark.parametrize(("code", "changed", "opinions", "rule_id"), DENIED)
def test_an_item_denies_by_rule(code: str, changed: dict[str, Any], opinions: dict[str, str], rule_id: str) -> None:
    item = ITEMS[code]
    conclusion = "agree" if opinions else "none"
    known = facts(item, changed, conclusion=conclusion, opinions=opinions)
    assert [rule.id for rule in item.denial if EVALUATE(rule.when, known)] == [rule_id]


@pytest.mark.parametrize("code", [code for code, item in ITEMS.items() if item.collaborations])
def test_an_item_that_asks_others_denies_when_they_disagree_and_grants_when_they_agree(code: str) -> None:
    item = ITEMS[code]
    against = [rule.id for rule in item.denial if EVALUATE(rule.when, facts(item, {}, conclusion="disagree"))]
    in_favour = [rule.id for rule in item.denial if EVALUATE(rule.when, facts(item, {}, conclusion="agree"))]
    assert (len(against), in_favour) == (1, [])
