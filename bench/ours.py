"""Our system under the two loops.

*Open*: eight clients apply as fast as they are answered, clerks look through their worklists; the clock runs from the
first application to the last final word at intake. It shows what the system carries.

*Closed*: each client applies, waits until its case is closed as intake knows it, and applies again. It shows what one
citizen waits for, and is the loop that the peer can be measured in. There the people cost as little as they can, so that
the figures are the system's: a watcher reads the open cases from intake's table every 20 ms, as an operator's tool may,
and the clerk hears of a task from the topic of tasks, as a department's own system does, and reports over HTTP.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

from liangwang import catalogue, envelope
from liangwang.aggregates import APPLICATION, Key
from liangwang.domain.messages import TOPIC, TaskDispatched
from msgspec import Struct

from bench import bare, closed
from bench.cpu import Meter
from bench.figures import Lap
from bench.work import Work
from local import accounts, demo, players
from local.api import Api, ApiError
from local.players import Citizens, Scenario, Wish
from local.reconciliation import Tables
from local.stack import Stack

MIX = (
    Scenario(item="elderly-card", weight=7),
    Scenario(item="individual-business-registration", form={"premises_kind": "home"}, weight=3),
)
"""Seven in ten are decided at once, three in ten ask one department and wait for its reply."""

WATCH_SECONDS = 0.02
PATIENCE = 60.0


class Open(Struct, frozen=True):
    """An open run: its figures, and the writes and messages it took, which the floor repeats."""

    lap: Lap
    writes: int
    messages: int


class Ours:
    """A stack with everyone signed in: signing in is slow by design, and no part of a case's way."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._known = catalogue.load(stack.config.catalogue)
        self._api = Api(stack.gateway_url, accounts.password(stack.config.state))
        departments = [one.code for one in self._known.organisation.departments if one.connected == "here"]
        people = [accounts.citizen(number) for number in range(1, accounts.CITIZENS + 1)]
        people += [accounts.clerk(code, number) for code in departments for number in range(1, accounts.CLERKS + 1)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(self._api.login, people))

    def open(self, cases: int, *, seed: int) -> Open:
        """Applications as fast as they are answered. Raises SystemExit when not every case ended well."""
        work, cpu = Work(self._stack), self._meter()
        report = demo.play(self._stack, self._lot(cases, seed), moods=False, api=self._api)
        spent = cpu.ms_each(cases)
        if not report.is_clean:
            raise SystemExit(f"the run is not clean, so its figures mean nothing: {report}")
        time.sleep(0.5)  # the last log lines
        done = work.counts()
        found = Lap(cases=cases, seconds=report.seconds, latency_ms=report.latency_ms, cpu_ms=spent)
        return Open(found, done["writes"], done["messages"])

    def closed(self, cases: int, *, clients: int, seed: int) -> Lap:
        """Each client applies again when its case is closed. Raises SystemExit when not every case ended well."""
        tables, citizens = Tables.of(self._stack), Citizens(self._api, self._known)
        made: list[str] = []
        with Clerk(self._stack, self._api) as clerk, Watcher(tables) as watcher:

            def do(wish: Wish) -> None:
                number = citizens.apply(wish)
                made.append(number)
                watcher.await_end(number)

            found = closed.run(self._lot(cases, seed), do, clients=clients, meter=self._meter)
        if clerk.problems:
            raise SystemExit(f"the clerk could not answer, so the figures mean nothing: {clerk.problems[0]}")
        _reconcile(tables, made)
        return found

    def idle(self, *, seconds: float = 3.0) -> dict[str, float]:
        """CPU milliseconds a second of each process when nobody applies: what waiting for work costs."""
        cpu = self._meter()
        time.sleep(seconds)
        return {name: round(ms / seconds, 1) for name, ms in cpu.ms_each(1).items()}

    def _lot(self, cases: int, seed: int) -> list[Wish]:
        return players.wishes(cases, self._known, seed=seed, chosen=MIX)

    def _meter(self) -> Meter:
        return Meter({name: one["pid"] for name, one in self._stack.description()["processes"].items()})


def _reconcile(tables: Tables, made: Sequence[str]) -> None:
    """All three systems agree on every case, at the latest after some seconds."""
    deadline = time.monotonic() + 10
    left = list(made)
    while left:
        footprints = [one for start in range(0, len(left), 100) for one in tables.cases(left[start : start + 100])]
        differences = [found for one in footprints if (found := one.difference())]
        left = [one.case_no for one in differences]
        if differences and time.monotonic() > deadline:
            raise SystemExit(f"the run is not clean, so its figures mean nothing: {differences[:3]}")
        time.sleep(0.1 if left else 0)


class Watcher:
    """Tells clients that their case is closed as intake knows it, reading all open ones with one call each time."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._open: dict[Key, threading.Event] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def await_end(self, case_no: str) -> None:
        """Returns when the case is closed. Raises TimeoutError when it is not after a minute."""
        closed = self._open[Key(APPLICATION.name, case_no)] = threading.Event()
        if not closed.wait(PATIENCE):
            raise TimeoutError(f"case {case_no} is not closed after {PATIENCE:.0f} s")

    def _watch(self) -> None:
        while not self._stop.wait(WATCH_SECONDS):
            found = self._tables.intake.load(list(self._open)) if self._open else {}
            for key, stored in found.items():
                if stored.history and stored.state.is_terminal:
                    self._open.pop(key).set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()


class Clerk:
    """Clerks who report on every task as soon as it is dispatched."""

    def __init__(self, stack: Stack, api: Api) -> None:
        self._api = api
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(4)
        self.problems: list[str] = []
        self._consumer = bare.listener(stack.config, TOPIC[TaskDispatched])
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def _listen(self) -> None:
        while not self._stop.is_set():
            record = self._consumer.poll(0.1)
            if record is not None and record.error() is None:
                message = envelope.decode(record.value()).data
                if isinstance(message, TaskDispatched):
                    self._pool.submit(self._report, message)

    def _report(self, task: TaskDispatched) -> None:
        """Reports; the department's own consumer may not have written the task yet, which is a 404."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                clerk = accounts.clerk(task.department, 1)
                self._api.post(clerk, f"/api/tasks/{task.task_id}/report", {"opinion": "agree"})
                return
            except ApiError as error:
                if error.document["status"] == 409:  # the same task dispatched again
                    return
                if error.document["status"] != 404 or time.monotonic() > deadline:
                    self.problems.append(f"{task.task_id}: {error}")
                    return
            time.sleep(0.01)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()
        self._pool.shutdown()
        self._consumer.close()
