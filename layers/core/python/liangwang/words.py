"""Cuts Chinese into words, with jieba's dictionary and the catalogue's own terms (docs/decisions/rjieba.md).

Imported by the function that searches, and only when somebody searches: the dictionary takes 33 MB and 0.15 s.
"""

from collections.abc import Iterable, Sequence

import rjieba

from .domain.search import plain


class Words:
    """The process's tokenizer. ``terms`` are words that the dictionary may not know."""

    def __init__(self, terms: Iterable[str]) -> None:
        for term in sorted(set(map(plain, terms))):
            rjieba.add_word(term, None, None)  # as frequent as it takes to stay one word

    def cut(self, text: str) -> Sequence[str]:
        """The words of a text, and the shorter ones inside long words: 餐饮服务 also gives 餐饮 and 服务."""
        words: Sequence[str] = rjieba.cut_for_search(text)
        return words
