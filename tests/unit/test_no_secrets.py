"""No secret stands in the repository, and no person: secrets are made at random where they are needed."""

import re
import subprocess
from functools import cache

import pytest

from local import template
from tests.conftest import REPOSITORY

TEMPLATES = (REPOSITORY / "template.yaml", *sorted((REPOSITORY / "infra").glob("*.yaml")))

SECRET_LIKE = {
    "an AWS access key": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    "a token": r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",
    "a password in an address": r"://[^/\s:@'\"{}$<]+:[^/\s:@'\"{}$<]{3,}@",
    "a value under a secret's name": (
        r"(?i)\b[a-z_-]*(?:password|secret|api_?key|private_?key)[\"']?\s*[:=]\s*[\"']?(?=[A-Za-z0-9+/_-]*\d)(?=[A-Za-z0-9+/_-]*[A-Za-z])"
        r"[A-Za-z0-9+/_-]{20,}={0,2}[\"']?\s*$"
    ),
}

MOBILE = re.compile(r"(?<![0-9A-Za-z])1[3-9]\d{9}(?![0-9A-Za-z])")
IDENTITY = re.compile(r"(?<![0-9A-Za-z])[1-9]\d{16}[\dXx](?![0-9A-Za-z])")
INVENTED_MOBILE = re.compile(r"1[3-9]\d0000\d{4}")


@cache
def files():
    """The text of every file that is under version control."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, check=True).stdout
    found = {}
    for name in filter(None, names.decode().split("\0")):
        path = REPOSITORY / name
        try:
            found[name] = path.read_text(encoding="utf-8") if path.is_file() else ""
        except UnicodeDecodeError:  # a picture or a dictionary
            continue
    return found


@pytest.mark.parametrize("what", SECRET_LIKE)
def test_nothing_in_the_repository_looks_like(what):
    pattern = re.compile(SECRET_LIKE[what], re.MULTILINE)
    found = [(name, match[0][:60]) for name, text in files().items() for match in pattern.finditer(text)]
    assert [one for one in found if one[0] != "tests/unit/test_no_secrets.py"] == []


def test_phone_numbers_in_the_repository_are_invented():
    found = {(name, match[0]) for name, text in files().items() for match in MOBILE.finditer(text)}
    assert {one for one in found if not INVENTED_MOBILE.fullmatch(one[1])} == set()


def test_identity_numbers_in_the_repository_are_of_a_region_that_does_not_exist():
    found = {(name, match[0]) for name, text in files().items() for match in IDENTITY.finditer(text)}
    assert {one for one in found if not one[1].startswith("990")} == set()


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.name)
def test_secrets_of_a_template_are_generated_and_parameters_hold_none(file):
    document = template.read(file)
    for name, resource in document.get("Resources", {}).items():
        if resource["Type"] == "AWS::SecretsManager::Secret":
            assert "SecretString" not in resource["Properties"], name
            assert resource["Properties"]["GenerateSecretString"]["PasswordLength"] >= 32, name
    for name, parameter in document.get("Parameters", {}).items():
        if re.search(r"(?i)password|secret", name):
            assert parameter.get("Default", "") == "", name


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.name)
def test_what_a_function_is_told_of_a_secret_is_its_name_or_a_reference_that_aws_resolves(file):
    """Environment variables are shown in consoles: a secret's value stands there only where the platform demands it."""
    for name, resource in template.read(file).get("Resources", {}).items():
        if resource["Type"] != "AWS::Serverless::Function":
            continue
        variables = resource["Properties"].get("Environment", {}).get("Variables", {})
        for variable, value in variables.items():
            if re.search(r"PASSWORD|SECRET|_TOKEN$", variable):
                assert not isinstance(value, str), f"{name}.{variable}"
                assert "Ref" in value or "{{resolve:secretsmanager:" in str(value), f"{name}.{variable}"
