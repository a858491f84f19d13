"""What a cold start costs: CPU of importing each function, and of its first call, in a fresh interpreter.

The import is compared with ``boto3.client("dynamodb")`` alone. The first call is a real one, against the running stack's
tables, keys and broker, with the events of ``tests/events/functions/``: it builds clients and connections, and the
sender of Kafka messages where there is one. What the function then finds out is no matter (most events speak of cases
that the stack does not have), only that it answers: a function that raises or fails is named.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct
from rich.console import Console
from rich.table import Table

from local import accounts, deploy, functions, template
from local.api import Api
from local.config import REPOSITORY, Config
from local.stack import Stack

BOTO3 = "import boto3; boto3.client('dynamodb', region_name='cn-north-1')"
TELL = "; import time; print('cpu', time.process_time())"
FIRST_CALL = """
import json, sys, time
import app
print("cpu", time.process_time())
event = json.load(sys.stdin)
answer = app.handler(event, None) or {}
print("cpu", time.process_time())
assert not answer.get("batchItemFailures") and answer.get("statusCode", 200) < 500, answer
"""
RUNS = 5

EVENTS = REPOSITORY / "tests" / "events" / "functions"
EVENT = {
    "acceptance": "kafka_applications",
    "approval": "kafka_collaboration_results",
    "assistance": "kafka_collaboration_tasks",
    "authorizer": "authorizer",
    "collaboration": "kafka_collaboration_requests",
    "exchange": "http_pending",
    "handback": "kafka_approvals",
    "identity": "http_login",
    "intake": "http_apply",
    "publisher": "stream_intake",
    "relay": "stream_intake",
    "supervision": "schedule",
}
"""The event of each function's first call."""


class ColdStart(Struct, frozen=True):
    """CPU milliseconds of a fresh interpreter up to the end of the import, and of the first call after it."""

    function: str
    import_ms: float
    first_call_ms: float
    of_boto3: float


def cpu_ms(code: str) -> float:
    """Median CPU milliseconds of a fresh interpreter at the end of a line of ``code``, start-up included."""
    return _medians(code + TELL, folder=REPOSITORY, variables={}, event="")[0]


def _medians(code: str, *, folder: Path, variables: Mapping[str, str], event: str) -> list[float]:
    """Median over fresh interpreters of each ``cpu`` line that the code prints, in milliseconds."""
    layer = str(REPOSITORY / "layers" / "core" / "python")
    environment = {"PATH": os.environ["PATH"], **variables, "PYTHONPATH": layer}
    command = [sys.executable, "-c", code]
    found = []
    for _ in range(RUNS):
        done = subprocess.run(command, cwd=folder, env=environment, input=event, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{folder.name} raised, so its cold start means nothing: {done.stderr.strip()}")
        found.append([float(line[4:]) for line in done.stdout.splitlines() if line.startswith("cpu ")])
    return [round(statistics.median(column) * 1000, 1) for column in zip(*found, strict=True)]


def variables(config: Config) -> dict[str, dict[str, str]]:
    """The environment of each function folder, as the stack gives it; of several functions in one, the first's."""
    parsed = template.load(config.template)
    resolver = deploy.resolver(config, parsed, deploy.load(config))
    found: dict[str, dict[str, str]] = {}
    for function in parsed.functions.values():
        own = functions.variables(config, function, resolver)
        found.setdefault(Path(function.folder).name, {**config.environment(), **own})
    return found


def measure(stack: Stack, console: Console) -> list[ColdStart]:
    """Every function, beside boto3's client alone. The first calls leave cases behind that nobody ends."""
    boto3 = cpu_ms(BOTO3)
    token = Api(stack.gateway_url, accounts.password(stack.config.state)).login(accounts.citizen(1))
    found = []
    for name, environment in sorted(variables(stack.config).items()):
        folder = REPOSITORY / "functions" / name
        event = (EVENTS / f"{EVENT[name]}.json").read_text().replace("x.y.z", token)
        alone, called = _medians(FIRST_CALL, folder=folder, variables=environment, event=event)
        found.append(ColdStart(name, alone, round(called - alone, 1), round(alone / boto3, 2)))
    _show(found, boto3, console)
    return found


def _show(found: list[ColdStart], boto3: float, console: Console) -> None:
    table = Table("cold start, CPU ms", "import", "of boto3's", "first call", "both")
    table.add_row('boto3.client("dynamodb")', f"{boto3:.0f}", "1.00", "", "")
    for one in found:
        both = f"{one.import_ms + one.first_call_ms:.0f}"
        table.add_row(one.function, f"{one.import_ms:.0f}", f"{one.of_boto3:.2f}", f"{one.first_call_ms:.0f}", both)
    console.print(table)
    console.print("aim: import at most 1.3 of boto3's for a function that Kafka triggers\n")
