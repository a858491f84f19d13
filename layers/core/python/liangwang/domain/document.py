"""文书: what stands on a document for the applicant: a template of the catalogue filled in with a case's facts. Pure.

A template says which words stand where; the facts are named (``VALUES``) and given in both languages, Chinese first.
"""

from collections.abc import Iterable, Mapping
from string import Formatter
from typing import Literal

from msgspec import Struct

from .catalogue import Text

Kind = Literal["receipt", "supplement", "approval", "denial", "refusal", "return", "certificate"]
"""受理回执, 补正告知书, 准予决定书, 不予许可决定书, 不予受理通知书, 退件通知书, 证照."""

KINDS: tuple[Kind, ...] = ("receipt", "supplement", "approval", "denial", "refusal", "return", "certificate")

VALUES: tuple[str, ...] = (
    "number",
    "case_no",
    "holder",
    "item",
    "department",
    "certificate",
    "certificate_no",
    "basis",
    "submitted_on",
    "issued_on",
    "valid_until",
    "due_on",
    "statutory_on",
    "until",
    "materials",
    "awaited",
    "replaces",
    "standing",
)
"""The facts that a template may name. What a case does not have is empty, and its line is left out."""


class Template(Struct, frozen=True, forbid_unknown_fields=True):
    """The words of one kind of document. ``{…}`` in a text names a fact.

    ``fields`` are the lines of its table, in order; ``listed`` says whether the reasons or points of the case stand on it, each
    with a number; ``remedy`` is what the applicant can do about it (行政复议, 行政诉讼).
    """

    title: Text
    fields: tuple[str, ...]
    opening: Text | None = None
    listed: bool = False
    closing: Text | None = None
    remedy: Text | None = None
    seal: Text | None = None


class Document(Struct, frozen=True, kw_only=True):
    """A document as it is drawn. ``lines`` are (name, value); ``code`` is the content of the QR code, empty for none."""

    title: Text
    number: str
    lines: tuple[tuple[Text, Text], ...]
    opening: Text | None
    listed: tuple[Text, ...]
    closing: Text | None
    remedy: Text | None
    department: Text
    day: Text
    seal: Text | None
    code: str
    notes: tuple[Text, ...] = ()


def fill(
    template: Template,
    values: Mapping[str, Text],
    *,
    labels: Mapping[str, Text],
    listed: Iterable[Text],
    code: str,
    notes: tuple[Text, ...] = (),
) -> Document:
    """The document of these facts: ``values`` by name (a missing one is empty), ``labels`` what the lines are called."""
    known = {name: values.get(name, _NOTHING) for name in VALUES}

    def filled(text: Text | None) -> Text | None:
        if text is None:
            return None
        zh, en = ({name: getattr(value, part) for name, value in known.items()} for part in ("zh", "en"))
        return Text(zh=text.zh.format(**zh), en=text.en.format(**en))

    title = filled(template.title)
    assert title is not None
    return Document(
        title=title,
        number=known["number"].zh,
        lines=tuple((labels[name], known[name]) for name in template.fields if known[name].zh),
        opening=filled(template.opening),
        listed=tuple(listed) if template.listed else (),
        closing=filled(template.closing),
        remedy=filled(template.remedy),
        department=known["department"],
        day=known["issued_on"],
        seal=filled(template.seal),
        code=code,
        notes=notes,
    )


_NOTHING = Text(zh="", en="")


def problems(template: Template) -> Iterable[tuple[str, str]]:
    """What is wrong with a template: (where, why). Facts that nobody knows would fail when a document is asked for."""
    for name in template.fields:
        if name not in VALUES:
            yield "fields", f"{name!r} is no fact; known: {', '.join(VALUES)}"
    for part in ("title", "opening", "closing", "remedy", "seal"):
        text: Text | None = getattr(template, part)
        for words in (text.zh, text.en) if text is not None else ():
            try:
                named = {name for _, name, _, _ in Formatter().parse(words) if name is not None}
            except ValueError as error:
                yield part, f"is no text with {{facts}}: {error}"
                continue
            for name in sorted(named.difference(VALUES)):
                yield part, f"{{{name}}} is no fact; known: {', '.join(VALUES)}"
