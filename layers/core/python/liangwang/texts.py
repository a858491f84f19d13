"""Texts for people: Chinese first, English beside it, from ``i18n/zh.json`` and ``i18n/en.json``."""

from functools import cache
from pathlib import Path
from typing import Any

from msgspec import json

from .domain.catalogue import Text

_FOLDER = Path(__file__).parent / "i18n"


@cache
def _language(name: str) -> dict[str, str]:
    return json.decode((_FOLDER / f"{name}.json").read_bytes(), type=dict[str, str])


def text(key: str, /, **values: Any) -> Text:
    """The text behind a key with its values filled in. Raises KeyError for an unknown key."""
    return Text(zh=_language("zh")[key].format(**values), en=_language("en")[key].format(**values))


def step(key: str) -> Text:
    """What a step is called: the word for its name, with which its key begins; the key itself where there is no such word."""
    word = f"word.{key.partition('-')[0]}"
    return text(word) if has(word) else Text(zh=key, en=key)


def has(key: str) -> bool:
    """Whether there is a text behind a key."""
    return key in _language("zh")
