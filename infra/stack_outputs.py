"""What a stack on AWS names: tables, addresses. For the tools of this folder."""

import boto3
import click
from botocore.exceptions import ClientError


class Outputs(dict[str, str]):
    """A stack's outputs by name; one that is asked for and is not there ends the command with a sentence."""

    def __init__(self, stack: str, found: dict[str, str]) -> None:
        super().__init__(found)
        self._stack = stack

    def __missing__(self, name: str) -> str:
        raise click.ClickException(f"stack {self._stack} has no output {name!r}: is it the application's?")


def outputs(stack: str) -> Outputs:
    """Those of a stack, with the AWS CLI's credentials. Raises click.ClickException when there is no such stack."""
    try:
        found = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0].get("Outputs", [])
    except ClientError as error:
        raise click.ClickException(f"stack {stack}: {error}") from error
    return Outputs(stack, {output["OutputKey"]: output["OutputValue"] for output in found})
