"""The API keeps its own contract: schemathesis makes requests from the OpenAPI document, right ones and wrong ones, and
checks every answer against it. No server error, no undocumented answer, nothing taken that the document forbids.

Answers of 401 alone would keep any contract. So the token holds from the first request to the last, and the operations
that each caller must get through to are named.
"""

import json
import re
import subprocess
import sys
import urllib.request
from collections import Counter
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from local import accounts
from tests.e2e.test_privacy import ask, registered
from tests.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

DEPARTMENT = "D-990101-URBAN"
CLERK = accounts.clerk(DEPARTMENT, 1)
CITIZEN = "citizen-004"
MAILBOX = accounts.mailbox("D-990100-WEATHER")
OWNER, COLLEAGUE = "citizen-008", accounts.clerk(DEPARTMENT, 2)

# An answer of 404 to a method that a path does not have is API Gateway's own, and it knows no 405.
CHECKS = ["--checks", "all", "--exclude-checks", "unsupported_method"]

ENDING = "^(identity_logout|identity_password|privacy_erase|drafts_discard)$"
"""What takes away what the rest is asked with: asked last, by somebody who does nothing else."""

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

THROUGH = {
    CITIZEN: "identity_keys items_items items_scenarios items_joint_items intake_mine joint_mine inbox_mine "
    "inbox_settings inbox_choose mandates_mine materials_mine drafts_mine drafts_begin",
    CLERK: "approval_worklist approval_export assistance_worklist feedback_summary",
    MAILBOX: "mailbox_fetch mailbox_acknowledge mailbox_say",
    "partner": "exchange_pending exchange_acknowledge exchange_progress",
    "supervisor-990101-urban": "approval_worklist assistance_worklist feedback_page feedback_summary feedback_outstanding",
    "reviewer-990101-urban": "approval_worklist approval_export assistance_worklist feedback_summary",
    "operator-990101": "mailbox_watch feedback_page feedback_summary feedback_outstanding privacy_search",
    "auditor-1": "approval_worklist approval_export assistance_worklist privacy_search",
    OWNER: "users_show items_item items_begin items_guide items_joint_item intake_apply intake_follow mandates_give "
    "drafts_begin drafts_read drafts_save inbox_read materials_announce",
    COLLEAGUE: "approval_case",
}
"""Which operations answer each caller with a 2xx at least once."""


@pytest.fixture(scope="module")
def known(city):
    """Values of path parameters that lead to something, by the path parameter's name."""
    wish = city.wish("outdoor-advertisement")
    case_no = city.apply(wish, citizen=OWNER)
    city.await_status(case_no, "accepted", "in_review", citizen=OWNER)
    eventually(lambda: city.api.get(COLLEAGUE, "/api/cases")["cases"], what="the case to be with the department")
    told = eventually(
        lambda: city.api.get(OWNER, "/api/notifications")["notifications"], what="the applicant to be told of it"
    )
    draft = city.api.post(OWNER, "/api/drafts", draft_of(wish))
    return {
        "case_no": case_no,
        "task_code": wish["task_code"],
        "joint_code": min(city.catalogue.joint),
        "notification_id": told[0]["id"],
        "code": draft["code"],
    }


def draft_of(wish):
    """What a draft takes of an application."""
    return {name: wish[name] for name in ("task_code", "place", "form")}


@pytest.fixture(scope="module")
def document(city):
    """The OpenAPI document with bodies that are taken as examples, and without XML bodies.

    Schemathesis writes an empty list and an empty text alike in XML; tests/unit/test_xml_document.py has its laws.
    """
    with urllib.request.urlopen(f"{city.stack.gateway_url}/openapi.json") as answer:
        found = json.load(answer)
    wish = city.wish("outdoor-advertisement")
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    examples = {
        "intake_apply": wish,
        "drafts_begin": draft_of(wish),
        "drafts_save": {**draft_of(wish), "version": 1},
        "items_guide": {"answers": wish["form"]},
        "inbox_choose": {"progress": ["mail"], "language": "en"},
        "mandates_give": {"agent": "citizen-012", "acts": ["read"], "expires_at": tomorrow},
        "materials_announce": {"name": "plan.pdf", "media_type": "application/pdf", "size": 4, "sha256": "0" * 64},
        "privacy_search": {"field": "phone", "value": "13800000000", "reason": "an example"},
    }
    for operations in found["paths"].values():
        for operation in operations.values():
            content = operation.get("requestBody", {}).get("content", {})
            if "application/json" in content:
                content.pop("application/xml", None)
                if operation["operationId"] in examples:
                    content["application/json"]["example"] = examples[operation["operationId"]]
    return found


def asked(city, document, folder, token, *options, parameters=None):
    """Runs schemathesis with a token; fails with its report. Answers by operation and status what came back to the token."""
    settings = folder / "schemathesis.toml"
    lines = [f'"{name}" = "{value}"' for name, value in (parameters or {}).items()]
    settings.write_text("\n".join(("[parameters]", *lines, SETTINGS)))
    (folder / "openapi.json").write_text(json.dumps(document))
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(settings)]
    command += ["run", "openapi.json", "--url", city.stack.gateway_url, "-H", f"Authorization: Bearer {token}"]
    command += [*CHECKS, "--seed", "1", "--continue-on-failure", "--no-color", "--generation-database", "none"]
    command += ["--report", "har", "--report-har-path", "asked.har", "--output-sanitize", "false", *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=390)
    assert done.returncode == 0, done.stdout[-12_000:] + done.stderr[-2_000:]
    return answers(document, json.loads((folder / "asked.har").read_text("utf-8")), token)


