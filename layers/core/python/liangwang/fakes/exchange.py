"""The exchange client without HTTP in between: its calls go straight to ``ExchangeApi``, through the same JSON."""

from collections.abc import Callable
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

from msgspec import json

from .. import clock
from ..exchange import Acknowledgements, Exchange, ExchangeError, ProgressDelivery
from ..http import Caller, Request
from ..services.exchange import ExchangeApi

SYSTEM = Caller(subject="governance", role="system")


class FakeExchange(Exchange):
    """Everything but the wire is the real client.

    ``faults`` are used up one a call: ``""`` is no fault, ``refused`` does not reach intake, ``lost`` loses its answer.
    """

    def __init__(self, api: ExchangeApi, *, clock: clock.Clock = clock.utc) -> None:
        super().__init__("http://intake.example", token=lambda: "a token")
        self._clock = clock
        self.faults: list[Literal["", "refused", "lost"]] = []
        self._routes: dict[str, tuple[Callable[[Request], Any], type | None]] = {
            "GET /exchange/applications": (api.pending, None),
            "GET /exchange/cases": (api.cases, None),
            "POST /exchange/acknowledgements": (api.acknowledge, Acknowledgements),
            "POST /exchange/progress": (api.progress, ProgressDelivery),
        }

    def _call(self, method: str, target: str, body: bytes = b"") -> bytes:
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "refused":
            raise ExchangeError("intake was not reached, as the test wishes")
        parts = urlsplit(target)
        key = f"{method} {parts.path}"
        action, kind = self._routes[key]
        request = Request(
            route=key,
            caller=SYSTEM,
            path={},
            # API Gateway joins the values of a repeated parameter by commas.
            query={name: ",".join(values) for name, values in parse_qs(parts.query).items()},
            headers={},
            body=json.decode(body, type=kind) if kind else None,
            now=self._clock(),
        )
        try:
            answer = json.encode(action(request))
        except Exception as error:  # the gateway would answer with another status than 200
            raise ExchangeError(repr(error)) from error
        if fault == "lost":
            raise ExchangeError("the answer was lost, as the test wishes")
        return answer
