"""One structured line an invocation, on standard output, where CloudWatch and the local machine pick it up.

Lines hold counts, ids and reasons, never personal data. A line says which cases it is about (``case_no``; of a batch a
list and ``cases``, their number) and the traces they belong to (``trace``).
"""

import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from msgspec import json

from .domain.identifiers import LOOKS_PERSONAL
from .tracing import trace_id

_current = threading.local()

NAMED = 20
"""How many cases of a batch a line names; it counts them all."""


def add(**counts: float) -> None:
    """Adds to the counts of this thread's invocation, if one is under way: what was written, and what it cost."""
    line: dict[str, Any] | None = getattr(_current, "line", None)
    if line is not None:
        for name, count in counts.items():
            line[name] = line.get(name, 0) + count


def about(cases: Iterable[str]) -> None:
    """Notes the case numbers that this thread's invocation handles, if one is under way."""
    known: dict[str, None] | None = getattr(_current, "cases", None)
    if known is not None:
        known.update(dict.fromkeys(cases))


def write(**fields: Any) -> None:
    """Writes one line of JSON. What looks like a phone or an identity number is blotted out: errors of libraries may
    quote what they stumbled over."""
    line = json.encode({name: _blotted(value) for name, value in fields.items()}, enc_hook=str)
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.flush()


def _blotted(value: Any) -> Any:
    if isinstance(value, str):
        return LOOKS_PERSONAL.sub("****", value)
    if isinstance(value, dict):
        return {name: _blotted(one) for name, one in value.items()}
    return [_blotted(one) for one in value] if isinstance(value, list | tuple) else value


@contextmanager
def invocation(name: str) -> Iterator[dict[str, Any]]:
    """Collects the line of one invocation and writes it at the end, with the milliseconds it took."""
    line: dict[str, Any] = {"function": name}
    _current.line = line
    cases: dict[str, None] = {}
    _current.cases = cases
    started = time.perf_counter()
    try:
        yield line
    except BaseException as error:
        line["error"] = repr(error)
        raise
    finally:
        _current.line = _current.cases = None
        line.update(_named(list(cases)))
        line["ms"] = round((time.perf_counter() - started) * 1000, 1)
        write(**line)


def _named(cases: list[str]) -> dict[str, Any]:
    if not cases:
        return {}
    if len(cases) == 1:
        return {"case_no": cases[0], "trace": trace_id(cases[0])}
    shown = cases[:NAMED]
    return {"case_no": shown, "cases": len(cases), "trace": [trace_id(case) for case in shown]}
