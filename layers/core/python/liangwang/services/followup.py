"""What follows in intake from what has happened: each matter is a step of its own.

AWS advises at most two readers on a stream. The relay is one of intake's; this is the other, for everything else.

What fails for want of a service is brought again until it works. What fails by a fault of ours is brought again for
``PATIENCE``, time for people to mend it; then the one step lets go of the one change, by name, and an alarm rings: the
audit trail and all that stands behind it in the stream, which forgets after a day, must not wait any longer. After the
fix somebody gives the change to all steps anew (``again``, docs/operations.md).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol

from .. import clock, log
from ..aggregates import Key, cases_of
from ..aws import AwsError
from ..changes import Change, read
from ..store import Conflict, Stored
from ..trail import Trail

PATIENCE = timedelta(hours=1)
"""How long a change that a step stumbles over is brought again. Errors ring after three minutes."""

Load = Callable[[Iterable[Key]], Mapping[Key, Stored]]


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
                outcomes = [_attempt(partial(step.sweep, now)) for step in self._steps]
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
        outcomes = [_attempt(partial(self._trail.append, found, now))] if self._trail else []
        is_old = _newest(event) < (now - PATIENCE).timestamp()
        return outcomes + [_take(step, changes, now, is_old=is_old) for step in self._steps]

    def _again(self, names: Sequence[str], now: datetime) -> list[Exception | None]:
        """Gives what these items (``<kind>#<id>``) hold to every step, as if all of it was new."""
        assert self._load is not None
        loaded = self._load(Key.parse(name) for name in names).values()
        changes = [Change(Stored(stored.key), stored, stored.history) for stored in loaded if stored.history]
        return [_attempt(partial(step.take, changes, now)) for step in self._steps]


def _take(step: Step, changes: Sequence[Change], now: datetime, *, is_old: bool) -> Exception | None:
    """A step's turn. Of what has had its time each change is given by itself; one that meets a fault is set aside."""
    error = _attempt(partial(step.take, changes, now))
    if error is None or not is_old or _may_pass(error):
        return error
    waiting: Exception | None = None
    for change in changes:
        error = _attempt(partial(step.take, [change], now))
        if error is not None and _may_pass(error):
            waiting = waiting or error
        elif error is not None:
            name, version = type(step).__name__, change.after.version
            log.write(function="followup", step=name, left=str(change.after.key), version=version, reason=repr(error))
            log.add(set_aside=1)  # rings (infra/alarms.py)
    return waiting


def _may_pass(error: Exception) -> bool:
    """Whether waiting may help: a service that is away or refuses, somebody who was faster."""
    if isinstance(error, AwsError):
        return error.code != "ValidationException"
    return isinstance(error, Conflict | OSError)


def _newest(event: Mapping[str, Any]) -> float:
    """When the newest of the records was written (seconds since 1970); now and for ever for one without a date."""
    dates = [record["dynamodb"].get("ApproximateCreationDateTime", "inf") for record in event["Records"]]
    return max(map(float, dates), default=float("inf"))


def _attempt(turn: Callable[[], object]) -> Exception | None:
    try:
        turn()
    except Exception as error:
        return error
    return None
