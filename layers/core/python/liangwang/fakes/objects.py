"""A bucket in memory. Its links lead to it: a test sends and fetches files by them as a person's program would."""

import hashlib
from datetime import datetime, timedelta
from urllib.parse import quote, urlsplit

from ..aws import AwsError, Unreachable
from ..objects import Link

_ORIGIN = "https://objects.example/"


class FakeObjects:
    """``stored`` has (bytes, media type) by key. ``faults`` are used up in order, each by the next call of its method."""

    def __init__(self) -> None:
        self.stored: dict[str, tuple[bytes, str]] = {}
        self.faults: list[str] = []
        self._expected: dict[str, tuple[int, str]] = {}

    def upload(self, key: str, *, media_type: str, size: int, sha256: str, now: datetime, lifetime: timedelta) -> Link:
        """See ``Objects.upload``."""
        self._expected[key] = (size, sha256)
        return Link(url=_ORIGIN + key, method="PUT", expires_at=now + lifetime, headers={"content-type": media_type})

    def download(self, key: str, *, media_type: str, name: str, now: datetime, lifetime: timedelta) -> Link:
        """See ``Objects.download``."""
        return Link(url=f"{_ORIGIN}{key}?name={quote(name)}", method="GET", expires_at=now + lifetime)

    def read(self, key: str, *, most: int) -> bytes | None:
        """See ``Objects.read``."""
        self._fail("read")
        return self.stored[key][0][:most] if key in self.stored else None

    def write(self, key: str, content: bytes, *, media_type: str) -> None:
        """See ``Objects.write``."""
        self._fail("write")
        self.stored[key] = (content, media_type)

    def delete(self, key: str) -> None:
        """See ``Objects.delete``."""
        self._fail("delete")
        self.stored.pop(key, None)

    def send(self, link: Link, content: bytes, *, checked: bool = True) -> None:
        """What a person's program does with an upload link. ``checked``: the storage enforces length and checksum, as S3
        does; a storage that does not takes anything.
        """
        key = urlsplit(link.url).path.lstrip("/")
        if checked and self._expected[key] != (len(content), hashlib.sha256(content).hexdigest()):
            raise AwsError("BadDigest", "not the content that the link is for")
        self.stored[key] = (content, link.headers["content-type"])

    def fetch(self, url: str) -> bytes:
        """What a download link leads to."""
        return self.stored[urlsplit(url).path.lstrip("/")][0]

    def _fail(self, method: str) -> None:
        if method in self.faults:
            self.faults.remove(method)
            raise Unreachable("SlowDown", "as the test wishes")
