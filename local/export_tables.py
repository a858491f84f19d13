"""Exports the national exchange tables: a Scan of the department's table, page by page (docs/data-standards.md).

An export is an operator's and rare, so it reads the whole table and costs the cases' own way nothing: no index entry, no
write. What it shows is one moment (`Wish.until`): a page that is read later, or again, shows the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from liangwang import texts
from liangwang.aggregates import CASE, Key
from liangwang.aws import AwsJson
from liangwang.domain import policy
from liangwang.domain.case import Case
from liangwang.domain.catalogue import Catalogue
from liangwang.domain.validity import day_of
from liangwang.national import conformance, files, item_rows
from liangwang.national.case_making import Setting
from liangwang.national.case_rows import to_rows
from liangwang.national.increments import INSERT, Span, between, stamped
from liangwang.national.rows import CASE_ROWS, ITEM_ROWS, TABLE_OF, Row
from liangwang.national.tables import Dialect, Standard
from liangwang.store import Stored, read_item
from msgspec import json

from local.table_files import Folder, State, Wish

APPLICANT = ("apply", "up_pro_accept")
"""The tables with columns of the applicant's."""

PAGE = 200
"""Items that one call reads at most; a page of DynamoDB ends at a megabyte anyway."""


class Personal(Protocol):
    """Opens the applicant's data of a case for whoever exports, once that is on record."""

    def of(self, stored: Stored) -> tuple[dict[str, Any], policy.Fields] | None:
        """The form's personal fields as far as they are shown; None for a case that the policy shows nothing of."""
        ...


class Desk(NamedTuple):
    """What an export reads with: a client, the department's table, the catalogue and its standard data."""

    aws: AwsJson
    table: str
    catalogue: Catalogue
    standard: Standard


class Page(NamedTuple):
    """What one call read: whole aggregates, what could not be read, where the next page begins, and what it cost."""

    cases: tuple[Stored, ...]
    unreadable: tuple[str, ...]
    cursor: dict[str, Any] | None
    read: int
    units: float


def pages(
    desk: Desk, cursor: dict[str, Any] | None, *, limit: int = PAGE, part: tuple[int, int] = (1, 1)
) -> Iterator[Page]:
    """The cases of the table, a page a call. Eventually consistent: half the price, and what the last second brought is
    not asked for (`Wish.until` lies before it)."""
    request: dict[str, Any] = {
        "TableName": desk.table,
        "Limit": limit,
        "Segment": part[0] - 1,
        "TotalSegments": part[1],
        "FilterExpression": "begins_with(pk, :kind)",
        "ExpressionAttributeValues": {":kind": {"S": f"{CASE.name}#"}},
        "ReturnConsumedCapacity": "TOTAL",
    }
    while True:
        answer = desk.aws.call("dynamodb", "Scan", {**request, **({"ExclusiveStartKey": cursor} if cursor else {})})
        cursor = answer.get("LastEvaluatedKey")
        units = float(answer.get("ConsumedCapacity", {}).get("CapacityUnits", 0.0))
        cases, unreadable = _cases(answer["Items"])
        yield Page(cases, unreadable, cursor, int(answer.get("ScannedCount", len(answer["Items"]))), units)
        if cursor is None:
            return


def _cases(items: Sequence[Mapping[str, Any]]) -> tuple[tuple[Stored, ...], tuple[str, ...]]:
    found, unreadable = [], []
    for item in items:
        key = Key.parse(item["pk"]["S"])
        if key.kind != CASE.name or "body" not in item:
            continue
        try:
            found.append(read_item(item))
        except Exception:  # one item that this release does not understand must not keep the others
            unreadable.append(key.id)
    return tuple(found), tuple(unreadable)


