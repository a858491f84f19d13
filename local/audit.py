"""`python -m local audit …`: checks, exports and shows the audit trail.

The commands are the operator's on AWS too (infra/audit.py): only where the trail stands differs (`Office`).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import click
from liangwang.audit_anchors import KIND, Anchors, opener
from liangwang.audit_chain import Chains
from liangwang.aws import AwsJson, SignedAws
from liangwang.domain.audit import Record
from liangwang.domain.audit_verification import Finding, Report, verify
from liangwang.domain.case_no import SHANGHAI
from liangwang.store import Store
from liangwang.tokens import KmsJws, jwk, public_key

from local import accounts
from local.audit_evidence import (
    DOCUMENTS,
    Compared,
    Evidence,
    Unreadable,
    compare,
    lines,
    logged_anchors,
    read_file,
    read_table,
)
from local.stack import Stack

KEY = "alias/liangwang/audit"


class Office(NamedTuple):
    """Where the trail and the three systems' tables are, and a client for them and for KMS."""

    aws: AwsJson
    keys: AwsJson
    table: str
    stores: Mapping[str, Store]


Find = Callable[[], Office]


def here() -> Office:
    """That of the stack that runs on this machine."""
    stack = Stack()
    stack.description()
    return office_of(stack.start())


def office_of(stack: Stack) -> Office:
    """That of a running stack."""
    config = stack.config

    def client(endpoint: str) -> SignedAws:
        return SignedAws(region=config.region, credentials=config.credentials, endpoint=endpoint)

    systems = {"intake": "IntakeTable", "governance": "GovernanceTable", "department": "DepartmentTable"}
    return Office(
        aws=client(config.dynamodb_url),
        keys=client(config.endpoint_url),
        table=stack.resources["AuditTable"],
        stores={system: accounts.store(stack, table) for system, table in systems.items()},
    )


def check(evidence: Evidence, key: Mapping[str, Any], *, now: datetime) -> Report:
    """The trail against itself and the key: pure, without a network."""
    return verify(
        evidence.blocks, evidence.anchors, read=opener(dict(key)), now=now, documents=DOCUMENTS, days=evidence.days
    )


def said(report: Report, compared: Compared | None, days: tuple[str, str]) -> list[str]:
    """The result for people: a sentence a finding, and the counts."""
    findings: list[Finding] = [*report.findings, *(compared.findings if compared else ())]
    result = [str(finding) for finding in findings]
    if days[0]:
        result.append(f"day {days[0]}" if days[0] == days[1] else f"days {days[0]} to {days[1]}")
    result.append(
        f"{report.records} records in {report.blocks} blocks, {report.anchors} anchors; {report.repeats} came twice, "
        f"{report.late} blocks late, {report.unanchored} not yet signed"
    )
    if compared:
        result.append(f"{compared.items} items compared with the tables, {compared.redacted} of them redacted")
    result.append(f"{len(findings)} findings" if findings else "nothing was changed, removed, inserted or reordered")
    return result


@click.group("audit")
@click.pass_context
def command(context: click.Context) -> None:
    """Check, export or show the audit trail."""
    context.obj = here


@click.command("verify")
@click.option("--day", default="", help="One day (2026-03-09, Beijing time); everything without it.")
@click.option("--file", "file", type=click.Path(exists=True, path_type=Path), help="An export, instead of the table.")
@click.option("--key", "key_file", type=click.Path(exists=True, path_type=Path), help="The public key (audit key).")
@click.option("--anchors", "log", type=click.Path(exists=True, path_type=Path), help="Log lines with anchors as well.")
@click.option("--live", is_flag=True, help="Compare the systems' tables with the records too.")
@click.pass_obj
def verify_command(
    find: Find, day: str, file: Path | None, key_file: Path | None, log: Path | None, live: bool
) -> None:
    """Name what was changed, is missing, was inserted or moved; exit code 1 when there is anything."""
    if file is not None and key_file is None:
        raise click.UsageError("with --file name the key too (--key): without it nothing proves who signed")
    try:
        office = find() if file is None or live else None
        evidence = (
            read_table(office.aws, office.table, day=day) if file is None and office else read_file(Path(str(file)))
        )
    except Unreadable as error:
        raise click.ClickException(str(error)) from error
    if log is not None:
        evidence = _with_logged(evidence, log)
    if key_file is None:
        assert office is not None  # a file is taken with a key only
        key = key_of(office)
    else:
        key = json.loads(key_file.read_text("utf-8"))
    report = check(evidence, key, now=datetime.now(UTC))
    compared = compare(evidence, office.stores) if live and office else None
    for line in said(report, compared, evidence.days):
        click.echo(line)
    sys.exit(1 if report.findings or (compared and compared.findings) else 0)


