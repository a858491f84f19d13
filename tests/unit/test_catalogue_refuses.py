"""A broken catalogue is refused with the file, the line and the reason. refused_catalogue/cases.yaml holds the table."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from liangwang import catalogue
from liangwang.catalogue import CatalogueError

MATTER = Path(__file__).parent / "refused_catalogue"
ORGANISATION = (MATTER / "organisation.yaml").read_text(encoding="utf-8")
ITEM = (MATTER / "stall.yaml").read_text(encoding="utf-8")
CALENDAR = (MATTER / "calendar.yaml").read_text(encoding="utf-8")
CASES = yaml.safe_load((MATTER / "cases.yaml").read_text(encoding="utf-8"))


def write(directory: Path, *, organisation: str = ORGANISATION, calendar: str = CALENDAR, **items: str) -> Path:
    (directory / "items").mkdir()
    (directory / "calendar.yaml").write_text(calendar, encoding="utf-8")
    (directory / "organisation.yaml").write_text(organisation, encoding="utf-8")
    for name, text in items.items():
        (directory / "items" / f"{name}.yaml").write_text(text, encoding="utf-8")
    return directory


def refusal(directory: Path) -> list[str]:
    with pytest.raises(CatalogueError) as caught:
        catalogue.check(directory)
    return list(caught.value.problems)


def broken(text: str, case: dict[str, Any]) -> str:
    assert case["replace"] in text
    text = text.replace(case["replace"], case["by"], 1)
    return broken(text, case["then"]) if "then" in case else text


def test_the_sound_catalogue_that_these_tests_break_passes(tmp_path: Path) -> None:
    assert list(catalogue.check(write(tmp_path, stall=ITEM)).items) == ["stall"]


@pytest.mark.parametrize("case", CASES["items"], ids=lambda case: case["case"])
def test_a_broken_item_is_refused_with_line_and_reason(tmp_path: Path, case: dict[str, Any]) -> None:
    assert refusal(write(tmp_path, stall=broken(ITEM, case))) == [f"items/stall.yaml:{case['says']}"]


@pytest.mark.parametrize("case", CASES["organisations"], ids=lambda case: case["case"])
def test_a_broken_organisation_is_refused_with_line_and_reason(tmp_path: Path, case: dict[str, Any]) -> None:
    found = refusal(write(tmp_path, organisation=broken(ORGANISATION, case), stall=ITEM))
    assert f"organisation.yaml:{case['says']}" in found


@pytest.mark.parametrize("case", CASES["calendars"], ids=lambda case: case["case"])
def test_a_broken_calendar_is_refused_with_line_and_reason(tmp_path: Path, case: dict[str, Any]) -> None:
    found = refusal(write(tmp_path, calendar=broken(CALENDAR, case), stall=ITEM))
    assert found == [f"calendar.yaml:{case['says']}"]


SUPERVISION = """\
rules:
  - {id: A-1, moment: red, stage: urge, to: officer, every: 2, times: 3, text: {zh: 催办, en: urged}}
  - {id: A-2, moment: red, stage: light, text: {zh: 红灯, en: red}}
  - {id: A-3, moment: statutory, stage: order, every: 3, text: {zh: 督办, en: ordered}}
collaboration:
  decide_days: 2
  lights: {yellow: 0.5, red: 0.8}
