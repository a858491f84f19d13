"""Every route that people and systems call, through the handler that is deployed, from golden API Gateway events."""

import copy
import json

import pytest
from liangwang import passwords
from liangwang.aggregates import ACCOUNT, Key
from liangwang.domain.account import Account
from liangwang.domain.history import Recorded
from liangwang.fakes import Fault
from liangwang.store import Stored

from tests.functional.functions import Functions, golden
from tests.unit.samples import NOON


@pytest.fixture
def functions():
    return Functions()


def changed(event, *, body=None, caller=None, headers=None, **more):
    """A golden event with another body (as an object), caller or headers."""
    event = {**copy.deepcopy(event), **more}
    if body is not None:
        event["body"] = json.dumps(body)
    if caller is not None:
        event["requestContext"]["authorizer"] = {
            "lambda": {**event["requestContext"]["authorizer"]["lambda"], **caller}
        }
    event["headers"] |= headers or {}
    return event


def about(case_no, route="GET /api/applications/{case_no}", *, body=None, caller=None, **headers):
    """An event about one case."""
    event = changed(golden("http_follow"), pathParameters={"case_no": case_no}, caller=caller, headers=headers)
    event["routeKey"] = route
    return changed(event, body=body) if body is not None else event


def wish(**changes):
    return {**json.loads(golden("http_apply")["body"]), **changes}


def applied(functions, **settings):
    status, view = functions.http("intake", changed(golden("http_apply"), **settings))
    assert status == 201, view
    return view


def fields(problem):
    return [one["field"] for one in problem["errors"]]


# ------------------------------------------------------------------ identity and authorizer


def registered(functions, username="zhang", password="示例-password", **account):
    entry = Account(**{"role": "citizen", "name": "张示例", "password": passwords.digest(password), **account})
    key = Key(ACCOUNT.name, username)
    assert functions.store("intake").save([(Stored(key), Stored(key, (Recorded(NOON, "seed", entry),)))]) == [None]


def test_a_login_gives_a_token_that_the_authorizer_believes(functions):
    registered(functions, role="clerk", department="D-990101-MARKET")
    status, token = functions.http("identity", golden("http_login"))
    assert (status, token["role"], token["expires_in"]) == (200, "clerk", 900)
    event = changed(golden("authorizer"), headers={"authorization": f"Bearer {token['token']}"})
    context = functions.call("authorizer", event)["context"]
    assert context == {
        "subject": "zhang",
        "role": "clerk",
        "department": "D-990101-MARKET",
        "applicant_type": "1",
        "level": "0",
        "session": token["refresh_token"].partition(".")[0],
    }


def test_a_wrong_password_and_an_unknown_name_are_told_the_same(functions):
    registered(functions)
    answers = [
        functions.http("identity", changed(golden("http_login"), body={"username": name, "password": "wrong"}))
        for name in ("zhang", "nobody", "x" * 3000)
    ]
    assert answers[0] == answers[1] == answers[2]
    assert answers[0][0] == 401 and answers[0][1]["type"] == "urn:liangwang:problem:wrong_credentials"


def test_the_keys_for_checking_tokens_are_public(functions):
    status, keys = functions.http("identity", golden("http_keys"))
    assert (status, [key["kid"] for key in keys["keys"]]) == (200, ["token", "certificate", "document"])
    algorithms = [(key["alg"], key["crv"]) for key in keys["keys"]]
    assert algorithms == [("ES256", "P-256"), ("ES256", "P-256"), ("EdDSA", "Ed25519")]
    for key in keys["keys"]:
        assert "d" not in key, "the private half never leaves KMS"


def test_a_bad_token_is_passed_on_as_a_problem_for_the_route(functions):
    assert functions.call("authorizer", golden("authorizer"))["context"]["problem"].startswith("token invalid")


# ------------------------------------------------------------------ intake


def searched(functions, **query):
    event = changed(golden("http_items"), queryStringParameters=query)
    return functions.http("items", event)