def _evidence(office: Office | None, day: str, file: Path | None) -> Evidence:
    """From the file where there is one, else from the office's table."""
    if file is None:
        assert office is not None
        return read_table(office.aws, office.table, day=day)
    try:
        return read_file(file)
    except Unreadable as error:
        raise click.ClickException(str(error)) from error


def _with_logged(evidence: Evidence, log: Path) -> Evidence:
    """The evidence with the anchors that only the log still has."""
    anchors = dict.fromkeys((*evidence.anchors, *logged_anchors(log)))
    return Evidence(days=evidence.days, blocks=evidence.blocks, anchors=tuple(anchors))


def key_of(office: Office) -> dict[str, Any]:
    """The public half of the key that signs anchors, as a JSON Web Key."""
    return jwk(public_key(office.keys, KEY), kid="audit")


@click.command("export")
@click.option("--day", default="", help="One day; everything without it.")
@click.pass_obj
def export_command(find: Find, day: str) -> None:
    """Print the trail, a JSON document a line; `verify --file` reads it."""
    office = find()
    for line in lines(read_table(office.aws, office.table, day=day)):
        click.echo(line)


@click.command("key")
@click.pass_obj
def key_command(find: Find) -> None:
    """Print the public key of the anchors as a JSON Web Key: keep it where the trail is not."""
    click.echo(json.dumps(key_of(find())))


@click.command("anchor")
@click.pass_obj
def anchor_command(find: Find) -> None:
    """Sign now where all chains stand, without waiting for the hour."""
    office, now = find(), datetime.now(UTC)
    anchors = Anchors(Chains(office.aws, office.table), KmsJws(office.keys, KEY, kind=KIND).sign)
    click.echo(anchors.sign(now, since=now.timestamp()) or "another signed at this moment")


@click.command("list")
@click.option("--case", "case_no", default="", help="Records of one case, and accesses to it.")
@click.option("--person", default="", help="What one person (userId) did, and accesses to their data.")
@click.option("--day", default="", help="One day; everything without it.")
@click.pass_obj
def list_command(find: Find, case_no: str, person: str, day: str) -> None:
    """Show records in order of time."""
    office = find()
    evidence = read_table(office.aws, office.table, day=day)
    unique = {(record.id, record.digest): record for record in evidence.records}
    for record in sorted(unique.values(), key=lambda one: (one.at, one.id)):
        if _concerns(record, case_no=case_no, person=person):
            click.echo(shown(record))


def _concerns(record: Record, *, case_no: str, person: str) -> bool:
    subject = record.access.subject if record.access else ""
    about_case = not case_no or case_no in record.id or case_no == subject
    return about_case and (not person or person in (record.by, subject))


def shown(record: Record) -> str:
    """A record as a line for people."""
    line = (
        f"{record.at.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S} {record.type} {record.id} by {record.by or record.cause}"
    )
    if record.access is None:
        return line
    access = record.access
    return f"{line}: {access.action} of {access.subject} [{', '.join(access.fields)}] {access.reason}".rstrip()


for each in (verify_command, export_command, key_command, anchor_command, list_command):
    command.add_command(each)
