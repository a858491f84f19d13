"""The standard data is whole, dialects work in both directions, and the report counts what is there."""

import shutil

import msgspec
import pytest
from liangwang import catalogue, texts
from liangwang.catalogue import CatalogueError
from liangwang.domain.catalogue import Text
from liangwang.national import conformance
from liangwang.national.item_rows import to_rows
from liangwang.national.rows import Accept, Apply, Process
from liangwang.national.standard import load
from liangwang.national.tables import ENUMERATIONS, Dialect
from msgspec.structs import replace

from local import table_page
from tests.conftest import REPOSITORY

FOLDER = REPOSITORY / "layers" / "catalogue"
STANDARD = load(FOLDER)
OWN = STANDARD.dialects["own"]


def test_every_required_column_says_where_it_comes_from_or_why_it_is_empty():
    for table in STANDARD.tables.values():
        for column in table.columns:
            assert column.filled or column.lacking, f"{table.name}.{column.name}"
            if column.required:
                assert column.promised or column.lacking, f"{table.name}.{column.name}"
            if column.promised:
                assert column.filled and not column.personal


def test_an_accepted_case_says_of_the_application_what_the_application_says():
    apply, accept = (STANDARD.tables[name] for name in ("apply", "up_pro_accept"))
    told = {column.name: (column.kind, column.length, column.personal) for column in accept.columns}
    for column in apply.columns:
        assert told[column.name] == (column.kind, column.length, column.personal)


def test_codes_of_the_law_are_as_the_standard_has_them():
    codes = {
        name: list(STANDARD.codes[name].codes) for name in ("A.1", "A.2", "A.3", "A.4", "A.5", "A.6", "A.7", "A.8")
    }
    assert codes == {
        "A.1": ["01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "20"],
        "A.2": ["1", "2", "3", "4", "5", "6", "7"],
        "A.3": ["1", "2", "3", "9"],
        "A.4": ["1", "2", "3", "4", "5", "6"],
        "A.5": ["1", "2", "3", "4", "9"],
        "A.6": ["1", "2", "9"],
        "A.7": ["1", "2"],
        "A.8": ["1", "2", "3", "4", "5"],
    }
    assert [OWN.step_result[word] for word in ENUMERATIONS["step_result"]] == list("01234567")


@pytest.mark.parametrize("name", sorted(STANDARD.dialects))
def test_a_dialect_writes_every_word_and_reads_every_code(name):
    dialect = STANDARD.dialects[name]
    for enumeration, words in ENUMERATIONS.items():
        for word in words:
            code = dialect.code(enumeration, word)
            meant = dialect.word(enumeration, code)
            assert meant is not None and dialect.code(enumeration, meant) == code


def plain(dialect):
    return msgspec.to_builtins(dialect)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda one: one["conclusion"].pop("voided"), "conclusion: voided has no code"),
        (
            lambda one: one["conclusion"].update(voided="10"),
            "read.conclusion: say which of granted, voided the code '10'",
        ),
        (
            lambda one: one["receiving"].update(paper="LONG"),
            "receiving: the code 'LONG' is longer than the 2 characters",
        ),
        (
            lambda one: one["read"].update(conclusion={"10": "denied"}),
            "read.conclusion: denied is not written '10' but '20'",
        ),
        (lambda one: one.update(data_source=""), "data_source: use 1 to 3 characters"),
    ],
)
def test_a_dialect_that_cannot_be_used_both_ways_is_refused(change, said):
    values = plain(OWN)
    change(values)
    assert any(problem.startswith(said) for problem in msgspec.convert(values, Dialect).problems())


def test_broken_standard_data_names_file_and_line(tmp_path):
    shutil.copytree(FOLDER / "national", tmp_path / "national")
    file = tmp_path / "national" / "tables" / "up_pro_result.yaml"
    file.write_text(file.read_text("utf-8").replace("kind: moment", "kind: hour", 1), "utf-8")
    with pytest.raises(CatalogueError, match=r"national/tables/up_pro_result.yaml:8: "):
        load(tmp_path)