def codes(answer):
    status, found = answer
    assert status == 200, found
    return [item["task_code"] for item in found["items"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"q": "餐饮"}, ["food-business-licence", "drainage-permit"]),
        ({"q": "餐饮", "scenario": "open-a-shop"}, ["food-business-licence"]),
        ({"scenario": "hold-an-event"}, ["mass-event-safety", "road-occupation"]),
        ({"audience": "1", "kind": "1"}, ["elderly-card", "unemployment-registration"]),
        ({"department": "D-990100-ENERGY"}, ["gas-business"]),
        ({"department": "D-990100-ENERGY", "q": "老年"}, []),
        ({"level": "5", "audience": "1"}, ["unemployment-registration"]),
    ],
)
def test_items_are_found_by_words_and_by_what_they_are(functions, query, expected):
    assert codes(searched(functions, **query)) == expected


def test_the_pages_of_a_search_are_the_search(functions):
    _, everything = searched(functions, limit="100")
    pages, cursor = [], "0"
    while cursor:
        status, page = searched(functions, limit="5", cursor=cursor)
        assert status == 200 and page["total"] == everything["total"] == len(everything["items"])
        pages += page["items"]
        cursor = page["cursor"]
    assert pages == everything["items"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("department", "D-MOON"),
        ("audience", "7"),
        ("level", "1"),
        ("kind", "x"),
        ("scenario", "fly"),
        ("cursor", "-1"),
        ("cursor", "²"),
        ("limit", "0"),
        ("q", "长" * 101),
    ],
)
def test_a_filter_that_no_item_can_have_is_named(functions, name, value):
    status, problem = searched(functions, **{name: value})
    assert status == 422 and fields(problem) == [name]


def test_every_scenario_has_items(functions):
    event = changed(golden("http_items"), routeKey="GET /api/scenarios")
    for scenario in functions.http("items", event)[1]["scenarios"]:
        assert codes(searched(functions, scenario=scenario["code"])), scenario


def guided(functions, task_code="food-business-licence", **body):
    event = changed(golden("http_items"), pathParameters={"task_code": task_code})
    event["routeKey"] = f"{'POST' if body else 'GET'} /api/items/{{task_code}}/guidance"
    return functions.http("items", changed(event, body=body) if body else event)


def test_guidance_begins_with_the_questions_that_decide_something(functions):
    status, view = guided(functions)
    assert status == 200 and view["eligibility"] == "not_yet_known"
    assert [one["field"] for one in view["questions"]] == ["business", "area", "cold_dishes", "gas_kitchen"]
    assert view["questions"][0]["title"]["zh"] == "经营项目"
    assert view["questions"][0]["choices"][1] == {"value": "restaurant", "label": "餐饮服务"}
    assert {one["code"]: one["need"] for one in view["materials"]}["cold-dish-room"] == "not_yet_known"


def test_answers_shrink_the_materials_and_say_why(functions):
    answers = {"business": "restaurant", "area": 80.0, "cold_dishes": True}
    status, view = guided(functions, answers=answers, place="990101001", applicant_type=2)
    assert status == 200 and (view["questions"], view["missing"]) == ([], [])
    assert (view["eligibility"], view["promised"]["days"]) == ("eligible", 8)
    assert view["department"]["code"] == "D-990101-MARKET"
    (cold,) = (one for one in view["materials"] if one["code"] == "cold-dish-room")
    assert cold["need"] == "needed" and cold["reason"]["zh"] == "根据您的回答需要提交：是否制售冷食类食品：是"
    assert [one["asked"] for one in view["consultations"]] == [False, False, False]


def test_who_cannot_be_accepted_is_told_so_before_applying(functions):
    _, view = guided(functions, answers={"area": 3}, applicant_type=1)
    assert view["eligibility"] == "not_eligible" and view["questions"] == []
    assert [one["field"] for one in view["refusals"]] == ["area"]
    _, view = guided(functions, "elderly-card", applicant_type=2)
    assert [one["field"] for one in view["refusals"]] == ["applicant_type"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"answers": {"phone": "13800000000"}}, "answers.phone"),
        ({"answers": {"area": "much"}}, "answers.area"),
        ({"answers": {"moon": 1}}, "answers.moon"),
        ({"empty": ["area"]}, "empty[0]"),
        ({"materials": ["moon-rock"]}, "materials[0]"),
        ({"place": "990101"}, "place"),
    ],
)
def test_an_answer_that_does_not_fit_is_named(functions, body, field):
    status, problem = guided(functions, **body)
    assert status == 422 and fields(problem) == [field]


