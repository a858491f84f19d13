"""`python -m local route …`: the rules checked, a question explained and a version tried, without HTTP."""

import pytest
from click.testing import CliRunner
from liangwang.domain.patience import Patience
from liangwang.store import Store

from local.config import REPOSITORY
from local.route import Tables, command
from tests.functional.functions import Functions
from tests.functional.test_routing import happened

IN_FORCE = REPOSITORY / "layers" / "catalogue" / "responsibilities" / "2027-01-01.yaml"


@pytest.fixture
def functions():
    return Functions()


def run(functions, *arguments):
    stores = Tables(*(Store(functions.aws, name, patience=Patience()) for name in ("governance", "statistics")))
    return CliRunner().invoke(command, arguments, obj=lambda: stores)


def test_sound_rules_pass_and_what_nobody_answers_for_is_listed(functions):
    found = run(functions, "check")
    assert found.exit_code == 0, found.output
    assert "nobody answers for villagers-opinion at 5 towns" in found.output


def test_broken_rules_are_told_with_file_and_line(functions, tmp_path):
    whole = REPOSITORY / "layers" / "catalogue"
    for path in whole.rglob("*.yaml"):
        copy = tmp_path / path.relative_to(whole)
        copy.parent.mkdir(exist_ok=True)
        copy.write_text(path.read_text("utf-8").replace("[D-990100-POLICE]", "[D-NONE]"), encoding="utf-8")
    found = run(functions, "--catalogue", str(tmp_path), "check")
    assert found.exit_code == 1
    assert "responsibilities/2027-01-01.yaml:" in found.output and "there is no department 'D-NONE'" in found.output


def test_a_question_is_explained_with_rule_next_and_way(functions):
    found = run(functions, "explain", "waste-reception", "990103", "--at", "2027-03-01T09:00:00+0800", "--busy")
    assert found.exit_code == 0, found.output
    assert found.output.startswith("D-990102-SANITATION (YC-02)")
    assert "next: D-990103-SANITATION" in found.output and "990100" in found.output


def test_a_question_from_nowhere_is_refused(functions):
    found = run(functions, "explain", "waste-reception", "1")
    assert found.exit_code == 1 and "place: use the code of a region" in found.output


def test_a_month_is_replayed_on_a_version_in_a_file(functions, tmp_path):
    event = happened(functions, 1, ("waste-reception", "990103"))
    happened(functions, 2, ("fire-inspection", "990101001"), concluded=False)
    changed = tmp_path / "tried.yaml"
    changed.write_text('{version: tried, effective_from: "2027-06-01", rules: []}', encoding="utf-8")
    found = run(functions, "simulate", str(changed), "--month", "2027-03", "--base", "2027-1")
    assert found.exit_code == 0, found.output
    assert f"{event}: waste-reception at 990103" in found.output
    assert "D-990102-SANITATION (YC-02) -> D-990103-SANITATION" in found.output
    assert found.output.endswith("2 events, 2 questions, 1 go elsewhere than by version 2027-1\n")


def test_the_version_in_force_changes_nothing(functions):
    happened(functions, 1, ("waste-reception", "990103"))
    found = run(functions, "simulate", str(IN_FORCE), "--month", "2027-03", "--base", "2027-1")
    assert found.output == "1 events, 1 questions, 0 go elsewhere than by version 2027-1\n"
