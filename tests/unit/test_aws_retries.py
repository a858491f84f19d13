"""The signed client over a real connection: what it tries again, what it does not, and when it gives up."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from liangwang.aws import AwsError, SignedAws, Unreachable, endpoints
from liangwang.signing import Credentials


class Service(ThreadingHTTPServer):
    """Answers each request with the next of ``answers``: (status, body), or None to hang up. ``asked`` counts."""

    daemon_threads = True
    block_on_close = False  # a kept connection would hold the end up

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answering)
        self.answers = []
        self.asked = 0


class Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.server.asked += 1
        answer = self.server.answers.pop(0)
        if answer is None:
            self.close_connection = True
            return
        status, body = answer
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        """Stays quiet."""


@pytest.fixture
def service():
    with Service() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def client(service, waits, *, attempts=8):
    return SignedAws(
        region="cn-north-1",
        credentials=lambda: Credentials("key", "secret"),
        endpoint=f"http://127.0.0.1:{service.server_port}",
        attempts=attempts,
        sleep=waits.append,
    )


def refusal(code):
    return 400, json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "no"}).encode()


FINE = (200, b'{"ok":1}')


@pytest.mark.parametrize(
    "trouble", [refusal("ThrottlingException"), (500, b""), (503, b"<html>busy</html>"), None], ids=str
)
def test_throttling_failures_and_lost_connections_are_tried_again_after_a_pause(service, trouble):
    waits = []
    service.answers = [trouble, FINE]
    assert client(service, waits).call("dynamodb", "Query", {}) == {"ok": 1}
    assert (service.asked, len(waits)) == (2, 1)


def test_pauses_have_jitter_and_a_limit(service):
    waits = []
    service.answers = [refusal("ThrottlingException")] * 8
    with pytest.raises(Unreachable):
        client(service, waits).call("dynamodb", "Query", {})
    assert len(set(waits)) == len(waits) == 7
    assert all(0 <= wait <= min(2.0, 0.05 * 2**attempt) for attempt, wait in enumerate(waits, start=1))


def test_a_refusal_is_not_tried_again(service):
    service.answers = [refusal("ConditionalCheckFailedException")]
    with pytest.raises(AwsError) as refused:
        client(service, []).call("dynamodb", "PutItem", {})
    assert (refused.value.code, service.asked) == ("ConditionalCheckFailedException", 1)


def test_after_all_attempts_it_gives_up_and_names_the_last_trouble(service):
    service.answers = [(500, b""), (500, b""), refusal("ThrottlingException")]
    with pytest.raises(Unreachable) as refused:
        client(service, [], attempts=3).call("dynamodb", "PutItem", {})
    assert (refused.value.code, service.asked) == ("ThrottlingException", 3)


def test_a_connection_the_service_closed_meanwhile_is_opened_anew_without_a_pause(service):
    waits = []
    aws = client(service, waits)
    service.answers = [FINE, None, FINE]
    aws.call("dynamodb", "Query", {})
    assert aws.call("dynamodb", "Query", {}) == {"ok": 1}
    assert waits == []


def test_an_address_nobody_listens_on_is_named():
    aws = SignedAws(
        region="cn-north-1",
        credentials=lambda: Credentials("key", "secret"),
        endpoint="http://127.0.0.1:1",
        attempts=2,
        sleep=lambda seconds: None,
    )
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:1"):
        aws.call("kms", "Sign", {})


# ------------------------------------------------------------------ where the services are


def test_without_a_variable_every_service_is_awss_own():
    assert endpoints({}) == {}


def test_one_variable_places_every_service():
    here = "http://127.0.0.1:4566"
    services = ("dynamodb", "streams.dynamodb", "kms", "s3", "secretsmanager", "sesv2", "sns")
    assert endpoints({"AWS_ENDPOINT_URL": here}) == dict.fromkeys(services, here)


def test_a_services_own_variable_goes_before_the_common_one():
    found = endpoints({"AWS_ENDPOINT_URL": "http://all", "AWS_ENDPOINT_URL_DYNAMODB": "http://tables"})
    assert (found["dynamodb"], found["streams.dynamodb"], found["kms"]) == ("http://tables", "http://all", "http://all")


def test_a_client_calls_each_service_at_its_own_place(service):
    aws = SignedAws(
        region="cn-north-1",
        credentials=lambda: Credentials("key", "secret"),
        endpoint={"dynamodb": f"http://127.0.0.1:{service.server_port}", "kms": "http://127.0.0.1:1"},
        attempts=1,
    )
    service.answers = [FINE]
    assert aws.call("dynamodb", "Query", {}) == {"ok": 1}
    with pytest.raises(Unreachable, match=r"kms at http://127\.0\.0\.1:1"):
        aws.call("kms", "Sign", {})
