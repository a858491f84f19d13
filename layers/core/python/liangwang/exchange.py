"""The exchange API between governance and intake: its shapes, and the client that governance calls it with.

A third-party intake stands in for ours by answering these calls (docs/exchange.md).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar, get_args
from urllib.parse import urlencode, urlsplit

from msgspec import DecodeError, Meta, Raw, Struct, json

from .domain import messages as m
from .domain.errors import Invalid, Violation
from .domain.identifiers import LOOKS_PERSONAL
from .domain.reconciliation import CaseKnown
from .http_client import HttpClient, Response

T = TypeVar("T")

PAGE = 100
"""Most applications a call asks for, and most entries a call sends."""


PROGRESS: dict[str, type[m.Progress]] = {m.type_of(kind): kind for kind in get_args(m.Progress)}
"""What may be delivered as progress, by type."""


def parse_id(identity: str) -> tuple[str, int]:
    """Case number and version of ``<system>/<case_no>/<version>``. Raises Invalid."""
    parts = identity.split("/")
    if len(parts) != 3 or not parts[2].isdecimal() or len(parts[2]) > 9:
        violation = Violation("id", "use <system>/<case_no>/<version>, as it was given")
        raise Invalid(f"{identity[:100]!r} is no message id", violations=(violation,))
    return parts[1], int(parts[2])


class Pending(Struct, frozen=True, kw_only=True):
    """One message of the citizen that waits to be carried. ``data`` follows the contract that ``type`` names."""

    id: str
    type: str
    case_no: str
    time: datetime
    round: int
    data: Any


class PendingPage(Struct, frozen=True):
    """Messages in the order in which each case's must be carried."""

    pending: tuple[Pending, ...]


class CasePage(Struct, frozen=True):
    """Open cases as intake knows them, in an order of intake's own; ``cursor`` leads to the next page, if there is one."""

    cases: tuple[CaseKnown, ...]
    cursor: str = ""


class Acknowledgement(Struct, frozen=True, kw_only=True):
    """Kafka holds this message; ``round`` as it was given."""

    id: str
    round: int = 0


class Acknowledgements(Struct, frozen=True):
    """What the centre has carried."""

    acknowledged: tuple[Acknowledgement, ...]


class ProgressEntry(Struct, frozen=True, kw_only=True):
    """One message of a department on its way to the citizen. ``id`` ends in the department's sequence."""

    id: str
    type: str
    case_no: str
    time: Annotated[datetime, Meta(tz=True)]
    data: Any


class ProgressDelivery(Struct, frozen=True):
    """What departments told, in any order, as often as need be."""

    progress: tuple[ProgressEntry, ...]


class Refused(Struct, frozen=True, kw_only=True):
    """An entry that intake cannot take, now or ever."""

    id: str
    reason: str


class Receipt(Struct, frozen=True):
    """How many entries were taken, and which were not."""

    taken: int
    refused: tuple[Refused, ...] = ()


CALL_LIMIT = 256 * 1024
"""Bytes that intake takes in a call."""

ANSWER_LIMIT = 8 * 1024 * 1024
"""Bytes of an answer that the centre reads; a Lambda's has 6 MB at most."""

CALL_BYTES = 200_000
"""Most bytes of entries that the centre puts into one."""


def _fitting(entries: Iterable[bytes], page: int) -> Iterator[list[Raw]]:
    """Encoded entries in their order, in batches that one call can hold."""
    batch: list[Raw] = []
    size = 0
    for entry in entries:
        if batch and (len(batch) == page or size + len(entry) > CALL_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(Raw(entry))
        size += len(entry)
    if batch:
        yield batch


class ExchangeError(Exception):
    """Intake did not take the call; it has to be made again."""


class Exchange:
    """Calls an intake's exchange API, ``page`` cases or entries at a time; the URL may have a path.

    Raises ExchangeError whenever a call has to be repeated; an answer of another shape than promised is no answer.
    """

    def __init__(self, url: str, *, token: Callable[[], str], page: int = PAGE, timeout: float = 20.0) -> None:
        self._client = HttpClient(url, timeout=timeout, longest=ANSWER_LIMIT, whole=True)
        self._path = urlsplit(url).path.rstrip("/")
        self._token = token
        self.page = page

    def pending(self, case_nos: Sequence[str] = (), *, again: bool = False) -> tuple[Pending, ...]:
        """What named cases have to say, or (``again``) all that they ever said; without names, what is due to be carried (again)."""
        asked = [("limit", str(self.page))] + [("case_no", case_no) for case_no in case_nos]
        query = urlencode(asked + ([("again", "true")] if again else []))
        return self._called("GET", f"/exchange/applications?{query}", PendingPage).pending

    def cases(self, case_nos: Sequence[str] = (), *, cursor: str = "") -> CasePage:
        """A page of what is open, or these cases; one that intake does not have is not in it."""
        asked = [("limit", str(self.page))] + [("case_no", case_no) for case_no in case_nos]
        query = urlencode(asked + ([("cursor", cursor)] if cursor else []))
        return self._called("GET", f"/exchange/cases?{query}", CasePage)

    def acknowledge(self, acknowledgements: Sequence[Acknowledgement]) -> Receipt:
        """Tells intake what Kafka holds."""
        body = json.encode(Acknowledgements(tuple(acknowledgements)))
        return self._called("POST", "/exchange/acknowledgements", Receipt, body)

    def deliver(self, entries: Sequence[ProgressEntry]) -> dict[str, str]:
        """Hands progress to intake, in as few calls as fit; the entries refused for good, by id, with the reason."""
        encoded = [(entry.id, json.encode(entry)) for entry in entries]
        refused = {id: "the message is too large" for id, entry in encoded if len(entry) > CALL_BYTES}
        for batch in _fitting((entry for id, entry in encoded if id not in refused), self.page):
            receipt = self._called("POST", "/exchange/progress", Receipt, json.encode({"progress": batch}))
            refused |= {one.id: one.reason for one in receipt.refused}
        return refused

    def _called(self, method: str, target: str, shape: type[T], body: bytes = b"") -> T:
        answer = self._call(method, target, body)
        try:
            return json.decode(answer, type=shape)
        except (DecodeError, RecursionError) as error:
            raise ExchangeError(
                f"{method} {target.partition('?')[0]}: 200, but no {shape.__name__}: {error}"
            ) from error

    def _call(self, method: str, target: str, body: bytes = b"") -> bytes:
        headers = {"content-type": "application/json"}
        try:
            headers["authorization"] = f"Bearer {self._token()}"
            response: Response = self._client.request(method, self._path + target, body=body, headers=headers)
        except Exception as error:
            raise ExchangeError(f"{method} {target}: {error!r}") from error
        if response.status != 200:
            text = LOOKS_PERSONAL.sub("****", response.body[:300].decode(errors="replace"))  # it is kept, and shown
            raise ExchangeError(f"{method} {target}: status {response.status}: {text}")
        return response.body
