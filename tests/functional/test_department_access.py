"""What officials see of a case: masked until they say why, their own department's only, alike in lists, search and files."""

import copy
import csv
import io
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
from liangwang.aggregates import ACCESS, Key
from liangwang.fakes import Fault, kafka_event

from tests.functional.functions import Functions, golden

OWN, OTHER = "D-990101-MARKET", "D-990102-MARKET"
FORM = {
    "operator": "李示例",
    "identity_number": "990101198001010000",
    "phone": "13800000000",
    "premises": "云川市云东区望江街道示例路1号",
    "business": "restaurant",
    "area": 80,
    "cold_dishes": False,
    "gas_kitchen": True,
}
MASKED = {
    "operator": "李**",
    "identity_number": "990****00",
    "phone": "138****0000",
    "premises": "云川市云东区****",
}
PERSONAL = {name: FORM[name] for name in MASKED}


def asked(functions, route, *, role="clerk", department=OWN, subject="clerk-1", query=None, body=None, **path):
    event = copy.deepcopy(golden("http_step"))
    event |= {"routeKey": route, "pathParameters": path, "queryStringParameters": query or {}}
    who = {"subject": subject, "role": role, "department": department}
    event["requestContext"]["authorizer"]["lambda"] = {name: value for name, value in who.items() if value}
    event["headers"] = {"host": "api.example"}
    event["body"] = json.dumps(body) if body is not None else ""
    return functions.call("approval", event)


def told(functions, route, **settings):
    answer = asked(functions, route, **settings)
    return answer["statusCode"], json.loads(answer["body"])


def applied(functions, **changes):
    """A food business licence at the east market office; at this size nobody else is asked."""
    event = copy.deepcopy(golden("http_apply"))
    body = {
        **json.loads(event["body"]),
        "task_code": "food-business-licence",
        "materials": ["business-licence", "layout-plan", "safety-rules"],
        "form": {**FORM, **changes},
    }
    event["headers"].pop("idempotency-key")
    event["body"] = json.dumps(body)
    status, view = functions.http("intake", event)
    assert status == 201, view
    return view["case_no"]


def carried(functions):
    """What intake has, at the department."""
    functions.call("relay", functions.aws.dynamodb.event("intake"))
    functions.call("acceptance", kafka_event(functions.producer.records("applications")))


@pytest.fixture
def functions():
    return Functions()


@pytest.fixture
def number(functions):
    found = applied(functions)
    carried(functions)
    return found


@pytest.fixture
def busy(functions):
    """One case waits for the first of two clerks."""
    for name, topic in (
        ("acceptance", "applications"),
        ("collaboration", "collaboration_requests"),
        ("assistance", "collaboration_tasks"),
        ("approval", "collaboration_results"),
    ):
        assert functions.call(name, golden(f"kafka_{topic}")) == {"batchItemFailures": []}
    return functions


def accesses(functions):
    items = functions.aws.dynamodb.tables["department"]
    keys = [Key.parse(name) for name in items if name.startswith("access#")]
    return [stored.state for stored in functions.store("department").load(keys).values() if stored.key.kind == "access"]


# ------------------------------------------------------------------ masked, and in full for a reason

DETAIL = "GET /api/cases/{case_no}"
UNMASK = "POST /api/cases/{case_no}/personal"


@pytest.mark.parametrize(
    ("role", "department"), [("clerk", OWN), ("reviewer", OWN), ("supervisor", OWN), ("auditor", "")]
)
def test_a_case_shows_personal_data_masked(functions, number, role, department):
    status, case = told(functions, DETAIL, role=role, department=department, case_no=number)
    assert (status, case["personal"]) == (200, MASKED)
    assert not set(PERSONAL) & set(case["form"]) and case["form"]["area"] == 80
    text = json.dumps(case, ensure_ascii=False)
    assert not any(value in text for value in PERSONAL.values())


@pytest.mark.parametrize("role", ["clerk", "reviewer"])
def test_who_works_on_the_case_sees_it_in_full_for_a_reason_that_is_on_record(functions, number, role):
    body = {"reason": "核对身份证件"}
    status, shown = told(functions, UNMASK, role=role, body=body, case_no=number)
    assert (status, shown) == (200, {"case_no": number, "personal": PERSONAL})
    (access,) = accesses(functions)
    assert (access.caller, access.role, access.action, access.subject) == ("clerk-1", role, "case.unmask", number)
    assert (set(access.fields), access.reason) == (set(PERSONAL), "核对身份证件")


