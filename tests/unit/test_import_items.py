"""The command that makes files of the catalogue from another system's item tables."""

import shutil

import pytest
from click.testing import CliRunner
from liangwang import catalogue
from liangwang.national.files import by_table, written
from liangwang.national.item_rows import to_rows
from liangwang.national.standard import load

from local import import_items
from tests.conftest import REPOSITORY

FOLDER = REPOSITORY / "layers" / "catalogue"
STANDARD = load(FOLDER)
CATALOGUE = catalogue.load(FOLDER)


def says(*words):
    return CliRunner().invoke(import_items.command, [str(word) for word in words])


@pytest.fixture
def tables(tmp_path):
    """Our own items as three files."""
    rows = [row for item in CATALOGUE.items.values() for row in to_rows(item, CATALOGUE.organisation, STANDARD)]
    found = []
    for name, some in by_table(rows).items():
        file = tmp_path / f"{name}-2026.csv"
        file.write_bytes(written(some, STANDARD.tables[name], "csv", head=True))
        found.append(file)
    return found


def test_nothing_is_written_unless_it_is_asked_for(tables, tmp_path):
    out = tmp_path / "items"
    result = says(*tables, "--out", out)
    assert result.exit_code == 0 and "nothing was written; --write does" in result.output
    assert "task_code: elderly-card" in result.output and not out.exists()


def test_written_files_are_items_of_the_catalogue(tables, tmp_path):
    folder = tmp_path / "catalogue"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("items", "joint"))
    assert says(*tables, "--out", folder / "items", "--write").exit_code == 0
    assert catalogue.check(folder).items == CATALOGUE.items


def test_a_file_that_is_there_is_not_replaced(tables, tmp_path):
    out = tmp_path / "items"
    says(*tables, "--out", out, "--write")
    before = (out / "elderly-card.yaml").read_bytes()
    result = says(*tables, "--out", out, "--write")
    assert result.exit_code == 1 and "is there already: a published version never changes" in result.output
    assert (out / "elderly-card.yaml").read_bytes() == before


BASIC = "row_guid,task_code,task_name,anticipate_type\n"


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (
            {"items.csv": BASIC},
            "items.csv:1: which table is it? begin the file's name with one of up_task_general_basic",
        ),
        ({"up_task_general_extend.csv": "task_code\na\n"}, "no row of up_task_general_basic"),
        ({"up_task_general_basic.csv": BASIC + "1,a,A,1\n2,b,,1\n"}, "basic.csv:3: task_name: is empty"),
        (
            {"up_task_general_basic.csv": BASIC + "1,a,A,3\n"},
            "basic.csv:2: anticipate_type: is '3'; limits are in working",
        ),
        (
            {"up_task_general_basic.csv": BASIC + "1,a,A,1\n2,a,B,1\n"},
            "basic.csv:3: task_code: 'a' in this version is in up_task_general_basic.csv:2 already",
        ),
        (
            {
                "up_task_general_basic.csv": BASIC + "1,a,A,1\n",
                "up_task_general_material.csv": "task_guid,task_code,material_name\n9,z,Z\n",
            },
            "material.csv:2: task_guid: no item has the row_guid '9'",
        ),
    ],
)
def test_a_fault_is_told_with_its_file_line_and_column(files, said, tmp_path):
    paths = []
    for name, text in files.items():
        paths.append(tmp_path / name)
        paths[-1].write_text(text, "utf-8")
    result = says(*paths)
    assert result.exit_code == 1 and said in result.output


def test_a_strangers_materials_find_their_item_by_its_code(tmp_path):
    (tmp_path / "up_task_general_basic.csv").write_text("TASK_CODE,TASK_NAME,UNKNOWN\na,A,x\n", "utf-8")
    (tmp_path / "up_task_general_material.csv").write_text(
        "TASK_CODE,ORDER_NUM,MATERIAL_NAME,IS_NEED\na,2,第二,0\na,1,第一,1\n", "utf-8"
    )
    result = says(tmp_path / "up_task_general_basic.csv", tmp_path / "up_task_general_material.csv")
    assert result.exit_code == 0
    assert result.output.index("第一") < result.output.index("第二")
    assert "code: material-1" in result.output and "lacks" in result.output
