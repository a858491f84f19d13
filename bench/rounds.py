"""Ours, its floor and the peer in turn, round by round, so that all meet the same noise of the machine."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from msgspec import Struct, field
from rich.console import Console
from rich.table import Table

from bench import cpu, floor, peer
from bench.figures import OWN, Lap, Spread, spread, summary
from bench.ours import Ours
from bench.restate.setup import PeerError, install
from local.stack import Stack

FLOOR_AIM = 0.7
CPU_AIM_MS = 12
PEER_AIM = 2


class Round(Struct):
    """One round. ``floor`` is cases a second of bare writes and messages by the client that writes, ``peer`` a lap by
    the shape in which the case is written there; empty where it cannot run."""

    open: Lap
    floor: dict[str, float]
    closed: Lap
    peer: dict[str, Lap] = field(default_factory=dict)

    def laps(self) -> dict[str, Lap]:
        """All of them by name."""
        named = {f"Restate, {shape}": lap for shape, lap in self.peer.items()}
        return {"open loop": self.open, "closed loop": self.closed, **named}


class Rounds(Struct, kw_only=True):
    """All rounds and what they come to. ``peer_ratio`` is of cases a second, ours by loop to the peer's by shape."""

    clients: int
    rounds: list[Round] = field(default_factory=list)
    figures: dict[str, dict[str, Spread]] = field(default_factory=dict)
    floor_ratio: dict[str, Spread] = field(default_factory=dict)
    peer_ratio: dict[str, Spread] = field(default_factory=dict)
    writes_a_case: float = 0.0
    messages_a_case: float = 0.0
    idle_cpu_ms_a_second: dict[str, float] = field(default_factory=dict)
    note: str = ""


def measure(stack: Stack, *, cases: int, rounds: int, clients: int, console: Console) -> Rounds:
    """A warm-up and the rounds. Prints a line a lap."""
    found = Rounds(clients=clients)
    try:
        install()
    except PeerError as problem:
        found.note = str(problem)
        console.print(f"without the peer: {problem}")
    ours = Ours(stack)
    floor.prepare(stack)
    console.print(f"warm-up: {2 * cases} cases")
    ours.open(cases, seed=0)
    ours.closed(cases, clients=clients, seed=1)
    found.idle_cpu_ms_a_second = ours.idle()
    writes = messages = 0
    for number in range(1, rounds + 1):
        ours.closed(clients, clients=clients, seed=-number)  # all are awake again after the peer's lap
        run = ours.open(cases, seed=2 * number)
        writes, messages = writes + run.writes, messages + run.messages
        bare = {
            client: cases / floor.seconds(stack, client, writes=run.writes, messages=run.messages)
            for client in floor.CLIENTS
        }
        closed = ours.closed(cases, clients=clients, seed=2 * number + 1)
        found.rounds.append(Round(run.lap, bare, closed))
        if not found.note:
            with still(stack):
                found.rounds[-1].peer = peer.measure(cases, clients=clients, seed=number)
        _print(number, found.rounds[-1], console)
    found.writes_a_case = round(writes / cases / rounds, 2)
    found.messages_a_case = round(messages / cases / rounds, 2)
    return conclude(found)


def conclude(found: Rounds) -> Rounds:
    """Fills in medians, ranges and ratios. A ratio is taken within a round."""
    each = [one.laps() for one in found.rounds]
    found.figures = {name: summary([laps[name] for laps in each]) for name in each[0]}
    for client in found.rounds[0].floor:
        found.floor_ratio[client] = spread(one.open.rate / one.floor[client] for one in found.rounds)
    for shape in found.rounds[0].peer:
        for loop in ("closed", "open"):
            ratios = (getattr(one, loop).rate / one.peer[shape].rate for one in found.rounds)
            found.peer_ratio[f"{loop} loop to {shape}"] = spread(ratios)
    return found


@contextmanager
def still(stack: Stack) -> Iterator[None]:
    """Holds our own processes still, so that what they do when idle costs the peer nothing.

    The parts underneath have nothing to do then, and a Kafka broker that is held loses its place in its own cluster.
    """
    roots = [one["pid"] for name, one in stack.description()["processes"].items() if name in OWN]
    processes = cpu.table()
    pids = [pid for root in roots for pid in cpu.tree(root, processes)]
    try:
        _signal(pids, signal.SIGSTOP)
        yield
    finally:
        _signal(pids, signal.SIGCONT)


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):  # ended meanwhile
            os.kill(pid, number)


def _print(number: int, one: Round, console: Console) -> None:
    bare = ", ".join(f"{client} {rate:.0f} ({one.open.rate / rate:.2f})" for client, rate in one.floor.items())
    console.print(f"round {number}: open {line(one.open)}; floor {bare}")
    console.print(f"  closed {line(one.closed)}")
    for shape, lap in one.peer.items():
        console.print(f"  Restate, {shape} {line(lap)}")


def line(lap: Lap) -> str:
    return (
        f"{lap.rate:.1f}/s, p50/p95 {lap.latency_ms['p50']:.0f}/{lap.latency_ms['p95']:.0f} ms, "
        f"CPU {lap.all_cpu_ms:.1f} ms"
    )


def show(found: Rounds, console: Console) -> None:
    """Prints medians and ranges beside the aims."""
    table = Table("median (range)", "cases/s", "p50 ms", "p95 ms", "CPU ms a case, own", "all")
    for name, figures in found.figures.items():
        own = "" if name.startswith("Restate") else figures["own_cpu_ms"].text(1)
        shown = [figures[one].text(digits) for one, digits in (("cases_per_second", 1), ("p50_ms", 0), ("p95_ms", 0))]
        table.add_row(name, *shown, own, figures["all_cpu_ms"].text(1))
    console.print(table)
    console.print(f"{found.clients} clients in closed loops, Restate's too; CPU by process, median:")
    for name, first in found.rounds[0].laps().items():
        each = {one: spread(lap.laps()[name].cpu_ms[one] for lap in found.rounds).median for one in first.cpu_ms}
        console.print(f"  {name}: " + ", ".join(f"{process} {ms:.1f}" for process, ms in each.items()))
    console.print(f"a case: {found.writes_a_case} writes, {found.messages_a_case} messages")
    waiting = ", ".join(f"{process} {ms:.0f}" for process, ms in found.idle_cpu_ms_a_second.items())
    console.print(f"CPU ms a second when nobody applies: {waiting}")
    for client, ratio in found.floor_ratio.items():
        console.print(f"ratio to the floor, writes through {client}: {ratio.text(2)} (aim: {FLOOR_AIM})")
    for name, ratio in found.peer_ratio.items():
        console.print(f"cases a second, {name}: {ratio.text(2)} (aim: {PEER_AIM}, p95 no worse)")
    console.print(f"aim: at most {CPU_AIM_MS} ms of CPU a case in our own processes\n")
