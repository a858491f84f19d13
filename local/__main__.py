"""`python -m local …`: the stack's commands.

A command of another module joins by being listed in `_ELSEWHERE`; it is imported only when it is called.
"""

from __future__ import annotations

import importlib
import signal
import sys
import time
from types import FrameType

import click
from rich.console import Console

from local import config as configuration
from local.config import StartError
from local.stack import Stack, deployed_option, stop_running

# Command name -> module with a click command of that name called `command`.
_ELSEWHERE = {
    "demo": "local.demo",
    "case": "local.case",
    "esm": "local.esm",
    "audit": "local.audit",
    "export": "local.export",
    "import-items": "local.import_items",
    "reconcile": "local.reconcile",
    "recount": "local.recount",
    "route": "local.route",
    "verify": "local.verify",
}


class _Commands(click.Group):
    """A group that finds some of its commands in modules of their own."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        present = [name for name, module in _ELSEWHERE.items() if importlib.util.find_spec(module)]
        return [*super().list_commands(ctx), *present]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        module = _ELSEWHERE.get(cmd_name)
        if module is None or importlib.util.find_spec(module) is None:
            return super().get_command(ctx, cmd_name)
        found: click.Command = importlib.import_module(module).command
        return found


@click.command(cls=_Commands)
def main() -> None:
    """The whole system on this machine. docs/local.md has the details."""


@main.command()
@deployed_option
def up(deployed: bool) -> None:
    """Start everything and stay until Ctrl-C."""
    _serve(sample=False, deployed=deployed)


@main.command()
@deployed_option
def run(deployed: bool) -> None:
    """Start everything, load demo data, push one case all the way, and stay until Ctrl-C."""
    _serve(sample=True, deployed=deployed)


@main.command()
def status() -> None:
    """What runs, on which ports, and how far each trigger is."""
    from local import status as condition

    stack = Stack()
    stack.description()
    condition.show(stack.start(), Console())


@main.command()
def down() -> None:
    """Stop the stack of this state folder."""
    stopped = stop_running(configuration.from_environment())
    click.echo("stopped" if stopped else "nothing was running")


def _serve(*, sample: bool, deployed: bool) -> None:
    from local import run as after

    signal.signal(signal.SIGTERM, _interrupt)
    began = time.monotonic()
    try:
        with Stack(configuration.from_environment(deployed=deployed), say=_say) as stack:
            if not stack.started_here:
                raise StartError("a stack runs here already: `python -m local status` shows it, `… down` stops it")
            click.echo(f"ready after {time.monotonic() - began:.1f} s")
            if sample:
                after.after_start(stack)
            after.announce(stack)
            if sample:
                after.invite(stack)
            click.echo("Ctrl-C stops it all.")
            while stack.alive():
                time.sleep(0.5)
            click.echo("the stack was stopped")
    except KeyboardInterrupt:
        click.echo("stopped")


def _say(line: str) -> None:
    click.echo(line, err=True)


def _interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    try:
        main(prog_name="python -m local")
    except StartError as error:
        sys.exit(f"error: {error}")
