"""Reads the templates of documents: ``documents.yaml`` of the catalogue's directory (``domain/document.py``)."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import msgspec
from msgspec import Struct

from .domain.catalogue import Catalogue
from .domain.document import KINDS, Template, problems
from .yaml_document import YamlDocument


class Templates(Struct, frozen=True, forbid_unknown_fields=True):
    """The content of ``documents.yaml``: templates by name; those named after a kind are for all items without one of their own."""

    templates: dict[str, Template]


@cache
def load(directory: Path) -> dict[str, Template]:
    """The templates of the catalogue in ``directory``, read once a process. Raises ``msgspec.ValidationError``."""
    return read(directory / "documents.yaml").templates


def read(file: Path) -> Templates:
    """One ``documents.yaml``. Raises ``msgspec.ValidationError`` for what does not fit."""
    return msgspec.convert(YamlDocument(file.read_text(encoding="utf-8")).data, Templates)


def check(templates: dict[str, Template], catalogue: Catalogue) -> Iterator[str]:
    """What is wrong: a kind without a template, facts that nobody knows, an item that names what is not there."""
    for kind in KINDS:
        if kind not in templates:
            yield f"documents.yaml: there is no template {kind!r}; every kind of document has one"
    for name, template in templates.items():
        yield from (f"documents.yaml: {name}.{where}: {why}" for where, why in problems(template))
    for item in catalogue.versions.values():
        for replaced, name in item.documents.items():
            if replaced not in KINDS:
                yield f"{item.task_code}: documents: {replaced!r} is no kind of document; known: {', '.join(KINDS)}"
            if name not in templates:
                yield f"{item.task_code}: documents: documents.yaml has no template {name!r}"
