"""Blocks an account of intake's table, or lets a blocked one in again.

    PYTHONPATH=layers/core/python .venv/bin/python infra/block.py li-na --table "$(output liangwang IntakeTableName)"
    PYTHONPATH=layers/core/python .venv/bin/python infra/block.py li-na --table … --lift

Whoever is blocked cannot log in, refresh, or come by another identity service, and their sessions are over: the tokens in
their hands open nothing more after 30 seconds (docs/identity.md). Nothing of theirs is lost. Credentials and region are
those of the AWS CLI.
"""

import sys
import uuid
from datetime import UTC, datetime
from typing import Literal

import click
from liangwang.aggregates import ACCOUNT, Key
from liangwang.aws import AwsError, AwsJson
from liangwang.aws_boto import BotoAws
from liangwang.domain.account import Account
from liangwang.domain.patience import Patience
from liangwang.processing import Command, perform
from liangwang.sessions import Sessions
from liangwang.store import Store
from msgspec import structs


def write(aws: AwsJson, table: str, username: str, status: Literal["active", "blocked"], *, now: datetime) -> None:
    """Sets the status, and ends the sessions of whom it blocks. Raises click.ClickException for nobody, or who is erased.

    Run it again when it broke off: sessions are ended again.
    """
    store = Store(aws, table, patience=Patience())

    def decide(state: Account | None, _: datetime) -> list[Account]:
        if state is None:
            raise click.ClickException(f"{username}: there is no account of that name")
        if state.status == "closed":
            raise click.ClickException(f"{username}: the account was closed for good; nobody can log in to it")
        return [] if state.status == status else [structs.replace(state, status=status)]

    command = Command(Key(ACCOUNT.name, username), f"account/{status}/{uuid.uuid4().hex}", decide)
    perform(store, [command], now)[0].stored()
    if status == "blocked":
        Sessions(store).end_all(username, now)


@click.command()
@click.argument("username")
@click.option("--table", required=True, help="The intake table's name (output IntakeTableName).")
@click.option("--lift", is_flag=True, help="Let a blocked account in again.")
def main(username: str, table: str, lift: bool) -> None:
    """Block the account USERNAME."""
    try:
        write(BotoAws(), table, username, "active" if lift else "blocked", now=datetime.now(UTC))
    except AwsError as error:
        raise click.ClickException(f"table {table}: {error}") from error
    click.echo(f"{username} can log in again." if lift else f"{username} is blocked; nothing of theirs is lost.")


if __name__ == "__main__":
    sys.exit(main())
