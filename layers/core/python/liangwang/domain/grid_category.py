"""What grid events 网格事件 can be about: categories, as reviewed data (``grid.yaml`` of the catalogue). docs/grid.md.

A category says which departments are asked, within which limits, which repetitions of a sensor are one event, and which
open cases an event may have to do with.
"""

from collections.abc import Mapping
from functools import cached_property

from msgspec import Struct

from .catalogue import Ask, Item, Join, Text


class GridQuestion(Struct, frozen=True, forbid_unknown_fields=True):
    """What one department is asked to do about an event, by the capability 职责 that it needs."""

    capability: str
    question: Text


class GridCategory(Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of event. All limits are in working days; their defaults are town-level practice.

    ``lead`` 主办 and ``supporting`` 协办 are asked at once, to be signed for within ``sign_days`` and done within ``days``;
    ``again_days`` is for the second handling after an unsatisfied return call 回访, ``call_days`` within how many the call is
    due. What the same sensor tells of the same place within ``repeats_within`` minutes of its last word belongs to the event
    that is open (0: each is an event of its own). ``items`` and ``capabilities`` are those of cases that it bears on.
    """

    code: str
    name: Text
    lead: GridQuestion
    supporting: tuple[GridQuestion, ...] = ()
    join: Join = Join()
    sign_days: int = 1
    days: int = 5
    again_days: int = 3
    call_days: int = 2
    repeats_within: int = 0
    items: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()

    def asks(self, place: str) -> tuple[Ask, ...]:
        """What is asked of whom when it happens at a place."""
        asked = ((self.lead, True), *((one, False) for one in self.supporting))
        return tuple(Ask(one.capability, one.question, place, lead=lead) for one, lead in asked)


class GridCategories(Struct, frozen=True, dict=True, forbid_unknown_fields=True):
    """The content of ``grid.yaml``."""

    categories: tuple[GridCategory, ...] = ()

    @cached_property
    def category(self) -> dict[str, GridCategory]:
        """Categories by code."""
        return {one.code: one for one in self.categories}


def related(category: GridCategory, items: Mapping[str, Item]) -> dict[str, str]:
    """The items whose open cases an event of this category may have to do with, and why: ``item`` where the category names
    the item, ``capability`` where it names what the item needs.
    """
    by_capability = {code: "capability" for code, item in items.items() if item.capability in category.capabilities}
    return by_capability | {code: "item" for code in category.items if code in items}
