"""HTTP in and out: what an action gets, and a problem document (RFC 9457) for everything that is wrong."""

import base64
import json

import pytest
from liangwang.domain.errors import Forbidden, Invalid, NotFound, NotNow, Unauthenticated, Violation
from liangwang.domain.sessions import SessionOver
from liangwang.http import BODY_LIMIT, Caller, Request, Route, flag_of, limit_of, serve
from liangwang.issuers import NotVouched
from liangwang.services.identity import Blocked, WrongCredentials
from liangwang.services.intake import Apply
from msgspec import Struct

from tests.unit.samples import NOON

CITIZEN = {"subject": "zhang", "role": "citizen", "applicant_type": "1"}


class Heard(Struct):
    """What the sample action answers."""

    heard: str


def event(route="POST /x", *, body='{"task_code":"a","place":"b","form":{}}', caller=CITIZEN, **more):
    """An HTTP API event of payload 2.0, as far as functions look at it."""
    context = {"authorizer": {"lambda": caller}} if caller is not None else {}
    return {"routeKey": route, "rawPath": "/x", "requestContext": context, "body": body, "headers": {}, **more}


def answered(given, action=lambda request: Heard(heard="yes"), *, may="application.submit", body=Apply, status=200):
    """The status and the document that a route with this action answers."""
    routes = {"POST /x": Route(action, "A sample", may, body, status)}
    response = serve(routes, given, function="sample", clock=lambda: NOON)
    kind = "application/json" if response["statusCode"] < 400 else "application/problem+json"
    assert response["headers"]["content-type"] == kind
    assert response["headers"]["cache-control"] == "no-store"
    return response["statusCode"], json.loads(response["body"])


# ------------------------------------------------------------------ what an action gets


def test_an_action_gets_its_body_typed_and_the_time():
    seen = []

    def action(request: Request):
        seen.append(request)
        return Heard(heard="yes")

    assert answered(event(), action, status=201) == (201, {"heard": "yes"})
    assert seen[0].body == Apply(task_code="a", place="b", form={})
    assert (seen[0].now, seen[0].by.subject) == (NOON, "zhang")


def test_a_body_may_come_as_base64():
    raw = base64.b64encode('{"task_code":"甲","place":"b","form":{}}'.encode()).decode()
    action = lambda request: Heard(heard=request.body.task_code)  # noqa: E731
    assert answered(event(body=raw, isBase64Encoded=True), action)[1] == {"heard": "甲"}


def test_a_public_route_takes_anybody():
    assert answered(event(caller=None), may=None)[0] == 200


def test_a_repeated_query_parameter_comes_as_several_values():
    request = Request("r", None, {}, {"case_no": "1,2,,3"}, {}, None, NOON)
    assert request.every("case_no") == ["1", "2", "3"] and request.every("other") == []


@pytest.mark.parametrize(("query", "said"), [({}, False), ({"now": "false"}, False), ({"now": "true"}, True)])
def test_a_yes_or_no_is_no_where_it_is_left_out(query, said):
    assert flag_of(Request("r", None, {}, query, {}, None, NOON), "now") is said


def test_a_yes_or_no_is_nothing_else():
    with pytest.raises(Invalid, match="now is yes or no"):
        flag_of(Request("r", None, {}, {"now": "AAA"}, {}, None, NOON), "now")


# ------------------------------------------------------------------ what is wrong with the body


@pytest.mark.parametrize(
    ("body", "field", "detail"),
    [
        ("", "body", "not JSON"),
        ("{", "body", "not JSON"),
        ('{"task_code":"a","place":"b","form":{"x":' + "[" * 50_000, "body", "not JSON"),
        ("null", "body", "Expected `object`"),
        ("[]", "body", "Expected `object`"),
        ('{"place":"b","form":{}}', "task_code", "missing required field"),
        ('{"task_code":7,"place":"b","form":{}}', "task_code", "Expected `str`, got `int`"),
        ('{"task_code":"a","place":"b","form":[]}', "form", "Expected `object`"),
        ('{"task_code":"a","place":"b","form":{},"materials":[1]}', "materials[0]", "Expected `str | object`"),
        ('{"task_code":"a","place":"b","form":{},"colour":1}', "colour", "unknown field"),
        ('{"task_code":"a","place":"b","form":{},"channel":"pigeon"}', "channel", "Invalid enum value"),
    ],
)
def test_a_body_that_does_not_fit_is_a_problem_that_names_the_field(body, field, detail):
    status, problem = answered(event(body=body))
    assert (status, problem["type"], problem["instance"]) == (400, "urn:liangwang:problem:malformed", "/x")
    assert detail in problem["detail"]
    assert [one["field"] for one in problem["errors"]] == [field]


