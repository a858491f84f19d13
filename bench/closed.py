"""The closed loop: each of some clients applies, waits until its case is closed, and applies again."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from bench.cpu import Meter
from bench.figures import Lap, lap

Job = TypeVar("Job")


def run(jobs: Sequence[Job], do: Callable[[Job], None], *, clients: int, meter: Callable[[], Meter]) -> Lap:
    """Does all jobs, ``clients`` at a time; ``do`` returns when its case is closed. Any error ends the run with it."""
    latencies: list[float] = []

    def one(job: Job) -> None:
        began = time.perf_counter()
        do(job)
        latencies.append((time.perf_counter() - began) * 1000)

    with ThreadPoolExecutor(clients) as pool:
        cpu = meter()
        began = time.perf_counter()
        list(pool.map(one, jobs))
        seconds = time.perf_counter() - began
        return lap(latencies, seconds, cpu.ms_each(len(jobs)))
