"""CPU time of processes with all their children, from /proc (Linux)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")
TICK = os.sysconf("SC_CLK_TCK")


class Stat(NamedTuple):
    """What /proc/PID/stat says: the parent, and CPU seconds of the process and of its children that have ended."""

    parent: int
    cpu: float


def read_stat(line: str) -> Stat:
    """Reads a line of /proc/PID/stat (proc_pid_stat(5)); the name in it may hold spaces and brackets."""
    fields = line.rpartition(")")[2].split()  # from field 3, the state
    return Stat(int(fields[1]), sum(int(ticks) for ticks in fields[11:15]) / TICK)


def table() -> dict[int, Stat]:
    """All processes now. Raises SystemExit where there is no /proc."""
    if not (PROC / "self" / "stat").exists():
        raise SystemExit("CPU a case is read from /proc, which this system does not have: run the benchmark on Linux")
    found = {}
    for folder in PROC.iterdir():
        if folder.name.isdigit():
            try:
                found[int(folder.name)] = read_stat((folder / "stat").read_text())
            except OSError:
                continue  # ended meanwhile
    return found


def tree(root: int, processes: Mapping[int, Stat]) -> set[int]:
    """A process and everything below it."""
    found = {root}
    while below := {pid for pid, stat in processes.items() if stat.parent in found} - found:
        found |= below
    return found


def seconds(roots: Mapping[str, int]) -> dict[str, float]:
    """CPU seconds so far of each named process, with everything below it."""
    now = table()
    return {name: sum(now[pid].cpu for pid in tree(root, now) if pid in now) for name, root in roots.items()}


def threads(root: int) -> dict[int, float]:
    """CPU seconds so far of each thread, by its id, of a process and of everything below it."""
    found = {}
    for pid in tree(root, table()):
        for folder in (PROC / str(pid) / "task").iterdir():
            ticks = (folder / "stat").read_text().rpartition(")")[2].split()[11:13]
            found[int(folder.name)] = sum(map(int, ticks)) / TICK
    return found


class Meter:
    """CPU of named processes from the moment it is made."""

    def __init__(self, roots: Mapping[str, int]) -> None:
        self._roots = dict(roots)
        self._before = seconds(self._roots)

    def ms_each(self, count: int) -> dict[str, float]:
        """CPU milliseconds of each process since then, for one of ``count`` cases."""
        after = seconds(self._roots)
        return {name: round((after[name] - self._before[name]) * 1000 / count, 2) for name in self._roots}
