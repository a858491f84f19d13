"""`python -m local recount`: whether what was counted equals what the histories of cases and collaboration events say.

The command is the operator's on AWS too (infra/recount.py): only where the tables stand differs (`Books`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import click
from liangwang.aggregates import CASE, COLLABORATION, Key, Kind
from liangwang.aws import AwsJson, SignedAws
from liangwang.domain import event_tally, open_events, tally
from liangwang.services import event_counting
from liangwang.services.counting import Counting, Tallies, gathered
from liangwang.services.event_counting import OPEN_KEYS, Days, EventCounting
from liangwang.store import Store, Stored, read_item

from local import accounts
from local.stack import Stack

PAGE = 100

Counts = Mapping[str, Mapping[str, int]]


class Books(NamedTuple):
    """The tables of cases and of collaboration events by name, a client for them, and the tallies."""

    aws: AwsJson
    cases: str
    events: str
    tallies: Store


class Difference(NamedTuple):
    """A tally that is not what the histories say: how much of something was counted, and how much of it there is.

    Of an open event it is the version that counts: 0 where it is not open.
    """

    tally: str
    subject: str
    measure: str
    counted: int
    found: int

    def __str__(self) -> str:
        return f"{self.tally} {self.subject} {self.measure}: counted {self.counted}, the histories say {self.found}"


def aggregates(books: Books, table: str, kind: Kind) -> Iterator[Stored]:
    """Every aggregate of a kind; reads the whole table."""
    request = {"TableName": table, "ConsistentRead": True}
    while True:
        answer = books.aws.call("dynamodb", "Scan", request)
        yield from (read_item(item) for item in answer["Items"] if Key.parse(item["pk"]["S"]).kind == kind.name)
        if "LastEvaluatedKey" not in answer:
            return
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def of_cases(expected: Tallies, tallies: Store) -> Iterator[Difference]:
    """What the departments' tallies say otherwise than the cases."""
    for key, stored in _loaded(expected, tallies):
        found = next(iter(tally.add(None, expected[key]))).counts
        yield from _between(key.id, stored.state.counts if stored.history else {}, found)


def of_days(expected: Days, tallies: Store) -> Iterator[Difference]:
    """What the centres' tallies of days say otherwise than the collaboration events."""
    for key, stored in _loaded(expected, tallies):
        found = next(iter(event_tally.add(None, expected[key])))
        known = stored.state if stored.history else event_tally.DayTally()
        yield from _between(key.id, known.counts, found.counts)
        ours, theirs = _slowest(known), _slowest(found)
        yield from _between(key.id, ours, theirs)


def of_open(events: Sequence[Stored], tallies: Store) -> Iterator[Difference]:
    """What stands as open, and should not, or not so."""
    counted = {
        key: standing
        for stored in tallies.load(OPEN_KEYS).values()
        if stored.history
        for key, standing in stored.state.standing.items()
    }
    found = {}
    for stored in events:
        state = stored.state
        if state.conclusion is None:
            found[stored.key.id] = open_events.standing(stored.history, state)
    for key in sorted({*counted, *found}):
        ours, theirs = counted.get(key), found.get(key)
        if ours != theirs:
            yield Difference("open", key, "version", ours.version if ours else 0, theirs.version if theirs else 0)


def _slowest(known: event_tally.DayTally) -> dict[str, dict[str, int]]:
    return {
        f"slowest/{code}": {one.collaboration_id: one.seconds for one in some} for code, some in known.slowest.items()
    }


def _loaded(expected: Mapping[Key, object], tallies: Store) -> Iterator[tuple[Key, Stored]]:
    keys = sorted(expected)
    for start in range(0, len(keys), PAGE):
        yield from tallies.load(keys[start : start + PAGE]).items()


def _between(name: str, counted: Counts, found: Counts) -> Iterator[Difference]:
    for subject in sorted({*counted, *found}):
        ours, theirs = counted.get(subject, {}), found.get(subject, {})
        for measure in sorted({*ours, *theirs}):
            if ours.get(measure, 0) != theirs.get(measure, 0):
                yield Difference(name, subject, measure, ours.get(measure, 0), theirs.get(measure, 0))


def here() -> Books:
    """The tables of the stack that runs on this machine."""
    stack = Stack()
    stack.description()
    stack = stack.start()
    config = stack.config
    aws = SignedAws(region=config.region, credentials=config.credentials, endpoint=config.dynamodb_url)
    tallies = accounts.store(stack, "StatisticsTable")
    return Books(aws, stack.resources["DepartmentTable"], stack.resources["GovernanceTable"], tallies)


class Compared(NamedTuple):
    """All cases, all collaboration events, how many tallies of days they count in, and what these say otherwise."""

    cases: Sequence[Stored]
    events: Sequence[Stored]
    tallies: int
    differences: Sequence[Difference]


def compared(books: Books) -> Compared:
    """Counts everything anew; reads both tables whole."""
    cases = list(aggregates(books, books.cases, CASE))
    events = list(aggregates(books, books.events, COLLABORATION))
    by_case, by_day = gathered(cases, {}), event_counting.gathered(events, {})
    found = [
        *of_cases(by_case, books.tallies),
        *of_days(by_day, books.tallies),
        *of_open(events, books.tallies),
    ]
    return Compared(cases, events, len(by_case) + len(by_day), found)


@click.command("recount")
@click.option("--repair", is_flag=True, help="Count what is missing.")
@click.pass_context
def command(context: click.Context, repair: bool) -> None:
    """Compare all statistics with the cases and collaboration events; exit code 1 when anything differs."""
    find: Callable[[], Books] = context.obj or here
    books = find()
    found = compared(books)
    if found.differences and repair:
        now = datetime.now(UTC)
        changed = Counting(books.tallies).count(found.cases, now)
        changed += EventCounting(books.tallies).count(found.events, now)
        click.echo(f"{changed} tallies were completed")
        found = compared(books)
    for one in found.differences:
        click.echo(str(one))
    cases, events, tallies, differences = (len(some) if isinstance(some, Sequence) else some for some in found)
    click.echo(f"{cases} cases, {events} collaboration events, {tallies} tallies, {differences} differences")
    context.exit(1 if found.differences else 0)
