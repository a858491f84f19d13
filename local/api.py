"""The system's HTTP API as demo people call it."""

from __future__ import annotations

import json
import threading
import time
import uuid
from typing import Any
from urllib.parse import quote, urlencode

from liangwang.http_client import HttpClient


class ApiError(Exception):
    """A problem document came back; ``document`` is it."""

    def __init__(self, document: dict[str, Any]) -> None:
        super().__init__(f"{document.get('status')} {document.get('title_en', '')}: {document.get('detail', document)}")
        self.document = document


class Api:
    """Calls the gateway as any of the demo people; tokens are kept and renewed a minute before they expire."""

    def __init__(self, url: str, password: str, *, patience: float = 20.0) -> None:
        """``patience``: seconds for which a call is repeated while the gateway is down."""
        self._patience = patience
        self._client = HttpClient(url, timeout=60)
        self._password = password
        self._tokens: dict[str, tuple[str, float]] = {}
        self._devices: dict[str, str] = {}
        self._lock = threading.Lock()

    def login(self, username: str) -> str:
        """A token for one of the demo people."""
        with self._lock:
            token, until = self._tokens.get(username, ("", 0.0))
        if time.monotonic() < until:
            return token
        credentials = {"username": username, "password": self._password, "device": self._devices.get(username, "")}
        answer = self._send("POST", "/api/login", credentials, {})
        with self._lock:
            self._devices[username] = answer["device"]
            self._tokens[username] = (answer["token"], time.monotonic() + answer["expires_in"] - 60)
        return str(answer["token"])

    def get(self, username: str, path: str, **query: Any) -> dict[str, Any]:
        """GET as somebody. Raises ApiError."""
        target = f"{quote(path)}?{urlencode(query)}" if query else quote(path)
        return self._send("GET", target, None, {"authorization": f"Bearer {self.login(username)}"})

    def post(self, username: str, path: str, body: Any, *, key: str = "") -> dict[str, Any]:
        """POST as somebody, always with an ``Idempotency-Key``, so that it may be repeated. Raises ApiError."""
        headers = {"authorization": f"Bearer {self.login(username)}", "idempotency-key": key or uuid.uuid4().hex}
        return self._send("POST", quote(path), body, headers)

    def _send(self, method: str, target: str, body: Any, headers: dict[str, str]) -> dict[str, Any]:
        """Repeats a call that the gateway did not answer, answered with a failure of its own, or wants to have later."""
        deadline = time.monotonic() + self._patience
        while True:
            try:
                return self._once(method, target, body, headers)
            except (OSError, ApiError) as error:
                final = (
                    isinstance(error, ApiError) and error.document["status"] < 500 and error.document["status"] != 429
                )
                if final or time.monotonic() > deadline:
                    raise
            time.sleep(0.2)

    def _once(self, method: str, target: str, body: Any, headers: dict[str, str]) -> dict[str, Any]:
        raw = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        response = self._client.request(
            method, target, body=raw, headers={**headers, "content-type": "application/json"}
        )
        try:
            answer: dict[str, Any] = json.loads(response.body)
        except ValueError:
            answer = {"status": response.status, "detail": response.body[:200].decode(errors="replace")}
        if response.status >= 400:
            raise ApiError({"status": response.status, **answer})
        return answer
