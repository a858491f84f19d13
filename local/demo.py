"""`python -m local demo`: mixed applications of many citizens, played to the end, then counted and reconciled."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import click
from liangwang import catalogue
from liangwang.aggregates import LEDGER, Key
from msgspec import Struct, to_builtins
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from local import accounts
from local import config as configuration
from local.api import Api
from local.players import Citizens, Clerks, Wish, desks, wishes
from local.reconciliation import Difference, Footprint, Tables, paths, percentile
from local.stack import Stack, deployed_option

WORKERS = 8
"""Applications made at the same time."""

CHUNK = 200


class Report(Struct, frozen=True, kw_only=True):
    """What came of a run. ``latency_ms`` is from the application to the final word at intake."""

    cases: int
    outcomes: dict[str, int]
    collaborations: int
    collaboration_paths: dict[str, int]
    lost: int
    stuck: int
    duplicated: int
    seconds: float
    cases_per_second: float
    latency_ms: dict[str, float]
    differences: tuple[Difference, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def is_clean(self) -> bool:
        """Whether every case ended once, in all three systems alike."""
        return self.lost == self.stuck == self.duplicated == 0


def play(
    stack: Stack,
    lot: Sequence[Wish],
    *,
    patience: float = 60.0,
    moods: bool = True,
    api: Api | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Makes the applications, plays everyone a step needs, and waits until all have ended or nothing moves any more.

    ``patience`` is how many seconds may pass without any case ending; without ``moods`` every clerk agrees;
    an ``api`` of an earlier run still has everyone's tokens;
    ``progress`` hears (applied, ended).
    """
    known = catalogue.load(stack.config.catalogue)
    api = api or Api(stack.gateway_url, accounts.password(stack.config.state))
    staffed = desks(lot, known, catalogue.load_responsibilities(stack.config.catalogue))
    people = {wish.citizen for wish in lot}
    people |= {officer for one in staffed for officer in accounts.officers(one.department)}
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(api.login, people))  # slow by design, and no part of a case's way
        citizens, tables = Citizens(api, known), Tables.of(stack)
        began = time.monotonic()
        made: dict[str, Wish] = {}

        def apply(wish: Wish) -> None:
            case_no = citizens.apply(wish)
            made[case_no] = wish
            citizens.follow_up(wish, case_no, seconds=patience)

        with Clerks(api, known, staffed, moods=moods) as clerks:
            running = [pool.submit(apply, wish) for wish in lot]
            problems = _await_end(running, tables, made, total=len(lot), patience=patience, progress=progress)
        problems += clerks.problems
    return _report(tables, made, lot, problems, seconds=time.monotonic() - began, stack=stack)


def _await_end(
    running: Sequence[Any],
    tables: Tables,
    made: dict[str, Wish],
    *,
    total: int,
    patience: float,
    progress: Callable[[int, int], None] | None,
) -> list[str]:
    """Waits until the ledger has an end for every case. Answers what went wrong with the players."""
    ended: set[str] = set()
    moved = time.monotonic()
    while len(ended) < total and time.monotonic() - moved < patience:
        open_cases = [number for number in list(made) if number not in ended]
        for start in range(0, len(open_cases), CHUNK):
            page = open_cases[start : start + CHUNK]
            ledgers = tables.governance.load(Key(LEDGER.name, number) for number in page)
            new = {key.id for key, stored in ledgers.items() if stored.history and stored.state.is_terminal}
            if new:
                moved = time.monotonic()
            ended |= new
        if progress:
            progress(len(made), len(ended))
        if all(one.done() for one in running) and len(made) < total and len(ended) == len(made):
            break  # some application was not taken: nothing more will come
        time.sleep(0.25)
    return [repr(error) for one in running if one.done() and (error := one.exception())]


