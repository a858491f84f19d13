"""The exchange client without HTTP in between: calls ``ExchangeApi`` itself, through the same JSON."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar

from msgspec import json

from .. import clock
from ..exchange import (
    PAGE,
    Acknowledgement,
    Acknowledgements,
    ExchangeError,
    Pending,
    PendingPage,
    ProgressDelivery,
    ProgressEntry,
    Receipt,
)
from ..http import Caller, Request
from ..services.exchange import ExchangeApi

T = TypeVar("T")

SYSTEM = Caller(subject="governance", role="system")


class FakeExchange:
    """Has the shape of ``Exchange``.

    ``faults`` are used up one a call: ``""`` is no fault, ``refused`` does not reach intake, ``lost`` loses its answer.
    """

    def __init__(self, api: ExchangeApi, *, clock: clock.Clock = clock.utc) -> None:
        self._api = api
        self._clock = clock
        self.faults: list[Literal["", "refused", "lost"]] = []

    def pending(self, case_nos: Sequence[str] = ()) -> tuple[Pending, ...]:
        """See ``Exchange.pending``."""
        query = {"limit": str(PAGE), **({"case_no": ",".join(case_nos)} if case_nos else {})}
        return self._call(self._api.pending, PendingPage, query=query).pending

    def acknowledge(self, acknowledgements: Sequence[Acknowledgement]) -> Receipt:
        """See ``Exchange.acknowledge``."""
        body = json.decode(json.encode(Acknowledgements(tuple(acknowledgements))), type=Acknowledgements)
        return self._call(self._api.acknowledge, Receipt, body=body)

    def deliver(self, entries: Sequence[ProgressEntry]) -> Receipt:
        """See ``Exchange.deliver``."""
        body = json.decode(json.encode(ProgressDelivery(tuple(entries))), type=ProgressDelivery)
        return self._call(self._api.progress, Receipt, body=body)

    def _call(
        self, action: Callable[[Request], T], result: type[T], *, query: dict[str, str] | None = None, body: Any = None
    ) -> T:
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "refused":
            raise ExchangeError("intake was not reached, as the test wishes")
        request = Request(
            route="exchange", caller=SYSTEM, path={}, query=query or {}, headers={}, body=body, now=self._clock()
        )
        try:
            answer = json.decode(json.encode(action(request)), type=result)
        except Exception as error:  # the gateway would answer with status 500 or a refusal
            raise ExchangeError(repr(error)) from error
        if fault == "lost":
            raise ExchangeError("the answer was lost, as the test wishes")
        return answer
