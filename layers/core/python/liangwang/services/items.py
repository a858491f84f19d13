"""事项: what one can apply for, open to everybody."""

from msgspec import Struct

from ..domain.catalogue import Catalogue, Item, Text
from ..domain.errors import NotFound
from ..http import Request


class ItemSummary(Struct, frozen=True, kw_only=True):
    """An item as a list shows it."""

    task_code: str
    task_version: int
    name: Text
    summary: Text
    kind: int
    audience: tuple[int, ...]
    promised_days: int


class ItemList(Struct, frozen=True):
    """Items that match a search."""

    items: tuple[ItemSummary, ...]


class Items:
    """What everybody may know of the catalogue. Each method is one route."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def items(self, request: Request) -> ItemList:
        """Searches names, aliases and summaries for ``q``; all items without it."""
        wanted = request.query.get("q", "").strip().casefold()
        return ItemList(
            tuple(_summary(item) for item in self._catalogue.items.values() if wanted in _search_text(item))
        )

    def item(self, request: Request) -> Item:
        """Everything about one item. Raises NotFound."""
        task_code = request.path["task_code"]
        item = self._catalogue.items.get(task_code)
        if item is None:
            raise NotFound(f"no item {task_code}; see GET /api/items")
        return item


def _summary(item: Item) -> ItemSummary:
    return ItemSummary(
        task_code=item.task_code,
        task_version=item.task_version,
        name=item.name,
        summary=item.summary,
        kind=item.kind,
        audience=item.audience,
        promised_days=item.promised.days,
    )


def _search_text(item: Item) -> str:
    return "\n".join((item.task_code, item.name.zh, item.name.en, item.summary.zh, *item.aliases)).casefold()
