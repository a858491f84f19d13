"""What follows in intake from what has happened: each matter is a step of its own.

AWS advises at most two readers on a stream. The relay is one of intake's; this is the other, for everything else.

What a step stumbles over is brought again, with patience (``turns.py``). After the fix of a fault somebody gives the
change to all steps anew (``again``, docs/operations.md).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from .. import clock, log
from ..aggregates import Key, cases_of
from ..changes import Change, read
from ..store import Stored
from ..trail import Trail
from . import turns
from .turns import attempt

Load = Callable[[Iterable[Key]], Mapping[Key, Stored]]


class Step(turns.Step, Protocol):
    """One matter that follows. Both methods may be called again with what they have seen: nothing happens twice."""

    def sweep(self, now: datetime) -> None:
        """What is due by time. The schedule comes every minute, on one machine every two seconds: ask cheaply."""
        ...


class FollowUp:
    """Triggered by the stream of intake's table and by a schedule. The audit trail has all that the stream says, steps
    have the changes."""

    def __init__(
        self,
        steps: Sequence[Step],
        *,
        trail: Trail | None = None,
        load: Load | None = None,
        clock: clock.Clock = clock.utc,
    ) -> None:
        self._steps = steps
        self._trail = trail
        self._load = load
        self._clock = clock

    def handle(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Gives every step its turn, whatever becomes of the others; raises when one has to have it again."""
        now = self._clock()
        with log.invocation("followup") as line:
            if "Records" in event:
                outcomes = self._stream(event, now, line)
            elif "again" in event:
                outcomes = self._again(event["again"], now)
            else:
                outcomes = [attempt(partial(step.sweep, now)) for step in self._steps]
            errors = [error for error in outcomes if error is not None]
            line["failed"] = len(errors)
            if errors:
                raise errors[0]
        return {"batchItemFailures": []}

    def _stream(self, event: Mapping[str, Any], now: datetime, line: dict[str, Any]) -> list[Exception | None]:
        found = read(event)
        changes = [one for one in found if isinstance(one, Change)]
        line["changes"] = len(changes)
        log.about(cases_of(change.after.key for change in changes))
        outcomes = [attempt(partial(self._trail.append, found, now))] if self._trail else []
        is_old = turns.is_old(event, now)
        return outcomes + [turns.take(step, changes, now, is_old=is_old) for step in self._steps]

    def _again(self, names: Sequence[str], now: datetime) -> list[Exception | None]:
        """Gives what these items (``<kind>#<id>``) hold to every step, as if all of it was new."""
        assert self._load is not None
        loaded = self._load(Key.parse(name) for name in names).values()
        changes = [Change(Stored(stored.key), stored, stored.history) for stored in loaded if stored.history]
        return [attempt(partial(step.take, changes, now)) for step in self._steps]
