"""One structured line an invocation, on standard output, where CloudWatch and the local machine pick it up.

Lines hold counts, ids and reasons, never personal data.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from msgspec import json


def write(**fields: Any) -> None:
    """Writes one line of JSON."""
    sys.stdout.buffer.write(json.encode(fields, enc_hook=str) + b"\n")
    sys.stdout.flush()


@contextmanager
def invocation(name: str) -> Iterator[dict[str, Any]]:
    """Collects the line of one invocation and writes it at the end, with the milliseconds it took."""
    line: dict[str, Any] = {"function": name}
    started = time.perf_counter()
    try:
        yield line
    except BaseException as error:
        line["error"] = repr(error)
        raise
    finally:
        line["ms"] = round((time.perf_counter() - started) * 1000, 1)
        write(**line)
