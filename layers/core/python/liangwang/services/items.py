"""事项: what one can apply for, open to everybody."""

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property

from msgspec import Struct

from ..domain.catalogue import Catalogue, Item, Scenario, Text
from ..domain.errors import Invalid, NotFound, Violation
from ..domain.levels import Levels
from ..domain.search import Cut, SearchIndex
from ..domain.validity import day_of
from ..http import Request, limit_of, one_of

LONGEST_QUERY = 100
"""Characters that a search takes."""

LEVELS = frozenset({"3", "4", "5"})
APPLICANT_TYPES = frozenset("123456")
KINDS = frozenset({"1", "2", "9"})


class ItemSummary(Struct, frozen=True, kw_only=True):
    """An item as a list shows it. ``levels`` are those at which departments handle it: 3 city, 4 district, 5 town."""

    task_code: str
    task_version: int
    name: Text
    summary: Text
    kind: int
    audience: tuple[int, ...]
    promised_days: int
    aliases: tuple[str, ...] = ()
    scenarios: tuple[str, ...] = ()
    levels: tuple[int, ...] = ()


class ItemList(Struct, frozen=True):
    """A page of the items that match a search, the best first; ``total`` counts all, ``cursor`` leads to the next page."""

    items: tuple[ItemSummary, ...]
    total: int = 0
    cursor: str | None = None


class ScenarioList(Struct, frozen=True):
    """What items can be looked for by."""

    scenarios: tuple[Scenario, ...]


class Items:
    """What everybody may know of the catalogue. Each method is one route.

    ``words`` gives a tokenizer that knows some terms. It is asked for when somebody searches, because it is large.
    """

    def __init__(self, catalogue: Catalogue, words: Callable[[Iterable[str]], Cut]) -> None:
        self._catalogue = catalogue
        self._words = words

    @cached_property
    def _levels(self) -> Levels:
        return Levels(self._catalogue.organisation)

    @cached_property
    def _index(self) -> SearchIndex:
        items = self._catalogue.items.values()
        return SearchIndex(items, self._words(alias for item in items for alias in item.aliases))

    def items(self, request: Request) -> ItemList:
        """Searches names, aliases, summaries and names of materials for ``q``, the best match first; all items without it."""
        limit, start = limit_of(request), _start(request)
        query = request.query.get("q", "")
        if len(query) > LONGEST_QUERY:
            raise _invalid("q", f"use at most {LONGEST_QUERY} characters")
        suits, levels = self._filter(request), self._levels.on(day_of(request.now))
        if query.strip():
            candidates = self._index.find(query)
        else:
            candidates = sorted(self._catalogue.items.values(), key=lambda item: item.task_code)
        found = [item for item in candidates if suits(item)]
        following = start + limit
        return ItemList(
            items=tuple(_summary(item, levels) for item in found[start:following]),
            total=len(found),
            cursor=str(following) if following < len(found) else None,
        )

    def scenarios(self, request: Request) -> ScenarioList:
        """场景: what people have in mind when they look for an item."""
        return ScenarioList(self._catalogue.scenarios)

    def item(self, request: Request) -> Item:
        """Everything about one item. Raises NotFound."""
        task_code = request.path["task_code"]
        item = self._catalogue.items.get(task_code)
        if item is None:
            raise NotFound(f"no item {task_code}; see GET /api/items")
        return item

    def _filter(self, request: Request) -> Callable[[Item], bool]:
        """Whether an item suits all filters of a request. Raises Invalid for a value that no item can have."""
        organisation, today = self._catalogue.organisation, day_of(request.now)
        levels = self._levels.on(today)
        scenarios = {scenario.code for scenario in self._catalogue.scenarios}
        department = one_of(request, "department", organisation.department)
        audience = one_of(request, "audience", APPLICANT_TYPES)
        level = one_of(request, "level", LEVELS)
        kind = one_of(request, "kind", KINDS)
        scenario = one_of(request, "scenario", scenarios)

        def suits(item: Item) -> bool:
            return (
                (not department or organisation.department[department].answers_for(item.capability, today))
                and (not audience or int(audience) in item.audience)
                and (not level or int(level) in levels.get(item.capability, ()))
                and (not kind or int(kind) == item.kind)
                and (not scenario or scenario in item.scenarios)
            )

        return suits


def _summary(item: Item, levels: Mapping[str, tuple[int, ...]]) -> ItemSummary:
    return ItemSummary(
        task_code=item.task_code,
        task_version=item.task_version,
        name=item.name,
        summary=item.summary,
        kind=item.kind,
        audience=item.audience,
        promised_days=item.promised.days,
        aliases=item.aliases,
        scenarios=item.scenarios,
        levels=levels.get(item.capability, ()),
    )


def _start(request: Request) -> int:
    """Where the page begins. Raises Invalid for a cursor that no page gave."""
    cursor = request.query.get("cursor", "0")
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 10):
        raise _invalid("cursor", "use the cursor of the page before, unchanged")
    return int(cursor)


def _invalid(field: str, fix: str) -> Invalid:
    return Invalid(f"{field} is not right", violations=(Violation(field, fix),))