def answers(document, recorded, token):
    """How often each (operation, status) came back to requests that carried the token."""
    places = [
        (method.upper(), re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))), operation["operationId"])
        for path, operations in sorted(document["paths"].items(), key=lambda one: "{" in one[0])
        for method, operation in operations.items()
    ]
    found = Counter()
    for entry in recorded["log"]["entries"]:
        request = entry["request"]
        if {"name": "Authorization", "value": f"Bearer {token}"} in request["headers"]:
            path = urlsplit(request["url"]).path
            names = (name for method, place, name in places if method == request["method"] and place.fullmatch(path))
            found[next(names, "?"), entry["response"]["status"]] += 1
    return found


def operations_of(document):
    """Each operation."""
    return [operation for operations in document["paths"].values() for operation in operations.values()]


def private(document):
    """The operations that need a token."""
    return {operation["operationId"] for operation in operations_of(document) if operation["security"]}


def for_role(document, *wanted):
    """What these roles may ask for, without what ends it; as a regular expression."""
    told = {one["operationId"]: one["description"].rpartition("For: ")[2] for one in operations_of(document)}
    mine = (name for name, roles in told.items() if set(wanted) & set(roles.strip(".").split(", ")))
    return "^(" + "|".join(name for name in mine if not re.search(ENDING, name)) + ")$"


def token_of(city, who):
    """A token that lasts as long as any test."""
    credentials = {"username": who, "password": accounts.password(city.stack.config.state)}
    status, answer = ask(city, "POST", "/api/login", credentials)
    assert status == 200, answer
    return answer["token"]


def check(city, document, who, token, found):
    """The token held all the time, and who holds it got where they must."""
    print(
        who,
        *sorted((status, sum(n for (_, one), n in found.items() if one == status)) for status in {s for _, s in found}),
    )
    assert {name for name, status in found if status == 401} & private(document) == set()
    assert ask(city, "GET", f"/api/user/{who}", token=token)[0] in (200, 403)
    through = {name for name, status in found if 200 <= status < 300}
    assert set(THROUGH[who].split()) - through == set()


def test_whoever_asks_for_whatever_gets_what_the_document_says(city, document, tmp_path):
    who, token = CITIZEN, token_of(city, CITIZEN)
    options = ("--max-examples", "3", "--phases", "examples,coverage,fuzzing", "--exclude-operation-id-regex", ENDING)
    check(city, document, who, token, asked(city, document, tmp_path, token, *options))


@pytest.mark.parametrize(("who", "role"), [(CLERK, "clerk"), ("partner", "system"), (MAILBOX, "system")])
def test_so_do_officials_and_systems_at_their_own_desks(city, document, tmp_path, who, role):
    token, mine = token_of(city, who), for_role(document, role)
    options = ("--max-examples", "3", "--phases", "examples,coverage,fuzzing", "--include-operation-id-regex", mine)
    check(city, document, who, token, asked(city, document, tmp_path, token, *options))


@pytest.mark.parametrize("who", ["supervisor-990101-urban", "reviewer-990101-urban", "operator-990101", "auditor-1"])
def test_so_do_those_who_look_on(city, document, tmp_path, who):
    token = token_of(city, who)
    options = ("--max-examples", "1", "--phases", "examples,fuzzing", "--exclude-operation-id-regex", ENDING)
    places = {} if "urban" in who else {"query.department": DEPARTMENT}
    check(city, document, who, token, asked(city, document, tmp_path, token, *options, parameters=places))


@pytest.mark.parametrize(("who", "role"), [(OWNER, "citizen"), (COLLEAGUE, "clerk")])
def test_so_does_who_asks_about_what_is_their_own(city, document, known, tmp_path, who, role):
    token, mine = token_of(city, who), for_role(document, role, "anybody")
    options = ("--max-examples", "4", "--phases", "examples,fuzzing", "--include-operation-id-regex", mine)
    places = {f"path.{name}": value for name, value in {**known, "userId": who}.items()}
    check(city, document, who, token, asked(city, document, tmp_path, token, *options, parameters=places))


@pytest.mark.parametrize("operation", ["identity_logout", "privacy_erase", "(drafts_discard|identity_password)"])
def test_so_does_who_makes_an_end(city, document, tmp_path, operation):
    """Somebody of their own for each: whoever has ended a session has no token for another."""
    who, token, _ = registered(city)
    status, draft = ask(city, "POST", "/api/drafts", draft_of(city.wish("outdoor-advertisement")), token=token)
    assert status == 201, draft
    options = ("--max-examples", "6", "--phases", "examples,fuzzing", "--include-operation-id-regex", f"^{operation}$")
    found = asked(
        city, document, tmp_path, token, *options, parameters={"path.userId": who, "path.code": draft["code"]}
    )
    assert any(200 <= status < 300 for _, status in found), found
