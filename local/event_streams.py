"""Keeps a stream of server-sent events open, where API Gateway's HTTP API can only answer and be asked again.

Any route that answers `text/event-stream` is kept open: the route is asked again, in the client's name and through its
authorizer, after the pause that its answer names, with the last id as `Last-Event-ID`. What a client sees is what
a browser's `EventSource` would have put together from many answers.
https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from msgspec import structs

from local.http_event import Request, Response

EVENT_STREAM = "text/event-stream"
HEARTBEAT_SECONDS = 10.0
"""A line that says nothing, so that proxies keep the way open and a client that has gone is noticed."""

LIFE_SECONDS = 300.0
"""How long a stream is kept at most; the client then comes again by itself, with the last id."""

_LEAST_PAUSE_SECONDS = 0.05
_LAST_EVENT_ID = "last-event-id"


class Page(NamedTuple):
    """What one answer says: the cursor after it, the pause in seconds, and whether it has events."""

    last_id: str
    pause: float
    has_events: bool


def read(body: bytes) -> Page:
    """The fields of an answer that matter for asking again."""
    fields = [line.partition(":") for line in body.decode().splitlines() if line]
    ids = [value.strip() for name, _, value in fields if name == "id"]
    pauses = [value.strip() for name, _, value in fields if name == "retry" and value.strip().isdecimal()]
    pause = int(pauses[-1]) / 1000 if pauses else HEARTBEAT_SECONDS
    return Page(ids[-1] if ids else "", pause, any(name == "data" for name, _, _ in fields))


class EventStreams:
    """The streams of one gateway: at most ``most`` at once, since each holds a thread. ``wait`` and ``clock`` are in seconds."""

    def __init__(
        self,
        ask: Callable[[Request], Response],
        *,
        most: int,
        wait: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask = ask
        self._places = threading.BoundedSemaphore(most) if most > 0 else None
        self._wait = wait
        self._clock = clock

    def keep(self, request: Request, answer: Response) -> Iterator[bytes] | None:
        """The body of a stream that goes on after this answer; None when it is no stream, or there is no room for one more:
        then the answer is given as it is, and a client comes again after its pause."""
        if answer.status != 200 or not _is_stream(answer) or self._places is None:
            return None
        if not self._places.acquire(blocking=False):
            return None
        return _Stream(self._body(request, answer), self._places.release)

    def _body(self, request: Request, answer: Response) -> Iterator[bytes]:
        page, began = read(answer.body), self._clock()
        spoke = began
        yield answer.body
        while self._clock() < began + LIFE_SECONDS:
            self._wait(max(page.pause, _LEAST_PAUSE_SECONDS))
            answer = self._ask(_after(request, page.last_id))
            if answer.status != 200 or not _is_stream(answer):
                return  # the token has ended, or the route fails: the client comes again and is told so
            before, page = page, read(answer.body)
            now = self._clock()
            if page.has_events or page.last_id != before.last_id:
                spoke = now
                yield answer.body
            elif now >= spoke + HEARTBEAT_SECONDS:
                spoke = now
                yield b": nothing new\n\n"


class _Stream(Iterator[bytes]):
    """A body that gives its place back when it ends or its client leaves, even before it began."""

    def __init__(self, body: Iterator[bytes], release: Callable[[], object]) -> None:
        self._body = body
        self._release: Callable[[], object] | None = release

    def __next__(self) -> bytes:
        try:
            return next(self._body)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """What the server calls when nobody listens any more."""
        release, self._release = self._release, None
        if release is not None:
            release()


def _is_stream(answer: Response) -> bool:
    kind = next((value for name, value in answer.headers if name.lower() == "content-type"), "")
    return kind.partition(";")[0].strip().lower() == EVENT_STREAM


def _after(request: Request, last_id: str) -> Request:
    if not last_id:
        return request
    others = tuple((name, value) for name, value in request.headers if name.lower() != _LAST_EVENT_ID)
    return structs.replace(request, headers=(*others, (_LAST_EVENT_ID, last_id)))
