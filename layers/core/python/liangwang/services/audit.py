"""The audit trail: the streams of governance and departments become records, and a schedule signs where the chains stand.

Intake's stream has its records made by what follows there (``services/followup.py``).
"""

from collections.abc import Mapping
from typing import Any

from .. import clock, log
from ..aggregates import cases_of
from ..audit_anchors import Anchors
from ..changes import Anomaly, read
from ..trail import Trail


class Audit:
    """``trails`` are by the name of the table whose stream comes."""

    def __init__(self, trails: Mapping[str, Trail], anchors: Anchors, *, clock: clock.Clock = clock.utc) -> None:
        self._trails = trails
        self._anchors = anchors
        self._clock = clock

    def handle(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Raises when something could not be appended or signed: the trigger has to come again."""
        now = self._clock()
        if not event.get("Records"):
            return self._anchor()
        with log.invocation("audit"):
            table = event["Records"][0]["eventSourceARN"].split("/")[1]
            found = read(event)
            log.about(cases_of(one.key if isinstance(one, Anomaly) else one.after.key for one in found))
            self._trails[table].append(found, now)
        return {"batchItemFailures": []}

    def _anchor(self) -> dict[str, Any]:
        if self._anchors.due(self._clock()) is not None:
            with log.invocation("audit") as line:
                line["anchored"] = 1
        return {"batchItemFailures": []}
