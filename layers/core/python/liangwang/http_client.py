"""A kept HTTP connection a thread: what the signed AWS client and the exchange client stand on.

The standard library's client is used because it imports in a few milliseconds and a call costs little CPU.
"""

import http.client
import threading
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit


class Response(NamedTuple):
    """An answer: status, body bytes."""

    status: int
    body: bytes


class HttpClient:
    """Sends requests to one origin (``https://host[:port]``). Safe for threads: each has a connection of its own."""

    def __init__(self, origin: str, *, timeout: float = 10.0) -> None:
        parts = urlsplit(origin)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"not an http(s) origin: {origin!r}")
        self.host = parts.netloc
        self._secure = parts.scheme == "https"
        self._timeout = timeout
        self._local = threading.local()

    def request(self, method: str, target: str, *, body: bytes = b"", headers: Mapping[str, str]) -> Response:
        """One request. A connection that the other side has closed meanwhile is opened anew, once.

        Every request sent here is safe to send twice: reads, conditional writes and deliveries with an id.
        Raises OSError or http.client.HTTPException when the other side cannot be reached.
        """
        connection: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if connection is not None:
            try:
                return self._send(connection, method, target, body, headers)
            except (http.client.HTTPException, ConnectionError):
                connection.close()
        connection = self._local.connection = self._connect()
        try:
            return self._send(connection, method, target, body, headers)
        except BaseException:
            connection.close()
            self._local.connection = None
            raise

    def _connect(self) -> http.client.HTTPConnection:
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        return kind(self.host, timeout=self._timeout)

    @staticmethod
    def _send(
        connection: http.client.HTTPConnection, method: str, target: str, body: bytes, headers: Mapping[str, str]
    ) -> Response:
        connection.request(method, target, body, dict(headers))
        answer = connection.getresponse()
        return Response(answer.status, answer.read())
