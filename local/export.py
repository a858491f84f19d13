"""`python -m local export …`: the national exchange tables as files, and how far they keep to the standard.

The command is the operator's on AWS too (infra/export.py): only where the tables stand differs (`Office`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import click
from liangwang import catalogue
from liangwang.aws import AwsError, AwsJson, SignedAws
from liangwang.domain.case_no import SHANGHAI
from liangwang.national import standard
from liangwang.national.rows import ROWS
from liangwang.national.tables import Standard
from liangwang.sealing import Sealing
from liangwang.store import Store
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from local import accounts
from local.config import REPOSITORY
from local.export_rights import Applicants, NotAllowed, identified
from local.export_tables import CASES, ITEMS, PAGE, Desk, Export
from local.stack import Stack
from local.table_files import Folder, State, Unusable, Wish

SETTLED = timedelta(minutes=15)
"""How long before now an export ends unless it is told otherwise: what a function began by then (15 minutes is the longest
that AWS lets one run) has been written, so the next export, which begins there, misses nothing."""


class Office(NamedTuple):
    """Where the tables are, and what they are read with: the department's and the accounts' stores, KMS, the catalogue."""

    aws: AwsJson
    keys: AwsJson
    table: str
    department: Store
    intake: Store
    key_prefix: str
    catalogue: Path


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
        return SignedAws(region=config.region, credentials=config.credentials, endpoint=endpoint, attempts=30)

    return Office(
        aws=client(config.dynamodb_url),
        keys=client(config.endpoint_url),
        table=stack.resources["DepartmentTable"],
        department=accounts.store(stack, "DepartmentTable"),
        intake=accounts.store(stack, "IntakeTable"),
        key_prefix="alias/liangwang/department/",
        catalogue=config.catalogue,
    )


def _moment(_: click.Context, __: click.Parameter, text: str | None) -> datetime | None:
    """A day (its beginning, Beijing time), a moment with its zone, or `now`."""
    if not text:
        return None
    if text == "now":
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter("use a day such as 2027-03-01, a moment with its zone, or now") from None
    if moment.tzinfo is None:
        if len(text) != len("2027-03-01"):
            raise click.BadParameter("name the moment's zone: 2027-03-01T08:00:00+08:00")
        moment = moment.replace(tzinfo=SHANGHAI)
    return moment.astimezone(UTC)


def _part(_: click.Context, __: click.Parameter, text: str | None) -> tuple[int, int]:
    number, _slash, count = (text or "1/1").partition("/")
    if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count) <= 1000):
        raise click.BadParameter("use 1/4, 2/4, 3/4 and 4/4 for four parts")
    return int(number), int(count)


@click.command("export")
@click.option("--table", "tables", multiple=True, type=click.Choice((*ROWS, "all")), help="Repeat it for several.")
@click.option("--format", "form", type=click.Choice(("csv", "jsonl")), default="csv", show_default=True)
@click.option("--from", "since", callback=_moment, help="Only what changed since: a day, or a moment with its zone.")
@click.option("--to", "until", callback=_moment, help="As it was then. Without it: 15 minutes ago.")
@click.option("--out", "out", required=True, type=click.Path(file_okay=False, path_type=Path), help="An empty folder.")
@click.option(
    "--dialect", default="own", show_default=True, help="A region's codes: layers/catalogue/national/dialects."
)
@click.option("--department", default="", help="One department's cases; all without it.")
@click.option("--personal", type=click.Choice(("none", "masked", "full")), default="none", show_default=True)
@click.option("--as", "username", default="", help="With --personal: your account; its password is asked for.")
@click.option("--reason", default="", help="With --personal full: why. It is kept with each case that is opened.")
@click.option("--units", type=float, default=0.0, help="Read units a second at most.")
@click.option("--part", callback=_part, help="1/4: the first of four parts, each into a folder of its own.")
@click.option("--page", type=click.IntRange(1, 1000), default=PAGE, show_default=True, help="Items a page.")
@click.pass_obj
def command(find: Find | None, /, out: Path, username: str, reason: str, units: float, page: int, **asked: Any) -> None:
    """Write the national exchange tables to files. Interrupted, the same command goes on where it was."""
    office = (find or here)()
    try:
        data = standard.load(office.catalogue)
        wish = _wish(data, **asked)
        applicants = _applicants(office, wish, username, reason)
        desk = Desk(office.aws, office.table, catalogue.load(office.catalogue), data)
        with Folder(out).taken() as folder:
            state = folder.begin(wish, any_end=asked["until"] is None)
            _run(Export(desk, folder, state, personal=applicants, units=units, page=page), Console(stderr=True))
    except (Unusable, NotAllowed) as error:
        raise click.ClickException(str(error)) from error
    except AwsError as error:
        raise click.ClickException(f"{error}; the same command goes on where it stopped") from error
    click.echo((out / "conformance.txt").read_text(encoding="utf-8"), nl=False)
    click.echo(summary(state, out))


def _wish(
    data: Standard,
    *,
    tables: tuple[str, ...],
    dialect: str,
    since: datetime | None,
    until: datetime | None,
    **more: Any,
) -> Wish:
    if dialect not in data.dialects:
        raise click.BadParameter(f"known are {', '.join(sorted(data.dialects))}", param_hint="--dialect")
    settled = (datetime.now(UTC) - SETTLED).replace(microsecond=0)
    return Wish(tables=_wanted(tables, since), dialect=dialect, since=since, until=until or settled, **more)


def _wanted(tables: tuple[str, ...], since: datetime | None) -> tuple[str, ...]:
    """An increment has no items unless they are named: an item does not say when it changed."""
    if "all" in tables:
        return tuple(ROWS)
    if tables:
        return tuple(name for name in ROWS if name in tables)
    return CASES if since is not None else (*CASES, *ITEMS)


def _applicants(office: Office, wish: Wish, username: str, reason: str) -> Applicants | None:
    if wish.personal == "none":
        return None
    if not username:
        raise click.UsageError("--personal needs --as: who wants to see personal data?")
    if wish.personal == "full" and not reason.strip():
        raise click.UsageError("--personal full needs --reason: it is kept with each case that is opened")
    password = click.prompt(f"Password of {username}", hide_input=True, err=True)
    return Applicants(
        office.department,
        Sealing(office.keys, key_prefix=office.key_prefix),
        identified(office.intake, username, password),
        asked=wish.personal,
        reason=reason.strip(),
        clock=lambda: datetime.now(UTC),
    )


def _run(export: Export, console: Console) -> None:
    if export.state.pages and not export.state.done:
        console.print(f"going on after {export.state.pages} pages, {export.state.rows} rows")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("items read", total=_about(export.desk), completed=export.state.read)
        for state in export.run():
            progress.update(task, completed=state.read, description=f"{state.cases} cases, {state.rows} rows")
        progress.update(task, total=export.state.read)


def _about(desk: Desk) -> int | None:
    """How many items the table has, as DynamoDB counted some hours ago; None where it does not say."""
    try:
        return int(desk.aws.call("dynamodb", "DescribeTable", {"TableName": desk.table})["Table"]["ItemCount"]) or None
    except (AwsError, KeyError):
        return None


def summary(state: State, out: Path) -> str:
    """What was written, and where the next increment begins."""
    until = state.wish.until.astimezone(SHANGHAI).isoformat()
    lines = [
        f"{state.rows} rows of {state.cases} cases in {out}, as of {until}; what changes from then on: --from {until}"
    ]
    if state.withheld:
        lines.append(f"{state.withheld} cases without personal data: the policy does not show it to you")
    if state.unreadable:
        lines.append(f"{len(state.unreadable)} cases could not be read: {', '.join(state.unreadable[:5])}")
    return "\n".join(lines)


CATALOGUE = REPOSITORY / "layers" / "catalogue"
