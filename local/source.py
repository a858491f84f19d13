"""What every trigger of the runner has: a thread of its own, a way to end it in order, and what it last did."""

from __future__ import annotations

import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

import msgspec

from local.config import ACCOUNT, write_atomically

PATIENCE_SECONDS = 35.0
"""How long a stop waits for what is at hand, unless it is told otherwise."""

_BACK_OFF_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


def back_off(attempt: int) -> float:
    """Seconds to wait before retry number `attempt`, counted from 1."""
    return _BACK_OFF_SECONDS[min(attempt, len(_BACK_OFF_SECONDS)) - 1]


def function_arn(name: str, *, region: str) -> str:
    """The ARN of a function of this machine's account."""
    return name if name.startswith("arn:") else f"arn:aws:lambda:{region}:{ACCOUNT}:function:{name}"


class Invocable(Protocol):
    """What a trigger needs of a function."""

    name: str

    def invoke(self, event: Any) -> Any:
        """The function's answer to an event."""


class Source(ABC):
    """One trigger. `start` and `stop` are its whole control; `state` is for people and `status`.

    `assigned` is set once it has what it reads from.
    """

    def __init__(self, name: str, *, state: dict[str, Any]) -> None:
        self.assigned = threading.Event()
        self.state: dict[str, Any] = {"last": "nothing yet", "records": 0, **state}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, *, patience: float = PATIENCE_SECONDS) -> None:
        """Finish what is at hand and end; returns when that is done, or after `patience` seconds."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(patience)

    @abstractmethod
    def _run(self) -> None:
        """Works until `_stopping` is set."""


def stop_all(sources: Iterable[Source], *, patience: float = PATIENCE_SECONDS) -> None:
    """Let every source finish what is at hand, side by side; returns when all have ended or `patience` is over."""
    stoppers = [threading.Thread(target=source.stop, kwargs={"patience": patience}) for source in sources]
    for stopper in stoppers:
        stopper.start()
    for stopper in stoppers:
        stopper.join()


def write_report(path: Path, sources: Mapping[str, Source]) -> bool:
    """Write what each source did last, by name; whether all have what they read from."""
    ready = all(source.assigned.is_set() for source in sources.values())
    content = {
        "pid": os.getpid(),
        "ready": ready,
        "sources": {name: source.state for name, source in sources.items()},
    }
    write_atomically(path, msgspec.json.encode(content))
    return ready
