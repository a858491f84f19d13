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
OWNER, COLLEAGUE = "citizen-008", accounts.clerk(DEPARTMENT, 2)
"""Whose sessions nobody has tried to end."""

# An answer of 404 to a method that a path does not have is API Gateway's own, and it knows no 405.
CHECKS = ["--checks", "all", "--exclude-checks", "unsupported_method"]

# Whoever ends their session has no token for the rest: these are asked last, by somebody who does nothing else.
ENDING = "^(identity_logout|identity_password|privacy_erase)$"

# What is well-formed may still be wrong (422), out of season (409) or somebody else's (404): the schema cannot say.
SETTINGS = """
# Methods that a path does not declare are not sent: what the gateway says to them is not checked, and one is left out above.
[phases.coverage]
unexpected-methods = []

[checks.positive_data_acceptance]
expected-statuses = ["2xx", 302, 401, 403, 404, 409, 410, 422, 429]

# RFC 6749, 5.2: whatever is wrong with a request for a token is a 400.
[[operations]]
include-path = "/oauth/token"
checks.positive_data_acceptance.expected-statuses = ["2xx", 400, 401, 429]
"""


@pytest.fixture(scope="module")
def known(city):
    """Values of path parameters that lead to something, by the path parameter's name."""
    case_no = city.apply(city.wish("outdoor-advertisement"), citizen=OWNER)
    city.await_status(case_no, "accepted", "in_review", citizen=OWNER)
    eventually(lambda: city.api.get(COLLEAGUE, "/api/cases")["cases"], what="the case to be with the department")
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
    settings.write_text("\n".join(("[parameters]", *lines, SETTINGS)))
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


@pytest.mark.parametrize("who", ["citizen-004", CLERK, "partner"])
def test_whoever_asks_for_whatever_gets_what_the_document_says(city, tmp_path, who):
    judged(
        city,
        who,
        tmp_path,
        "--max-examples",
        "4",
        "--phases",
        "examples,coverage,fuzzing",
        "--exclude-path-regex",
        ENDING,
    )


@pytest.mark.parametrize("who", ["supervisor-990101-urban", "reviewer-990101-urban", "operator-990101", "auditor-1"])
def test_so_do_those_who_look_on(city, tmp_path, who):
    judged(city, who, tmp_path, "--max-examples", "2", "--phases", "fuzzing", "--exclude-operation-id-regex", ENDING)


@pytest.mark.parametrize("who", [OWNER, COLLEAGUE])
def test_so_does_who_asks_about_a_case_of_their_own(city, known, tmp_path, who):
    options = ("--max-examples", "12", "--phases", "fuzzing", "--include-path-regex", "case_no|task_code")
    judged(city, who, tmp_path, *options, parameters=known)


def test_so_does_who_ends_a_session(city, tmp_path):
    judged(city, "citizen-039", tmp_path, "--max-examples", "8", "--include-operation-id-regex", ENDING)
