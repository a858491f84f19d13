"""EventBridge Scheduler's part: ScheduleV2 rates, each run in a thread of its own.

A rate is kept, but locally a schedule comes round at least every LOCAL_SCHEDULE_SECONDS (2 by default), so that
what heals once a minute on AWS heals while one watches. A run that takes longer than its rate delays the next:
on AWS they would overlap. The payload is the event's Input, and an empty object without one, as Scheduler sends.
"""

from __future__ import annotations

import json
import logging
import re
from typing import Any

from local.source import Invocable, Source, back_off
from local.template import ScheduleMapping, TemplateError

log = logging.getLogger("local.schedule")

_UNITS = {"minute": 60.0, "hour": 3600.0, "day": 86400.0}


def rate_seconds(expression: str, *, place: str) -> float:
    """Seconds of a `rate(…)` expression. Raises TemplateError for cron(), at() and what is malformed."""
    match = re.fullmatch(r"rate\(\s*(\d+)\s+(minute|hour|day)s?\s*\)", expression)
    if match is None or int(match[1]) < 1:
        raise TemplateError(
            f"{place}.ScheduleExpression: {expression} is not served locally; rate(N minutes|hours|days) is"
        )
    return int(match[1]) * _UNITS[match[2]]


class Schedule(Source):
    """One schedule; its first run comes after one interval."""

    def __init__(
        self, mapping: ScheduleMapping, function: Invocable, *, expression: str, longest_seconds: float
    ) -> None:
        self._every = min(rate_seconds(expression, place=mapping.name), longest_seconds)
        super().__init__(f"schedule {mapping.name}", state={"kind": "schedule", "every": self._every})
        self.mapping = mapping
        self._function = function
        self._payload: Any = json.loads(mapping.payload)
        self.assigned.set()

    def _run(self) -> None:
        while not self._stopping.wait(self._every):
            self._fire()

    def _fire(self) -> None:
        """One run with its retries; the next interval gives up on them, as the next run does the same work."""
        for attempt in range(1, min(self.mapping.maximum_retries, 3) + 2):
            try:
                self._function.invoke(self._payload)
            except Exception as error:
                log.exception("%s failed", self.mapping.name)
                self.state["last"] = f"failed: {type(error).__name__}: {error}"
                if self._stopping.wait(back_off(attempt)):
                    return
            else:
                self.state["records"] += 1
                self.state["last"] = "ran"
                return
