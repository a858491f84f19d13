"""`python -m local recount`: whether the departments' statistics equal what the histories of their cases say.

The command is the operator's on AWS too (infra/recount.py): only where the tables stand differs (`Books`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple

import click
from liangwang.aggregates import CASE, Key
from liangwang.aws import AwsJson, SignedAws
from liangwang.domain import tally
from liangwang.services.counting import Counting, Tallies, gathered
from liangwang.store import Store, Stored, read_item

from local import accounts
from local.stack import Stack

PAGE = 100


class Books(NamedTuple):
    """The table of cases by name, a client for it, and the tallies."""

    aws: AwsJson
    cases: str
    tallies: Store


class Difference(NamedTuple):
    """A tally that is not what the cases say: how often something was counted, and how often it is in the histories."""

    tally: str
    task_code: str
    measure: str
    counted: int
    found: int

    def __str__(self) -> str:
        return f"{self.tally} {self.task_code} {self.measure}: counted {self.counted}, the cases say {self.found}"


def cases(books: Books) -> Iterator[Stored]:
    """Every case of every department; reads the whole table."""
    request = {"TableName": books.cases, "ConsistentRead": True}
    while True:
        answer = books.aws.call("dynamodb", "Scan", request)
        yield from (read_item(item) for item in answer["Items"] if Key.parse(item["pk"]["S"]).kind == CASE.name)
        if "LastEvaluatedKey" not in answer:
            return
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def differences(expected: Tallies, tallies: Store) -> Iterator[Difference]:
    """What the tallies say otherwise than the cases."""
    keys = sorted(expected)
    for start in range(0, len(keys), PAGE):
        for key, stored in tallies.load(keys[start : start + PAGE]).items():
            counted = stored.state.counts if stored.history else {}
            found = next(iter(tally.add(None, expected[key]))).counts
            for code in sorted({*counted, *found}):
                ours, theirs = counted.get(code, {}), found.get(code, {})
                for measure in sorted({*ours, *theirs}):
                    if ours.get(measure, 0) != theirs.get(measure, 0):
                        yield Difference(key.id, code, measure, ours.get(measure, 0), theirs.get(measure, 0))


def here() -> Books:
    """The tables of the stack that runs on this machine."""
    stack = Stack()
    stack.description()
    stack = stack.start()
    config = stack.config
    aws = SignedAws(region=config.region, credentials=config.credentials, endpoint=config.dynamodb_url)
    return Books(aws, stack.resources["DepartmentTable"], accounts.store(stack, "StatisticsTable"))


@click.command("recount")
@click.option("--repair", is_flag=True, help="Count what is missing.")
@click.pass_context
def command(context: click.Context, repair: bool) -> None:
    """Compare the departments' statistics with their cases; exit code 1 when anything differs."""
    find: Callable[[], Books] = context.obj or here
    books = find()
    known = list(cases(books))
    expected = gathered(known, {})
    found = list(differences(expected, books.tallies))
    if found and repair:
        changed = Counting(books.tallies).count(known, datetime.now(UTC))
        click.echo(f"{changed} tallies were completed")
        found = list(differences(expected, books.tallies))
    for one in found:
        click.echo(str(one))
    click.echo(f"{len(known)} cases, {len(expected)} tallies, {len(found)} differences")
    context.exit(1 if found else 0)
