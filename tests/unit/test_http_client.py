"""The HTTP client over real connections: what it keeps, what it opens anew, what it refuses."""

import contextlib
import socket
import ssl
import threading

import pytest
from liangwang.http_client import AnswerTooLong, HttpClient, NoAnswer, Response

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Service:
    """Serves each connection with a script: a list of answers, one a request; None hangs up instead."""

    def __init__(self, *scripts):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.requests = []
        self._thread = threading.Thread(target=self._serve, args=(scripts,), daemon=True)
        self._thread.start()

    def _serve(self, scripts):
        for script in scripts:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return  # closed: the test is over
            threading.Thread(target=self._follow, args=(connection, script), daemon=True).start()

    def _follow(self, connection, script):
        with connection, contextlib.suppress(OSError):
            for answer in script:
                self.requests.append(self._request(connection))
                if answer is None:
                    return
                connection.sendall(answer)
            if b"" in script:
                connection.recv(1)  # silent until the client goes

    @staticmethod
    def _request(connection):
        received = b""
        while b"\r\n\r\n" not in received:
            received += _some(connection)
        head, _, body = received.partition(b"\r\n\r\n")
        (length,) = (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        while len(body) < length:
            body += _some(connection)
        return head.decode(), body

    def close(self):
        self._listener.close()


def _some(connection):
    received = connection.recv(65536)
    if not received:
        raise ConnectionError("the client has gone")
    return received


@pytest.fixture
def serve():
    """Starts services that are gone after the test; answers a client and its service."""
    running = []

    def start(*scripts, timeout=10.0, **limits):
        running.append(Service(*scripts))
        return HttpClient(f"http://127.0.0.1:{running[-1].port}", timeout=timeout, **limits), running[-1]

    yield start
    for service in running:
        service.close()


def test_one_connection_serves_many_requests(serve):
    client, service = serve([OK, OK, OK])
    for number in range(3):
        assert client.request("POST", f"/{number}", body=b"body", headers={"name": "value"}) == Response(200, b"ok")
    head, body = service.requests[2]
    assert head.splitlines()[0] == "POST /2 HTTP/1.1"
    assert {f"host: 127.0.0.1:{service.port}", "name: value", "content-length: 4"} <= set(head.splitlines())
    assert body == b"body"


def test_an_answer_in_chunks_is_put_together(serve):
    client, _ = serve([b"HTTP/1.1 400 Bad\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"])
    assert client.request("GET", "/", headers={}) == Response(400, b"abcde")


def test_a_connection_that_the_other_side_ends_is_not_used_again(serve):
    client, service = serve([b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"], [OK])
    assert client.request("GET", "/1", headers={}) == Response(200, b"")
    assert client.request("GET", "/2", headers={}) == Response(200, b"ok")
    assert len(service.requests) == 2


def test_a_kept_connection_that_is_gone_is_opened_anew_once(serve):
    client, service = serve([OK, None], [OK])
    client.request("GET", "/1", headers={})
    assert client.request("GET", "/2", headers={}) == Response(200, b"ok")
    assert [head.split()[1] for head, _ in service.requests] == ["/1", "/2", "/2"]


def test_a_new_connection_that_ends_without_an_answer_is_an_error(serve):
    client, _ = serve([None])
    with pytest.raises(NoAnswer, match="ended before the answer"):
        client.request("GET", "/", headers={})


def test_half_an_answer_is_no_answer(serve):
    client, _ = serve([b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"])
    with pytest.raises(NoAnswer):
        client.request("GET", "/", headers={})


def test_what_is_not_http_is_an_error_and_the_next_request_has_a_new_connection(serve):
    client, _ = serve([b"220 mail.example ESMTP\r\n"], [OK])
    with pytest.raises(NoAnswer, match="not an HTTP answer"):
        client.request("GET", "/", headers={})
    assert client.request("GET", "/", headers={}).status == 200


def test_a_silent_service_times_out_and_its_connection_is_given_up(serve):
    client, _ = serve([b""], [OK], timeout=0.1)
    with pytest.raises(TimeoutError):
        client.request("GET", "/1", headers={})
    assert client.request("GET", "/2", headers={}) == Response(200, b"ok")


@pytest.mark.parametrize(
    ("target", "headers"), [("/a\r\nx: y", {}), ("/", {"name": "a\r\nx: y"}), ("/", {"a\nb": "c"})]
)
def test_a_line_break_cannot_smuggle_a_header(serve, target, headers):
    client, service = serve([OK])
    with pytest.raises(ValueError, match="line break"):
        client.request("GET", target, headers=headers)
    assert service.requests == []


def test_each_thread_has_a_connection_of_its_own(serve):
    client, _ = serve([OK], [OK])
    client.request("GET", "/", headers={})
    answers = []
    other = threading.Thread(target=lambda: answers.append(client.request("GET", "/", headers={})))
    other.start()
    other.join()
    assert answers == [Response(200, b"ok")]


def test_a_certificate_is_checked():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(
            target=lambda: listener.accept()[0].sendall(b"\x15\x03\x01\x00\x02\x02\x28"), daemon=True
        ).start()
        client = HttpClient(f"https://127.0.0.1:{listener.getsockname()[1]}")
        with pytest.raises(ssl.SSLError):
            client.request("GET", "/", headers={})


@pytest.mark.parametrize("origin", ["ftp://host", "host:80", "http://"])
def test_only_http_origins(origin):
    with pytest.raises(ValueError, match="not an http"):
        HttpClient(origin)


# ------------------------------------------------------------------ those whom we do not trust to end an answer


def test_an_answer_longer_than_anybody_would_read_is_cut_off_and_the_connection_with_it(serve):
    endless = b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n" + bytes(200_000)
    client, _ = serve([endless], [OK], longest=100_000)
    with pytest.raises(AnswerTooLong):
        client.request("GET", "/", headers={})
    assert client.request("GET", "/", headers={}) == Response(200, b"ok")


def test_an_answer_that_only_begins_takes_no_longer_than_the_whole_may(serve):
    client, _ = serve([b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nok", b""], timeout=0.2, whole=True)
    with pytest.raises(TimeoutError):
        client.request("GET", "/", headers={})
