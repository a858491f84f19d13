"""The audit trail on AWS: the commands of `python -m local audit` on a stack's tables and key.

    PYTHONPATH=.:layers/core/python .venv/bin/python infra/audit.py --stack liangwang verify --day 2026-03-09 --live
    PYTHONPATH=.:layers/core/python .venv/bin/python infra/audit.py --stack liangwang export --day 2026-03-09 > day.jsonl
    PYTHONPATH=.:layers/core/python .venv/bin/python infra/audit.py --stack liangwang key > audit.jwk.json

Exit code 1 when anything was changed, is missing, was inserted or moved. Credentials and region are those of the AWS CLI;
without --day the whole table is read.
"""

from functools import partial

import click
from liangwang.aws_boto import BotoAws
from liangwang.domain.patience import Patience
from liangwang.store import Store

from infra.stack_outputs import outputs
from local import audit

SYSTEMS = {"intake": "Intake", "governance": "Governance", "department": "Department"}


def office_of(stack: str) -> audit.Office:
    """What a stack's outputs name. Raises click.ClickException when there are none."""
    names = outputs(stack)
    aws = BotoAws()
    stores = {system: Store(aws, names[f"{name}TableName"], patience=Patience()) for system, name in SYSTEMS.items()}
    return audit.Office(aws=aws, keys=aws, table=names["AuditTableName"], stores=stores)


@click.group(commands=audit.command.commands)
@click.option("--stack", default="liangwang", show_default=True, help="The application's stack.")
@click.pass_context
def main(context: click.Context, stack: str) -> None:
    """Check, export or show the audit trail of a stack on AWS."""
    context.obj = partial(office_of, stack)


if __name__ == "__main__":
    main()
