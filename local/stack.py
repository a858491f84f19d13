"""A stack from outside: start it, find it, ask it, break it, stop it.

    with Stack(config) as stack:
        requests to stack.gateway_url …

`with` starts a stack of its own, or joins the one that already runs in the same state folder and leaves it running.
"""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import click

from local import config as configuration
from local import deploy, java, package, parts, processes
from local.config import Config, StartError

# Two programs in Java start in a few seconds; on a machine that does much else, in many.
_START_SECONDS = 240.0
deployed_option = click.option(
    "--lambda", "deployed", is_flag=True, help="Deploy the functions and invoke them through the Lambda API."
)
"""The flag of every command that starts a stack."""

_NEEDED = {"ministack": "ministack", "confluent_kafka": "confluent-kafka", "gunicorn": "gunicorn", "flask": "flask"}


def running(config: Config) -> dict[str, Any] | None:
    """What stack.json says of a stack that is alive in this state folder, or None."""
    try:
        found: dict[str, Any] = json.loads((config.state / "stack.json").read_bytes())
    except (OSError, ValueError):
        return None
    return found if processes.is_running(found["pid"]) else None


def check(config: Config) -> None:
    """Everything that would stop a start, before anything is started. Raises StartError, one line with the fix."""
    for module, distribution in _NEEDED.items():
        if importlib.util.find_spec(module) is None:
            raise StartError(f"{distribution} is not installed for {sys.executable}: run `make setup`")
    if not config.template.is_file():
        raise StartError(f"no {config.template}: run this from a clone of the repository")
    if config.kafka == "apache" and config.bootstrap is not None:
        raise StartError(
            "KAFKA=apache starts a Kafka of ours, KAFKA_BOOTSTRAP_SERVERS names yours: unset one of the two"
        )
    if config.dynamodb == "local" and not config.credentials().access_key.isalnum():
        raise StartError("AWS_ACCESS_KEY_ID must be letters and digits only: DynamoDB Local refuses others")
    wanted = [("gateway", config.gateway_port, "LOCAL_GATEWAY_PORT")]
    for part in parts.of(config):
        wanted += [(part.title, port, variable) for variable, port in part.ports.items()]
    if any(part.java_profile for part in parts.of(config)):
        java.check()
    for what, port, variable in wanted:
        if not processes.port_is_free(port):
            raise StartError(
                f"port {port} ({what}) is in use: stop what listens there (`ss -ltnp 'sport = :{port}'` names it), "
                f"or choose another with {variable}=…"
            )