def test_a_table_that_differs_from_its_rows_is_refused(tmp_path):
    shutil.copytree(FOLDER / "national", tmp_path / "national")
    file = tmp_path / "national" / "tables" / "up_pro_result.yaml"
    file.write_text(file.read_text("utf-8").replace("name: satisfaction", "name: satisfied", 1), "utf-8")
    with pytest.raises(CatalogueError, match="differs from its rows in satisfaction, satisfied"):
        load(tmp_path)


def counted(*rows):
    tallies = {}
    conformance.count(tallies, rows, STANDARD, OWN)
    return conformance.report(tallies, STANDARD)


def process(**changes):
    filled = {name: "1" for name in Process.__struct_fields__ if name != "liangwang_ext"}
    filled |= {"event_name": "1", "cd_operation": "I"}
    return Process(**{**filled, **changes})


def test_the_report_says_how_many_of_the_required_values_are_there():
    (table,) = counted(process(), process(handle_explain=""), process(cd_operation="D"))
    column = next(one for one in table.columns if one.name == "handle_explain")
    assert (table.rows, table.gone, column.filled, column.per_cent) == (2, 1, 1, 50.0)
    assert (table.complete, table.required) == (table.required - 1, table.required)


def test_the_report_counts_what_is_too_long_and_codes_that_nobody_knows():
    long = process(project_no="9" * 51, event_name="8", liangwang_ext={"cut": ["remark"]})
    (table,) = counted(process(), long)
    found = {one.name: (one.long, one.cut, one.unknown) for one in table.columns}
    assert (found["project_no"], found["event_name"], found["remark"]) == ((1, 0, 0), (0, 0, 1), (0, 1, 0))


def test_the_report_is_told_in_both_languages_with_the_reason():
    rows = [Apply(row_guid="1", project_no="1", task_code="a", task_version=1)]
    (table,) = counted(*rows)
    lines = conformance.said([table], texts.text)
    assert "catalog_code" in table.never_filled
    assert any("事项未填写基本编码" in line for line in lines)
    assert any("the item states no catalog_code" in line for line in lines)


def test_pages_counted_one_after_the_other_are_counted_like_the_whole():
    rows = [process(), process(remark=""), process(event_name="9")]
    tallies = {}
    for row in rows:
        conformance.count(tallies, [row], STANDARD, OWN)
        tallies = msgspec.json.decode(msgspec.json.encode(tallies), type=conformance.Tallies)
    assert conformance.report(tallies, STANDARD) == counted(*rows)


def test_what_is_promised_of_items_is_filled_for_every_item_of_the_catalogue():
    known = catalogue.load(FOLDER)
    rows = [
        replace(row, cd_time="t", cd_batch="b", data_source="990")
        for item in known.versions.values()
        for row in to_rows(item, known.organisation, STANDARD)
    ]
    for table in counted(*rows):
        promised = {column.name for column in STANDARD.tables[table.name].columns if column.promised}
        assert {column.name: column.per_cent for column in table.columns if column.name in promised} == dict.fromkeys(
            [column.name for column in table.columns if column.name in promised], 100.0
        )
        assert all(not (column.long or column.unknown) for column in table.columns), table


def test_no_column_is_ours_by_mistake():
    ours = {
        column.name for table in STANDARD.tables.values() for column in table.columns if column.confidence == "ours"
    }
    assert ours == {"liangwang_ext"}
    assert Accept.__struct_fields__[-1] != "liangwang_ext"
    assert isinstance(texts.text("exchange_table.no_reason"), Text)


def test_the_page_about_standard_data_has_the_tables_as_they_are():
    text = table_page.PAGE.read_text("utf-8")
    assert text == table_page.rendered(text, STANDARD), "run `make contracts`"
