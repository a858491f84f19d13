"""The catalogue that ships: every item is sound, and together the items show what the system can do."""

import runpy
from pathlib import Path

import pytest
import yaml
from liangwang import catalogue, yaml_document
from liangwang.domain.catalogue import Catalogue, Item
from liangwang.rules import Rules

CATALOGUE = Path(__file__).resolve().parents[2] / "layers" / "catalogue"
SHIPPED = catalogue.check(CATALOGUE)
ITEMS = list(SHIPPED.items.values())


@pytest.fixture
def shipped() -> Catalogue:
    return SHIPPED


def test_every_shipped_file_passes_the_check(shipped: Catalogue) -> None:
    assert len(shipped.items) == len(list((CATALOGUE / "items").glob("*.yaml"))) >= 12


def test_what_functions_load_is_what_was_checked(shipped: Catalogue) -> None:
    assert catalogue.load(CATALOGUE) == shipped


@pytest.mark.parametrize(
    "file", [CATALOGUE / "organisation.yaml", *sorted((CATALOGUE / "items").glob("*.yaml"))], ids=lambda path: path.stem
)
def test_a_machine_without_libyaml_reads_the_same(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    """The two parsers of PyYAML differ, e.g. over a plain text in braces that ends with a question mark."""
    monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    pure = runpy.run_path(yaml_document.__file__, run_name="pure")
    assert not issubclass(pure["_Loader"], getattr(yaml, "CParser", ()))
    text = file.read_text(encoding="utf-8")
    assert pure["YamlDocument"](text).data == yaml_document.YamlDocument(text).data


def test_a_process_reads_the_catalogue_once() -> None:
    assert catalogue.load(CATALOGUE) is catalogue.load(CATALOGUE)


def test_the_city_has_three_districts_and_six_towns(shipped: Catalogue) -> None:
    levels = [region.level for region in shipped.organisation.regions]
    assert (levels.count(3), levels.count(4), levels.count(5)) == (1, 3, 6)


def test_departments_stand_at_all_three_levels(shipped: Catalogue) -> None:
    organisation = shipped.organisation
    assert {organisation.region[one.region].level for one in organisation.departments} == {3, 4, 5}
    assert len(organisation.departments) >= 16


def test_every_capability_that_a_department_offers_is_asked_for_somewhere(shipped: Catalogue) -> None:
    """But for what systems of their own and outside parties offer: officers ask them where a case needs it."""
    here = [one for one in shipped.organisation.departments if one.connected == "here"]
    offered = {capability for department in here for capability, _ in department.duties}
    asked = {ask.capability for item in ITEMS for one in item.collaborations for ask in one.asks}
    assert offered == asked | {item.capability for item in ITEMS}


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.task_code)
def test_the_example_is_plainly_invented(item: Item) -> None:
    personal = {name: item.example.form[name] for name in item.personal}
    names = [
        value for name, value in personal.items() if name in {"name", "operator", "contact_name", "safety_manager"}
    ]
    assert all("示例" in name for name in names)
    assert personal.get("phone", personal.get("contact_phone")) == "13800000000"
    assert personal.get("identity_number", "99").startswith("99"), "no real identity number starts with 99"


def test_some_items_are_decided_at_once() -> None:
    assert sum(item.kind == 1 for item in ITEMS) >= 2


def test_some_promised_items_need_no_clerk() -> None:
    assert sum(item.kind == 2 and all(step.by == "rule" for step in item.steps) for item in ITEMS) >= 2


def test_all_join_policies_and_all_answers_to_a_timeout_occur() -> None:
    used = [one for item in ITEMS for one in item.collaborations]
    assert {one.join.policy for one in used} == {"all", "any", "quorum"}
    assert {one.on_timeout for one in used} == {"proceed", "deny", "lift"}


def test_some_questions_go_to_another_district_named_in_the_form() -> None:
    assert sum(ask.place != "case" for item in ITEMS for one in item.collaborations for ask in one.asks) >= 5


def nearest(capability: str, place: str) -> str:
    organisation = SHIPPED.organisation
    found = (organisation.responsible.get((capability, code)) for code in organisation.lineage(place))
    return next(departments[0].department for departments in found if departments)


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.task_code)
def test_no_department_asks_itself_about_its_own_case(item: Item) -> None:
    towns = [region.code for region in SHIPPED.organisation.regions if region.level == 5]
    asked = {ask.capability for one in item.collaborations for ask in one.asks if ask.place == "case"}
    for town in towns:
        assert nearest(item.capability, town) not in {nearest(capability, town) for capability in asked}


WASTE = SHIPPED.items["construction-waste"]


@pytest.mark.parametrize(("volume", "departments"), [(120, 0), (300, 1), (5001, 2), (50001, 3)])
def test_a_larger_case_needs_more_departments(volume: int, departments: int) -> None:
    facts = {"form": {**WASTE.example.form, "volume": volume}}
    asked = [one for one in WASTE.collaborations if Rules().evaluate(one.when, facts)]
    assert sum(len(one.asks) for one in asked) == departments
