"""Makes an official's or a system's account in intake's table, or gives one a new password; citizens register themselves.

    PYTHONPATH=layers/core/python .venv/bin/python infra/account.py li-na --role clerk --name 李娜 \\
        --department D-990100-MARKET --table "$(output liangwang IntakeTableName)"

The password is asked for and not shown; only its Argon2id digest is stored. Credentials and region are those of the AWS
CLI. An account that exists is left alone unless ``--replace`` is given, which sets everything anew, the role included.
"""

import secrets
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path

import click
from liangwang import catalogue, passwords
from liangwang.aggregates import ACCOUNT, Key
from liangwang.aws import AwsError, AwsJson
from liangwang.aws_boto import BotoAws
from liangwang.domain.account import Account
from liangwang.domain.catalogue import Organisation
from liangwang.domain.patience import Patience
from liangwang.processing import Command, perform
from liangwang.store import Store
from msgspec import structs

CATALOGUE = Path(__file__).resolve().parent.parent / "layers" / "catalogue"
ROLES = ("clerk", "reviewer", "supervisor", "operator", "auditor", "system")
IN_A_DEPARTMENT = ("clerk", "reviewer", "supervisor")
SYSTEM_SCOPES = ("exchange", "grid")
"""What a system's tokens are for (docs/identity.md)."""

DEPARTMENT_SCOPES = ("mailbox",)
"""What those of a department's own system are for (docs/departments.md)."""

SHORTEST = 12
"""Characters of a password (NIST SP 800-63B asks for 8 at least; these people decide about others)."""


def check(account: Account, organisation: Organisation) -> None:
    """Raises click.ClickException for an account that could not do its work; the message names the option."""
    if account.role in IN_A_DEPARTMENT:
        known = {department.code for department in organisation.departments}
        if account.department not in known:
            raise click.ClickException(f"--department {account.department!r}: use a code of organisation.yaml")
    elif account.role == "system" and account.department:
        found = organisation.department.get(account.department)
        if found is None or found.connected != "http":
            raise click.ClickException(
                f"--department {account.department!r}: a system is bound to a department with `connected: http`"
            )
    elif account.department:
        raise click.ClickException(f"--department is for those who work in one, not for a {account.role}")
    if account.role == "operator" and account.region not in {region.code for region in organisation.regions}:
        raise click.ClickException(f"--region {account.region!r}: use a region code of organisation.yaml")
    if account.role != "operator" and account.region:
        raise click.ClickException(f"--region is for operators, not for a {account.role}")


def write(aws: AwsJson, table: str, username: str, account: Account, *, replace: bool) -> None:
    """Stores the account. Raises click.ClickException when there is one already and it shall not be replaced."""
    store, key = Store(aws, table, patience=Patience()), Key(ACCOUNT.name, username)

    def decide(state: Account | None, _: datetime) -> list[Account]:
        if state is not None and not replace:
            raise click.ClickException(f"{username}: there is an account of that name; --replace sets it anew")
        return [account]

    cause = f"account/{uuid.uuid4().hex}"
    (outcome,) = perform(store, [Command(key, cause, decide)], datetime.now(UTC))
    outcome.stored()


@click.command()
@click.argument("username")
@click.option("--table", required=True, help="The intake table's name (output IntakeTableName).")
@click.option("--role", required=True, type=click.Choice(ROLES))
@click.option("--name", required=True, help="Who it is, as others see it.")
@click.option(
    "--department", default="", help="The code of the department that somebody works in, or that a system speaks for."
)
@click.option("--region", default="", help="An operator's region code.")
@click.option(
    "--scope",
    default=SYSTEM_SCOPES[0],
    type=click.Choice(SYSTEM_SCOPES),
    help="What a system that speaks for no department may do: carry cases, or tell of grid events.",
)
@click.option("--replace", is_flag=True, help="Set an existing account anew: a lost password, another role.")
def main(
    username: str, table: str, role: str, name: str, department: str, region: str, scope: str, replace: bool
) -> None:
    """Make the account USERNAME; the password is asked for. A system gets a secret made at random (POST /oauth/token)."""
    scopes = (DEPARTMENT_SCOPES if department else (scope,)) if role == "system" else ()
    account = Account(role=role, name=name, department=department, region=region, scopes=scopes)
    check(account, catalogue.load(CATALOGUE).organisation)
    is_system = role == "system"
    password = (
        secrets.token_urlsafe(32) if is_system else click.prompt("Password", hide_input=True, confirmation_prompt=True)
    )
    if len(password) < SHORTEST:
        raise click.ClickException(f"a password has {SHORTEST} characters at least")
    digested = structs.replace(account, password=passwords.digest(password), password_set_at=datetime.now(UTC))
    try:
        write(BotoAws(), table, username, digested, replace=replace)
    except AwsError as error:
        raise click.ClickException(f"table {table}: {error}") from error
    click.echo(f"{username} can log in as {role}." + (f" Its secret, shown once: {password}" if is_system else ""))


if __name__ == "__main__":
    sys.exit(main())
