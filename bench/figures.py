"""The figures of a run, their medians and ranges over the rounds, and the file of ``--json``."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct, to_builtins

from local.reconciliation import percentile

OWN = ("gateway", "runner")
"""The processes of a stack that hold our functions; the others are what AWS would be."""


class Lap(Struct, frozen=True, kw_only=True):
    """One run of cases to their end. ``latency_ms`` holds p50 and p95 from applying to the end; ``cpu_ms`` is CPU a
    case by process, clients not counted."""

    cases: int
    seconds: float
    latency_ms: dict[str, float]
    cpu_ms: dict[str, float] = {}

    @property
    def rate(self) -> float:
        """Cases a second."""
        return self.cases / self.seconds

    @property
    def own_cpu_ms(self) -> float:
        """CPU a case of the processes that hold our functions."""
        return sum(ms for name, ms in self.cpu_ms.items() if name in OWN)

    @property
    def all_cpu_ms(self) -> float:
        """CPU a case of every process."""
        return sum(self.cpu_ms.values())


class Spread(Struct, frozen=True):
    """A median and its range."""

    median: float
    low: float
    high: float

    def text(self, digits: int = 0) -> str:
        """``84 (79–91)``."""
        return f"{self.median:.{digits}f} ({self.low:.{digits}f}–{self.high:.{digits}f})"


def spread(values: Iterable[float]) -> Spread:
    """Of at least one value."""
    found = list(values)
    return Spread(statistics.median(found), min(found), max(found))


def lap(latencies: list[float], seconds: float, cpu_ms: Mapping[str, float]) -> Lap:
    """A lap from the latency of each case, in milliseconds."""
    quantiles = {name: round(percentile(latencies, share), 1) for name, share in (("p50", 0.5), ("p95", 0.95))}
    return Lap(cases=len(latencies), seconds=seconds, latency_ms=quantiles, cpu_ms=dict(cpu_ms))


def summary(laps: list[Lap]) -> dict[str, Spread]:
    """Median and range of each figure over the laps of one kind."""
    return {
        "cases_per_second": spread(one.rate for one in laps),
        "p50_ms": spread(one.latency_ms["p50"] for one in laps),
        "p95_ms": spread(one.latency_ms["p95"] for one in laps),
        "own_cpu_ms": spread(one.own_cpu_ms for one in laps),
        "all_cpu_ms": spread(one.all_cpu_ms for one in laps),
    }


def machine() -> dict[str, Any]:
    """What one has to know to read the figures."""
    return {"cores": os.cpu_count(), "python": platform.python_version(), "load_before": round(os.getloadavg()[0], 2)}


def write(file: Path, figures: Mapping[str, Any]) -> None:
    """The ``--json`` file."""
    file.write_text(json.dumps(to_builtins(figures), ensure_ascii=False, indent=2) + "\n")
