"""infra/department-keys.yaml gives every department of the catalogue a key of its own."""

from pathlib import Path
from types import ModuleType

import pytest
import yaml
from liangwang import catalogue
from liangwang.domain.catalogue import Department, Text

from tests import infra_tools

ROOT = Path(__file__).resolve().parents[2]
KEYS = ROOT / "infra" / "department-keys.yaml"


def generator() -> ModuleType:
    return infra_tools.load("department_keys")


def test_the_committed_file_is_in_step_with_the_organisation() -> None:
    assert KEYS.read_text(encoding="utf-8") == generator().render(), "run infra/department_keys.py"


def test_every_department_has_an_alias_of_its_own() -> None:
    resources = yaml.safe_load(KEYS.read_text(encoding="utf-8"))["Resources"].values()
    aliases = [one["Properties"]["AliasName"] for one in resources if one["Type"] == "AWS::KMS::Alias"]
    departments = catalogue.load(ROOT / "layers" / "catalogue").organisation.departments
    assert aliases == [
        f"alias/liangwang/department/{department.code}" for department in departments if department.connected != "link"
    ]


def test_every_key_rotates_and_outlives_its_stack() -> None:
    resources = yaml.safe_load(KEYS.read_text(encoding="utf-8"))["Resources"].values()
    keys = [one for one in resources if one["Type"] == "AWS::KMS::Key"]
    assert all(key["Properties"]["EnableKeyRotation"] and key["DeletionPolicy"] == "Retain" for key in keys)


def test_codes_that_would_share_a_logical_id_are_refused() -> None:
    twins = tuple(Department(code, Text(zh="局", en="Bureau"), "990100", ("x",)) for code in ("D-1-A", "D-1A"))
    with pytest.raises(ValueError, match="D-1A"):
        generator().template(twins)


def test_the_template_is_sound_cloudformation() -> None:
    from cfnlint.api import lint_file

    assert lint_file(KEYS) == []
