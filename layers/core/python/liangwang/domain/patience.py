"""How long a system waits for another's answer before it asks again.

Asking again is how liangwang heals: a lost message, a wiped broker or a missed stream record looks, to the one who
waits, like an answer that does not come. Intervals grow fourfold, from ``first`` to ``longest``.
"""

from datetime import datetime, timedelta

from msgspec import Struct


class Patience(Struct, frozen=True):
    """The first and the longest interval between two asks."""

    first: timedelta = timedelta(minutes=5)
    longest: timedelta = timedelta(days=16)

    def interval(self, *, asked: int) -> timedelta:
        """How long to wait after ``asked`` repetitions."""
        return self.longest if asked > 10 else min(self.first * 4**asked, self.longest)

    def until(self, since: datetime, *, asked: int) -> datetime:
        """When to ask again, the wait having begun ``since`` and ``asked`` repetitions having gone out meanwhile.

        Intervals add up: ``since`` stays where it is, and one interval alone would soon lie in the past for ever.
        """
        return since + sum((self.interval(asked=earlier) for earlier in range(asked + 1)), timedelta())
