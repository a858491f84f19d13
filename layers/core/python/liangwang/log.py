"""One structured line an invocation, on standard output, where CloudWatch and the local machine pick it up.

Lines hold counts, ids and reasons, never personal data.
"""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from msgspec import json

_current = threading.local()


def add(**counts: float) -> None:
    """Adds to the counts of this thread's invocation, if one is under way: what was written, and what it cost."""
    line: dict[str, Any] | None = getattr(_current, "line", None)
    if line is not None:
        for name, count in counts.items():
            line[name] = line.get(name, 0) + count


def write(**fields: Any) -> None:
    """Writes one line of JSON."""
    sys.stdout.buffer.write(json.encode(fields, enc_hook=str) + b"\n")
    sys.stdout.flush()


@contextmanager
def invocation(name: str) -> Iterator[dict[str, Any]]:
    """Collects the line of one invocation and writes it at the end, with the milliseconds it took."""
    line: dict[str, Any] = {"function": name}
    _current.line = line
    started = time.perf_counter()
    try:
        yield line
    except BaseException as error:
        line["error"] = repr(error)
        raise
    finally:
        _current.line = None
        line["ms"] = round((time.perf_counter() - started) * 1000, 1)
        write(**line)
