"""Items in the exchange tables, and tables as files of the catalogue."""

import shutil

import pytest
import yaml
from liangwang import catalogue
from liangwang.catalogue import CatalogueError
from liangwang.national.files import Unreadable, by_table, read, written
from liangwang.national.item_draft import draft, problems
from liangwang.national.item_rows import from_rows, sheets, to_rows
from liangwang.national.rows import TaskBasic
from liangwang.national.standard import load
from liangwang.yaml_document import YamlDocument
from msgspec.structs import replace

from tests.conftest import REPOSITORY

FOLDER = REPOSITORY / "layers" / "catalogue"
STANDARD = load(FOLDER)
CATALOGUE = catalogue.load(FOLDER)
ITEMS = sorted(CATALOGUE.items)


def rows_of(code):
    return to_rows(CATALOGUE.items[code], CATALOGUE.organisation, STANDARD)


@pytest.mark.parametrize("code", ITEMS)
def test_an_item_comes_back_from_its_rows(code):
    (sheet,) = sheets(rows_of(code))
    assert from_rows(sheet) == CATALOGUE.items[code]


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_all_items_come_back_from_files(form):
    rows = []
    for name, some in by_table(row for code in ITEMS for row in rows_of(code)).items():
        rows += read(written(some, STANDARD.tables[name], form, head=True), STANDARD.tables[name], name=name)
    assert [from_rows(sheet) for sheet in sheets(rows)] == [CATALOGUE.items[code] for code in ITEMS]


def copied(tmp_path):
    for name in ("organisation.yaml", "scenarios.yaml", "calendar.yaml"):
        shutil.copy(FOLDER / name, tmp_path / name)
    (tmp_path / "items").mkdir()
    return tmp_path


def test_the_files_made_of_our_own_rows_pass_the_check_and_are_the_same_items(tmp_path):
    folder = copied(tmp_path)
    for sheet in sheets([row for code in ITEMS for row in rows_of(code)]):
        made = draft(sheet)
        assert made.lacking == ()
        (folder / "items" / made.name).write_text(made.text, encoding="utf-8")
    assert catalogue.check(folder).versions == CATALOGUE.versions


def strangers(code="elderly-card"):
    """The same rows as another system has them: without our extension."""
    return [replace(row, liangwang_ext={}) for row in rows_of(code)]


def test_a_draft_of_a_strangers_rows_names_what_its_author_has_to_add():
    (sheet,) = sheets(strangers())
    made = draft(sheet)
    assert {"summary", "capability", "form", "steps", "example", "name.en", "materials[0].name.en"} <= set(made.lacking)
    assert all(f"#   {path}: " in made.text for path in made.lacking)


def test_a_draft_is_refused_until_it_is_completed_and_passes_then(tmp_path):
    folder = copied(tmp_path)
    (sheet,) = sheets(strangers())
    made = draft(sheet)
    (folder / "items" / made.name).write_text(made.text, encoding="utf-8")
    with pytest.raises(CatalogueError, match=r"elderly-card.yaml:\d+"):
        catalogue.check(folder)
    item = YamlDocument((FOLDER / "items" / "elderly-card.yaml").read_text(encoding="utf-8")).data
    values = YamlDocument(made.text).data
    codes = {one["name"]["zh"]: one for one in item["materials"]}
    values["materials"] = [{**one, **codes[one["name"]["zh"]]} for one in values["materials"]]
    for field in (*(path for path in made.lacking if "." not in path), "personal", "name", "certificate"):
        if field in item:
            values[field] = item[field]
    for field in ("eligibility", "completeness", "collaborations", "denial"):
        if field in item:
            values[field] = item[field]
    (folder / "items" / made.name).write_text(
        yaml.safe_dump(values, allow_unicode=True, sort_keys=False), encoding="utf-8"
    )
    assert "elderly-card" in catalogue.check(folder).items


def basic(**changes):
    return TaskBasic(**{"row_guid": "1", "task_code": "a", "task_name": "A", **changes})


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (basic(task_code=""), "x.csv:3: task_code: is empty"),
        (basic(task_name=""), "x.csv:3: task_name: is empty"),
        (basic(anticipate_type="2"), "x.csv:3: anticipate_type: is '2'; limits are in working days"),
        (basic(promise_day=-1), "x.csv:3: promise_day: is -1; write 0 or more"),
    ],
)
def test_a_row_that_is_no_item_is_told_where_and_what_to_do(row, said):
    assert any(problem.startswith(said) for problem in problems(row, where="x.csv:3"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            b"TASK_CODE,ANTICIPATE_DAY\na,zwanzig\n",
            "f.csv:2: anticipate_day: 'zwanzig' is no whole number; write digits",
        ),
        (b"task_code,task_name\na\n", "f.csv:2: has 1 cells under 2 names"),
        (b'task_code\n"a\n', "f.csv:"),
        (b"task_code\n\xff\n", "f.csv:2: is not UTF-8 text"),
        (b'{"task_code": "a"}\n{"task_code": \n', "f.csv:2: is no JSON object"),
        (b'{"task_code": ["a"]}\n', "f.csv:1: task_code: write one value"),
        (b'task_code,liangwang_ext\na,"{"\n', "f.csv:2: liangwang_ext: is no JSON object"),
    ],
)
def test_a_file_that_does_not_read_is_told_where_and_what_to_do(content, said):
    with pytest.raises(Unreadable) as caught:
        read(content, STANDARD.tables["up_task_general_basic"], name="f.csv")
    assert caught.value.problems[0].startswith(said)


def test_all_faults_of_a_file_are_told_at_once():
    content = b"task_code,anticipate_day,promise_day\na,x,1\nb,1,y\n"
    with pytest.raises(Unreadable) as caught:
        read(content, STANDARD.tables["up_task_general_basic"], name="f.csv")
    assert [problem.split(" ")[0] for problem in caught.value.problems] == ["f.csv:2:", "f.csv:3:"]