"""


@pytest.mark.parametrize(
    ("replace", "by", "line", "says"),
    [
        ("A-2", "A-1", 3, "'A-1' stands here a second time"),
        ("A-2", "A/2", 3, "letters, digits and hyphens only"),
        ("A-2, moment: red", "A-2, moment: statutory", 3, "no light changes when 'statutory' passes"),
        ("times: 3", "times: 0", 2, "how often at most"),
        ("every: 3", "every: 0", 4, "within how many working days"),
        ("stage: order, every: 3", "stage: order, to: officer, every: 3", 4, "an order is to the department"),
        ("stage: order, every: 3", "stage: escalate, to: officer, every: 3", 4, "not to an officer"),
        ("stage: urge", "stage: urge, frees: true", 2, "only a step can be freed"),
        ("decide_days: 2", "decide_days: -2", 6, "not below 0"),
        ("yellow: 0.5", "yellow: 0.9", 7, "yellow before red"),
        ("moment: red, stage: light", "moment: noon, stage: light", 3, "Invalid enum value 'noon'"),
    ],
)
def test_broken_rules_of_supervision_are_refused_with_line_and_reason(
    tmp_path: Path, replace: str, by: str, line: int, says: str
) -> None:
    directory = write(tmp_path, stall=ITEM)
    (directory / "supervision.yaml").write_text(SUPERVISION, encoding="utf-8")
    assert catalogue.check(directory)
    catalogue.load_supervision.cache_clear()
    (directory / "supervision.yaml").write_text(SUPERVISION.replace(replace, by, 1), encoding="utf-8")
    (found,) = refusal(directory)
    assert found.startswith(f"supervision.yaml:{line}: ") and says in found


def test_a_catalogue_without_a_calendar_is_refused(tmp_path: Path) -> None:
    (write(tmp_path, stall=ITEM) / "calendar.yaml").unlink()
    assert refusal(tmp_path) == ["calendar.yaml:1: cannot be read: No such file or directory"]


def test_a_broken_organisation_does_not_hide_an_item_that_cannot_be_read(tmp_path: Path) -> None:
    found = refusal(write(tmp_path, organisation="regions: []", stall=ITEM.replace("kind: 2", "kind: 3")))
    assert found == [
        "organisation.yaml:1: the field departments is missing",
        "items/stall.yaml:6: kind: Invalid enum value 3; use 1, 2 or 9",
    ]


def test_an_instant_item_is_decided_by_rule_alone_and_asks_nobody(tmp_path: Path) -> None:
    assert refusal(write(tmp_path, stall=ITEM.replace("kind: 2", "kind: 1"))) == [
        "items/stall.yaml:33: steps[1].by: an item of kind 1 即办件 is decided at once: every step is by rule",
        "items/stall.yaml:38: collaborations: an item of kind 1 即办件 is decided at once: it asks no other department",
    ]


def test_an_item_that_is_decided_at_once_has_nothing_to_extend(tmp_path: Path) -> None:
    text = ITEM[: ITEM.index("collaborations:")].replace("kind: 2", "kind: 1").replace("by: clerk", "by: rule")
    text += ITEM[ITEM.index("example:") :] + "extension: {days: 5, basis: 《某法》第五条}\n"
    (found,) = refusal(write(tmp_path, stall=text))
    assert found.endswith(": extension: is never looked at: an item of kind 1 即办件 is decided at once")


def test_more_than_twenty_days_need_departments_that_handle_it_jointly_or_another_law(tmp_path: Path) -> None:
    alone = ITEM[: ITEM.index("collaborations:")] + ITEM[ITEM.index("example:") :]
    law = alone.replace("20, basis: 某法", "21, basis: 《中华人民共和国行政许可法》第四十二条")
    assert refusal(write(tmp_path, stall=law)) == [
        "items/stall.yaml:10: statutory.days: 行政许可法 allows 20 days, and 45 where departments handle it jointly: "
        "here is nobody to ask"
    ]


@pytest.mark.parametrize(
    ("limit", "extension"),
    [
        ("60, basis: 《某法》第四条", "30, basis: 《某法》第五条"),
        ("45, basis: 行政许可法第四十二条", "15, basis: 行政许可法第四十二条, approved_by: government"),
        ("20, basis: 行政许可法第四十二条", "10, basis: 行政许可法第四十二条"),
        ("20, basis: 行政许可法第四十二条", "30, basis: 《某法》第五条"),
    ],
)
def test_what_the_law_or_a_special_law_allows_passes(tmp_path: Path, limit: str, extension: str) -> None:
    text = ITEM.replace("20, basis: 某法}", f"{limit}}}\nextension: {{days: {extension}}}")
    assert list(catalogue.check(write(tmp_path, stall=text)).items) == ["stall"]


def test_a_rule_may_read_a_list_that_may_be_left_empty(tmp_path: Path) -> None:
    text = ITEM.replace("Remark, type: string", "Remark, type: array, items: {type: string}")
    text = text.replace("form.area < 100", "'!has(form.remark) || size(form.remark) < 3 || \"a\" in form.remark'")
    assert list(catalogue.check(write(tmp_path, stall=text)).items) == ["stall"]


def test_a_rule_over_many_numbers_is_tried_over_some_of_their_combinations(tmp_path: Path) -> None:
    text = ITEM.replace("required: [owner,", "required: [" + "".join(f"n{i}, " for i in range(9)) + "owner,")
    fields = "".join(
        f"    n{i}: {{title: 数, x-title-en: N, type: number, minimum: 0, maximum: 9}}\n" for i in range(9)
    )
    text = text.replace("    remark:", f"{fields}    remark:")
    text = text.replace("area: 4,", "area: 4, " + "".join(f"n{i}: 1, " for i in range(9)))
    total = " + ".join(f"form.n{i}" for i in range(9))
    assert list(catalogue.check(write(tmp_path, stall=text)).items) == ["stall"]
    (tmp_path / "sum").mkdir()
    found = refusal(write(tmp_path / "sum", stall=text.replace("form.area < 100", f"{total} < 100")))
    assert len(found) == 1 and "cannot be evaluated over a form with n0" in found[0]


def test_two_files_cannot_hold_the_same_version_of_an_item(tmp_path: Path) -> None:
    assert refusal(write(tmp_path, booth=ITEM, stall=ITEM)) == [
        "items/stall.yaml:2: task_version: version 1 of 'stall' is already in items/booth.yaml"
    ]


def test_a_newer_version_of_an_item_stands_beside_the_old_one(tmp_path: Path) -> None:
    newer = ITEM.replace("task_version: 1", "task_version: 2")
    both = catalogue.check(write(tmp_path, stall=ITEM, stall2=newer))
    assert (both.items["stall"].task_version, sorted(both.versions)) == (2, [("stall", 1), ("stall", 2)])


def test_all_problems_are_told_at_once_and_file_by_file(tmp_path: Path) -> None:
    first = ITEM.replace("kind: 2", "kind: 3")
    second = ITEM.replace("days: 5", "days: 50").replace("code: stall", "code: booth")
    assert refusal(write(tmp_path, a=first, b=second)) == [
        "items/a.yaml:6: kind: Invalid enum value 3; use 1, 2 or 9",
        "items/b.yaml:11: promised.days: the promise of 50 days exceeds the statutory 20",
    ]


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "items" / "stall.yaml").write_bytes("name: 摆摊".encode("gb18030"))
    assert refusal(tmp_path) == ["items/stall.yaml:1: is not UTF-8 text: invalid start byte"]


def test_a_list_instead_of_an_item_is_refused(tmp_path: Path) -> None:
    assert refusal(write(tmp_path, stall="- a\n")) == ["items/stall.yaml:1: the file must hold one map of fields"]


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    assert refusal(write(tmp_path, stall="")) == ["items/stall.yaml:1: the file must hold one map of fields"]


def test_a_directory_without_an_organisation_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path) == ["organisation.yaml:1: cannot be read: No such file or directory"]


def test_words_that_old_yaml_reads_as_something_else_stay_text(tmp_path: Path) -> None:
    """YAML 1.1 takes no for false, 12:30 for 750 and 2031-01-01 for a date object."""
    text = ITEM.replace("legal_basis: [某法]", "legal_basis: [no, 12:30, 2031-01-01, on]")
    item = catalogue.check(write(tmp_path, stall=text)).items["stall"]
    assert item.legal_basis == ("no", "12:30", "2031-01-01", "on")


def test_loading_refuses_what_cannot_be_read_as_well(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"items/stall\.yaml:6: kind"):
        catalogue.load(write(tmp_path, stall=ITEM.replace("kind: 2", "kind: 3")))


def test_an_item_names_scenarios_that_are_known_and_each_once(tmp_path: Path) -> None:
    (tmp_path / "scenarios.yaml").write_text(
        "scenarios:\n  - {code: trade, name: {zh: 经营, en: Trade}}\n", encoding="utf-8"
    )
    directory = write(tmp_path, stall=ITEM + "scenarios: [trade, fly, trade]\n")
    line = ITEM.count("\n") + 1
    assert refusal(directory) == [
        f"items/stall.yaml:{line}: scenarios[1]: 'fly' is not in scenarios.yaml; add it there or correct it",
        f"items/stall.yaml:{line}: scenarios[2]: 'trade' stands here a second time",
    ]


def test_scenarios_that_cannot_be_read_are_told_with_their_line(tmp_path: Path) -> None:
    (tmp_path / "scenarios.yaml").write_text("scenarios:\n  - {code: trade}\n", encoding="utf-8")
    assert refusal(write(tmp_path, stall=ITEM)) == ["scenarios.yaml:2: scenarios[0]: the field name is missing"]


# ------------------------------------------------------------------ joint items, over the catalogue that ships

SHIPPED = Path(__file__).parents[2] / "layers" / "catalogue"
RESTAURANT = (SHIPPED / "joint" / "open-a-restaurant.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES["joint"], ids=lambda case: case["case"])
def test_a_broken_joint_item_is_refused_with_line_and_reason(tmp_path: Path, case: dict[str, Any]) -> None:
    for part in ("items", "organisation.yaml", "scenarios.yaml", "calendar.yaml"):
        (tmp_path / part).symlink_to(SHIPPED / part)
    (tmp_path / "joint").mkdir()
    (tmp_path / "joint" / "restaurant.yaml").write_text(broken(RESTAURANT, case), encoding="utf-8")
    assert refusal(tmp_path) == [f"joint/restaurant.yaml:{one}" for one in case["says"]]
