"""Exports the national exchange tables of a stack on AWS, as `python -m local export` does on one machine.

    PYTHONPATH=.:layers/core/python .venv/bin/python infra/export.py --stack liangwang --out /data/2026-03 --units 200
    PYTHONPATH=.:layers/core/python .venv/bin/python infra/export.py --stack liangwang --out /data/week --from 2026-03-01

It reads the department's whole table (half a read unit for 4 KB); --units holds it back. Credentials and region are those of
the AWS CLI; they need dynamodb:Scan and dynamodb:DescribeTable on that table, and for --personal also GetItem on intake's
table, PutItem on the department's and kms:Decrypt with the departments' keys.
"""

from functools import partial

import click
from liangwang.aws_boto import BotoAws
from liangwang.domain.patience import Patience
from liangwang.store import Store

from infra.stack_outputs import outputs
from local import export


def office_of(stack: str) -> export.Office:
    """What a stack's outputs name. Raises click.ClickException when there are none."""
    names = outputs(stack)
    aws = BotoAws()
    return export.Office(
        aws=aws,
        keys=aws,
        table=names["DepartmentTableName"],
        department=Store(aws, names["DepartmentTableName"], patience=Patience()),
        intake=Store(aws, names["IntakeTableName"], patience=Patience()),
        key_prefix="alias/liangwang/department/",
        catalogue=export.CATALOGUE,
    )


@click.command(
    "export", params=[*export.command.params, click.Option(["--stack"], default="liangwang", show_default=True)]
)
@click.pass_context
def main(context: click.Context, stack: str, **wish: object) -> None:
    """Export the national exchange tables of a stack on AWS."""
    context.obj = context.obj or partial(office_of, stack)
    context.invoke(export.command, **wish)


if __name__ == "__main__":
    main()
