"""Writes infra/department-keys.yaml: one KMS key and alias a department, out of the organisation in the catalogue.

    PYTHONPATH=layers/core/python .venv/bin/python infra/department_keys.py          # writes the file
    PYTHONPATH=layers/core/python .venv/bin/python infra/department_keys.py --check  # exit code 1 when it is out of step

Intake wraps a case's data key with the receiving department's key, so that only that department can open it. The alias
holds the department's code: a key may be replaced, a department keeps its name. Outside parties have none: nothing is sealed to
them.
"""

import sys
from pathlib import Path
from typing import Any

import yaml
from liangwang import catalogue
from liangwang.domain.catalogue import Department

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "infra" / "department-keys.yaml"
ALIAS_PREFIX = "alias/liangwang/department/"
HEADER = """\
# One KMS key a department: what intake seals for it, only it can open.
# Generated from layers/catalogue/organisation.yaml by infra/department_keys.py; a test keeps both in step.
"""


class _Verbatim(yaml.SafeDumper):
    """Writes shared parts out in full: CloudFormation takes no YAML aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def template(departments: tuple[Department, ...]) -> dict[str, Any]:
    """The CloudFormation template: a ``<Code>Key`` and a ``<Code>Alias`` for each department.

    Raises ValueError when two department codes differ in their hyphens only and would share a logical id.
    """
    resources: dict[str, Any] = {}
    for department in departments:
        name = department.code.replace("-", "")
        if f"{name}Key" in resources:
            raise ValueError(f"{department.code}: another department's code differs from it in hyphens only")
        resources[f"{name}Key"] = _key(department)
        resources[f"{name}Alias"] = {
            "Type": "AWS::KMS::Alias",
            "Properties": {"AliasName": ALIAS_PREFIX + department.code, "TargetKeyId": {"Ref": f"{name}Key"}},
        }
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "liangwang: the key of each department, to which intake seals applicants' data",
        "Resources": resources,
    }


def _key(department: Department) -> dict[str, Any]:
    """A symmetric key that rotates yearly and survives the deletion of the stack: without it, cases stay sealed."""
    return {
        "Type": "AWS::KMS::Key",
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        "Properties": {
            "Description": f"liangwang {department.code} {department.name.en}",
            "EnableKeyRotation": True,
            "KeySpec": "SYMMETRIC_DEFAULT",
            "KeyUsage": "ENCRYPT_DECRYPT",
            "KeyPolicy": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Sid": "RightsAreGivenByRolesOfThisAccount",
                        "Effect": "Allow",
                        "Principal": {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}},
                        "Action": "kms:*",
                        "Resource": "*",
                    }
                ],
            },
            "Tags": [{"Key": "liangwang:department", "Value": department.code}],
        },
    }


def render() -> str:
    """The whole file for the organisation in the catalogue."""
    organisation = catalogue.load(ROOT / "layers" / "catalogue").organisation
    body = yaml.dump(
        template(tuple(one for one in organisation.departments if one.connected != "link")),
        Dumper=_Verbatim,
        sort_keys=False,
        allow_unicode=True,
        width=120,
    )
    return HEADER + body


def main(arguments: list[str]) -> int:
    """Writes the file, or with ``--check`` only says whether it is in step."""
    text = render()
    if arguments == ["--check"]:
        in_step = TARGET.exists() and TARGET.read_text(encoding="utf-8") == text
        if not in_step:
            print(f"{TARGET.relative_to(ROOT)} is out of step; run infra/department_keys.py", file=sys.stderr)
        return 0 if in_step else 1
    TARGET.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
