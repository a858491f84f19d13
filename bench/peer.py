"""The strongest peer, Restate, on the same case in the same closed loop: applicants and clerks as clients of its server.

The applicant's call returns when the case is closed. The clerk is posted each ask and resolves it over HTTP at once.
"""

from __future__ import annotations

import json
import random
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from liangwang.http_client import HttpClient

from bench import closed
from bench.cpu import Meter
from bench.figures import Lap
from bench.restate.setup import Restate

ASKING = 0.3
APPLICATION = {
    "task_code": "elderly-card",
    "place": "990101002",
    "promised_days": 20,
    "form": {
        "name": "张示例",
        "identity_number": "990101195001010000",
        "phone": "13800000000",
        "birth_year": 1950,
        "household": "local",
        "collection": "window",
    },
    "materials": ["identity-card", "photo", "residence-proof"],
}
"""What the applicant of our commonest case sends."""

JSON = {"content-type": "application/json"}


SHAPES = {"three parties": "Intake", "one workflow": "Case"}
"""Both shapes of bench/restate/service.py by the workflow that the applicant calls."""


def measure(cases: int, *, clients: int, seed: int) -> dict[str, Lap]:
    """Each shape on a fresh server: a warm-up, then the measured cases. Raises PeerError when it cannot run here."""
    return {name: _shape(workflow, cases, clients=clients, seed=seed) for name, workflow in SHAPES.items()}


def _shape(workflow: str, cases: int, *, clients: int, seed: int) -> Lap:
    with Clerk() as clerk, Restate(clerk=clerk.address) as restate:
        ingress = HttpClient(restate.ingress, timeout=60)
        clerk.answer_at(ingress)
        dice = random.Random(seed)

        def do(asks: bool) -> None:
            body = json.dumps({**APPLICATION, "ask": asks}, ensure_ascii=False).encode()
            response = ingress.request("POST", f"/{workflow}/{uuid.uuid4().hex}/run", body=body, headers=JSON)
            if response.status != 200 or json.loads(response.body)["outcome"] != "granted":
                raise SystemExit(f"a case did not end well, so the figures mean nothing: {response}")

        def lot(count: int) -> list[bool]:
            return [dice.random() < ASKING for _ in range(count)]

        closed.run(lot(max(100, cases // 2)), do, clients=clients, meter=lambda: Meter({}))
        found = closed.run(lot(cases), do, clients=clients, meter=lambda: Meter(restate.pids))
        if clerk.problems:
            raise SystemExit(f"the clerk could not answer, so the figures mean nothing: {clerk.problems[0]}")
        return found


class Clerk:
    """Takes asks on a port of its own and answers each at once."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self._pool = ThreadPoolExecutor(4)
        self._ingress: HttpClient | None = None
        clerk = self

        class Inbox(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.send_response(204)
                self.end_headers()
                clerk.take(self.path.rpartition("/")[2])

            def log_message(self, format: str, *args: Any) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Inbox)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def address(self) -> str:
        """Where asks are posted to, as ``/<case>/<awakeable>``."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer_at(self, ingress: HttpClient) -> None:
        """Where the answers go."""
        self._ingress = ingress

    def take(self, awakeable: str) -> None:
        """One ask."""
        self._pool.submit(self._answer, awakeable)

    def _answer(self, awakeable: str) -> None:
        assert self._ingress is not None
        try:
            target = f"/restate/awakeables/{awakeable}/resolve"
            response = self._ingress.request("POST", target, body=b'{"opinion": "agree"}', headers=JSON)
            if response.status >= 300:
                self.problems.append(f"{awakeable}: {response}")
        except OSError as error:
            self.problems.append(f"{awakeable}: {error!r}")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._server.shutdown()
        self._pool.shutdown()
        self._server.server_close()
