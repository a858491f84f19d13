"""The audit trail on AWS: the commands of `python -m local audit` on a stack's tables and key.

    PYTHONPATH=.:layers/core/python .venv/bin/python infra/audit.py --stack liangwang verify --day 2026-03-09 --live
    PYTHONPATH=.:layers/core/python .venv/bin/python infra/audit.py --stack liangwang export --day 2026-03-09 > day.jsonl
    PYTHONPATH=.:layers/core/python .venv/bin/python infra/audit.py --stack liangwang key > audit.jwk.json

Exit code 1 when anything was changed, is missing, was inserted or moved. Credentials and region are those of the AWS CLI;
without --day the whole table is read.
"""

from functools import partial

import boto3
import click
from botocore.exceptions import ClientError
from liangwang.aws_boto import BotoAws
from liangwang.domain.patience import Patience
from liangwang.store import Store

from local import audit

SYSTEMS = {"intake": "Intake", "governance": "Governance", "department": "Department"}


def office_of(stack: str) -> audit.Office:
    """What a stack's outputs name. Raises click.ClickException when there are none."""
    try:
        found = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0].get("Outputs", [])
    except ClientError as error:
        raise click.ClickException(f"stack {stack}: {error}") from error
    names = {output["OutputKey"]: output["OutputValue"] for output in found}
    aws = BotoAws()
    try:
        stores = {
            system: Store(aws, names[f"{name}TableName"], patience=Patience()) for system, name in SYSTEMS.items()
        }
        return audit.Office(aws=aws, keys=aws, table=names["AuditTableName"], stores=stores)
    except KeyError as missing:
        raise click.ClickException(f"stack {stack} has no output {missing}: is it the application's?") from missing


@click.group(commands=audit.command.commands)
@click.option("--stack", default="liangwang", show_default=True, help="The application's stack.")
@click.pass_context
def main(context: click.Context, stack: str) -> None:
    """Check, export or show the audit trail of a stack on AWS."""
    context.obj = partial(office_of, stack)


if __name__ == "__main__":
    main()
