"""The event a handler gets is API Gateway's payload 2.0, and its answer becomes the HTTP response AWS would send."""

import json

import pytest

from local import http_event
from local.config import REPOSITORY
from local.http_event import Request, RouteTable
from local.template import HttpRoute

NOW = 1773284645.678


def golden(name):
    return json.loads((REPOSITORY / "tests" / "events" / f"{name}.json").read_text())


def route(method, path, function="F"):
    return HttpRoute(function=function, method=method, path=path, authorizer=None)


def request(method="GET", path="/", query="", headers=(), body=b""):
    return Request(method=method, path=path, query=query, headers=tuple(headers), body=body, source_ip="127.0.0.1")


def test_a_post_with_everything():
    post = request(
        "POST",
        "/api/cases/A-1 b/steps",
        "dry=1&tag=a&tag=b%20c&empty=",
        [
            ("Host", "api.example:8080"),
            ("User-Agent", "curl/8"),
            ("Content-Type", "application/json; charset=utf-8"),
            ("Accept", "application/json"),
            ("ACCEPT", "text/html"),
            ("Cookie", "session=abc; theme=dark"),
            ("Content-Length", "15"),
        ],
        '{"name":"食品"}'.encode(),
    )
    steps = route("POST", "/api/cases/{case_no}/steps")
    _, parameters = RouteTable([steps]).match("POST", post.path)
    assert http_event.event(post, steps, parameters, request_id="request-1", now=NOW) == golden("http_post")


def test_a_bare_get_leaves_out_what_is_empty():
    bare = request(path="/api/items", headers=[("Host", "localhost")])
    caller = {"subject": "u-1", "role": "citizen"}
    event = http_event.event(bare, route("GET", "/api/items"), {}, request_id="request-1", now=NOW, authorizer=caller)
    assert event == golden("http_get")


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        ("application/json", b"{}", ("{}", False)),
        ("application/problem+json", b"{}", ("{}", False)),
        ("text/plain; charset=utf-8", "好".encode(), ("好", False)),
        ("", b"plain", ("plain", False)),
        ("application/json", b"\xff\xfe", ("//4=", True)),
        ("application/octet-stream", b"abc", ("YWJj", True)),
        ("application/x-www-form-urlencoded", b"a=1", ("YT0x", True)),
    ],
)
def test_bodies_are_text_or_base64_by_their_type(content_type, body, expected):
    sent = request("POST", "/", headers=[("content-type", content_type)] if content_type else [], body=body)
    event = http_event.event(sent, route("POST", "/"), {}, request_id="r", now=NOW)
    assert (event["body"], event["isBase64Encoded"]) == expected


ROUTES = [
    route("GET", "/items", "list"),
    route("GET", "/items/{id}", "one"),
    route("GET", "/items/new", "new"),
    route("ANY", "/items/{id}", "any"),
    route("GET", "/files/{path+}", "files"),
    route("GET", "/files/{name}/meta", "meta"),
]


@pytest.mark.parametrize(
    ("method", "path", "function", "parameters"),
    [
        ("GET", "/items", "list", {}),
        ("GET", "/items/new", "new", {}),
        ("GET", "/items/7", "one", {"id": "7"}),
        ("DELETE", "/items/7", "any", {"id": "7"}),
        ("GET", "/files/a/meta", "meta", {"name": "a"}),
        ("GET", "/files/a/b/c", "files", {"path": "a/b/c"}),
    ],
)
def test_the_most_specific_route_wins(method, path, function, parameters):
    found, values = RouteTable(ROUTES).match(method, path)
    assert (found.function, values) == (function, parameters)


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/items"), ("GET", "/items/"), ("GET", "/items/1/2"), ("GET", "/")]
)
def test_no_route(method, path):
    assert RouteTable(ROUTES).match(method, path) is None


def test_default_takes_the_rest():
    found, _ = RouteTable([*ROUTES, route("ANY", "$default", "rest")]).match("PUT", "/anything")
    assert (found.function, found.key) == ("rest", "$default")


def test_an_answer_with_everything():
    answer = {
        "statusCode": 201,
        "headers": {"Location": "/x", "Retry-After": 5},
        "cookies": ["a=1", "b=2"],
        "body": "5aW9",
        "isBase64Encoded": True,
    }
    got = http_event.response(answer)
    assert (got.status, got.body) == (201, "好".encode())
    assert got.headers[:4] == [("location", "/x"), ("retry-after", "5"), ("set-cookie", "a=1"), ("set-cookie", "b=2")]


@pytest.mark.parametrize(
    ("answer", "body"), [({"a": "好"}, '{"a":"好"}'), ([1], "[1]"), ("text", "text"), (None, "null")]
)
def test_what_is_no_response_becomes_a_200_json_body(answer, body):
    got = http_event.response(answer)
    assert (got.status, got.body.decode(), got.headers) == (200, body, [("content-type", "application/json")])


@pytest.mark.parametrize(
    "answer",
    [
        {"statusCode": "many"},
        {"statusCode": 999},
        {"statusCode": 200, "body": {"not": "text"}},
        {"statusCode": 200, "body": "%%%", "isBase64Encoded": True},
        {"statusCode": 200, "headers": ["x"]},
    ],
)
def test_a_broken_answer_is_a_500(answer):
    assert http_event.response(answer) == http_event.FAILED
