"""A small signed JSON client over one kept connection, for calls made many times a second.

boto3 spends 1-2 ms of CPU on a call; pollers that ask thirty times a second would make that a tenth of a core.
"""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


class ServiceError(Exception):
    """The service refused; `code` is its error name without a prefix."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code


class SignedClient:
    """One service at one endpoint. Not for several threads at once: each poller has its own."""

    def __init__(
        self, *, endpoint: str, service: str, target: str, region: str, access_key: str, secret_key: str
    ) -> None:
        self._url = endpoint.rstrip("/") + "/"
        self._target = target
        self._auth = SigV4Auth(Credentials(access_key, secret_key), service, region)
        parts = urlsplit(endpoint)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.hostname or "localhost", parts.port, timeout=30)

    def call(self, action: str, **arguments: Any) -> dict[str, Any]:
        """The answer to one call. Raises ServiceError, or OSError when the endpoint is not reachable."""
        body = json.dumps(arguments, separators=(",", ":")).encode()
        headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"{self._target}.{action}"}
        request = AWSRequest(method="POST", url=self._url, data=body, headers=headers)
        self._auth.add_auth(request)
        try:
            self._connection.request("POST", "/", body, dict(request.headers.items()))
            answer = self._connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()  # the next call opens a new one
            raise ConnectionError(f"{self._url}: {error!r}") from error
        found: dict[str, Any] = json.loads(content) if content else {}
        if answer.status >= 300:
            code = str(found.get("__type", answer.status)).rsplit("#", 1)[-1]
            raise ServiceError(code, str(found.get("message") or found.get("Message") or content[:200]))
        return found

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()
