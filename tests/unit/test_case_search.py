"""A file of cases is read as data: no cell of it is a formula, and nothing of it is lost."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liangwang.services.case_search import table

COLUMNS = ("a", "b")


def read(content):
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize("cell", ["=1+1", "+86", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "＝1", "\n=1"])
def test_what_a_spreadsheet_might_run_is_text(cell):
    assert read(table([{"a": cell, "b": ""}], COLUMNS, head=False)) == [[f"'{cell}", ""]]


def test_an_ordinary_cell_stays_as_it_is():
    rows = [{"a": '云川市, "示例"\n路', "b": None}, {"a": 7, "b": ["x", "y"]}]
    assert read(table(rows, COLUMNS, head=True)) == [["a", "b"], [rows[0]["a"], ""], ["7", '["x","y"]']]


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(codec="utf-8", exclude_characters="\x00")),
            st.text(st.characters(codec="utf-8", exclude_characters="\x00")),
        )
    )
)
def test_no_cell_begins_like_a_formula_and_the_rest_is_unchanged(rows):
    shown = read(table([dict(zip(COLUMNS, row, strict=True)) for row in rows], COLUMNS, head=False))
    for row, cells in zip(rows, shown, strict=True):
        for value, cell in zip(row, cells, strict=True):
            assert cell in (value, f"'{value}")
            assert not cell.strip().startswith(("=", "+", "-", "@"))