def test_only_the_named_fields_are_shown_and_recorded(functions, number):
    body = {"reason": "电话联系", "fields": ["phone"]}
    assert told(functions, UNMASK, body=body, case_no=number)[1]["personal"] == {"phone": "13800000000"}
    assert accesses(functions)[0].fields == ("phone",)


@pytest.mark.parametrize(
    ("body", "field"), [({"reason": "  "}, "reason"), ({"reason": "x", "fields": ["phone", "area"]}, "fields[1]")]
)
def test_without_a_reason_or_for_an_unknown_field_nothing_is_shown(functions, number, body, field):
    status, problem = told(functions, UNMASK, body=body, case_no=number)
    assert (status, problem["errors"][0]["field"]) == (422, field)
    assert accesses(functions) == []


def test_when_the_record_cannot_be_written_nothing_is_shown(functions, number):
    functions.aws.faults.append(Fault("PutItem"))
    answer = asked(functions, UNMASK, body={"reason": "x"}, case_no=number)
    assert answer["statusCode"] == 500 and "13800000000" not in answer["body"]


def test_every_look_in_full_is_a_record_of_its_own(functions, number):
    for _ in range(2):
        assert asked(functions, UNMASK, body={"reason": "x"}, case_no=number)["statusCode"] == 200
    assert len(accesses(functions)) == 2
    assert ACCESS.name == "access"


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ({"role": "supervisor"}, 403),
        ({"role": "auditor", "department": ""}, 403),
        ({"role": "citizen", "department": ""}, 403),
        ({"department": OTHER}, 404),
        ({"role": "reviewer", "department": OTHER}, 404),
    ],
)
def test_nobody_else_sees_it_in_full(functions, number, who, status):
    answer = asked(functions, UNMASK, body={"reason": "x"}, case_no=number, **who)
    assert answer["statusCode"] == status and accesses(functions) == []


# ------------------------------------------------------------------ what crosses


def test_what_others_are_asked_carries_no_personal_field(functions):
    applied(functions, area=300)
    carried(functions)
    functions.call("publisher", functions.aws.dynamodb.event("department"))
    (request,) = functions.producer.records("collaboration-requests")
    told_others = request.value.decode()
    assert '"area":300' in told_others
    assert not any(value in told_others for value in PERSONAL.values())


# ------------------------------------------------------------------ steps by role


STEP = "POST /api/cases/{case_no}/steps"


def test_a_reviewer_reviews_and_approves(busy):
    number = golden("http_step")["pathParameters"]["case_no"]
    first = told(busy, STEP, role="reviewer", body={"step": "review", "opinion": "agree"}, case_no=number)
    assert (first[0], first[1]["step"]) == (200, "approve")
    second = {"role": "reviewer", "subject": "clerk-2", "body": {"step": "approve", "opinion": "agree"}}
    assert told(busy, STEP, case_no=number, **second)[1]["status"] == "granted"


def test_a_reviewer_does_not_handle_and_a_supervisor_does_no_step(busy):
    number = golden("http_step")["pathParameters"]["case_no"]
    status, problem = told(busy, STEP, role="reviewer", body={"step": "handle", "opinion": "agree"}, case_no=number)
    assert (status, problem["detail"]) == (403, "role reviewer does not do step handle")
    assert asked(busy, STEP, role="supervisor", body={"step": "review", "opinion": "agree"}, case_no=number)[
        "statusCode"
    ] == (403)


def test_an_unknown_step_is_told_as_before(busy):
    number = golden("http_step")["pathParameters"]["case_no"]
    assert told(busy, STEP, role="reviewer", body={"step": "sing", "opinion": "agree"}, case_no=number)[0] == 409


# ------------------------------------------------------------------ search and files


LIST, EXPORT = "GET /api/cases", "GET /api/cases/export"


def cases(functions, query=None, **who):
    status, page = told(functions, LIST, query=query, **who)
    assert status == 200, page
    return [case["case_no"] for case in page["cases"]]