def test_guidance_about_an_unknown_item_is_not_found(functions):
    assert guided(functions, "moon-licence")[0] == guided(functions, "moon-licence", answers={})[0] == 404


def test_items_are_found_by_a_word(functions):
    status, found = functions.http("items", golden("http_items"))
    assert status == 200 and [item["task_code"] for item in found["items"]] == ["elderly-card"]


def test_one_item_is_shown_in_full_and_an_unknown_one_is_not_found(functions):
    event = changed(
        golden("http_items"), routeKey="GET /api/items/{task_code}", pathParameters={"task_code": "elderly-card"}
    )
    assert functions.http("items", event)[1]["form"]["required"]
    event["pathParameters"] = {"task_code": "moon-licence"}
    assert functions.http("items", event)[0] == 404


def test_an_application_is_answered_with_its_case(functions):
    view = applied(functions)
    assert (view["status"], view["task_code"]) == ("submitted", "elderly-card")
    assert [line["event"] for line in view["timeline"]] == ["application.submitted"]
    assert functions.http("intake", about(view["case_no"]))[1] == view


def test_the_same_idempotency_key_gives_the_same_case(functions):
    assert applied(functions)["case_no"] == applied(functions)["case_no"]


def test_without_a_key_each_application_is_a_case_of_its_own(functions):
    event = golden("http_apply")
    del event["headers"]["idempotency-key"]
    numbers = {functions.http("intake", event)[1]["case_no"] for _ in range(3)}
    assert len(numbers) == 3


def test_the_same_key_of_another_person_is_another_case(functions):
    assert applied(functions)["case_no"] != applied(functions, caller={"subject": "li"})["case_no"]


def test_a_key_used_for_another_content_is_refused(functions):
    applied(functions)
    status, problem = functions.http("intake", changed(golden("http_apply"), body=wish(channel="pc")))
    assert (status, problem["type"]) == (422, "urn:liangwang:problem:idempotency_key_reused")


def test_a_key_whose_answer_was_lost_finds_its_case(functions):
    functions.aws.faults.append(Fault("PutItem", "lost"))
    assert functions.http("intake", golden("http_apply"))[0] == 500
    view = applied(functions)
    assert [request["Item"]["pk"]["S"] for _, name, request in functions.aws.calls if name == "PutItem"] == [
        f"application#{view['case_no']}"
    ]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"task_code": "moon-licence"}, "task_code"),
        ({"place": "110000"}, "place"),
        ({"place": "990101"}, "place"),
        ({"materials": ["identity-card", "moon-rock"]}, "materials[1]"),
        ({"form": {}}, "form.name"),
    ],
)
def test_what_does_not_fit_the_item_is_named(functions, changes, field):
    status, problem = functions.http("intake", changed(golden("http_apply"), body=wish(**changes)))
    assert status == 422 and field in fields(problem)
    assert "intake" not in functions.aws.dynamodb.tables, "nothing is kept of it"


def test_everything_wrong_is_told_at_once(functions):
    form = {**wish()["form"], "phone": "x", "birth_year": "old", "colour": "red"}
    _, problem = functions.http(
        "intake", changed(golden("http_apply"), body=wish(form=form, place="?", materials=["?"]))
    )
    assert {"place", "form.phone", "form.birth_year", "form.colour", "materials[0]"} <= set(fields(problem))


def test_an_item_for_others_is_refused(functions):
    event = changed(golden("http_apply"), caller={"applicant_type": "2"})
    assert fields(functions.http("intake", event)[1]) == ["task_code"]


@pytest.mark.parametrize(
    ("route", "body"),
    [
        ("GET /api/applications/{case_no}", None),
        ("POST /api/applications/{case_no}/supplement", {"materials": ["photo"]}),
        ("POST /api/applications/{case_no}/withdrawal", {"reason": "x"}),
    ],
)
@pytest.mark.parametrize("whose", ["another's", "nobody's", "impossible"])
def test_a_case_that_is_not_mine_is_not_found_rather_than_forbidden(functions, route, body, whose):
    number = {
        "another's": applied(functions)["case_no"],
        "nobody's": "20250303-990101001-A-A",
        "impossible": "x" * 3000,
    }
    status, problem = functions.http("intake", about(number[whose], route, body=body, caller={"subject": "li"}))
    assert (status, problem["type"]) == (404, "urn:liangwang:problem:not_found")


