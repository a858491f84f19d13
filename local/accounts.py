"""Demo people: plainly invented citizens, clerks, reviewers, supervisors, operators, an auditor, and a registered system.

They share one password, made at random on this machine and kept in the state folder, readable by its owner only: it is
in no repository and on no other machine.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from liangwang import catalogue, passwords
from liangwang.aggregates import ACCOUNT, Key
from liangwang.aws import SignedAws
from liangwang.domain.account import Account
from liangwang.domain.catalogue import Organisation
from liangwang.domain.patience import Patience
from liangwang.processing import Command, perform
from liangwang.store import Store

from local.stack import Stack

CITIZENS = 40
CLERKS = 3
"""A department's clerks: nobody may do two steps of one case, and items have up to three that clerks do."""


def password(state: Path) -> str:
    """The demo password of this machine."""
    file = state / "demo-password"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(12))
    return file.read_text()


def store(stack: Stack, table: str) -> Store:
    """A store on one of the stack's tables, by logical id, for tools that look from outside."""
    config = stack.config
    # As patient as people at a desk: a database that was killed needs some seconds to come back.
    aws = SignedAws(region=config.region, credentials=config.credentials, endpoint=config.dynamodb_url, attempts=30)
    return Store(aws, stack.resources[table], patience=Patience())


def seed(stack: Stack) -> int:
    """Registers the demo people that are not there yet; answers how many there are."""
    organisation = catalogue.load(stack.config.catalogue).organisation
    digest = passwords.digest(password(stack.config.state))  # one hash for all: hashing is meant to be slow
    commands = [_register(username, account) for username, account in _people(organisation, digest)]
    for outcome in perform(store(stack, "IntakeTable"), commands, datetime.now(UTC)):
        outcome.stored()
    return len(commands)


def clerk(department: str, number: int) -> str:
    """The username of one of a department's clerks, from 1 to ``CLERKS``."""
    return f"clerk-{_short(department)}-{number}"


def officer(department: str, role: str, number: int) -> str:
    """The username of an officer of a department: the ``number``-th clerk, or the reviewer or supervisor that it has."""
    return clerk(department, number) if role in ("", "clerk") else f"{role}-{_short(department)}"


def officers(department: str) -> list[str]:
    """Everybody who may have a step of a case in hand."""
    clerks = [clerk(department, number) for number in range(1, CLERKS + 1)]
    return [*clerks, *(officer(department, role, 1) for role in ("reviewer", "supervisor"))]


def mailbox(department: str) -> str:
    """The client name of a department's own system that fetches over HTTP (docs/departments.md)."""
    return f"mailbox-{_short(department)}"


def _short(department: str) -> str:
    return department.removeprefix("D-").lower()


def citizen(number: int) -> str:
    """The username of a citizen, from 1 to ``CITIZENS``."""
    return f"citizen-{number:03d}"


def applicant_type(number: int) -> int:
    """The applicant type (GB/T 39046-2020 A.4) of a citizen: every fourth is an enterprise."""
    return 2 if number % 4 == 0 else 1


def _register(username: str, account: Account) -> Command:
    def decide(state: Account | None, now: datetime) -> list[Account]:
        return [] if state is not None and state.level >= account.level else [account]

    return Command(Key(ACCOUNT.name, username), f"register/{username}/{account.level}", decide)


def _people(organisation: Organisation, digest: str) -> Iterator[tuple[str, Account]]:
    for number in range(1, CITIZENS + 1):
        kind = applicant_type(number)
        yield (
            citizen(number),
            Account(role="citizen", name=f"示例市民{number:03d}", password=digest, applicant_type=kind, level=2),
        )
    for department in organisation.departments:
        if department.connected == "http":
            yield (
                mailbox(department.code),
                Account(
                    role="system", name="示例部门系统", password=digest, department=department.code, scopes=("mailbox",)
                ),
            )
        if department.connected != "here":
            continue
        for number in range(1, CLERKS + 1):
            yield (
                clerk(department.code, number),
                Account(role="clerk", name=f"示例办事员{number}", password=digest, department=department.code),
            )
        yield (
            f"reviewer-{_short(department.code)}",
            Account(role="reviewer", name="示例审核员", password=digest, department=department.code),
        )
        yield (
            f"supervisor-{_short(department.code)}",
            Account(role="supervisor", name="示例监督员", password=digest, department=department.code),
        )
    for region in organisation.regions:
        yield (
            f"operator-{region.code}",
            Account(role="operator", name="示例值班员", password=digest, region=region.code),
        )
    yield "auditor-1", Account(role="auditor", name="示例审计员", password=digest)
    yield "partner", Account(role="system", name="示例外部系统", password=digest, scopes=("exchange",))
    yield "hotline", Account(role="system", name="示例12345热线", password=digest, scopes=("grid",))
    yield "sensor-gateway", Account(role="system", name="示例物联网关", password=digest, scopes=("grid",))
