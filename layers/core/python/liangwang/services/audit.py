"""The audit trail and the statistics: the streams of governance and departments become records, what both do is
counted, and a schedule signs where the chains stand.

AWS advises at most two readers on a stream: one is the publisher, this is the other. Intake's stream has its records made by what follows there (``services/followup.py``).
"""

from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

from .. import clock, log
from ..aggregates import cases_of
from ..audit_anchors import Anchors
from ..changes import Anomaly, Change, read
from ..trail import Trail
from . import turns
from .turns import Step


class Audit:
    """``trails`` are by the name of the table whose stream comes, and so are the ``steps`` that follow beside the trail."""

    def __init__(
        self,
        trails: Mapping[str, Trail],
        anchors: Anchors,
        *,
        steps: Mapping[str, Sequence[Step]] = MappingProxyType({}),
        clock: clock.Clock = clock.utc,
    ) -> None:
        self._trails = trails
        self._steps = steps
        self._anchors = anchors
        self._clock = clock

    def handle(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Gives trail and steps their turn, whatever becomes of the others. Raises when something could not be appended,
        counted or signed: the trigger has to come again.
        """
        now = self._clock()
        if not event.get("Records"):
            return self._anchor()
        with log.invocation("audit"):
            table = event["Records"][0]["eventSourceARN"].split("/")[1]
            found = read(event)
            log.about(cases_of(one.key if isinstance(one, Anomaly) else one.after.key for one in found))
            changes, is_old = [one for one in found if isinstance(one, Change)], turns.is_old(event, now)
            outcomes = [turns.attempt(partial(self._trails[table].append, found, now))]
            outcomes += [turns.take(step, changes, now, is_old=is_old) for step in self._steps.get(table, ())]
            errors = [error for error in outcomes if error is not None]
            if errors:
                raise errors[0]
        return {"batchItemFailures": []}

    def _anchor(self) -> dict[str, Any]:
        if self._anchors.due(self._clock()) is not None:
            with log.invocation("audit") as line:
                line["anchored"] = 1
        return {"batchItemFailures": []}
