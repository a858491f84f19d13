"""What must be true of the categories of grid events (``grid.yaml``) beyond the shape of their structs."""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from itertools import product

from liangwang.domain import routing
from liangwang.domain.catalogue import Item, Organisation
from liangwang.domain.grid_category import GridCategories, GridCategory
from liangwang.domain.levels import days_from
from liangwang.domain.routing import TOWN
from liangwang.yaml_document import Path

LONGEST = 60
"""Working days of a limit; a longer one is a mistake."""

_CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def grid_problems(
    found: GridCategories, organisation: Organisation, items: Mapping[str, Item], *, today: date
) -> Iterator[tuple[Path, str]]:
    """Everything wrong with the categories: where, and what to do about it."""
    seen: set[str] = set()
    for i, category in enumerate(found.categories):
        here: Path = ("categories", i)
        if category.code in seen:
            yield (*here, "code"), f"{category.code!r} stands here a second time"
        seen.add(category.code)
        if not _CODE.fullmatch(category.code):
            yield (*here, "code"), "small letters, digits and single hyphens only"
        yield from _limits(category, here)
        yield from _asked(category, here, organisation, today)
        yield from _related(category, here, organisation, items)


def _limits(category: GridCategory, here: Path) -> Iterator[tuple[Path, str]]:
    for name in ("sign_days", "days", "again_days", "call_days"):
        if not 1 <= getattr(category, name) <= LONGEST:
            yield (*here, name), f"1 to {LONGEST} working days"
    if category.sign_days > category.days:
        yield (*here, "sign_days"), "a task is signed for before it is done: at most the days for handling"
    if not 0 <= category.repeats_within <= 7 * 24 * 60:
        yield (*here, "repeats_within"), "minutes, a week at most, or 0"


def _asked(category: GridCategory, here: Path, organisation: Organisation, today: date) -> Iterator[tuple[Path, str]]:
    towns = [region.code for region in organisation.regions if region.level == TOWN]
    places: list[Path] = [(*here, "lead"), *((*here, "supporting", n) for n in range(len(category.supporting)))]
    asked = (category.lead, *category.supporting)
    days = days_from(organisation, today)
    for place, one in zip(places, asked, strict=True):
        for day, town in product(days, towns):
            if routing.responsible(organisation, capability=one.capability, place=town, day=day) is None:
                yield (
                    (*place, "capability"),
                    f"nobody answers for {one.capability!r} at {town}{f' from {day} on' if day > today else ''}",
                )
                break
    join = category.join
    if (join.policy == "quorum") != (join.count > 0) or join.count > len(asked):
        yield (*here, "join", "count"), f"a quorum is 1 to {len(asked)} of those that are asked; others have none"


def _related(
    category: GridCategory, here: Path, organisation: Organisation, items: Mapping[str, Item]
) -> Iterator[tuple[Path, str]]:
    for n, code in enumerate(category.items):
        if code not in items:
            yield (*here, "items", n), f"there is no item {code!r}"
    needed = {item.capability for item in items.values()}
    for n, capability in enumerate(category.capabilities):
        if capability not in needed:
            known = capability in organisation.capabilities
            reason = "no item needs it" if known else "nobody answers for it"
            yield (*here, "capabilities", n), f"{capability!r}: {reason}, so no case is found by it"