def test_without_a_notice_nothing_can_be_added(functions):
    event = about(
        applied(functions)["case_no"], "POST /api/applications/{case_no}/supplement", body={"materials": ["photo"]}
    )
    assert functions.http("intake", event)[0] == 409


def test_a_withdrawal_is_under_way_at_once_and_a_second_one_comes_too_late(functions):
    event = about(
        applied(functions)["case_no"], "POST /api/applications/{case_no}/withdrawal", body={"reason": "moved"}
    )
    assert functions.http("intake", event)[1]["status"] == "withdrawing"
    assert functions.http("intake", event)[0] == 409


def test_a_repeated_withdrawal_with_its_key_is_answered_alike(functions):
    event = about(
        applied(functions)["case_no"],
        "POST /api/applications/{case_no}/withdrawal",
        body={"reason": "moved"},
        **{"idempotency-key": "once"},
    )
    assert functions.http("intake", event) == functions.http("intake", event)


def test_my_cases_come_in_pages(functions):
    for number in range(5):
        applied(functions, headers={"idempotency-key": str(number)})
    event = changed(golden("http_items"), routeKey="GET /api/applications", queryStringParameters={"limit": "2"})
    event["requestContext"]["authorizer"] = {"lambda": {"subject": "zhang", "role": "citizen"}}
    found, cursor = set(), None
    for _ in range(4):
        if cursor:
            event["queryStringParameters"]["cursor"] = cursor
        page = functions.http("intake", event)[1]
        found |= {case["case_no"] for case in page["cases"]}
        cursor = page.get("cursor")
        if not cursor:
            break
    assert len(found) == 5


def test_what_the_store_cannot_do_now_is_a_problem_that_loses_nothing(functions):
    functions.aws.faults.append(Fault("PutItem"))
    status, problem = functions.http("intake", golden("http_apply"))
    assert (status, problem["type"]) == (500, "urn:liangwang:problem:unforeseen")
    assert applied(functions)


# ------------------------------------------------------------------ exchange


def test_what_waits_is_given_out_until_it_is_acknowledged(functions):
    number = applied(functions)["case_no"]
    asking = changed(golden("http_pending"), queryStringParameters={"case_no": number})
    (waiting,) = functions.http("exchange", asking)[1]["pending"]
    assert (waiting["type"], waiting["case_no"], waiting["round"]) == ("application.submitted", number, 0)
    body = {"acknowledged": [{"id": waiting["id"], "round": 0}]}
    event = changed(asking, routeKey="POST /exchange/acknowledgements", body=body)
    assert functions.http("exchange", event) == (200, {"taken": 1, "refused": []})
    assert functions.http("exchange", event) == (200, {"taken": 1, "refused": []})
    assert functions.http("exchange", asking)[1]["pending"] == []


def delivery(functions, *entries):
    event = changed(golden("http_pending"), routeKey="POST /exchange/progress", body={"progress": list(entries)})
    return functions.http("exchange", event)


def progress(number, sequence, kind="case.accepted", **data):
    data = {"case_no": number, "department": "D-990100-CIVIL", "accept_doc_no": "S", **data}
    moment = f"2025-03-03T02:0{sequence}:00Z"
    return {"id": f"department/{number}/{sequence}", "type": kind, "case_no": number, "time": moment, "data": data}


def test_progress_twice_and_out_of_order_leaves_the_timeline_right(functions):
    number = applied(functions)["case_no"]
    decided = progress(number, 4, "case.decided", outcome="granted")
    assert delivery(functions, decided, progress(number, 2), decided)[1]["taken"] == 3
    assert delivery(functions, progress(number, 2), decided)[1]["taken"] == 2
    view = functions.http("intake", about(number))[1]
    told = [line["event"] for line in view["timeline"] if line["event"].startswith("case")]
    assert (view["status"], told) == ("granted", ["case.accepted", "case.decided"])