class Export:
    """One run of an export in a folder. `units` is how many read units a second it may use (0: as many as it can),
    `page` how many items a call reads."""

    def __init__(
        self,
        desk: Desk,
        folder: Folder,
        state: State,
        *,
        personal: Personal | None = None,
        units: float = 0,
        page: int = PAGE,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.desk = desk
        self.folder = folder
        self.state = state
        self.dialect: Dialect = desk.standard.dialects[state.wish.dialect]
        self._personal = personal
        self._units = units
        self._page = page
        self._clock = clock
        self._sleep = sleep

    @property
    def wish(self) -> Wish:
        """What is exported."""
        return self.state.wish

    @property
    def span(self) -> Span:
        """From when to when."""
        return Span(self.wish.since, self.wish.until)

    def run(self) -> Iterator[State]:
        """Goes on to the end, and says how far it is after each page; nothing for one that is done."""
        state = self.state
        if state.done:
            return
        if not state.pages:
            self._add(list(self._items()))
            state.pages = 1
            self.folder.keep(state)
            yield state
        if any(name in CASE_ROWS for name in self.wish.tables):
            for page in pages(self.desk, state.cursor, limit=self._page, part=self.wish.part):
                began = self._clock()
                self._take(page)
                self.folder.keep(state)
                yield state
                if self._units and page.cursor is not None:
                    self._sleep(max(0.0, page.units / self._units - (self._clock() - began)))
        self._report()
        state.done = True
        self.folder.keep(state)
        yield state

    def _take(self, page: Page) -> None:
        rows: list[Row] = []
        for stored in page.cases:
            made = self.rows(stored)
            self.state.cases += bool(made)
            rows += made
        self._add(rows)
        state = self.state
        state.cursor, state.pages, state.read = page.cursor, state.pages + 1, state.read + page.read
        state.unreadable += page.unreadable

    def rows(self, stored: Stored) -> list[Row]:
        """What of a case this export has: its rows in the wanted tables."""
        case: Case = stored.state
        if self.wish.department and case.department != self.wish.department:
            return []
        on = self._setting(case)
        source = self.dialect.data_source
        plain = between(stored.history, self.span, lambda history: to_rows(history, on), source=source)
        if self._personal is not None and any(_table(row) in APPLICANT for row in plain):
            on = self._with_applicant(stored, on, self._personal)
            plain = between(stored.history, self.span, lambda history: to_rows(history, on), source=source)
        return [row for row in plain if _table(row) in self.wish.tables]

    def _setting(self, case: Case) -> Setting:
        application = case.application
        known = self.desk.catalogue.versions.get((application.task_code, application.task_version))
        return Setting(self.desk.standard, self.dialect, self.desk.catalogue.organisation, known)

    def _with_applicant(self, stored: Stored, on: Setting, personal: Personal) -> Setting:
        shown = personal.of(stored)
        if shown is None:
            self.state.withheld += 1
            return on
        form, _ = shown
        applicant = self.desk.standard.applicant
        used = {name for names in applicant.columns.values() for name in names}
        more = {name: value for name, value in form.items() if name not in used}
        return on._replace(personal=applicant.of(form), more=more)

    def _items(self) -> Iterator[Row]:
        known = self.desk.catalogue
        wanted = self.wish.part[0] == 1 and set(self.wish.tables) & ITEM_ROWS.keys()
        for item in known.versions.values() if wanted else ():
            for row in item_rows.to_rows(item, known.organisation, self.desk.standard, on=day_of(self.span.until)):
                if _table(row) in self.wish.tables:
                    yield stamped(row, INSERT, self.span, source=self.dialect.data_source)

    def _add(self, rows: Sequence[Row]) -> None:
        state, wish = self.state, self.wish
        some = files.by_table(rows)
        parts: dict[str, bytes] = {}
        for name in wish.tables:
            file = f"{name}.{wish.form}"
            content = files.written(
                some.get(name, []), self.desk.standard.tables[name], wish.form, head=not state.sizes.get(file)
            )
            if content or file not in state.sizes:
                parts[file] = content
        self.folder.append(state, parts)
        state.rows += len(rows)
        conformance.count(state.tallies, rows, self.desk.standard, self.dialect)

    def _report(self) -> None:
        for name in self.wish.tables:
            self.state.tallies.setdefault(name, conformance.Tally())
        found = conformance.report(self.state.tallies, self.desk.standard)
        self.folder.write("conformance.json", json.format(json.encode(found)) + b"\n")
        self.folder.write("conformance.txt", "\n".join((*conformance.said(found, texts.text), "")).encode())


def _table(row: Row) -> str:
    return TABLE_OF[type(row)]


CASES: tuple[str, ...] = tuple(CASE_ROWS)
ITEMS: tuple[str, ...] = tuple(ITEM_ROWS)
