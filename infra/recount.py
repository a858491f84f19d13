"""The statistics on AWS, compared with the histories of cases and collaboration events: `python -m local recount` on a stack.

    PYTHONPATH=.:layers/core/python .venv/bin/python infra/recount.py --stack liangwang            # exit code 1 when anything differs
    PYTHONPATH=.:layers/core/python .venv/bin/python infra/recount.py --stack liangwang --repair   # counts what is missing

It reads both tables whole (a read unit for each 4 kB). What changes meanwhile may show as a difference: the
stream counts them seconds later. Credentials and region are those of the AWS CLI.
"""

from functools import partial

import click
from liangwang.aws_boto import BotoAws
from liangwang.domain.patience import Patience
from liangwang.store import Store

from infra.stack_outputs import outputs
from local import recount


def books_of(stack: str) -> recount.Books:
    """What a stack's outputs name. Raises click.ClickException when there are none."""
    names = outputs(stack)
    aws = BotoAws()
    tallies = Store(aws, names["StatisticsTableName"], patience=Patience())
    return recount.Books(aws, names["DepartmentTableName"], names["GovernanceTableName"], tallies)


@click.command(params=recount.command.params)
@click.option("--stack", default="liangwang", show_default=True, help="The application's stack.")
@click.pass_context
def main(context: click.Context, stack: str, **options: bool) -> None:
    """Compare the statistics of a stack on AWS with its cases and collaboration events."""
    context.obj = partial(books_of, stack)
    context.invoke(recount.command, **options)


if __name__ == "__main__":
    main()
