"""How much departments have to do for others at this moment: what a routing rule that speaks of load asks."""

from collections import Counter
from datetime import datetime, timedelta

from .. import clock
from ..store import Store
from .event_counting import OPEN_KEYS


class DepartmentLoad:
    """Open collaboration tasks by department, as the centres' tallies have them: some seconds behind the events.

    One read serves all questions of the next ``fresh`` time: load is a matter of degree.
    """

    def __init__(
        self, tallies: Store, *, clock: clock.Clock = clock.utc, fresh: timedelta = timedelta(seconds=5)
    ) -> None:
        self._tallies = tallies
        self._clock = clock
        self._fresh = fresh
        self._known: Counter[str] = Counter()
        self._read_at: datetime | None = None

    def __call__(self, department: str) -> int:
        """How many tasks a department has in hand or has to sign for."""
        now = self._clock()
        if self._read_at is None or not self._read_at <= now < self._read_at + self._fresh:
            self._known, self._read_at = self._count(), now
        return self._known[department]

    def _count(self) -> Counter[str]:
        found = self._tallies.load(OPEN_KEYS).values()
        return Counter(
            department
            for stored in found
            if stored.history
            for standing in stored.state.standing.values()
            for department, _ in standing.tasks
        )
