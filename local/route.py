"""`python -m local route …`: checks the rules of routing, explains where a question goes, and tries a changed version.

What it says comes from the same code as what operators get over HTTP (docs/routing.md).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple

import click
import msgspec
from liangwang import catalogue
from liangwang.catalogue import CatalogueError
from liangwang.domain.errors import DomainError
from liangwang.domain.responsibilities import RuleSet
from liangwang.http import Request
from liangwang.services.department_load import DepartmentLoad
from liangwang.services.event_month import Month
from liangwang.services.routing import Candidate, ExplainRouting, Routing
from liangwang.services.routing_trial import Difference, RoutingTrial
from liangwang.store import Store
from liangwang.yaml_document import BrokenYaml, YamlDocument

from local import accounts
from local.config import from_environment
from local.stack import Stack

PAGE = 100


class Tables(NamedTuple):
    """The centres' events, and the tallies that say how busy departments are."""

    governance: Store
    tallies: Store


def here() -> Tables:
    """Those of the stack that runs on this machine."""
    stack = Stack()
    stack.description()
    stack = stack.start()
    return Tables(accounts.store(stack, "GovernanceTable"), accounts.store(stack, "StatisticsTable"))


@click.group("route")
@click.option("--catalogue", "directory", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Another catalogue.")  # fmt: skip
@click.pass_context
def command(context: click.Context, directory: Path | None) -> None:
    """The rules of routing: check them, explain a question, try others on a month."""
    context.obj = context.obj or here
    context.meta["catalogue"] = directory or from_environment().catalogue


def _routing(context: click.Context, *, busy: bool = False) -> Routing:
    directory: Path = context.meta["catalogue"]
    find: Callable[[], Tables] = context.obj
    load = DepartmentLoad(find().tallies) if busy else None
    return Routing(catalogue.load_responsibilities(directory), partial(catalogue.load, directory), load)


@command.command()
@click.pass_context
def check(context: click.Context) -> None:
    """Look at every version of the rules; list what nobody answers for. Exit code 1 when a version is broken."""
    try:
        catalogue.check(context.meta["catalogue"])
    except CatalogueError as error:
        click.echo(str(error))
        context.exit(1)
    view = _routing(context).overview(_now())
    for one in view.uncovered:
        needed = f"; needed by {', '.join(one.items)}" if one.items else ""
        click.echo(f"nobody answers for {one.capability} at {one.towns} towns: {', '.join(one.places)}{needed}")
    click.echo(f"version {view.version}: {view.rules} rules, {view.departments} departments, {view.regions} regions")


@command.command()
@click.argument("capability")
@click.argument("place")
@click.option("--item", default="", help="The task_code of the case's item.")
@click.option("--at", type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z"]), help="As 2027-03-01T09:00:00+0800; now without it.")
@click.option("--requester", default="", help="The department that asks: the way begins at its centre.")
@click.option("--besides", multiple=True, help="A department that is out of the question.")
@click.option(
    "--busy", is_flag=True, help="Count the open tasks in the stack that runs here; without it nobody is busy."
)
@click.pass_context
def explain(
    context: click.Context,
    capability: str,
    place: str,
    item: str,
    at: datetime | None,
    requester: str,
    besides: tuple[str, ...],
    busy: bool,
) -> None:
    """Who takes a question about CAPABILITY at PLACE, why, who would be next, and the way there."""
    wish = ExplainRouting(capability=capability, place=place, item=item, at=at, requester=requester, besides=besides)
    try:
        found = _routing(context, busy=busy).explained(wish, datetime.now(UTC))
    except DomainError as error:
        raise _refused(error) from error
    click.echo(f"{_who(found.taker)}: {found.because.zh} (version {found.version or 'none'})")
    for one in found.considered:
        click.echo(f"  rule {one.rule} -> {', '.join(one.to)}: {one.because.zh}")
    if found.next:
        click.echo(f"  next: {', '.join(_who(one) for one in found.next)}")
    for hop in found.path:
        click.echo(f"  {hop.region} {hop.name.zh}: {hop.reason.zh}")


@command.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--month", required=True, help="As 2027-03: what was asked in it is replayed.")
@click.option("--base", default="", help="The version to compare with; the one in force without it.")
@click.pass_context
def simulate(context: click.Context, file: Path, month: str, base: str) -> None:
    """Replay a month's questions on the version of the rules in FILE, and show what would go elsewhere."""
    directory: Path = context.meta["catalogue"]
    find: Callable[[], Tables] = context.obj
    trial = RoutingTrial(
        find().governance, catalogue.load_responsibilities(directory), partial(catalogue.load, directory)
    )
    events = questions = different = 0
    try:
        known = trial.base(base, datetime.now(UTC))
        changed, cursor = trial.accepted(_version(file)), None
        while True:
            page = trial.simulated(changed, Month.of(month), base=known, limit=PAGE, cursor=cursor)
            events, questions, different = (
                events + page.events,
                questions + page.questions,
                different + page.different,
            )
            for one in page.differences:
                click.echo(_line(one))
            cursor = page.cursor
            if cursor is None:
                break
    except DomainError as error:
        raise _refused(error) from error
    click.echo(f"{events} events, {questions} questions, {different} go elsewhere than by version {known.version}")


def _version(file: Path) -> RuleSet:
    try:
        return msgspec.convert(YamlDocument(file.read_text(encoding="utf-8")).data, RuleSet)
    except (BrokenYaml, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise click.ClickException(f"{file}: {error}") from error


def _line(one: Difference) -> str:
    question = f"{one.capability} at {one.place}" + (f" for {one.item}" if one.item else "")
    return (
        f"{one.collaboration_id}: {question}: {_who(one.before)} -> {_who(one.after)}; {one.took or 'nobody'} took it"
    )


def _who(one: Candidate | None) -> str:
    if one is None:
        return "nobody"
    return f"{one.department} ({one.rule})" if one.rule else one.department


def _refused(error: DomainError) -> click.ClickException:
    return click.ClickException(
        "\n".join([error.detail, *(f"  {one.field}: {one.message}" for one in error.violations)])
    )


def _now() -> Request:
    return Request("", None, {}, {}, {}, None, datetime.now(UTC))
