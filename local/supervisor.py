"""The parent of a stack's processes: starts them in order, restarts one that dies, stops them all.

The parts that stand for AWS and Kafka (`parts.py`) -> (deployment) -> gateway, runner. Each child has a log of its own.
They end with this process, however it ends. It ends itself when told (SIGTERM, SIGINT) or when its standard input closes,
which is how a stack started from a test or the command line goes away with its starter.
"""

from __future__ import annotations

import json
import logging
import os
import select
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from local import config as configuration
from local import deploy, emulator, gateway, parts, processes, topics
from local.config import Config, StartError, write_atomically

log = logging.getLogger("local.supervisor")

_START_SECONDS = 120.0
# The runner calls the gateway and both need the other two, so they stop in this order.
_STOP_ORDER = ("runner", "gateway", "broker", "dynamodb", "emulator")
# Seconds: sources finish the batch in hand, for which a function of ours may take 30.
_PATIENCE = {"runner": 40.0}


class Stopped(Exception):
    """Told to stop while waiting for something."""


class Supervisor:
    """One running stack, from inside its supervising process."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._parts = {part.name: part for part in parts.of(config)}
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._restarts: dict[str, int] = {}
        self._last_start: dict[str, float] = {}
        self._wake, wake_end = os.pipe()
        os.set_blocking(wake_end, False)
        os.set_blocking(self._wake, False)
        signal.set_wakeup_fd(wake_end, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
            signal.signal(number, self._on_signal)
        self._stopping = False
        self._doing = "starting"
        self._watch_input = True

    def run(self) -> None:
        """Start, watch, and stop everything before returning. Raises StartError when it never became ready."""
        began = time.monotonic()
        try:
            self._start_all()
            self._describe(ready=True, seconds=round(time.monotonic() - began, 2))
            log.info("ready after %.1f s", time.monotonic() - began)
            while not self._stopping:
                self._pause(5.0)
                self._revive()
                self._tidy()
        except Stopped:
            pass
        finally:
            self._stop_all()

    # -------------------------------------------------------------------------------------------- starting

    def _start_all(self) -> None:
        for name in self._parts:
            self._start(name)
        self._start_on_parts()

    def _start_on_parts(self) -> None:
        """What needs the parts to answer: topics, the deployment, and the processes that hold functions."""
        config = self._config
        for part in self._parts.values():
            self._doing = f"waiting for {part.title}"
            self._describe(ready=False)
            self._await(part.name, part.is_ready)
        self._doing = "deploying"
        self._describe(ready=False)
        if config.bootstrap is not None or config.kafka == "apache":
            topics.ensure(config)
        deploy.deploy(config)
        self._save_deployment()
        self._doing = "starting the functions"
        self._start("gateway")
        self._start("runner")
        self._await("gateway", self._gateway_answers)
        self._await("runner", self._runner_is_ready)

    def _save_deployment(self) -> None:
        """Have the emulator write its keys now where they must outlive a kill."""
        if "emulator" in self._parts and self._parts["emulator"].keeps_data:
            before = emulator.saved_at(self._config)
            self._children["emulator"].send_signal(signal.SIGHUP)
            self._await("emulator", lambda: emulator.saved_at(self._config) > before)

    def _start(self, name: str) -> None:
        part = self._parts.get(name)
        command = part.command if part else (sys.executable, "-m", f"local.{name}", str(self._config.state))
        environment = {**os.environ, **self._config.environment(), **(part.environment if part else {})}
        self._last_start[name] = time.monotonic()
        self._children[name] = processes.start(command, environment=environment, log=self._config.log(name))
        self._describe(ready=False)

    def _await(self, name: str, condition: Callable[[], bool]) -> None:
        """Wait until a child does its work. Raises StartError when it ends or takes too long."""
        deadline = time.monotonic() + _START_SECONDS
        while not condition():
            code = self._children[name].poll()
            if code is not None:
                reason = f"{processes.exit_reason(code)}; {_last_line(self._config.log(name))}"
                raise StartError(f"{name} ended at start: {reason} (see {self._config.log(name)})")
            if time.monotonic() > deadline:
                raise StartError(f"{name} is not ready after {_START_SECONDS:.0f} s (see {self._config.log(name)})")
            self._pause(0.02)
            if self._stopping:
                raise Stopped

    def _gateway_answers(self) -> bool:
        try:
            with urllib.request.urlopen(self._config.gateway_url + gateway.READY_PATH, timeout=2) as answer:  # nosec B310
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def _runner_is_ready(self) -> bool:
        try:
            report = json.loads((self._config.state / "runner.json").read_bytes())
        except (OSError, ValueError):
            return False
        return bool(report["ready"]) and report["pid"] == self._children["runner"].pid

    # -------------------------------------------------------------------------------------------- watching

    def _on_signal(self, number: int, _: Any) -> None:
        if number != signal.SIGCHLD:
            self._stopping = True

    def _pause(self, seconds: float) -> None:
        """Sleep until something happens: a signal, a child's end, our starter's end, or the time is over."""
        watched = [self._wake, *([sys.stdin.fileno()] if self._watch_input else [])]
        readable, _, _ = select.select(watched, [], [], seconds)
        if self._wake in readable:
            os.read(self._wake, 4096)
        if self._watch_input and sys.stdin.fileno() in readable and not os.read(sys.stdin.fileno(), 4096):
            self._watch_input = False
            self._stopping = True

    def _revive(self) -> None:
        """Start again what has ended, saying why."""
        for name, child in list(self._children.items()):
            code = child.poll()
            replaced = self._children.get(name) is not child  # the emulator's end replaces others too
            if code is None or replaced or self._stopping:
                continue
            log.error("%s ended (%s), starting it again", name, processes.exit_reason(code))
            self._restarts[name] = self._restarts.get(name, 0) + 1
            if time.monotonic() - self._last_start[name] < 2.0:
                self._pause(1.0)  # it dies at once: do not spin
            lost = name in self._parts and not self._parts[name].keeps_data
            if lost and name == "emulator":
                self._revive_emulator()
            else:
                if lost and name == "broker" and "runner" in self._children:
                    # Before a new, empty broker answers: positions in the old one mean nothing there.
                    self._children["runner"].send_signal(signal.SIGHUP)
                self._start(name)
            self._describe(ready=True)

    def _revive_emulator(self) -> None:
        """The tables went with it: deploy them anew, and give gateway and runner the new names."""
        log.error("the emulator keeps everything in memory: tables, keys and what was in them are gone")
        for name in ("runner", "gateway"):
            # Whatever they do waits for tables that are gone: no use in letting them finish.
            processes.stop(self._children.pop(name), patience=1.0)
        self._start("emulator")
        self._start_on_parts()

    def _tidy(self) -> None:
        for part in self._parts.values():
            if part.tidy is not None:
                part.tidy()

    def _describe(self, *, ready: bool, **more: Any) -> None:
        """Tell other processes what runs where, in stack.json."""
        config = self._config
        ports = {"gateway": config.gateway_port, **{name: part.port for name, part in self._parts.items()}}
        content = {
            "pid": os.getpid(),
            "ready": ready,
            "doing": self._doing,
            "gateway_url": config.gateway_url,
            "endpoint_url": config.endpoint_url,
            "bootstrap_servers": config.bootstrap_servers,
            "processes": {
                name: {"pid": child.pid, "port": ports.get(name), "restarts": self._restarts.get(name, 0)}
                for name, child in self._children.items()
            },
            **more,
        }
        write_atomically(config.state / "stack.json", msgspec.json.format(msgspec.json.encode(content)))

    def _stop_all(self) -> None:
        for name in _STOP_ORDER:
            if name in self._children:
                processes.stop(self._children.pop(name), patience=_PATIENCE.get(name, 10.0))
        (self._config.state / "stack.json").unlink(missing_ok=True)
        log.info("stopped")


def _last_line(path: Path) -> str:
    try:
        lines = [line for line in path.read_text(errors="replace").splitlines() if line.strip()]
    except OSError:
        return "no log"
    return lines[-1] if lines else "its log is empty"


def main() -> None:
    """Supervise the stack whose state folder is the first argument."""
    processes.write_log()
    config = configuration.load(Path(sys.argv[1]))
    os.environ.update(config.environment())
    failure = config.state / "failure.txt"
    failure.unlink(missing_ok=True)
    try:
        Supervisor(config).run()
    except Exception as error:
        log.exception("giving up")
        failure.write_text(str(error) or repr(error))
        sys.exit(1)


if __name__ == "__main__":
    main()
