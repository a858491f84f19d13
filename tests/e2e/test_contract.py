"""The API keeps its own contract: schemathesis makes requests from the OpenAPI document, right ones and wrong ones, and
checks every answer against it. No server error, no undocumented answer, nothing taken that the document forbids.
"""

import json
import subprocess
import sys
import urllib.request

import pytest

from local import accounts
from tests.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

DEPARTMENT = "D-990101-URBAN"
CLERK = accounts.clerk(DEPARTMENT, 1)

# An answer of 404 to a method that a path does not have is API Gateway's own, and it knows no 405.
CHECKS = ["--checks", "all", "--exclude-checks", "unsupported_method"]

# What is well-formed may still be wrong (422), out of season (409) or somebody else's (404): the schema cannot say.
SETTINGS = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 302, 401, 403, 404, 409, 410, 422, 429]
"""


@pytest.fixture(scope="module")
def known(city):
    """Values of path parameters that lead to something, by the path parameter's name."""
    case_no = city.apply(city.wish("outdoor-advertisement"), citizen="citizen-004")
    city.await_status(case_no, "accepted", "in_review", citizen="citizen-004")
    eventually(lambda: city.api.get(CLERK, "/api/cases")["cases"], what="the case to be with the department")
    return {"case_no": case_no, "task_code": "outdoor-advertisement"}


def document(city):
    """The OpenAPI document without XML bodies: schemathesis writes an empty list and an empty text alike there.

    tests/unit/test_xml_document.py has the laws of XML.
    """
    with urllib.request.urlopen(f"{city.stack.gateway_url}/openapi.json") as answer:
        found = json.load(answer)
    for operations in found["paths"].values():
        for operation in operations.values():
            content = operation.get("requestBody", {}).get("content", {})
            if "application/json" in content:
                content.pop("application/xml", None)
    return found


def judged(city, who, folder, *options, parameters=None):
    """Runs schemathesis with somebody's token; fails with its report."""
    settings = folder / "schemathesis.toml"
    lines = [f'"path.{name}" = "{value}"' for name, value in (parameters or {}).items()]
    settings.write_text("\n".join((SETTINGS, "[parameters]", *lines)))
    (folder / "openapi.json").write_text(json.dumps(document(city)))
    token = city.api.login(who)
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(settings)]
    command += ["run", "openapi.json", "--url", city.stack.gateway_url, "-H", f"Authorization: Bearer {token}"]
    command += [
        *CHECKS,
        "--seed",
        "1",
        "--continue-on-failure",
        "--no-color",
        "--generation-database",
        "none",
        *options,
    ]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=390)
    assert done.returncode == 0, done.stdout[-12_000:] + done.stderr[-2_000:]


@pytest.mark.parametrize(
    "who", ["citizen-004", CLERK, "supervisor-990101-urban", "operator-990101", "auditor-1", "partner"]
)
def test_whoever_asks_for_whatever_gets_what_the_document_says(city, known, tmp_path, who):
    judged(city, who, tmp_path, "--max-examples", "4", "--phases", "examples,coverage,fuzzing")


@pytest.mark.parametrize("who", ["citizen-004", CLERK])
def test_so_does_who_asks_about_a_case_of_their_own(city, known, tmp_path, who):
    options = ("--max-examples", "12", "--phases", "fuzzing", "--include-path-regex", "case_no|task_code")
    judged(city, who, tmp_path, *options, parameters=known)
