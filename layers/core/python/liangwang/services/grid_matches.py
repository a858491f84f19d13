"""Open cases that a grid event may have to do with: at the same place, or in the same district, and of a related item."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Literal

from msgspec import Struct

from .. import texts
from ..domain import open_cases
from ..domain.catalogue import Catalogue, Text
from ..domain.grid import GridEvent
from ..domain.grid_category import GridCategories, related
from ..domain.open_cases import OpenCase
from ..store import Store

EACH = 20
"""So many open cases of one item in the event's own town are told, the newest first."""

NEARBY = 5
"""The same for each other town of the district."""

TOWNS = 10
"""So many other towns are looked at."""

Strength = Literal["strong", "weak"]


class CaseMatch(Struct, frozen=True, kw_only=True):
    """An open case. ``strong``: at the event's own place; ``weak``: elsewhere in its district. ``why`` says so in words."""

    case_no: str
    item: Text
    department: str
    place: str
    applied_at: datetime
    strength: Strength
    why: Text


class GridMatches:
    """Finds them by the index of open cases: one query for each item that the event's category bears on."""

    def __init__(self, store: Store, catalogue: Catalogue, categories: GridCategories) -> None:
        self._store = store
        self._catalogue = catalogue
        self._categories = categories

    def of(self, state: GridEvent, *, nearby: bool) -> tuple[CaseMatch, ...]:
        """The matches of an event, strong ones first; weak ones only where they are asked for (``nearby``)."""
        category = self._categories.category.get(state.report.category)
        if category is None:
            return ()
        reasons, town = related(category, self._catalogue.items), state.registered.region
        found = list(self._at(town, reasons, "strong", EACH))
        for other in self._others(town) if nearby else ():
            found += self._at(other, reasons, "weak", NEARBY)
        return tuple(found)

    def _at(self, town: str, reasons: Mapping[str, str], strength: Strength, limit: int) -> Iterator[CaseMatch]:
        for task_code, reason in reasons.items():
            entries, _ = self._store.on_desk(open_cases.desk(town, task_code), limit=limit, latest_first=True)
            for one in entries:
                case: OpenCase = one.entry
                yield CaseMatch(
                    case_no=one.key.id,
                    item=self._catalogue.item_name(task_code),
                    department=case.department,
                    place=case.place,
                    applied_at=case.applied_at,
                    strength=strength,
                    why=texts.text(f"match.{strength}.{reason}"),
                )

    def _others(self, town: str) -> list[str]:
        """Other towns of the same district."""
        organisation = self._catalogue.organisation
        district = organisation.region[town].parent
        return [one.code for one in organisation.regions if one.parent == district and one.code != town][:TOWNS]
