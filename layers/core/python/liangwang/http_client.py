"""A kept HTTP connection a thread: what the signed AWS client and the exchange client stand on.

A socket, and httptools (llhttp) to understand the answers: a request costs 30 µs of CPU where the standard library's
client takes 130, most of it for parsing headers that nobody reads, and its import is a third
(docs/decisions/httptools.md).
"""

import socket
import threading
import time
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from httptools import HttpParserError, HttpResponseParser

_CHUNK = 65_536


class Response(NamedTuple):
    """An answer: status, body bytes."""

    status: int
    body: bytes


class NoAnswer(ConnectionError):
    """The connection ended before the answer did, or what came is not HTTP."""


class AnswerTooLong(OSError):
    """The other side sends more than anybody would read."""


class HttpClient:
    """Sends requests to one origin (``https://host[:port]``). Safe for threads: each has a connection of its own."""

    def __init__(self, origin: str, *, timeout: float = 10.0, longest: int | None = None, whole: bool = False) -> None:
        """``timeout`` is for each wait, or with ``whole`` for an exchange as a whole: for those whom we do not trust to
        end an answer. ``longest`` is how many bytes of a body are read.
        """
        parts = urlsplit(origin)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"not an http(s) origin: {origin!r}")
        self.host = parts.netloc
        self._secure = parts.scheme == "https"
        self._address = (parts.hostname, parts.port or (443 if self._secure else 80))
        self._timeout, self._longest, self._whole = timeout, longest, whole
        self._local = threading.local()

    def request(self, method: str, target: str, *, body: bytes = b"", headers: Mapping[str, str]) -> Response:
        """One request. A connection that the other side has closed meanwhile is opened anew, once.

        Every request sent here is safe to send twice: reads, conditional writes and deliveries with an id.
        Raises OSError when the other side cannot be reached or does not answer in time.
        """
        message = _message(method, target, {"host": self.host, **headers}, body)
        kept: _Connection | None = getattr(self._local, "connection", None)
        if kept is not None:
            try:
                return self._exchange(kept, message)
            except ConnectionError:
                pass
        return self._exchange(_Connection(self._open()), message)

    def _exchange(self, connection: "_Connection", message: bytes) -> Response:
        """Sends and waits; keeps the connection only if it can be used again."""
        self._local.connection = None
        try:
            response = connection.exchange(
                message, longest=self._longest, within=self._timeout if self._whole else None
            )
        except BaseException:
            connection.close()
            raise
        if connection.is_kept:
            self._local.connection = connection
        else:
            connection.close()
        return response

    def _open(self) -> socket.socket:
        opened = socket.create_connection(self._address, timeout=self._timeout)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not self._secure:
            return opened
        import ssl  # 10 ms that a plain connection does not need

        return ssl.create_default_context().wrap_socket(opened, server_hostname=self._address[0])


class _Connection:
    """One connection; llhttp calls the ``on_`` methods while it reads."""

    def __init__(self, opened: socket.socket) -> None:
        self._socket = opened
        self._parser = HttpResponseParser(self)
        self._body: list[bytes] = []
        self._complete = False
        self._read = 0
        self.is_kept = True

    def on_body(self, part: bytes) -> None:
        """A part of the answer's body."""
        self._body.append(part)

    def on_message_complete(self) -> None:
        """The answer is whole. Only now does llhttp know whether another may follow: it then forgets this one."""
        self._complete = True
        self.is_kept = self._parser.should_keep_alive()

    def exchange(self, message: bytes, *, longest: int | None = None, within: float | None = None) -> Response:
        """Sends a request and reads its answer. Raises OSError, NoAnswer among them, TimeoutError after ``within`` seconds."""
        self._body, self._complete, self._read = [], False, 0
        until = None if within is None else time.monotonic() + within
        if within is not None:
            self._socket.settimeout(within)
        self._socket.sendall(message)
        while not self._complete:
            if until is not None:
                left = until - time.monotonic()
                if left <= 0:
                    raise TimeoutError("the answer did not end in time")
                self._socket.settimeout(left)
            received = self._socket.recv(_CHUNK)
            self._read += len(received)
            if longest is not None and self._read > longest:
                raise AnswerTooLong(f"an answer of more than {longest} bytes")
            if not received:
                raise NoAnswer("the connection ended before the answer did")
            try:
                self._parser.feed_data(received)
            except HttpParserError as error:
                raise NoAnswer(f"not an HTTP answer: {error!r}") from error
        return Response(self._parser.get_status_code(), b"".join(self._body))

    def close(self) -> None:
        """Lets the other side go."""
        self._socket.close()


def _message(method: str, target: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """The bytes of a request. Raises ValueError for a name or value that would begin another line."""
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    head = "\r\n".join((*lines, f"content-length: {len(body)}", "", ""))
    if head.count("\n") != len(lines) + 2:
        raise ValueError("a header or target with a line break")
    return head.encode("latin-1") + body
