"""A route that answers server-sent events is kept open, by asking it again as the client would."""

import socket
import threading

import pytest
from werkzeug.serving import make_server

from local.event_streams import HEARTBEAT_SECONDS, LIFE_SECONDS, EventStreams, read
from local.gateway import create_app
from local.http_event import Request, Response
from local.template import Authorizer, HttpRoute, Template
from tests.waiting import eventually

QUIET = b"retry: 3000\n\nid: 7\n\n"
NEWS = b'retry: 3000\n\nid: 8\nevent: change\ndata: {"a": 1}\n\nid: 8\n\n'
STREAM = [("content-type", "text/event-stream")]


def stream(body, status=200):
    return Response(status=status, headers=STREAM, body=body)


def request(**headers):
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Request(method="GET", path="/api/changes", query="", headers=named, body=b"", source_ip="127.0.0.1")


class Route:
    """A route that answers what it was told to, its last answer for ever; waiting moves the clock and no more."""

    def __init__(self, *answers):
        self.now = 0.0
        self.asked, self.waited = [], []
        self._answers = list(answers)

    def ask(self, wish):
        self.asked.append(wish)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    def wait(self, seconds):
        self.waited.append(seconds)
        self.now += seconds

    def streams(self, most=1):
        return EventStreams(self.ask, most=most, wait=self.wait, clock=lambda: self.now)


def test_an_answer_says_where_it_ends_when_to_ask_again_and_whether_there_is_news():
    assert read(QUIET) == ("7", 3.0, False)
    assert read(NEWS) == ("8", 3.0, True)
    assert read(b": nothing\n\n") == ("", HEARTBEAT_SECONDS, False)


def test_the_route_is_asked_again_after_its_pause_from_the_last_id_on():
    route = Route(stream(NEWS))
    body = route.streams().keep(request(last_event_id="5", authorization="t"), stream(QUIET))
    assert [next(body), next(body)] == [QUIET, NEWS]
    (asked,) = route.asked
    assert dict(asked.headers) == {"authorization": "t", "last-event-id": "7"}
    assert route.waited == [3.0]


def test_a_cursor_that_went_on_is_told_and_where_nothing_is_new_a_comment_comes_now_and_then():
    route = Route(stream(QUIET), stream(QUIET), stream(QUIET.replace(b"7", b"8")), stream(QUIET.replace(b"7", b"8")))
    body = route.streams().keep(request(), stream(QUIET))
    said = [next(body) for _ in range(3)]
    assert said == [QUIET, QUIET.replace(b"7", b"8"), b": nothing new\n\n"]
    assert route.now == 9.0 + 12.0


@pytest.mark.parametrize("answer", [stream(b"", 401), Response(status=200, headers=[], body=b"{}"), stream(b"", 500)])
def test_a_stream_ends_when_the_route_refuses(answer):
    route = Route(answer)
    assert list(route.streams().keep(request(), stream(QUIET))) == [QUIET]


def test_a_stream_ends_after_its_life_so_that_the_client_comes_anew():
    route = Route(stream(NEWS))
    said = list(route.streams().keep(request(), stream(QUIET)))
    assert LIFE_SECONDS <= route.now <= LIFE_SECONDS + 3 and len(said) > 2


def test_what_is_no_stream_is_answered_as_it_is():
    streams = Route(stream(QUIET)).streams()
    assert (
        streams.keep(request(), Response(status=200, headers=[("content-type", "application/json")], body=b"{}"))
        is None
    )
    assert streams.keep(request(), stream(QUIET, 406)) is None


def test_no_more_streams_are_kept_than_there_is_room_for_and_a_place_comes_back_when_a_client_leaves():
    streams = Route(stream(QUIET)).streams(most=2)
    first, second = (streams.keep(request(), stream(QUIET)) for _ in range(2))
    assert streams.keep(request(), stream(QUIET)) is None, "answered once, and asked again after the pause"
    next(first)
    first.close()
    third = streams.keep(request(), stream(QUIET))
    assert third is not None and streams.keep(request(), stream(QUIET)) is None
    second.close()  # it never began
    second.close()
    assert streams.keep(request(), stream(QUIET)) is not None
    assert Route(stream(QUIET)).streams(most=0).keep(request(), stream(QUIET)) is None


class Function:
    """A function that has news once, then none, then refuses."""

    def __init__(self):
        self.events = []

    def invoke(self, event):
        self.events.append(event)
        body = [QUIET, NEWS, b"retry: 3000\n\nid: 8\n\n"][min(len(self.events), 3) - 1]
        body = body.replace(b"retry: 3000", b"retry: 0").decode()
        return {"statusCode": 200, "headers": {"content-type": "text/event-stream"}, "body": body}


class Gate:
    """An authorizer that lets a token through three times."""

    def __init__(self):
        self.asked = 0

    def invoke(self, event):
        self.asked += 1
        return {"isAuthorized": self.asked <= 3, "context": {"subject": "li"}}


def changes(*, authorizer):
    """A template with one route of changes."""
    gates = {"Token": Authorizer(name="Token", function="Gate", headers=(), cache_seconds=0)}
    return Template(
        document={},
        parameters={},
        functions={},
        routes=(HttpRoute(function="Changes", method="GET", path="/api/changes", authorizer=authorizer),),
        kafka=(),
        streams=(),
        schedules=(),
        authorizers=gates if authorizer else {},
    )


def test_the_gateway_streams_through_the_routes_own_authorizer_until_it_refuses():
    function, gate = Function(), Gate()
    client = create_app(changes(authorizer="Token"), {"Changes": function, "Gate": gate}).test_client()
    got = client.get("/api/changes", headers={"Accept": "text/event-stream"})
    assert got.content_type == "text/event-stream" and "content-length" not in got.headers
    assert got.data == QUIET.replace(b"3000", b"0") + NEWS.replace(b"3000", b"0")
    assert gate.asked == 4 and len(function.events) == 3
    assert [event["headers"].get("last-event-id") for event in function.events] == [None, "7", "8"]


class Endless:
    """A function that always has news."""

    def __init__(self):
        self.asked = 0

    def invoke(self, event):
        self.asked += 1
        body = NEWS.replace(b"3000", b"0").replace(b"8", b"%d" % self.asked).decode()
        return {"statusCode": 200, "headers": {"content-type": "text/event-stream"}, "body": body}


def test_a_client_that_leaves_ends_its_stream_and_makes_room_for_another():
    function = Endless()
    server = make_server(
        "127.0.0.1", 0, create_app(changes(authorizer=None), {"Changes": function}, streams=1), threaded=True
    )
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    try:
        for _ in range(3):
            eventually(lambda: _is_kept(server.server_port), what="a stream that is kept open")
        eventually(lambda: not _grows(function), what="the end of all asking")
    finally:
        server.shutdown()
        serving.join()


def _is_kept(port):
    """Whether a new client is given a stream without an end; it leaves at once."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        client.sendall(b"GET /api/changes HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(4096)
    return b"content-length" not in head.lower()


def _grows(function):
    before = function.asked
    threading.Event().wait(0.3)
    return function.asked != before
