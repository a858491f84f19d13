"""统计: what departments did in a time, by item; and what they have open now."""

from collections import Counter
from datetime import date, datetime

from msgspec import Struct

from ..aggregates import TALLY, Key
from ..domain import tally
from ..domain.catalogue import Catalogue, Text
from ..domain.errors import Invalid, Violation
from ..domain.tally import Counts, Place, Tally
from ..domain.worklist import light
from ..http import Request, flag_of
from ..store import Store
from . import days
from .departments import Departments

MOST_DAYS = 366
MOST = 2000
"""Days of departments that one request adds up: four tallies each, a hundred a read."""


class ItemStatistics(Struct, frozen=True, kw_only=True):
    """What a department did with one item."""

    task_code: str
    task_name: Text
    counts: Counts


class OpenNow(Struct, frozen=True, kw_only=True):
    """What a department has open at this moment: by state, and by light those that are accepted."""

    status: dict[str, int]
    light: dict[str, int]


class DepartmentStatistics(Struct, frozen=True, kw_only=True):
    """What one department did, altogether and by item. ``now`` is there when it was asked for."""

    department: str
    department_name: Text
    counts: Counts
    items: tuple[ItemStatistics, ...]
    now: OpenNow | None = None


class StatisticsView(Struct, frozen=True, kw_only=True):
    """What departments did from a day to another, both included (China's time)."""

    first: date
    last: date
    departments: tuple[DepartmentStatistics, ...]


class Statistics:
    """``tallies`` holds what was counted, ``cases`` what is open."""

    def __init__(self, tallies: Store, cases: Store, catalogue: Catalogue) -> None:
        self._tallies = tallies
        self._cases = cases
        self._catalogue = catalogue
        self._departments = Departments(catalogue.organisation)

    def read(self, request: Request) -> StatisticsView:
        """The days ``from`` and ``to`` and what is between them; without them, this month until today. Raises Invalid for
        what is no day, and for more than can be added up at once.
        """
        departments = self._departments.all(request, "statistics.read")
        first, last = days.asked(request)
        if (last - first).days >= MOST_DAYS or ((last - first).days + 1) * len(departments) > MOST:
            fix = f"ask for at most {MOST_DAYS} days, and at most {MOST} days of all departments together; or name a department"
            raise Invalid("the time is too long", violations=(Violation("to", fix),))
        with_now = flag_of(request, "now")
        found = self._counted(departments, first, last)
        return StatisticsView(
            first=first,
            last=last,
            departments=tuple(
                self._department(code, found.get(code, {}), self._open(code, request.now) if with_now else None)
                for code in departments
            ),
        )

    def _counted(self, departments: list[str], first: date, last: date) -> dict[str, dict[str, Counter[str]]]:
        keys = [
            Key(TALLY.name, tally.identity(Place(code, day), shard))
            for code in departments
            for day in days.between(first, last)
            for shard in range(tally.SHARDS)
        ]
        found: dict[str, dict[str, Counter[str]]] = {}
        for key, stored in self._tallies.load(keys).items():
            if stored.history:
                state: Tally = stored.state
                of_department = found.setdefault(key.id.rsplit("/", 2)[0], {})
                for task_code, counts in state.counts.items():
                    of_department.setdefault(task_code, Counter()).update(counts)
        return found

    def _department(self, code: str, found: dict[str, Counter[str]], now: OpenNow | None) -> DepartmentStatistics:
        items = tuple(
            ItemStatistics(task_code=task_code, task_name=self._name(task_code), counts=Counts(**counts))
            for task_code, counts in sorted(found.items())
        )
        total = sum((one.counts for one in items), Counts())
        name = self._catalogue.organisation.department[code].name
        return DepartmentStatistics(department=code, department_name=name, counts=total, items=items, now=now)

    def _name(self, task_code: str) -> Text:
        item = self._catalogue.items.get(task_code)
        return item.name if item is not None else Text(zh=task_code, en=task_code)

    def _open(self, department: str, now: datetime) -> OpenNow:
        status: Counter[str] = Counter()
        lights: Counter[str] = Counter()
        cursor = None
        while True:
            page, cursor = self._cases.on_desk(department, cursor=cursor)
            status.update(one.entry.status for one in page)
            lights.update(shown for one in page if (shown := light(one.entry, now)) is not None)
            if cursor is None:
                return OpenNow(status=dict(status), light=dict(lights))
