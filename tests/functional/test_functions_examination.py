"""受理审查 over HTTP: what the function answers an officer, and what it lets nobody else do."""

import json

import pytest
from liangwang.aggregates import CASE, Key
from liangwang.domain.case import Received, Sampled
from liangwang.domain.messages import CaseAccepted, CaseDecided, StepCompleted
from liangwang.processing import Command, perform

from tests.functional.functions import Functions, golden
from tests.unit.samples import NOON, submitted

POLICE, OTHER = "D-990101-POLICE", "D-990102-POLICE"
CASE_NO = "20270301-990101001-AAAAAAAAAAAA-A"


@pytest.fixture
def functions():
    return Functions()


def kept(functions, *events, case_no=CASE_NO, department=POLICE, task_code="mass-event-safety"):
    """A case with these events at its department."""
    application = submitted(
        case_no=case_no, department=department, task_code=task_code, place="990101001", form={}, materials=()
    )
    command = Command(Key(CASE.name, case_no), "seed", lambda state, now: [Received(application=application), *events])
    perform(functions.store("department"), [command], NOON)[0].stored()


def asked(functions, route, body=None, *, role="clerk", subject="li", department=POLICE, query=None, case_no=CASE_NO):
    event = golden("http_follow")
    event |= {"routeKey": route, "pathParameters": {"case_no": case_no}, "queryStringParameters": query or {}}
    event["requestContext"]["authorizer"]["lambda"] = {"subject": subject, "role": role, "department": department}
    if body is not None:
        event["body"] = json.dumps(body)
    return functions.http("examination", event)


def test_a_notice_names_at_least_one_point(functions):
    kept(functions)
    status, _ = asked(functions, "POST /api/cases/{case_no}/supplement-notice", {"points": []})
    assert status == 400
    status, view = asked(
        functions,
        "POST /api/cases/{case_no}/supplement-notice",
        {"points": [{"field": "safety-plan", "reason": "请补充安全工作方案"}]},
    )
    assert (status, view["status"]) == (200, "supplementing")


def test_a_point_that_the_item_does_not_know_is_named(functions):
    kept(functions)
    route = "POST /api/cases/{case_no}/supplement-notice"
    status, problem = asked(functions, route, {"points": [{"field": "colour", "reason": "x"}]})
    assert (status, problem["errors"][0]["field"]) == (422, "points[0].field")


def test_an_officer_gives_back_and_refuses(functions):
    kept(functions)
    status, view = asked(functions, "POST /api/cases/{case_no}/return", {"reason": "无需许可"})
    assert (status, view["status"]) == (200, "returned")
    refusal = {"reasons": ["不属于许可范围"], "basis": "第三十二条"}
    assert asked(functions, "POST /api/cases/{case_no}/refusal", refusal)[0] == 409


def test_a_case_is_handed_over_to_one_who_handles_the_item(functions):
    kept(functions)
    route = "POST /api/cases/{case_no}/transfer"
    status, problem = asked(functions, route, {"to": "D-990101-MARKET", "reason": "x"})
    assert (status, problem["errors"][0]["field"]) == (422, "to")
    status, answer = asked(functions, route, {"to": OTHER, "reason": "活动在川西区"})
    assert (status, answer["to"]) == (200, OTHER)
    assert asked(functions, "POST /api/cases/{case_no}/acceptance", {"explanation": "x"})[0] == 404
    assert asked(functions, route, {"to": OTHER, "reason": "活动在川西区"})[0] == 200, "their own, once more"
    assert asked(functions, route, {"to": OTHER, "reason": "x"}, subject="wang")[0] == 404


# ------------------------------------------------------------------ rechecks


def decided(functions, number, *more):
    """A case that rules alone decided."""
    case_no = f"20270301-990101001-{number:012d}-A"
    step = StepCompleted(case_no=case_no, department=POLICE, step="handle", opinion="agree", by="rule")
    kept(
        functions,
        CaseAccepted(case_no=case_no, department=POLICE, accept_doc_no="S"),
        step,
        CaseDecided(case_no=case_no, department=POLICE, outcome="granted"),
        *more,
        case_no=case_no,
    )
    return case_no


def listed(functions, **query):
    status, page = asked(functions, "GET /api/rechecks", role="reviewer", subject="wang", query=query)
    assert status == 200, page
    return page


def test_the_sample_is_listed_page_by_page_and_nothing_else(functions):
    sampled = [decided(functions, number, Sampled(ratio=1.0)) for number in range(3)]
    decided(functions, 9)
    first = listed(functions, limit="2")
    second = listed(functions, limit="2", cursor=first["cursor"])
    assert [one["case_no"] for one in (*first["rechecks"], *second["rechecks"])] == sampled
    assert first["rechecks"][0]["next"]["zh"] == "请核查规则作出的决定"


def test_what_was_right_leaves_the_list_and_what_was_wrong_stays_until_it_is_put_right(functions):
    right, wrong = (decided(functions, number, Sampled(ratio=1.0)) for number in (1, 2))
    route = "POST /api/cases/{case_no}/recheck"

    def found(case_no, **body):
        return asked(functions, route, body, role="reviewer", subject="wang", case_no=case_no)

    assert found(right, finding="right")[0] == 200
    assert found(wrong, finding="wrong")[0] == 422, "without a word nobody can put it right"
    status, view = found(wrong, finding="wrong", explanation="年龄不符")
    assert (status, view["next"]["en"]) == (200, "Correct or revoke the decision")
    assert [(one["case_no"], one["finding"]["finding"]) for one in listed(functions)["rechecks"]] == [(wrong, "wrong")]
    assert found(right, finding="right")[0] == 409
