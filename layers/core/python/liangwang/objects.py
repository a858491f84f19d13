"""Files in S3: a few requests, signed as ``aws.py`` signs them, and URLs by which a person sends or fetches one file.

The files themselves go past our functions: a person's program sends them to S3 by a URL that holds for minutes, for one
key, one length and one SHA-256 (S3 refuses everything else: the headers are signed), and fetches them the same way.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html
"""

import base64
import hashlib
import random
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Protocol
from urllib.parse import urlsplit

from msgspec import Struct

from .aws import AwsError, Unreachable, suffix
from .http_client import HttpClient, Response
from .signing import UNSIGNED_PAYLOAD, Credentials, signed_headers, signed_url

_MISSING = 404
_NOTHING_THERE = 416
"""The answer to a range of an object without a byte."""


class Link(Struct, frozen=True, kw_only=True):
    """A request that whoever holds it may make until ``expires_at``: exactly this method, URL and headers."""

    url: str
    method: str
    expires_at: datetime
    headers: dict[str, str] = {}


class Objects(Protocol):
    """One bucket. Keys are made by us: letters, digits, ``-``, ``.`` and ``/``."""

    def upload(self, key: str, *, media_type: str, size: int, sha256: str, now: datetime, lifetime: timedelta) -> Link:
        """A link by which exactly this content can be sent; ``sha256`` in hex."""
        ...

    def download(self, key: str, *, media_type: str, name: str, now: datetime, lifetime: timedelta) -> Link:
        """A link by which the object is fetched: always as a file named ``name``, never shown in a browser."""
        ...

    def read(self, key: str, *, most: int) -> bytes | None:
        """The first ``most`` bytes; None when there is no such object. Raises AwsError."""
        ...

    def write(self, key: str, content: bytes, *, media_type: str) -> None:
        """Puts an object in place of whatever was there. Raises AwsError."""
        ...

    def delete(self, key: str) -> None:
        """Removes an object; one that is not there is no error. Raises AwsError."""
        ...


class S3Objects:
    """``Objects`` in S3, or in whatever speaks its protocol at ``endpoint`` (there the bucket stands in the path)."""

    def __init__(
        self,
        bucket: str,
        *,
        region: str,
        credentials: Callable[[], Credentials],
        endpoint: str = "",
        attempts: int = 5,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        origin = endpoint or f"https://{bucket}.s3.{region}.{suffix(region)}"
        parts = urlsplit(origin)
        self._scheme, self._host = parts.scheme, parts.netloc
        self._folder = f"/{bucket}/" if endpoint else "/"
        self._region = region
        self._credentials = credentials
        self._attempts = attempts
        self._sleep = sleep
        self._client = HttpClient(origin, timeout=20)

    def upload(self, key: str, *, media_type: str, size: int, sha256: str, now: datetime, lifetime: timedelta) -> Link:
        """See ``Objects.upload``."""
        headers = {
            "content-length": str(size),
            "content-type": media_type,
            "x-amz-checksum-sha256": base64.b64encode(bytes.fromhex(sha256)).decode(),
        }
        return self._link("PUT", key, headers=headers, query={}, now=now, lifetime=lifetime)

    def download(self, key: str, *, media_type: str, name: str, now: datetime, lifetime: timedelta) -> Link:
        """See ``Objects.download``."""
        query = {
            "response-cache-control": "no-store",
            "response-content-disposition": f'attachment; filename="{name}"',
            "response-content-type": media_type,
        }
        return self._link("GET", key, headers={}, query=query, now=now, lifetime=lifetime)

    def read(self, key: str, *, most: int) -> bytes | None:
        """See ``Objects.read``."""
        response = self._call("GET", key, headers={"range": f"bytes=0-{most - 1}"})
        if response.status == _MISSING:
            return None
        return b"" if response.status == _NOTHING_THERE else response.body

    def write(self, key: str, content: bytes, *, media_type: str) -> None:
        """See ``Objects.write``. S3 is told what it must have received."""
        checksum = base64.b64encode(hashlib.sha256(content).digest()).decode()
        headers = {"content-type": media_type, "x-amz-checksum-sha256": checksum}
        response = self._call("PUT", key, headers=headers, body=content)
        if response.status >= 300:  # no such bucket: nothing was put
            raise AwsError(f"Http{response.status}", response.body[:300].decode(errors="replace"))

    def delete(self, key: str) -> None:
        """See ``Objects.delete``."""
        self._call("DELETE", key, headers={})

    def _link(
        self,
        method: str,
        key: str,
        *,
        headers: Mapping[str, str],
        query: Mapping[str, str],
        now: datetime,
        lifetime: timedelta,
    ) -> Link:
        url = signed_url(
            service="s3",
            region=self._region,
            host=self._host,
            query=query,
            credentials=self._credentials(),
            now=now.astimezone(UTC),
            seconds=int(lifetime.total_seconds()),
            method=method,
            scheme=self._scheme,
            path=self._folder + key,
            headers=headers,
            payload=UNSIGNED_PAYLOAD,
        )
        return Link(url=url, method=method, expires_at=now + lifetime, headers=dict(headers))

    def _call(self, method: str, key: str, *, headers: Mapping[str, str], body: bytes = b"") -> Response:
        """One request, repeated with jitter while S3 fails. Raises AwsError, or Unreachable in the end."""
        problem = AwsError("Unreachable")
        for attempt in range(self._attempts):
            if attempt:
                self._sleep(random.uniform(0, min(2.0, 0.05 * 2**attempt)))  # nosec B311
            try:
                response = self._send(method, key, headers, body)
            except OSError as error:
                problem = AwsError("Unreachable", f"s3 at {self._host}: {error!r}")
                continue
            if response.status < 300 or response.status in (_MISSING, _NOTHING_THERE):
                return response
            problem = AwsError(f"Http{response.status}", response.body[:300].decode(errors="replace"))
            if response.status < 500:
                raise problem
        raise Unreachable(problem.code, f"gave up after {self._attempts} attempts: {problem}")

    def _send(self, method: str, key: str, headers: Mapping[str, str], body: bytes) -> Response:
        path = self._folder + key
        signed = signed_headers(
            service="s3",
            region=self._region,
            headers={**headers, "host": self._host, "x-amz-content-sha256": hashlib.sha256(body).hexdigest()},
            body=body,
            credentials=self._credentials(),
            now=datetime.now(UTC),
            method=method,
            path=path,
        )
        return self._client.request(method, path, body=body, headers=signed)
