"""The collaboration events that were raised in a month, page by page, each page at the same cost."""

import base64
from datetime import datetime
from typing import NamedTuple

from ..aggregates import Key
from ..domain.case_no import SHANGHAI
from ..domain.catalogue import Organisation
from ..domain.errors import Invalid, Violation
from ..domain.event_queue import desk, shelf
from ..store import Store, Stored

QUERIES = 20
"""A page asks at most so many desks: where little is open, pages are short rather than slow."""


class Month(NamedTuple):
    """A month such as ``2027-03`` by its first moment (Asia/Shanghai) and that of the next."""

    name: str
    since: datetime
    until: datetime

    @classmethod
    def of(cls, name: str) -> "Month":
        """Raises Invalid for what is no month."""
        try:
            since = datetime.strptime(name, "%Y-%m").replace(tzinfo=SHANGHAI)
        except ValueError as error:
            violation = Violation("month", "use a month such as 2027-03")
            raise Invalid("not a month", violations=(violation,)) from error
        after = since.replace(year=since.year + since.month // 12, month=since.month % 12 + 1)
        return cls(f"{since:%Y-%m}", since, after)


class _Place(NamedTuple):
    """Where a page begins: on which desk (0: those that are concluded, then each region's), after which entry."""

    desk: int = 0
    after: str | None = None


class EventMonth:
    """Concluded events are found by their month; what is still open, before each region's centre."""

    def __init__(self, store: Store, organisation: Organisation) -> None:
        self._store = store
        self._regions = [region.code for region in organisation.regions]

    def page(self, month: Month, *, limit: int, cursor: str | None = None) -> tuple[list[Stored], str | None]:
        """Some events that were raised in the month, and a cursor if there may be more: a page can be empty and not the last.

        Raises Invalid for a cursor that this method did not make.
        """
        place, keys = _opened(cursor), list[Key]()
        for _ in range(QUERIES):
            if place.desk > len(self._regions) or len(keys) >= limit:
                break
            name = shelf(month.name) if place.desk == 0 else desk(self._regions[place.desk - 1])
            found, following = self._store.on_desk(name, limit=limit - len(keys), cursor=place.after)
            keys += [one.key for one in found]
            place = _Place(place.desk, following) if following else _Place(place.desk + 1)
        loaded = self._store.load(keys).values() if keys else ()
        events = [one for one in loaded if one.history and month.since <= one.history[0].at < month.until]
        return events, None if place.desk > len(self._regions) else _closed(place)


def _closed(place: _Place) -> str:
    return base64.urlsafe_b64encode(f"{place.desk} {place.after or ''}".encode()).decode()


def _opened(cursor: str | None) -> _Place:
    if not cursor:
        return _Place()
    try:
        number, _, after = base64.urlsafe_b64decode(cursor).decode().partition(" ")
        if number.isascii() and number.isdecimal() and len(number) < 9:
            return _Place(int(number), after or None)
    except ValueError:
        pass
    raise Invalid("not a cursor", violations=(Violation("cursor", "use the cursor of the page before, unchanged"),))