def test_a_search_narrows_the_worklist(busy):
    (number,) = cases(busy)
    assert cases(busy, {"status": "in_review", "task_code": "food-business-licence"}) == [number]
    assert cases(busy, {"status": "granted"}) == []
    assert cases(busy, {"task_code": "elderly-card"}) == []
    day, yesterday = (str(datetime.now(UTC).date() + timedelta(days=days)) for days in (1, -2))
    assert cases(busy, {"received_from": yesterday, "received_to": day}) == [number]
    assert cases(busy, {"received_to": yesterday}) == []
    assert cases(busy, {"received_from": "2150-01-01"}) == []
    assert cases(busy, {"received_from": "2150-01-01", "received_to": "2020-01-01T00:00:00Z"}) == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"status": "lost"}, "status"),
        ({"received_from": "yesterday"}, "received_from"),
        ({"received_to": "2027-03-01T10:00:00"}, "received_to"),
        ({"received_to": "9999-12-31"}, "received_to"),
        ({"received_from": "0001-01-01"}, "received_from"),
        ({"limit": "0"}, "limit"),
        ({"cursor": "nonsense"}, "cursor"),
    ],
)
@pytest.mark.parametrize("route", [LIST, EXPORT])
def test_what_cannot_be_searched_for_is_named(busy, route, query, field):
    status, problem = told(busy, route, query=query)
    assert (status, problem["errors"][0]["field"]) == (422, field)


@pytest.mark.parametrize("route", [LIST, EXPORT])
def test_lists_and_files_obey_the_same_rights(busy, route):
    assert asked(busy, route, query={"department": OTHER})["statusCode"] == 404
    assert asked(busy, route, role="citizen", department="")["statusCode"] == 403
    assert asked(busy, route, department="")["statusCode"] == 422
    assert asked(busy, route, department="", query={"department": OWN})["statusCode"] == 404
    number = golden("http_step")["pathParameters"]["case_no"]
    assert number not in asked(busy, route, department=OTHER)["body"]
    auditor = {"role": "auditor", "department": ""}
    assert number in asked(busy, route, query={"department": OWN}, **auditor)["body"]
    assert asked(busy, route, **auditor)["statusCode"] == 422


@pytest.mark.parametrize("count", [1, 12])
def test_a_page_costs_one_query_and_one_read_however_many_cases_it_holds(functions, count):
    for _ in range(count):
        applied(functions)
    carried(functions)
    before = len(functions.aws.calls)
    cases(functions, {"limit": "100", "received_from": "2020-01-01"})
    asked(functions, EXPORT)
    asked_for = [operation for _, operation, _ in functions.aws.calls[before:]]
    assert sorted(set(asked_for)) in (["Query"], ["BatchGetItem", "Query"]) and len(asked_for) <= 4


def exported(functions, query=None, accept="text/csv"):
    event = copy.deepcopy(golden("http_step"))
    event |= {"routeKey": EXPORT, "pathParameters": {}, "queryStringParameters": query or {}, "body": ""}
    event["headers"] = {"host": "api.example", "accept": accept}
    answer = functions.call("approval", event)
    assert answer["statusCode"] == 200, answer
    return answer


def test_a_file_has_the_names_of_its_columns_and_no_personal_data(busy):
    answer = exported(busy)
    assert answer["headers"]["content-type"] == "text/csv; charset=utf-8; header=present"
    (row,) = csv.DictReader(io.StringIO(answer["body"].removeprefix("\ufeff")))
    assert (row["case_no"], row["status"], row["step"]) == (
        golden("http_step")["pathParameters"]["case_no"],
        "in_review",
        "review",
    )
    assert json.loads(row["form"])["business"] == "restaurant"
    assert "personal" not in row and not set(json.loads(row["form"])) & set(PERSONAL)


def test_the_same_comes_as_json_lines(busy):
    answer = exported(busy, accept="application/x-ndjson")
    (line,) = answer["body"].splitlines()
    assert json.loads(line)["task_code"] == "food-business-licence"
    assert answer["headers"]["content-type"] == "application/x-ndjson"


def test_pages_put_together_are_one_file(functions):
    for _ in range(5):
        applied(functions)
    carried(functions)
    held = cases(functions, {"limit": "100"})
    assert len(held) == 5
    text, query = "", {"limit": "2", "status": "in_review"}
    for _ in range(9):
        answer = exported(functions, query)
        text += answer["body"]
        link = answer["headers"].get("link")
        if link is None:
            break
        assert link.endswith('>; rel="next"')
        query = dict(parse_qsl(urlsplit(link[1 : link.index(">")]).query))
        assert query["status"] == "in_review"
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert [row["case_no"] for row in rows] == held
