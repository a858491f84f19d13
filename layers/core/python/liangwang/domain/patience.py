"""How long a system waits for another's answer before it asks again.

Asking again is how liangwang heals: a lost message, a wiped broker or a missed stream record looks, to the one who
waits, like an answer that does not come. Each wait is about four times the one before, from ``first`` to ``longest``.

A round of asking is named by its moment (seconds since 1970). Whoever is asked again passes the question on in the same
round, and speaks once a round only, so that a question goes through a chain of systems without multiplying.
"""

from datetime import UTC, datetime, timedelta

from msgspec import Struct


class Patience(Struct, frozen=True):
    """The first and the longest interval between two asks."""

    first: timedelta = timedelta(minutes=5)
    longest: timedelta = timedelta(days=1)

    def until(self, since: datetime, *, last: datetime | None = None) -> datetime:
        """When to ask again: the wait began ``since``, the last ask was at ``last`` (None: none yet)."""
        if last is None or last < since + self.first:
            return since + self.first
        return last + min(max(3 * (last - since), self.first), self.longest)


def round_of(moment: datetime) -> int:
    """The round of asking that begins at a moment."""
    return int(moment.timestamp())


def moment_of(round: int) -> datetime | None:
    """When a round began; None for round 0, which is no asking again."""
    return datetime.fromtimestamp(round, UTC) if round else None
