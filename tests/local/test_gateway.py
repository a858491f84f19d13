"""The gateway routes, authorizes and answers as API Gateway's HTTP API does."""

import json

import pytest

from local import http_event
from local.gateway import create_app
from local.template import Authorizer, HttpRoute, Template


class Recorder:
    """A function that remembers its events."""

    def __init__(self, answer):
        self.events = []
        self._answer = answer

    def invoke(self, event):
        self.events.append(event)
        return self._answer(event) if callable(self._answer) else self._answer


def template(*, headers=(), seconds=0):
    gate = Authorizer(name="Token", function="Gate", headers=headers, cache_seconds=seconds)
    return Template(
        document={},
        parameters={},
        functions={},
        routes=(
            HttpRoute(function="Echo", method="POST", path="/open/{id}", authorizer=None),
            HttpRoute(function="Echo", method="GET", path="/mine", authorizer="Token"),
            HttpRoute(function="Broken", method="GET", path="/broken", authorizer=None),
        ),
        kafka=(),
        streams=(),
        schedules=(),
        authorizers={"Token": gate},
    )


def fail(_):
    raise RuntimeError("inside")


@pytest.fixture
def echo():
    return Recorder({"statusCode": 200, "headers": {"content-type": "application/problem+json"}, "body": "{}"})


@pytest.fixture
def gate():
    def decide(event):
        return {"isAuthorized": event["headers"].get("authorization") != "bad", "context": {"role": "citizen"}}

    return Recorder(decide)


def client(echo, gate, **identity):
    functions = {"Echo": echo, "Gate": gate, "Broken": Recorder(fail)}
    return create_app(template(**identity), functions).test_client()


def test_a_request_reaches_the_function_and_its_answer_the_client(echo, gate):
    got = client(echo, gate).post("/open/7?a=1", json={"x": 1}, headers={"X-A": "b"})
    assert (got.status_code, got.content_type, got.data) == (200, "application/problem+json", b"{}")
    (event,) = echo.events
    assert event["pathParameters"] == {"id": "7"}
    assert json.loads(event["body"]) == {"x": 1}
    assert event["headers"]["x-a"] == "b"
    assert "authorizer" not in event["requestContext"]
    assert gate.events == []


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/nowhere"), ("GET", "/open/7"), ("OPTIONS", "/mine"), ("GET", "//mine"), ("POST", "/")],
)
def test_an_unknown_route_is_not_found(echo, gate, method, path):
    got = client(echo, gate).open(path, method=method)
    assert (got.status_code, got.json) == (404, {"message": "Not Found"})


def test_a_function_that_raises_is_a_500_without_its_secrets(echo, gate):
    got = client(echo, gate).get("/broken")
    assert (got.status_code, got.json) == (500, {"message": "Internal Server Error"})


def test_a_body_past_10_mb_is_refused_before_the_function(echo, gate):
    got = client(echo, gate).post("/open/7", data=b"x" * (http_event.BODY_LIMIT + 1))
    assert got.status_code == 413
    assert echo.events == []


def test_the_authorizer_s_context_reaches_the_function(echo, gate):
    client(echo, gate).get("/mine", headers={"Authorization": "t"})
    assert echo.events[0]["requestContext"]["authorizer"] == {"lambda": {"role": "citizen"}}


def test_the_authorizer_gets_the_request_without_its_body(echo, gate):
    client(echo, gate, headers=("authorization",), seconds=60).get("/mine", headers={"Authorization": "t"})
    (asked,) = gate.events
    assert (asked["type"], asked["version"], asked["identitySource"]) == ("REQUEST", "2.0", ["t"])
    assert asked["routeArn"].endswith("/$default/GET/mine")
    assert "body" not in asked


def test_whom_the_authorizer_refuses_is_forbidden(echo, gate):
    got = client(echo, gate).get("/mine", headers={"Authorization": "bad"})
    assert (got.status_code, got.json) == (403, {"message": "Forbidden"})
    assert echo.events == []


def test_a_missing_identity_is_refused_without_asking_the_authorizer(echo, gate):
    got = client(echo, gate, headers=("authorization",), seconds=60).get("/mine")
    assert (got.status_code, got.json) == (401, {"message": "Unauthorized"})
    assert gate.events == []


def test_without_identity_sources_the_authorizer_is_always_asked(echo, gate):
    door = client(echo, gate)
    assert [door.get("/mine").status_code for _ in range(2)] == [200, 200]
    assert len(gate.events) == 2


def test_results_are_remembered_by_identity(echo, gate):
    door = client(echo, gate, headers=("authorization",), seconds=60)
    for token in ("a", "a", "bad", "bad", "b"):
        door.get("/mine", headers={"Authorization": token})
    assert [event["identitySource"] for event in gate.events] == [["a"], ["bad"], ["b"]]
    assert len(echo.events) == 3


def test_a_broken_authorizer_is_a_500(echo):
    got = client(echo, Recorder(fail)).get("/mine", headers={"Authorization": "t"})
    assert got.status_code == 500
