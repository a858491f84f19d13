"""What a run did, read from the log lines of the functions: writes, write units, messages."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from local.stack import Stack

UNITS = {
    "followup": "write_units_behind",
    "audit": "write_units_behind",
    "notifier": "write_units_behind",
    "identity": "write_units_people",
}
"""What the write units of a function are counted as; of all others they are the case's own."""


class Work:
    """Counts from the moment it is made; ``counts()`` tells what has happened since."""

    def __init__(self, stack: Stack) -> None:
        self._files = [stack.config.log(name) for name in ("gateway", "runner")]
        self._offsets = [_size(file) for file in self._files]

    def counts(self) -> Counter[str]:
        """``writes``, ``write_units``, ``messages`` and ``invocations`` since the start.

        ``write_units`` are of the case's own way, which the aims are about; ``write_units_people`` of logging in,
        ``write_units_behind`` of what follows from streams: notifications, the audit trail, forgetting.
        """
        found: Counter[str] = Counter()
        for file, offset in zip(self._files, self._offsets, strict=True):
            with file.open("rb") as lines:
                lines.seek(offset)
                for line in lines:
                    _add(found, line)
        return found


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _add(found: Counter[str], line: bytes) -> None:
    try:
        fields = json.loads(line)
    except ValueError:
        return
    if not isinstance(fields, dict) or "function" not in fields:
        return
    found["invocations"] += 1
    found["writes"] += fields.get("writes", 0)
    found[UNITS.get(fields["function"], "write_units")] += fields.get("write_units", 0)
    found["messages"] += fields.get("sent", 0) + fields.get("carried", 0)
