"""What `python -m local run` does once the stack is up."""

from __future__ import annotations

import click

from local.stack import Stack


def after_start(stack: Stack) -> None:
    """Load the demo accounts, push one sample case all the way, and show its timeline."""


def announce(stack: Stack) -> None:
    """Print where everything is."""
    click.echo(f"gateway  {stack.gateway_url}")
    click.echo(f"docs     {stack.gateway_url}/docs")
    click.echo(f"AWS      {stack.endpoint_url}")
    click.echo(f"Kafka    {stack.bootstrap_servers}")
    click.echo(f"logs     {stack.config.state / 'log'}")
