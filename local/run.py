"""What `python -m local run` does once the stack is up: demo people, one sample case, and lines to paste."""

from __future__ import annotations

import json
import time

import click
from liangwang import catalogue
from rich.console import Console

from local import accounts, case
from local.api import Api
from local.demo import play
from local.players import Scenario, Wish
from local.stack import Stack

SAMPLE = Scenario(item="food-business-licence", form={"area": 300})
"""A restaurant with a gas kitchen: its department asks the fire brigade and the town."""


def after_start(stack: Stack) -> None:
    """Load the demo accounts, push one sample case all the way, and show its timeline."""
    accounts.seed(stack)
    wish = Wish(accounts.citizen(1), "990101001", SAMPLE, f"sample-{time.time_ns()}")
    report = play(stack, [wish], moods=False)
    api = Api(stack.gateway_url, accounts.password(stack.config.state))
    newest = api.get(wish.citizen, "/api/applications", limit=100)["cases"][-1]["case_no"]
    case.show(stack, newest, Console())
    if not report.is_clean:
        click.echo(f"the sample case did not end: see {stack.config.state / 'log'}")


def announce(stack: Stack) -> None:
    """Print where everything is."""
    click.echo(f"gateway  {stack.gateway_url}")
    click.echo(f"docs     {stack.gateway_url}/docs")
    click.echo(f"AWS      {stack.endpoint_url}")
    click.echo(f"Kafka    {stack.bootstrap_servers}")
    click.echo(f"logs     {stack.config.state / 'log'}")


def invite(stack: Stack) -> None:
    """Print three lines to paste: log in, apply, follow."""
    url = stack.gateway_url
    item = catalogue.load(stack.config.catalogue).items["elderly-card"]
    login = {"username": accounts.citizen(1), "password": accounts.password(stack.config.state)}
    wish = {"task_code": item.task_code, "place": "990101001", "form": item.example.form}
    wish["materials"] = list(item.example.materials)
    sent = "-H 'content-type: application/json'"
    head = f'-H "authorization: Bearer $TOKEN" {sent}'
    read = "python3 -c 'import json,sys; print(json.load(sys.stdin)[\"{}\"])'"
    click.echo("\nPaste these (log in, apply, follow):")
    click.echo(f"TOKEN=$(curl -s {url}/api/login {sent} -d '{json.dumps(login)}' | {read.format('token')})")
    body = json.dumps(wish, ensure_ascii=False)
    click.echo(f"CASE=$(curl -s {url}/api/applications {head} -d '{body}' | {read.format('case_no')})")
    click.echo(
        f'curl -s {url}/api/applications/$CASE -H "authorization: Bearer $TOKEN" | python3 -m json.tool --no-ensure-ascii\n'
    )
