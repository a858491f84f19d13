"""检索: finds items by what people type. Pure: how a text is cut into words is handed in.

Chinese is written without spaces, so a query is cut into words, and each word is looked for as a word of an item, else as
a piece of its text: who types half a word still finds it. What stands in a name counts more than in an alias, then in the
summary, then in the name of a material. The same query over the same catalogue always gives the same order.
"""

from collections.abc import Callable, Iterable, Sequence
from math import log
from typing import NamedTuple
from unicodedata import normalize

from .catalogue import Item

Cut = Callable[[str], Sequence[str]]
"""Cuts a text into words, long ones once more into the shorter ones inside them."""

NAME, ALIAS, SUMMARY, MATERIAL = 8.0, 4.0, 2.0, 1.0
"""What a word counts by where it stands."""

EXACT, PHRASE = 1000.0, 100.0
"""What the whole query counts, as the whole of a text or as a piece of it: more than any sum of single words."""

ENOUGH = 0.5
"""The share of a query that an item must meet, each word weighed by how few items have it."""


class _Part(NamedTuple):
    """The texts of one kind that an item has, and their words."""

    weight: float
    texts: tuple[str, ...]
    words: frozenset[str]


def plain(text: str) -> str:
    """A text as it is compared: full-width letters are plain ones, capitals small, any white space one space."""
    return " ".join(normalize("NFKC", text).casefold().split())


class SearchIndex:
    """All words of all items, for one process."""

    def __init__(self, items: Iterable[Item], cut: Cut) -> None:
        self._cut = cut
        self._parts = [(item, self._indexed(item)) for item in sorted(items, key=lambda item: item.task_code)]

    def find(self, query: str) -> list[Item]:
        """The items that a query means, the best first; all of them, by their codes, for an empty one."""
        asked = plain(query)
        if not asked:
            return [item for item, _ in self._parts]
        met = [(word, [_strength(word, parts) for _, parts in self._parts]) for word in self._words(asked)]
        rare = [log(1 + len(self._parts) / found) if (found := sum(map(bool, all_of))) else 0.0 for _, all_of in met]
        scored = []
        for position, (item, parts) in enumerate(self._parts):
            strengths = [all_of[position] for _, all_of in met]
            share = sum(weight for weight, strength in zip(rare, strengths, strict=True) if strength)
            whole = _whole(asked, parts)
            if whole or (share and share >= ENOUGH * sum(rare)):
                score = whole + sum(weight * strength for weight, strength in zip(rare, strengths, strict=True))
                scored.append((-round(score, 6), item.task_code, item))
        return [item for _, _, item in sorted(scored, key=lambda one: one[:2])]

    def _indexed(self, item: Item) -> tuple[_Part, ...]:
        materials = [text for material in item.materials for text in (material.name.zh, material.name.en)]
        return (
            self._part(NAME, (item.name.zh, item.name.en, item.task_code)),
            self._part(ALIAS, item.aliases),
            self._part(SUMMARY, (item.summary.zh, item.summary.en)),
            self._part(MATERIAL, materials),
        )

    def _part(self, weight: float, texts: Iterable[str]) -> _Part:
        compared = tuple(map(plain, texts))
        return _Part(weight, compared, frozenset(word for text in compared for word in self._cut(text)))

    def _words(self, asked: str) -> list[str]:
        """The words of a query, each once; single characters only where it has nothing longer."""
        words = [word for word in dict.fromkeys(self._cut(asked)) if any(map(str.isalnum, word))]
        return [word for word in words if len(word) > 1] or words


def _strength(word: str, parts: tuple[_Part, ...]) -> float:
    """What a word counts for an item; 0 when the item does not have it."""
    return max((part.weight * _share(word, part) for part in parts), default=0.0)


def _share(word: str, part: _Part) -> float:
    """1 for a word, a half for the beginning of a Latin one or a piece of a Chinese text, a quarter for most of its pairs."""
    if word in part.words:
        return 1.0
    if word.isascii():
        return 0.5 if any(one.startswith(word) for one in part.words) else 0.0
    if any(word in text for text in part.texts):
        return 0.5
    pairs = {word[i : i + 2] for i in range(len(word) - 1)}
    return (
        0.25
        if len(pairs) > 1 and any(2 * sum(pair in text for pair in pairs) > len(pairs) for text in part.texts)
        else 0.0
    )


def _whole(asked: str, parts: tuple[_Part, ...]) -> float:
    """What the query as a whole counts."""
    if len(asked) < 2 or asked.isascii():
        return max((EXACT * part.weight for part in parts if asked in part.texts), default=0.0)
    found = [
        part.weight * (EXACT if asked in part.texts else PHRASE)
        for part in parts
        if any(asked in text for text in part.texts)
    ]
    return max(found, default=0.0)
