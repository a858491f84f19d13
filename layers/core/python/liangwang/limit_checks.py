"""What must be true of an item's time limits: the law's measure (行政许可法), and sense.

Part of ``catalogue_checks``; each problem says where in the file, and what to do about it.
"""

import re
from collections.abc import Iterator

from liangwang.domain.catalogue import Item
from liangwang.yaml_document import Path

LAW = "行政许可法"
ORDINARY, ORDINARY_MORE = 20, 10
JOINT, JOINT_MORE = 45, 15
_LAW_AND_ARTICLE = re.compile(r"《.+》.*第.+条")


def limit_problems(item: Item) -> Iterator[tuple[Path, str]]:
    """Everything wrong with the limits of one item."""
    yield from _statute(item)
    yield from _promise(item)
    yield from _extension(item)
    yield from _lights(item)
    if item.supplement_days < 1:
        yield ("supplement_days",), "give the applicant at least one day"
    for i, material in enumerate(item.materials):
        if material.later_days < 0:
            yield ("materials", i, "later_days"), "a promised material has at least one day (0: it cannot be promised)"


def _statute(item: Item) -> Iterator[tuple[Path, str]]:
    days, basis = item.statutory.days, item.statutory.basis
    if days < 1:
        yield ("statutory", "days"), "a limit is at least one day"
    if LAW not in basis or days <= ORDINARY:
        return
    if not item.collaborations:
        reason = f"{LAW} allows {ORDINARY} days, and {JOINT} where departments handle it jointly: here is nobody to ask"
        yield ("statutory", "days"), reason
    elif days > JOINT:
        yield ("statutory", "days"), f"{LAW} allows {JOINT} days to departments that handle it jointly"


def _promise(item: Item) -> Iterator[tuple[Path, str]]:
    promised = item.promised.days
    if promised > item.statutory.days:
        reason = f"the promise of {promised} days exceeds the statutory {item.statutory.days}"
        yield ("promised", "days"), reason
    if promised < (0 if item.kind == 1 else 1):
        yield ("promised", "days"), "a promise is at least one day (0 only for kind 1, decided at once)"


def _extension(item: Item) -> Iterator[tuple[Path, str]]:
    extension, here = item.extension, ("extension",)
    if extension is None:
        return
    if item.kind == 1:
        yield here, "is never looked at: an item of kind 1 即办件 is decided at once"
        return
    if extension.days < 1:
        yield (*here, "days"), "an extension is at least one day; take it out where there is none"
    if LAW not in extension.basis:
        if not _LAW_AND_ARTICLE.search(extension.basis):
            reason = f"name the law and the article that allow it, as 《…》第…条: {LAW} or one that provides otherwise"
            yield (*here, "basis"), reason
        return
    if LAW not in item.statutory.basis:
        reason = (
            f"the limit rests on {item.statutory.basis}, not on {LAW}: name the article of that law, or take it out"
        )
        yield (*here, "basis"), reason
        return
    is_joint = item.statutory.days > ORDINARY
    most, head = (JOINT_MORE, "government") if is_joint else (ORDINARY_MORE, "department")
    if extension.days > most:
        reason = f"{LAW} art. 42 allows {most} days more on a limit of {item.statutory.days}, not {extension.days}"
        yield (*here, "days"), reason
    if extension.approved_by != head:
        reason = f"by {LAW} art. 42 the head of the {head} approves it; write {head}"
        yield (*here, "approved_by"), reason


def _lights(item: Item) -> Iterator[tuple[Path, str]]:
    yellow, red = item.lights.yellow, item.lights.red
    if not 0 < yellow < red <= 1:
        reason = f"a case turns yellow, then red, then it is overdue: 0 < yellow < red <= 1, not {yellow} and {red}"
        yield ("lights",), reason
