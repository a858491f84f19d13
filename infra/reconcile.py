"""Compares the three systems on AWS case by case, as `python -m local demo` does at its end.

    PYTHONPATH=.:layers/core/python .venv/bin/python infra/reconcile.py --stack liangwang                # every open case
    PYTHONPATH=.:layers/core/python .venv/bin/python infra/reconcile.py --stack liangwang CASE_NO …      # these, open or ended

It names what is lost (intake has it, nobody else) and what is duplicated, and counts the open ones by where they are: an
open case is not wrong, it waits for people or for the question that is asked again. Exit code 1 when anything is lost or
duplicated. Credentials and region are those of the AWS CLI; the reads cost one read unit an item and a few more.
"""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import click
from liangwang.aws_boto import BotoAws
from liangwang.domain.patience import Patience
from liangwang.store import SHARDS, Store

from infra.stack_outputs import outputs
from local.reconciliation import Difference, Tables

PAGE = 100
A_SHARD = 8000
"""Open cases of one shard of the ``wake`` index that one call can name: a page of a query holds a megabyte."""


def tables_of(stack: str) -> Tables:
    """The tables that a stack's outputs name. Raises click.ClickException when there are none."""
    names = outputs(stack)
    stores = [Store(BotoAws(), names[f"{name}TableName"], patience=Patience()) for name in SYSTEMS]
    return Tables(intake=stores[0], governance=stores[1], department=stores[2])


SYSTEMS = ("Intake", "Governance", "Department")


def open_cases(intake: Store, now: datetime) -> list[str]:
    """The cases that intake still waits for, the longest waiting first; at most ``A_SHARD`` a shard."""
    someday = now + timedelta(days=365)
    return [key.id for key in intake.due(someday, limit=A_SHARD * SHARDS)]


def differences(tables: Tables, case_nos: Sequence[str]) -> Iterator[Difference]:
    """What is not as it should be among these cases."""
    for start in range(0, len(case_nos), PAGE):
        for footprint in tables.cases(case_nos[start : start + PAGE]):
            difference = footprint.difference()
            if difference is not None:
                yield difference


def report(found: Sequence[Difference], looked_at: int) -> bool:
    """Prints it; answers whether nothing is lost or duplicated."""
    wrong = [one for one in found if one.kind != "stuck"]
    for one in wrong:
        click.echo(f"{one.case_no} {one.kind}: {one.detail}")
    for where, count in Counter(one.detail for one in found if one.kind == "stuck").most_common():
        click.echo(f"{count:8} open: {where}")
    click.echo(f"{looked_at} cases looked at, {len(wrong)} lost or duplicated")
    return not wrong


@click.command()
@click.option("--stack", default="liangwang", show_default=True, help="The application's stack.")
@click.argument("case_nos", nargs=-1)
def main(stack: str, case_nos: tuple[str, ...]) -> None:
    """Compare the three systems: the CASE_NOS, or every case that is open."""
    tables = tables_of(stack)
    wanted = list(case_nos) or open_cases(tables.intake, datetime.now(UTC))
    sys.exit(0 if report(list(differences(tables, wanted)), len(wanted)) else 1)


if __name__ == "__main__":
    main()
