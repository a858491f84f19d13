"""What travels in a body: which type a caller gets, what a route takes, and results that are no JSON."""

import base64
import json
from typing import Any

import pytest
from liangwang.domain.errors import TooManyRequests
from liangwang.http import Answer, Request, Route, serve
from liangwang.http_content import DEEPEST, EITHER, FORM, JSON, LONGEST, XML, media_type, wanted
from msgspec import Struct

from tests.unit.samples import NOON


class Note(Struct, frozen=True, forbid_unknown_fields=True):
    """A sample body: a typed field and one that may hold anything."""

    count: int
    about: Any = None


def served(action, *, body=None, headers=None, base64_encoded=False, shape=None, **route):
    """The response of a public route to a request with this body and these headers."""
    routes = {"POST /x": Route(action, "A sample", None, shape, **route)}
    event = {
        "routeKey": "POST /x",
        "rawPath": "/x",
        "requestContext": {"http": {"sourceIp": "192.0.2.7"}},
        "headers": headers or {},
        "isBase64Encoded": base64_encoded,
    }
    if body is not None:
        event["body"] = base64.b64encode(body).decode() if base64_encoded else body
    return serve(routes, event, function="sample", clock=lambda: NOON)


def refused(response, status, code):
    """The problem document of a refusal."""
    problem = json.loads(response["body"])
    assert (response["statusCode"], problem["type"]) == (status, f"urn:liangwang:problem:{code}")
    assert response["headers"]["content-type"] == "application/problem+json"
    return problem


# ------------------------------------------------------------------ which type a caller gets


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("*", JSON),
        ("application/*", JSON),
        ("application/xml", XML),
        ("text/xml", XML),
        ("Application/XML; charset=utf-8", XML),
        ("application/json, application/xml", JSON),
        ("application/xml, application/json", JSON),
        ("application/json;q=0.5, application/xml", XML),
        ("application/xml;q=0.9, */*;q=0.8", XML),
        ("application/json;q=0, */*", XML),
        ("text/html, application/xhtml+xml, */*;q=0.1", JSON),
        ("application/*;q=0.2, application/json;q=0.1", XML),
        ("text/html", None),
        ("application/json;q=0", None),
        ("*/*;q=0.0", None),
        ("application/json;q=2", None),
        ("application/json;q=nan, application/xml;q=1e3", None),
        (";;;,,,=", None),
    ],
)
def test_the_accept_header_decides_by_weight_then_by_the_routes_order(accept, kind):
    assert wanted(accept, EITHER) == kind


def test_a_content_type_is_compared_without_parameters_and_capitals():
    assert media_type(" Application/JSON ; charset=utf-8") == JSON
    assert media_type("text/xml") == XML
    assert media_type("") == ""


def test_what_no_route_can_give_is_refused_in_json():
    problem = refused(served(lambda request: {}, headers={"accept": "text/html"}, gives=EITHER), 406, "not_acceptable")
    assert "application/json or application/xml" in problem["detail"]


def test_a_route_of_json_does_not_answer_xml():
    refused(served(lambda request: {}, headers={"accept": "application/xml"}), 406, "not_acceptable")


@pytest.mark.parametrize(("sent", "status"), [("3", 200), ("3.0", 200), ("3.5", 400), ('"3.0"', 400)])
def test_a_number_without_a_fraction_is_an_integer_however_it_is_written(sent, status):
    heard = served(lambda request: request.body, body=f'{{"count": {sent}, "about": [1.0]}}', shape=Note)
    assert heard["statusCode"] == status
    assert status == 400 or json.loads(heard["body"])["count"] == 3


def test_an_action_knows_what_is_wanted_and_who_asks():
    seen: list[Request] = []
    served(seen.append, headers={"accept": "text/csv"}, gives=(JSON, "text/csv"))
    assert (seen[0].wants, seen[0].source) == ("text/csv", "192.0.2.7")


# ------------------------------------------------------------------ what a route takes


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", FORM, "multipart/form-data", "nonsense"])
def test_a_body_of_another_type_is_refused(kind):
    response = served(lambda request: {}, shape=Note, body='{"count":1}', headers={"content-type": kind})
    assert "send application/json" in refused(response, 415, "unsupported_media_type")["detail"]


@pytest.mark.parametrize("kind", [None, "application/json", "application/json;charset=UTF-8", "text/json"])
def test_json_may_say_so_or_not(kind):
    headers = {} if kind is None else {"content-type": kind}
    response = served(lambda request: request.body, shape=Note, body='{"count":1}', headers=headers)
    assert response["statusCode"] == 200


def test_a_form_is_typed_like_json():
    response = served(
        lambda request: request.body,
        shape=Note,
        body=b"count=7&about=%E7%94%B2+",
        base64_encoded=True,  # as API Gateway passes forms on
        headers={"content-type": "application/x-www-form-urlencoded"},
        takes=(FORM,),
    )
    assert json.loads(response["body"]) == {"count": 7, "about": "甲 "}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"count=1&count=2", "count"),
        (b"count=one", "count"),
        (b"about=x", "count"),
        (b"count=1&colour=red", "colour"),
        (b"count=%ff", "body"),
        (b"\xff=1", "body"),
        (b"&".join([b"a=1"] * (LONGEST + 1)), "body"),
    ],
)
def test_a_form_that_does_not_fit_names_the_field(body, field):
    headers = {"content-type": FORM}
    response = served(lambda request: {}, shape=Note, body=body, base64_encoded=True, headers=headers, takes=(FORM,))
    assert [one["field"] for one in refused(response, 400, "malformed")["errors"]] == [field]