@pytest.mark.parametrize(
    ("body", "fix"),
    [
        ('{"task_code":"a","place":"b","form":{},"channel":"pigeon"}', "use pc, app, kiosk, window or post"),
        ('{"task_code":"a","place":"b","form":{},"colour":1}', "there are task_code, place, form"),
        ('{"task_code":"a","place":"b","form":{},"materials":[{"code":"c","file":1}]}', "there are code, material_id"),
    ],
)
def test_where_the_shape_knows_what_would_fit_the_problem_names_it(body, fix):
    (error,) = answered(event(body=body))[1]["errors"]
    assert fix in error["message"]


@pytest.mark.parametrize("body", ['"\\ud800"', '{"task_code":"\\u0000","place":"","form":{"n":1e999}}'])
def test_text_and_numbers_that_cannot_be_are_a_problem_too(body):
    assert answered(event(body=body))[0] == 400


def test_an_oversized_body_is_refused_unread():
    status, problem = answered(event(body="x" * (BODY_LIMIT + 1)))
    assert (status, problem["type"]) == (413, "urn:liangwang:problem:too_large")
    assert str(BODY_LIMIT) in problem["detail"]


# ------------------------------------------------------------------ who is asking


@pytest.mark.parametrize(
    ("caller", "says"),
    [(None, "token missing"), ({}, "token missing"), ({"problem": "token expired"}, "token expired")],
)
def test_without_a_good_token_the_way_to_one_is_told(caller, says):
    status, problem = answered(event(caller=caller))
    assert (status, problem["type"]) == (401, "urn:liangwang:problem:unauthenticated")
    assert says in problem["detail"] and "POST /api/login" in problem["detail"]


@pytest.mark.parametrize("refusal", [Unauthenticated, WrongCredentials, Blocked, SessionOver, NotVouched])
def test_whatever_a_401_is_about_it_names_a_way_in(refusal):
    def refuse(request):
        raise refusal("no")

    routes = {"POST /x": Route(refuse, "A sample", None)}
    response = serve(routes, event(caller=None), function="sample", clock=lambda: NOON)
    assert (response["statusCode"], response["headers"]["www-authenticate"]) == (401, "Bearer")


def test_another_role_is_told_whose_route_it_is():
    status, problem = answered(event(caller={**CITIZEN, "role": "clerk"}))
    assert status == 403 and "citizen" in problem["detail"]


def test_who_may_not_is_refused_before_the_body_is_looked_at():
    assert answered(event(caller=None, body="{"))[0] == 401


# ------------------------------------------------------------------ what an action refuses


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Invalid("wrong", violations=(Violation("form.area", "say how large"),)), 422),
        (NotFound("no such case"), 404),
        (NotNow("too late"), 409),
        (Forbidden("not yours"), 403),
    ],
)
def test_a_refusal_is_a_problem_document_in_both_languages(error, status):
    def action(request):
        raise error

    answer, problem = answered(event(), action)
    assert answer == problem["status"] == status
    assert problem["detail"] == error.detail
    assert problem["title"] and problem["title_en"]
    assert problem.get("errors", []) == [{"field": one.field, "message": one.message} for one in error.violations]


def test_what_nobody_foresaw_is_a_problem_that_tells_no_secret():
    def action(request):
        raise RuntimeError("password of the database: 1234")

    status, problem = answered(event(), action)
    assert status == 500 and "1234" not in json.dumps(problem)


def test_half_a_surrogate_pair_breaks_no_answer():
    """JSON's escapes can hold it, UTF-8 cannot."""

    def missing(request):
        raise NotFound("no \ud800")

    status, problem = answered({**event(), "rawPath": "/\ud800"}, missing)
    assert (status, problem["detail"], problem["instance"]) == (404, "no ?", "/?")
    assert answered(event(body="\ud800"), missing)[0] == 400


@pytest.mark.parametrize("text", ["0", "101", "-1", "ten", "1.5", "", "9" * 5000])
def test_a_page_limit_out_of_range_is_refused(text):
    request = Request("r", Caller(subject="z", role="citizen"), {}, {"limit": text}, {}, None, NOON)
    with pytest.raises(Invalid) as refused:
        limit_of(request)
    assert refused.value.violations[0].field == "limit"