class Stack:
    """One local stack. Attributes are valid between `start` and `stop`."""

    def __init__(self, config: Config | None = None, *, say: Callable[[str], None] = lambda line: None) -> None:
        """`say` hears what a start is doing, a line a step."""
        self.config = config or configuration.from_environment()
        self._say = say
        self._supervisor: subprocess.Popen[bytes] | None = None

    @property
    def gateway_url(self) -> str:
        """Base URL of the HTTP API."""
        return self.config.gateway_url

    @property
    def endpoint_url(self) -> str:
        """Base URL of the AWS services."""
        return self.config.endpoint_url

    @property
    def bootstrap_servers(self) -> str:
        """Kafka's host:port list."""
        return self.config.bootstrap_servers

    @property
    def resources(self) -> dict[str, str]:
        """Physical names by logical id: `resources["IntakeTable"]` is the table's name."""
        return deploy.load(self.config).references

    @property
    def started_here(self) -> bool:
        """Whether this object started the stack, and so will stop it."""
        return self._supervisor is not None

    def description(self) -> dict[str, Any]:
        """stack.json: pids, ports, restarts. Raises StartError when nothing runs."""
        found = running(self.config)
        if found is None:
            raise StartError(f"no stack runs in {self.config.state}: start one with `python -m local up`")
        return found

    def start(self) -> Self:
        """Start, or join, and wait until it serves. Raises StartError with one line that names the fix."""
        if running(self.config) is not None:
            found = configuration.load(self.config.state)
            if self.config.deployed and not found.deployed:
                raise StartError(
                    f"the stack in {found.state} runs its functions in its own processes: stop it (`python -m local down`), "
                    "or choose another LOCAL_STATE_DIR and ports"
                )
            self.config = found
            self._await_ready()
            return self
        check(self.config)
        self._fetch()
        configuration.save(self.config)
        (self.config.state / "stack.json").unlink(missing_ok=True)
        log = self.config.log("supervisor")
        log.parent.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, **self.config.environment()}
        with log.open("ab") as output:
            self._supervisor = subprocess.Popen(
                [sys.executable, "-m", "local.supervisor", str(self.config.state)],
                # Its input is our lifeline: it closes with us, however we end.
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )
        try:
            self._await_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop what this object started, and wait until no process and no port is left."""
        supervisor, self._supervisor = self._supervisor, None
        if supervisor is None:
            return
        processes.stop(supervisor, patience=90)
        if supervisor.stdin:
            supervisor.stdin.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def pid(self, process: str) -> int:
        """Process id of `emulator`, `dynamodb`, `broker`, `gateway` or `runner` as of now."""
        return int(self.description()["processes"][process]["pid"])

    def kill(self, process: str) -> int:
        """kill -9 one process; the supervisor starts it again. Returns the dead one's id."""
        pid = self.pid(process)
        os.kill(pid, signal.SIGKILL)
        return pid

    def await_restart(self, process: str, dead: int, *, seconds: float = 30.0) -> None:
        """Wait until a process that was killed has a successor that works. Raises StartError after `seconds`."""
        self._await(lambda: self.pid(process) != dead and self._works(process), f"{process} is not back", seconds)

    def sources(self) -> dict[str, dict[str, Any]]:
        """The runner's last report: every mapping by name, with its last result."""
        try:
            report: dict[str, dict[str, Any]] = json.loads((self.config.state / "runner.json").read_bytes())["sources"]
        except (OSError, ValueError):
            return {}
        return report

    def alive(self) -> bool:
        """Whether the supervisor still runs."""
        return running(self.config) is not None

    # --------------------------------------------------------------------------------------------

    def _fetch(self) -> None:
        """The programs of the real parts, and the layers: here, where someone watches, and not in the children."""
        for part in parts.of(self.config):
            if part.java_profile:
                java.classpath(part.java_profile, self._say)
        if self.config.deployed:
            package.build(self.config, say=self._say)

    def _works(self, process: str) -> bool:
        if process == "gateway":
            return processes.port_answers(self.config.gateway_port)
        for part in parts.of(self.config):
            if part.name == process:
                return part.is_ready()
        try:
            report = json.loads((self.config.state / "runner.json").read_bytes())
        except (OSError, ValueError):
            return False
        return bool(report["ready"] and report["pid"] == self.pid("runner"))

    def _await_ready(self) -> None:
        told = ""

        def is_ready() -> bool:
            nonlocal told
            found = running(self.config) or {"ready": False, "doing": told}
            if not found["ready"] and found["doing"] != told:
                told = found["doing"]
                self._say(told)
            return bool(found["ready"])

        self._await(is_ready, "the stack is not ready", _START_SECONDS)

    def _await(self, condition: Any, complaint: str, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if self._supervisor is not None and self._supervisor.poll() is not None:
                raise StartError(self._failure())
            if time.monotonic() > deadline:
                raise StartError(f"{complaint} after {seconds:.0f} s: see {self.config.state / 'log'}")
            time.sleep(0.02)

    def _failure(self) -> str:
        try:
            return (self.config.state / "failure.txt").read_text()
        except OSError:
            return f"the supervisor ended: see {self.config.log('supervisor')}"


def stop_running(config: Config, *, seconds: float = 90.0) -> bool:
    """Stop the stack of a state folder, whoever started it. False when none runs."""
    found = running(config)
    if found is None:
        return False
    os.kill(found["pid"], signal.SIGTERM)
    deadline = time.monotonic() + seconds
    while processes.is_running(found["pid"]):
        if time.monotonic() > deadline:
            raise StartError(f"the supervisor (pid {found['pid']}) does not stop: kill it, its children end with it")
        time.sleep(0.05)
    return True
