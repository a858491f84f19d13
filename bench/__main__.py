"""`python -m bench`: all measurements in one run: write units, ways to write, rounds beside floor and peer, cold starts,
and what routing costs in cities of any size."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import click
from msgspec.structs import replace
from rich.console import Console
from rich.table import Table

from bench import cost, figures, imports, peer, rounds, routing, writes
from bench.restate.setup import PeerError
from local import accounts
from local.config import StartError, from_environment
from local.stack import Stack

PARTS = ("units", "writes", "rounds", "imports", "peer", "routing")


def own_stack(console: Console) -> Stack:
    """A stack with state of its own, empty at the start, so that no other's cases are in its way."""
    config = from_environment()
    state = config.state / "bench"
    shutil.rmtree(state, ignore_errors=True)
    return Stack(replace(config, state=state), say=lambda line: console.print(f"starting: {line}"))


def units(stack: Stack, console: Console) -> dict[str, dict[str, float]]:
    """Write units of three kinds of cases."""
    table = Table("case", "write units", "aim", "of logging in", "of what follows")
    found = {}
    for name, scenario, aim in cost.CASES:
        spent = cost.write_units(stack, scenario)
        found[name] = spent._asdict()
        table.add_row(name, f"{spent.case:.0f}", aim, f"{spent.people:.0f}", f"{spent.behind:.0f}")
    console.print(table)
    return found


def peer_alone(console: Console, *, cases: int, clients: int, count: int) -> list[dict[str, figures.Lap]]:
    """Rounds of the peer only."""
    found = []
    for number in range(1, count + 1):
        found.append(peer.measure(cases, clients=clients, seed=number))
        for shape, lap in found[-1].items():
            console.print(f"round {number}, {shape}: {rounds.line(lap)} {lap.cpu_ms}")
    return found


@click.command()
@click.option("--cases", default=300, show_default=True, help="Cases a lap.")
@click.option("--rounds", "count", default=3, show_default=True, help="Rounds of ours, floor and peer in turn.")
@click.option("--clients", default=8, show_default=True, help="Clients of the closed loops.")
@click.option("--only", type=click.Choice(PARTS), help="One part alone.")
@click.option("--json", "file", type=click.Path(dir_okay=False, path_type=Path), help="Write all figures there too.")
def main(cases: int, count: int, clients: int, only: str | None, file: Path | None) -> None:
    """Measures in a stack of its own (KAFKA=apache DYNAMODB=local: on real parts). Compare figures of one run only."""
    console = Console(width=max(120, Console().width))
    found: dict[str, Any] = {"machine": figures.machine(), "cases": cases}
    try:
        if only == "peer":
            found["peer"] = peer_alone(console, cases=cases, clients=clients, count=count)
        elif only == "routing":  # needs no stack
            found["routing"] = routing.measure(console)
        else:
            with own_stack(console) as stack:
                accounts.seed(stack)
                wanted = (only,) if only else PARTS
                if "units" in wanted:
                    found["write_units"] = units(stack, console)
                if "writes" in wanted:
                    found["ways_to_write"] = writes.measure(stack, console)
                if "rounds" in wanted:
                    measured = rounds.measure(stack, cases=cases, rounds=count, clients=clients, console=console)
                    rounds.show(measured, console)
                    found["rounds"] = measured
                if "imports" in wanted:  # last: its first calls leave cases behind
                    found["cold_starts"] = imports.measure(stack, console)
                if "routing" in wanted:
                    found["routing"] = routing.measure(console)
    except (PeerError, StartError) as problem:
        raise SystemExit(f"error: {problem}") from problem
    if file:
        figures.write(file, found)


if __name__ == "__main__":
    main()