def _report(
    tables: Tables, made: dict[str, Wish], lot: Sequence[Wish], problems: list[str], *, seconds: float, stack: Stack
) -> Report:
    footprints = _settled(tables, list(made))
    organisation = catalogue.load(stack.config.catalogue).organisation
    latencies = [one.latency.total_seconds() * 1000 for one in footprints if one.latency]
    ways = Counter(way for one in footprints for way in paths(one, organisation))
    differences = [one for one in (footprint.difference() for footprint in footprints) if one]
    differences += [
        Difference(key, "duplicated", f"{count} cases for one Idempotency-Key")
        for key, count in Counter(wish.key for wish in made.values()).items()
        if count > 1
    ]
    kinds = Counter(one.kind for one in differences)
    ends = [one.application.history[-1].at for one in footprints if one.application.history]
    starts = [one.application.history[0].at for one in footprints if one.application.history]
    span = (max(ends) - min(starts)).total_seconds() if ends else seconds
    return Report(
        cases=len(lot),
        outcomes=dict(Counter(one.outcome or "open" for one in footprints).most_common()),
        collaborations=sum(len(one.collaborations) for one in footprints),
        collaboration_paths=dict(ways.most_common()),
        lost=kinds["lost"] + len(lot) - len(made),
        stuck=kinds["stuck"],
        duplicated=kinds["duplicated"],
        seconds=round(span, 2),
        cases_per_second=round(len(footprints) / span, 1) if span else 0.0,
        latency_ms={"p50": round(percentile(latencies, 0.5)), "p95": round(percentile(latencies, 0.95))},
        differences=tuple(differences),
        problems=tuple(problems),
    )


def _settled(tables: Tables, case_nos: list[str]) -> list[Footprint]:
    """All footprints; those not yet alike in the three systems are looked at again for a few seconds."""
    found = dict.fromkeys(case_nos)
    footprints: dict[str, Footprint] = {}
    deadline = time.monotonic() + 10
    while found:
        for start in range(0, len(found), CHUNK):
            page = list(found)[start : start + CHUNK]
            footprints |= {one.case_no: one for one in tables.cases(page)}
        found = {number: None for number in found if footprints[number].outcome is None}
        if time.monotonic() > deadline:
            break
        time.sleep(0.2 if found else 0)
    return [footprints[number] for number in case_nos]


def show(report: Report, console: Console) -> None:
    """Prints the table."""
    table = Table("", "", show_header=False)
    table.add_row("cases 办件", str(report.cases))
    for outcome, count in report.outcomes.items():
        table.add_row(f"  {outcome}", str(count))
    table.add_row("collaboration events 协同事件", str(report.collaborations))
    for way, count in report.collaboration_paths.items():
        table.add_row(f"  {way}", str(count))
    table.add_row("apply to result, p50 / p95", f"{report.latency_ms['p50']} / {report.latency_ms['p95']} ms")
    table.add_row("cases per second", f"{report.cases_per_second} ({report.seconds} s)")
    table.add_row("lost / stuck / duplicated", f"{report.lost} / {report.stuck} / {report.duplicated}")
    console.print(table)
    for difference in report.differences:
        console.print(f"[red]{difference.kind}[/red] {difference.case_no}: {difference.detail}")
    for problem in sorted(set(report.problems))[:20]:
        console.print(f"[yellow]problem[/yellow] {problem}")
    if report.is_clean:
        console.print("reconciled: every case in exactly one terminal state in all three systems")


@click.command("demo")
@click.option("--cases", default=200, show_default=True, type=click.IntRange(1, 100_000), help="How many applications.")
@click.option("--seed", default=None, type=int, help="Makes the lot repeatable; without it, every run is another.")
@click.option("--json", "file", type=click.Path(dir_okay=False, path_type=Path), help="Write the report there too.")
@deployed_option
def command(cases: int, seed: int | None, file: Path | None, deployed: bool) -> None:
    """Send mixed applications as many citizens, play the clerks, and reconcile the three systems."""
    console = Console()
    with Stack(configuration.from_environment(deployed=deployed)) as stack:
        accounts.seed(stack)
        chosen = time.time_ns() % 1_000_000 if seed is None else seed
        lot = wishes(cases, catalogue.load(stack.config.catalogue), seed=chosen)
        with Progress(console=console, transient=True) as bars:
            applied, ended = bars.add_task("applied 已申请", total=cases), bars.add_task("ended 已办结", total=cases)

            def progress(first: int, second: int) -> None:
                bars.update(applied, completed=first)
                bars.update(ended, completed=second)

            report = play(stack, lot, progress=progress)
    show(report, console)
    if file:
        file.write_text(json.dumps(to_builtins(report), ensure_ascii=False, indent=2))
    raise SystemExit(0 if report.is_clean else 1)
