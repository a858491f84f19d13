"""Compares the three systems on AWS case by case, as `python -m local demo` does at its end.

    PYTHONPATH=.:layers/core/python .venv/bin/python infra/reconcile.py --stack liangwang                # every open case
    PYTHONPATH=.:layers/core/python .venv/bin/python infra/reconcile.py --stack liangwang CASE_NO …      # these, open or ended

It names what is lost (intake has it, nobody else), duplicated, or not alike in the three, each with its remedy
(docs/ledger.md), and counts the other open ones by where they are: an open case is not wrong, it waits for people. Exit
code 1 when anything is to be healed. Credentials and region are those of the AWS CLI; the reads cost one read unit an item and a few more.
"""

import sys
from datetime import UTC, datetime

import click
from liangwang.aws_boto import BotoAws
from liangwang.domain.patience import Patience
from liangwang.store import Store

from infra.stack_outputs import outputs
from local.reconciliation import Tables, differences, open_cases, report


def tables_of(stack: str) -> Tables:
    """The tables that a stack's outputs name. Raises click.ClickException when there are none."""
    names = outputs(stack)
    stores = [Store(BotoAws(), names[f"{name}TableName"], patience=Patience()) for name in SYSTEMS]
    return Tables(intake=stores[0], governance=stores[1], department=stores[2])


SYSTEMS = ("Intake", "Governance", "Department")


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
