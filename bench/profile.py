"""`python -m bench.profile`: where gateway and runner spend their time during a throughput run, by py-spy, as text.

Samples are of the thread that holds the interpreter's lock, so they show Python at work and nobody who waits; what C code
does without the lock (sockets, zlib) is missing, and the threads' CPU below has it. *Own* is a function's share of the
samples in which it was on top, *with callees* its share of those in which it was at all.
"""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import click
from msgspec import Struct
from rich.console import Console

from bench import cpu
from bench.__main__ import own_stack
from bench.figures import Lap
from bench.ours import Ours
from local import accounts

PROFILED = ("gateway", "runner")


class Profile(Struct, frozen=True):
    """Samples a function (``name (file)``), on top and anywhere in a stack, of ``total``."""

    total: int
    own: Counter[str]
    cumulative: Counter[str]

    def text(self, title: str, *, top: int = 40) -> str:
        """Two tables of the ``top`` functions, in percent of the samples."""
        parts = [f"{title}: {self.total} samples"]
        for name, found in (("own", self.own), ("with callees", self.cumulative)):
            parts.append(f"\n  % {name}")
            parts += [f"{100 * count / self.total:5.1f} {function}" for function, count in found.most_common(top)]
        return "\n".join(parts) + "\n"


def read(lines: Iterable[str]) -> Profile:
    """A profile from py-spy's raw format: ``frame;frame;… count`` a line, the outermost frame first."""
    own: Counter[str] = Counter()
    cumulative: Counter[str] = Counter()
    total = 0
    for line in lines:
        stack, _, count = line.rstrip("\n").rpartition(" ")
        if not stack:
            continue
        # Threads and processes are not functions; a function that calls itself counts once.
        frames = [frame for frame in stack.split(";") if not frame.startswith(("thread (", "process "))]
        if not frames:
            continue
        total += int(count)
        own[frames[-1]] += int(count)
        cumulative.update(dict.fromkeys(frames, int(count)))
    return Profile(total, own, cumulative)


class Recording:
    """py-spy attached to a process and its children until ``stop``."""

    def __init__(self, pid: int, file: Path, *, rate: int = 250) -> None:
        self._file = file
        command = [_py_spy(), "record", "--pid", str(pid), "--subprocesses", "--gil", "--function", "--format", "raw"]
        self._process = subprocess.Popen(
            [*command, "--rate", str(rate), "--duration", "unlimited", "--nonblocking", "--output", str(file)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )

    def stop(self) -> Profile:
        """Ends the recording. Raises SystemExit when py-spy could not attach (it needs ptrace: root, or a parent)."""
        self._process.send_signal(signal.SIGINT)
        _, errors = self._process.communicate(timeout=60)
        if not self._file.exists():
            raise SystemExit(f"py-spy wrote nothing: {errors.decode(errors='replace').strip()}")
        return read(self._file.read_text().splitlines())


def _py_spy() -> str:
    program = Path(sys.executable).parent / "py-spy"
    found = str(program) if program.exists() else shutil.which("py-spy")
    if found is None:
        raise SystemExit("py-spy is not installed: run `make bench` once, or pip install -r bench/requirements.txt")
    return found


def thread_names(pid: int) -> dict[int, str]:
    """What Python calls the threads of a process and of its children; those of one pool alike."""
    found = {}
    for one in cpu.tree(pid, cpu.table()):
        dump = subprocess.run([_py_spy(), "dump", "--json", "--nonblocking", "--pid", str(one)], capture_output=True)
        for thread in json.loads(dump.stdout or b"[]"):
            found[thread["os_thread_id"]] = re.sub(r"_\d+$", "", thread["thread_name"] or "")
    return found


def threads(pid: int, before: dict[int, float], *, cases: int, top: int = 20) -> str:
    """CPU milliseconds a case by thread since ``before``; threads that Python does not know are a library's own."""
    names, spent = thread_names(pid), Counter[str]()
    for thread, seconds in cpu.threads(pid).items():
        spent[names.get(thread) or "(not Python's)"] += round(1e6 * (seconds - before.get(thread, 0.0)) / cases)
    return "\n".join(f"{us / 1000:6.2f} {name}" for name, us in spent.most_common(top))


@click.command()
@click.option("--cases", default=600, show_default=True, help="Cases of the run.")
@click.option("--top", default=40, show_default=True, help="Functions a table.")
@click.option("--loop", type=click.Choice(["open", "closed"]), default="open", show_default=True, help="Which loop.")
def main(cases: int, top: int, loop: str) -> None:
    """A run with py-spy on gateway and runner; the tables go to standard output."""
    with own_stack(Console(stderr=True)) as stack, tempfile.TemporaryDirectory() as folder:
        accounts.seed(stack)
        ours = Ours(stack)

        def play(count: int, seed: int) -> Lap:
            return ours.open(count, seed=seed).lap if loop == "open" else ours.closed(count, clients=8, seed=seed)

        play(max(40, cases // 5), 0)  # warm-up
        before = {name: cpu.threads(stack.pid(name)) for name in PROFILED}
        clean = play(cases, 1)
        by_thread = {name: threads(stack.pid(name), before[name], cases=cases) for name in PROFILED}
        recordings = {name: Recording(stack.pid(name), Path(folder) / name) for name in PROFILED}
        slowed = play(cases, 2)
        profiles = {name: recording.stop() for name, recording in recordings.items()}
    click.echo(
        f"{cases} cases at {clean.rate:.1f} a second, CPU ms a case {clean.cpu_ms}; {slowed.rate:.1f} with py-spy\n"
    )
    for name, profile in profiles.items():
        click.echo(f"{name}: CPU ms a case by thread\n{by_thread[name]}\n\n{profile.text(name, top=top)}")


if __name__ == "__main__":
    main()
