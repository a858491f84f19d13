"""What follows in intake from what has happened: each matter is a step of its own.

AWS advises at most two readers on a stream. The relay is one of intake's; this is the other, for everything else.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from .. import clock, log
from ..aggregates import cases_of
from ..changes import Change, read
from ..trail import Trail


class Step(Protocol):
    """One matter that follows. Both methods may be called again with what they have seen: nothing happens twice."""

    def take(self, changes: Sequence[Change], now: datetime) -> None:
        """New changes of intake's table, in order within an aggregate. Raising makes the stream bring them again."""
        ...

    def sweep(self, now: datetime) -> None:
        """What is due by time. The schedule comes every minute, on one machine every two seconds: ask cheaply."""
        ...


class FollowUp:
    """Triggered by the stream of intake's table and by a schedule. The audit trail has all that the stream says, steps
    have the changes."""

    def __init__(self, steps: Sequence[Step], *, trail: Trail | None = None, clock: clock.Clock = clock.utc) -> None:
        self._steps = steps
        self._trail = trail
        self._clock = clock

    def handle(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Gives every step its turn, whatever becomes of the others; raises when one has to have it again."""
        now = self._clock()
        with log.invocation("followup") as line:
            if "Records" in event:
                found = read(event)
                changes = [one for one in found if isinstance(one, Change)]
                line["changes"] = len(changes)
                log.about(cases_of(change.after.key for change in changes))
                outcomes = [_attempt(partial(self._trail.append, found, now))] if self._trail else []
                outcomes += [_attempt(partial(step.take, changes, now)) for step in self._steps]
            else:
                outcomes = [_attempt(partial(step.sweep, now)) for step in self._steps]
            errors = [error for error in outcomes if error is not None]
            line["failed"] = len(errors)
            if errors:
                raise errors[0]
        return {"batchItemFailures": []}


def _attempt(turn: Callable[[], object]) -> Exception | None:
    try:
        turn()
    except Exception as error:
        return error
    return None
