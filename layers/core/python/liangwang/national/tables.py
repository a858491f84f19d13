"""What a table is made of: its columns, the code lists they use, and a region's dialect. Pure; the content is data.

The columns' Latin names are those of the exchange tables ("cetr" and "applyer" are theirs), the Chinese ones and the rows
named by ``standard`` those of GB/T 39046-2020, tables 4 to 8.
"""

from collections.abc import Mapping
from typing import Any, Literal, get_args

from msgspec import Struct, field

from ..domain.catalogue import Text

Kind = Literal["code", "text", "integer", "moment", "extension"]
"""``code`` and ``text`` are characters, but only a text may be cut to its length; ``moment`` is ``2027-03-01 12:00:00`` in
Asia/Shanghai; ``extension`` is a JSON object."""

Conclusion = Literal["granted", "denied", "refused", "returned", "withdrawn", "voided"]
"""How a case ends, in words of our own: regions' codes for it conflict."""

StepResult = Literal["disagree", "agree", "not_ours", "refused", "accepted", "supplement", "special", "returned"]
"""What comes of a step; 0 to 7 in this order in the lists that agree."""

Receiving = Literal["paper", "upload", "earlier", "certificate"]
"""How a material was handed in."""


class Column(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One column. ``length`` in characters (0: no limit is known); ``standard`` the row of the standard's table.

    ``confidence``: H the standard's own text or two independent sources, M one source, L common knowledge. ``filled`` says
    what stands in it, ``lacking`` why it may be empty; a ``promised`` column is filled in every row.
    """

    name: str
    title: str
    kind: Kind
    length: int = 0
    required: bool = False
    standard: int = 0
    confidence: Literal["H", "M", "L", "ours"]
    list: str = ""
    personal: bool = False
    filled: str = ""
    lacking: Text | None = None
    promised: bool = False


class Table(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One table; ``standard`` is the number of the table of GB/T 39046-2020 whose items it holds."""

    name: str
    title: str
    about: str
    standard: int
    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names, in order."""
        return tuple(column.name for column in self.columns)


class CodeList(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A list of codes and their Chinese names, with where it is from and how sure that is."""

    id: str
    source: str
    confidence: Literal["H", "M", "L", "ours"]
    codes: dict[str, str]


class Applicant(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which form fields an applicant's columns are filled from, and the kind of document that a field's number is of."""

    columns: dict[str, tuple[str, ...]]
    documents: dict[str, str]

    def of(self, form: Mapping[str, Any]) -> dict[str, str]:
        """The applicant's columns, from all fields that the department knows."""
        found: dict[str, str] = {}
        for column, fields in self.columns.items():
            known = next((name for name in fields if form.get(name)), None)
            if known is None:
                continue
            found[column] = str(form[known])
            if column == "applyer_page_code" and known in self.documents:
                found["applyer_page_type"] = self.documents[known]
        return found


class Reading(Struct, frozen=True, forbid_unknown_fields=True):
    """What a code means that several words of ours share."""

    conclusion: dict[str, Conclusion] = {}
    step_result: dict[str, StepResult] = {}
    receiving: dict[str, Receiving] = {}


ENUMERATIONS: Mapping[str, tuple[str, ...]] = {
    "conclusion": get_args(Conclusion),
    "step_result": get_args(StepResult),
    "receiving": get_args(Receiving),
}


class Dialect(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A region's codes for what has no common ones, and its ``data_source``."""

    name: str
    title: Text
    data_source: str
    conclusion: dict[Conclusion, str]
    step_result: dict[StepResult, str]
    receiving: dict[Receiving, str]
    read: Reading = field(default_factory=Reading)

    def code(self, enumeration: str, word: str) -> str:
        """A word of ours in this region's codes."""
        codes: Mapping[str, str] = getattr(self, enumeration)
        return codes[word]

    def word(self, enumeration: str, code: str) -> str | None:
        """What a code of this region means; None for one that it does not have."""
        shared: Mapping[str, str] = getattr(self.read, enumeration)
        codes: Mapping[str, str] = getattr(self, enumeration)
        return shared.get(code) or next((word for word, known in codes.items() if known == code), None)

    def problems(self) -> list[str]:
        """What keeps it from being used in both directions: a word without a code, a code without one meaning."""
        found: list[str] = []
        for name, words in ENUMERATIONS.items():
            codes: Mapping[str, str] = getattr(self, name)
            shared: Mapping[str, str] = getattr(self.read, name)
            found += [f"{name}: {word} has no code; give it one" for word in words if not codes.get(word)]
            for code in dict.fromkeys(codes.values()):
                meant = [word for word in words if codes.get(word) == code]
                if len(meant) > 1 and code not in shared:
                    found.append(f"read.{name}: say which of {', '.join(meant)} the code {code!r} means")
                if len(code) > 2:
                    found.append(f"{name}: the code {code!r} is longer than the 2 characters of its column")
            for code, word in shared.items():
                if codes.get(word) != code:
                    found.append(f"read.{name}: {word} is not written {code!r} but {codes.get(word)!r}")
        if not 1 <= len(self.data_source) <= 3:
            found.append("data_source: use 1 to 3 characters")
        return found


class Standard(Struct, frozen=True):
    """Everything of ``layers/catalogue/national``: tables by name, code lists by id, dialects by name."""

    tables: dict[str, Table]
    codes: dict[str, CodeList]
    applicant: Applicant
    dialects: dict[str, Dialect]

    def codes_of(self, column: Column, dialect: Dialect) -> frozenset[str] | None:
        """The codes that a column may hold; None for a column without a list."""
        if column.list in ENUMERATIONS:
            known: Mapping[str, str] = getattr(dialect, column.list)
            return frozenset(known.values())
        return frozenset(self.codes[column.list].codes) if column.list else None
