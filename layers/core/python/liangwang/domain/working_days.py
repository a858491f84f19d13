"""工作日: which days count, and how they are counted. Pure: what is announced of the years is handed in.

A limit of n days begins on the day after (民法典 art. 201) and ends with office hours on the n-th working day (art. 203).
Days are days in Asia/Shanghai; moments are UTC.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta

from msgspec import Struct

from .case_no import SHANGHAI

A_DAY = timedelta(days=1)
SATURDAY = 5


class Office(Struct, frozen=True, forbid_unknown_fields=True):
    """Working hours of a city's offices (Asia/Shanghai), and what they mean for limits.

    A limit ends with the office's hours (民法典 art. 203) unless ``limits_end_at`` says another time. What comes after that
    belongs to the next day when ``late_counts_next_day``: the next of the calendar, a day off too, so that whoever comes late
    on a Friday is counted as who comes on the Saturday, and never after who comes on the Sunday.
    """

    opens: time = time(9)
    closes: time = time(17, 30)
    limits_end_at: time | None = None
    late_counts_next_day: bool = False

    @property
    def day_ends(self) -> time:
        """The time of day at which a limit's last day ends."""
        return self.closes if self.limits_end_at is None else self.limits_end_at


class Calendar(Struct, frozen=True):
    """Working days of a city.

    ``differs`` names the days that are not what their weekday says: False is a holiday on a weekday, True a Saturday or
    Sunday that is worked (调休). ``announced`` are the years for which the State Council has said so; in any other year what
    ``differs`` has is an estimate, and a limit that reaches into it is provisional.
    """

    differs: Mapping[date, bool] = {}
    announced: frozenset[int] = frozenset()
    office: Office = Office()

    def is_working(self, day: date) -> bool:
        """Whether offices work on this day."""
        return self.differs.get(day, day.weekday() < SATURDAY)

    def is_provisional(self, day: date) -> bool:
        """Whether this day's year has not been announced yet."""
        return day.year not in self.announced

    def day_of(self, moment: datetime) -> date:
        """The day that a moment belongs to, for counting."""
        here = moment.astimezone(SHANGHAI)
        late = self.office.late_counts_next_day and here.time() > self.office.day_ends
        return here.date() + A_DAY if late else here.date()

    def end_of(self, day: date) -> datetime:
        """The moment (UTC) at which a limit that ends on this day has passed."""
        return datetime.combine(day, self.office.day_ends, SHANGHAI).astimezone(UTC)

    def limit(self, at: datetime, days: int) -> datetime:
        """The moment (UTC) at which a limit of ``days`` working days has passed that begins ``at`` a moment.

        A limit of 0 days ends with the office's hours that come next: never before it began.
        """
        last = self.after(self.day_of(at), days)
        return self.end_of(last if self.end_of(last) > at else self.after(last, 1))

    def after(self, day: date, count: int) -> date:
        """The ``count``-th working day after ``day``; for 0 the day itself, or the first working day after it.

        Raises ValueError for a ``count`` below 0.
        """
        if count < 0:
            raise ValueError(f"a limit of {count} working days")
        if count == 0:
            return day if self.is_working(day) else self.after(day, 1)
        days = self._working_days_after(day)
        for _ in range(count - 1):
            next(days)
        return next(days)

    def between(self, start: date, end: date) -> int:
        """How many working days there are after ``start`` up to ``end``, which counts; negative when it lies before."""
        if end < start:
            return -self.between(end, start)
        return sum(self.is_working(start + n * A_DAY) for n in range(1, (end - start).days + 1))

    def _working_days_after(self, day: date) -> Iterator[date]:
        while True:
            day += A_DAY
            if self.is_working(day):
                yield day