@pytest.mark.parametrize(
    "entry",
    [
        progress("20250303-never", 2),
        {**progress("1", 2), "id": "nonsense"},
        {**progress("1", 2), "id": "department/2/2"},
        progress("1", 2, "case.imagined"),
        {**progress("1", 2), "data": {}},
        {**progress("1", 2), "data": []},
    ],
    ids=["unknown case", "no id", "another's id", "unknown type", "empty", "no object"],
)
def test_progress_that_cannot_be_taken_is_named_and_the_rest_is_taken(functions, entry):
    number = applied(functions)["case_no"]
    status, receipt = delivery(functions, progress(number, 2), entry)
    assert (status, receipt["taken"]) == (200, 1)
    assert [one["id"] for one in receipt["refused"]] == [entry["id"]]
    assert functions.http("intake", about(number))[1]["status"] == "accepted"


@pytest.mark.parametrize("role", ["citizen", "clerk", "supervisor", "operator"])
def test_the_exchange_is_for_systems_only(functions, role):
    assert functions.http("exchange", changed(golden("http_pending"), caller={"role": role}))[0] == 403


# ------------------------------------------------------------------ clerks and operators


@pytest.fixture
def busy(functions):
    """Functions after the golden batches: one case waits for the first of two clerks, its collaboration has ended."""
    for name, topic in (
        ("acceptance", "applications"),
        ("collaboration", "collaboration_requests"),
        ("assistance", "collaboration_tasks"),
        ("approval", "collaboration_results"),
    ):
        assert functions.call(name, golden(f"kafka_{topic}")) == {"batchItemFailures": []}
    return functions


def test_a_clerk_sees_the_departments_own_cases(busy):
    event = changed(golden("http_step"), routeKey="GET /api/cases")
    (case,) = busy.http("approval", event)[1]["cases"]
    assert case["step"] == "review"
    other = changed(event, caller={"department": "D-990102-MARKET"})
    assert busy.http("approval", other)[1]["cases"] == []


def test_steps_are_completed_by_different_clerks(busy):
    first = golden("http_step")
    assert busy.http("approval", first)[1]["step"] == "approve"
    second = changed(first, body={"step": "approve", "opinion": "agree"})
    assert busy.http("approval", second)[0] == 403
    status, case = busy.http("approval", changed(second, caller={"subject": "li"}))
    assert (status, case["status"], case["step"]) == (200, "granted", None)


@pytest.mark.parametrize("name", ["approval", "assistance"])
def test_what_belongs_to_another_department_is_not_found(busy, name):
    event = golden({"approval": "http_step", "assistance": "http_task_report"}[name])
    assert busy.http(name, changed(event, caller={"department": "D-990102-MARKET"}))[0] == 404


def test_a_citizen_is_no_clerk(busy):
    assert busy.http("approval", changed(golden("http_step"), caller={"role": "citizen"}))[0] == 403


def test_a_department_sees_and_reports_its_own_tasks(busy):
    report = golden("http_task_report")
    (task,) = busy.http("assistance", changed(report, routeKey="GET /api/tasks"))[1]["tasks"]
    assert task["task_id"] == report["pathParameters"]["task_id"]
    assert busy.http("assistance", report)[1]["status"] == "reported"
    assert busy.http("assistance", changed(report, routeKey="GET /api/tasks"))[1]["tasks"] == []


def test_a_task_shows_no_personal_data(busy):
    report = golden("http_task_report")
    task = busy.http("assistance", changed(report, routeKey="GET /api/tasks/{task_id}"))[1]
    assert set(task["form"]) == {"business", "area", "cold_dishes", "gas_kitchen"}


def test_an_operator_sees_an_event_with_its_way(busy):
    status, event = busy.http("collaboration", golden("http_collaboration"))
    assert status == 200 and [task["capability"] for task in event["tasks"]] == ["fire-inspection", "site-verification"]
    assert [hop["region"] for hop in event["tasks"][1]["path"]] == ["990101", "990101001"]


@pytest.mark.parametrize("region", ["990100", "990101", "990101001"])
def test_operators_above_and_on_the_way_see_it_too(busy, region):
    assert busy.http("collaboration", changed(golden("http_collaboration"), caller={"region": region}))[0] == 200


def test_an_operator_of_a_centre_the_way_does_not_touch_sees_nothing(busy):
    assert busy.http("collaboration", changed(golden("http_collaboration"), caller={"region": "990103"}))[0] == 404
