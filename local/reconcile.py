"""`python -m local reconcile`: the three systems of this machine compared case by case, each difference with its remedy.

The command is the operator's on AWS too (infra/reconcile.py): only where the tables stand differs.
"""

from __future__ import annotations

from datetime import UTC, datetime

import click

from local.reconciliation import Tables, differences, open_cases, report
from local.stack import Stack


@click.command("reconcile")
@click.argument("case_nos", nargs=-1)
def command(case_nos: tuple[str, ...]) -> None:
    """Compare the three systems: the CASE_NOS, or every case that is open."""
    stack = Stack()
    stack.description()
    tables = Tables.of(stack.start())
    wanted = list(case_nos) or open_cases(tables.intake, datetime.now(UTC))
    raise SystemExit(0 if report(list(differences(tables, wanted)), len(wanted)) else 1)
