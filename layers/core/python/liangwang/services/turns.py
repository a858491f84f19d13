"""Whose turn it is when a table's stream brings changes, and what becomes of a change that a step stumbles over.

What fails for want of a service is brought again until it works. What fails by a fault of ours is brought again for
``PATIENCE``, time for people to mend it; then the one step lets go of the one change, by name, and an alarm rings: the
audit trail and all that stands behind it in the stream, which forgets after a day, must not wait any longer.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol

from .. import log
from ..aws import AwsError
from ..changes import Change
from ..store import Conflict

PATIENCE = timedelta(hours=1)
"""How long a change that a step stumbles over is brought again. Errors ring after three minutes."""


class Step(Protocol):
    """One matter that follows from what a stream says."""

    def take(self, changes: Sequence[Change], now: datetime) -> None:
        """New changes of the table, in order within an aggregate, and maybe changes that came before: nothing happens twice.
        Raising makes the stream bring them again."""
        ...


def take(step: Step, changes: Sequence[Change], now: datetime, *, is_old: bool) -> Exception | None:
    """A step's turn. Of what has had its time each change is given by itself; one that meets a fault is set aside."""
    error = attempt(partial(step.take, changes, now))
    if error is None or not is_old or _may_pass(error):
        return error
    waiting: Exception | None = None
    for change in changes:
        error = attempt(partial(step.take, [change], now))
        if error is not None and _may_pass(error):
            waiting = waiting or error
        elif error is not None:
            name, version = type(step).__name__, change.after.version
            log.write(step=name, left=str(change.after.key), version=version, reason=repr(error))
            log.add(set_aside=1)  # rings (infra/alarms.py)
    return waiting


def _may_pass(error: Exception) -> bool:
    """Whether waiting may help: a service that is away or refuses, somebody who was faster."""
    if isinstance(error, AwsError):
        return error.code != "ValidationException"
    return isinstance(error, Conflict | OSError)


def is_old(event: Mapping[str, Any], now: datetime) -> bool:
    """Whether all of these records have had their time. One without a date is new for ever."""
    dates = [record["dynamodb"].get("ApproximateCreationDateTime", "inf") for record in event["Records"]]
    return max(map(float, dates), default=float("inf")) < (now - PATIENCE).timestamp()


def attempt(turn: Callable[[], object]) -> Exception | None:
    """Gives somebody a turn; answers what it raised."""
    try:
        turn()
    except Exception as error:
        return error
    return None
