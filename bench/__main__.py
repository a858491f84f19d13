"""`python -m bench`: throughput against its floor, write units a case, cold-start imports; all in one run."""

from __future__ import annotations

import statistics

import click
from rich.console import Console
from rich.table import Table

from bench import cost, floor, imports
from bench.throughput import Run
from local import accounts
from local.api import Api
from local.stack import Stack


def throughput(stack: Stack, console: Console, *, cases: int, rounds: int) -> None:
    """Rounds of run and floor in turn, so that both meet the same noise."""
    floor.prepare(stack)
    api = Api(stack.gateway_url, accounts.password(stack.config.state))
    Run(stack, api, max(40, cases // 5), seed=0)  # warm-up
    table = Table("round", "cases/s", "p50/p95 ms", "writes", "messages", *(f"floor, {one}" for one in floor.CLIENTS))
    rates: list[float] = []
    ratios: dict[str, list[float]] = {client: [] for client in floor.CLIENTS}
    for number in range(1, rounds + 1):
        run = Run(stack, api, cases, seed=number)
        work, report = run.work, run.report
        rates.append(report.cases_per_second)
        cells = []
        for client in floor.CLIENTS:
            bare = cases / floor.seconds(stack, client, writes=work["writes"], messages=work["messages"])
            ratios[client].append(report.cases_per_second / bare)
            cells.append(f"{bare:.1f} ({ratios[client][-1]:.2f})")
        latency = f"{report.latency_ms['p50']:.0f}/{report.latency_ms['p95']:.0f}"
        per_case = [f"{work[name] / cases:.2f}" for name in ("writes", "messages")]
        table.add_row(str(number), f"{rates[-1]:.1f}", latency, *per_case, *cells)
    console.print(table)
    console.print(f"median: {statistics.median(rates):.1f} cases/s; ratio to the floor (aim 0.6):")
    for client, found in ratios.items():
        spread = f"{min(found):.2f}-{max(found):.2f}"
        console.print(f"  writes through {client}: {statistics.median(found):.2f} (range {spread})")


def units(stack: Stack, console: Console) -> None:
    """Write units of three kinds of cases."""
    table = Table("case", "write units", "aim")
    table.add_row("plain: decided at once", f"{cost.write_units(stack, cost.PLAIN):.0f}", "10")
    table.add_row("two departments asked", f"{cost.write_units(stack, cost.TWO_DEPARTMENTS):.0f}", "24")
    table.add_row("two steps by clerks", f"{cost.write_units(stack, cost.STAFFED):.0f}", "")
    console.print(table)


def cold_starts(console: Console) -> None:
    """Import CPU of each function."""
    reference = imports.cpu_ms(imports.BOTO3)
    table = Table("import", "CPU ms", "of boto3's")
    table.add_row('boto3.client("dynamodb")', f"{reference:.0f}", "1.00")
    for name in imports.functions():
        cpu = imports.of_function(name)
        table.add_row(name, f"{cpu:.0f}", f"{cpu / reference:.2f}")
    console.print(table)
    console.print("aim: at most 1.3 for a function that Kafka triggers\n")


@click.command()
@click.option("--cases", default=300, show_default=True, help="Cases a round.")
@click.option("--rounds", default=3, show_default=True, help="Rounds of run and floor.")
@click.option("--only", type=click.Choice(["throughput", "units", "imports"]), help="One part alone.")
def main(cases: int, rounds: int, only: str | None) -> None:
    """Measures on the embedded parts, in a stack of its own. Compare ratios, not figures of different runs."""
    console = Console()
    if only in (None, "imports"):
        cold_starts(console)
    if only == "imports":
        return
    with Stack() as stack:
        accounts.seed(stack)
        if only in (None, "units"):
            units(stack, console)
        if only in (None, "throughput"):
            throughput(stack, console, cases=cases, rounds=rounds)


if __name__ == "__main__":
    main()