def test_bytes_come_as_they_were_sent():
    seen: list[Request] = []
    served(
        seen.append,
        shape=bytes,
        body=b"%PDF-1.7 \xff\x00",
        base64_encoded=True,
        headers={"content-type": "application/pdf; version=1"},
        takes=("application/pdf", "image/png"),
    )
    assert (seen[0].body, seen[0].media_type) == (b"%PDF-1.7 \xff\x00", "application/pdf")


# ------------------------------------------------------------------ how deep and how wide


def nested(levels, opening="[", closing="]"):
    return f'{{"count":1,"about":{opening * levels}{closing * levels}}}'


def test_a_body_is_nested_to_a_limit():
    answer = lambda levels: served(lambda request: {}, shape=Note, body=nested(levels))  # noqa: E731
    assert answer(DEEPEST - 1)["statusCode"] == 200
    problem = refused(answer(DEEPEST), 400, "malformed")
    assert problem["errors"][0]["message"] == "use at most 32 levels"
    assert problem["errors"][0]["field"].startswith("about[0][0]")


@pytest.mark.parametrize("container", ["[{}]", "{{{}}}"])
def test_a_part_of_a_body_has_members_to_a_limit(container):
    def answer(members):
        entries = ",".join(str(n) if container == "[{}]" else f'"{n}":0' for n in range(members))
        return served(lambda request: {}, shape=Note, body=f'{{"count":1,"about":{container.format(entries)}}}')

    assert answer(LONGEST)["statusCode"] == 200
    assert refused(answer(LONGEST + 1), 400, "malformed")["errors"] == [
        {"field": "about", "message": "send at most 1000"}
    ]


@pytest.mark.parametrize(("length", "status"), [(255, 200), (256, 422)])
def test_an_idempotency_key_has_a_limit(length, status):
    response = served(lambda request: {}, headers={"idempotency-key": "x" * length})
    assert response["statusCode"] == status
    if status == 422:
        assert refused(response, 422, "invalid")["errors"][0]["field"] == "Idempotency-Key"


def test_many_small_parts_are_no_long_one():
    parts = json.dumps([["x,[{"] * 500] * 3)
    assert served(lambda request: {}, shape=Note, body=f'{{"count":1,"about":{parts}}}')["statusCode"] == 200


# ------------------------------------------------------------------ results that are no JSON


def test_an_answer_may_be_text_of_another_type():
    response = served(lambda request: Answer("甲,乙\n", "text/csv; charset=utf-8"))
    assert (response["body"], response["isBase64Encoded"]) == ("甲,乙\n", False)
    assert response["headers"]["content-type"] == "text/csv; charset=utf-8"


def test_an_answer_may_be_bytes():
    response = served(lambda request: Answer(b"\x89PNG\xff", "image/png", headers={"etag": '"1"'}))
    assert response["isBase64Encoded"] and base64.b64decode(response["body"]) == b"\x89PNG\xff"
    assert response["headers"]["etag"] == '"1"'


def test_an_answer_may_lead_elsewhere():
    response = served(lambda request: Answer(media_type="text/plain", status=302, headers={"location": "https://a"}))
    assert (response["statusCode"], response["headers"]["location"], response["body"]) == (302, "https://a", "")


def test_an_answer_may_add_headers_to_a_document():
    response = served(lambda request: Answer({"a": 1}, status=201, headers={"location": "/x/1"}), status=200)
    assert (response["statusCode"], json.loads(response["body"])) == (201, {"a": 1})
    assert (response["headers"]["location"], response["headers"]["content-type"]) == ("/x/1", JSON)


def test_an_answer_may_loosen_what_protects_it():
    response = served(
        lambda request: Answer("<p>", "text/html", headers={"content-security-policy": "style-src 'self'"})
    )
    assert response["headers"]["content-security-policy"] == "style-src 'self'"
    assert response["headers"]["x-content-type-options"] == "nosniff"


# ------------------------------------------------------------------ headers


def test_every_answer_is_protected_good_or_bad():
    def broken(request):
        raise RuntimeError

    for action in (lambda request: {}, broken):
        headers = served(action)["headers"]
        assert headers["strict-transport-security"].startswith("max-age=")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert headers["cache-control"] == "no-store"
        assert "permissions-policy" in headers


def test_a_refusal_may_carry_headers_of_its_own():
    def hurried(request):
        raise TooManyRequests("too often", retry_after=0)

    response = served(hurried)
    refused(response, 429, "too_many_requests")
    assert response["headers"]["retry-after"] == "1"


def test_a_missing_token_names_the_way_to_show_one():
    routes = {"GET /x": Route(lambda request: {}, "A sample", "application.list")}
    response = serve(routes, {"routeKey": "GET /x", "rawPath": "/x"}, function="sample", clock=lambda: NOON)
    assert (response["statusCode"], response["headers"]["www-authenticate"]) == (401, "Bearer")
