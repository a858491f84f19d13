"""Restate's server from npm, started with its service for one run and stopped after it.

The server is under the Business Source License: the machine that measures downloads it from the registry into
``.local/peer``, and nothing of it is part of this repository. Telemetry is off, and everything listens on 127.0.0.1.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from liangwang.http_client import HttpClient

from local import processes
from local.config import REPOSITORY

PACKAGE = "@restatedev/restate-server"
VERSION = "1.7.12"
FOLDER = REPOSITORY / ".local" / "peer"
HERE = Path(__file__).parent
START_SECONDS = 60.0


class PeerError(Exception):
    """The peer cannot be measured here; the message is one line that names the fix."""


def install(folder: Path = FOLDER) -> Path:
    """The server's program, downloaded when it is not there yet. Raises PeerError."""
    packages = folder / VERSION
    if (found := _program(packages)) is None:
        npm = shutil.which("npm")
        if npm is None:
            raise PeerError("npm is missing: install Node.js (npm comes with it), or do without the peer")
        packages.mkdir(parents=True, exist_ok=True)
        # Without scripts: one of its dependencies reports installations.
        command = [npm, "install", "--prefix", str(packages), "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
        done = subprocess.run([*command, f"{PACKAGE}@{VERSION}"], capture_output=True, text=True)
        found = _program(packages)
        if done.returncode or found is None:
            reason = (done.stderr.strip().splitlines() or ["no build for this system"])[-1]
            raise PeerError(f"npm could not install {PACKAGE}@{VERSION}: {reason}")
    return found


def _program(packages: Path) -> Path | None:
    """npm installs the one platform package that fits."""
    found = sorted(packages.glob(f"node_modules/{PACKAGE}-*/bin/restate-server"))
    return found[0] if found else None


class Restate:
    """A server with empty data on disk and the service registered with it, until the end of the ``with``."""

    def __init__(self, *, clerk: str) -> None:
        """``clerk``: the address to which asks are posted."""
        self._program = install()
        self._clerk = clerk
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._ports = _free_ports(4)
        FOLDER.mkdir(parents=True, exist_ok=True)
        self._data = tempfile.TemporaryDirectory(dir=FOLDER, prefix="data-")

    @property
    def ingress(self) -> str:
        """Where clients call the service."""
        return f"http://127.0.0.1:{self._ports[0]}"

    @property
    def pids(self) -> dict[str, int]:
        """The processes to be measured."""
        return {name: child.pid for name, child in self._children.items()}

    def __enter__(self) -> Self:
        try:
            self._start("server", [str(self._program), "--no-logo"], self._server_settings())
            service = [sys.executable, "-m", "hypercorn", "--config", str(HERE / "hypercorn.toml")]
            service += ["--workers", str(os.cpu_count()), "--bind", f"127.0.0.1:{self._ports[3]}"]
            self._start("service", [*service, "bench.restate.service:app"], {"CLERK": self._clerk})
            self._register()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._stop()

    def _server_settings(self) -> dict[str, str]:
        """The defaults, but for where it listens and that it tells nobody."""
        ingress, admin, node, _ = self._ports
        return {
            "DO_NOT_TRACK": "1",
            "RESTATE_DISABLE_TELEMETRY": "true",
            "RESTATE_BASE_DIR": self._data.name,
            "RESTATE_NODE_NAME": "bench",
            "RESTATE_LISTEN_MODE": "tcp",
            "RESTATE_BIND_IP": "127.0.0.1",
            "RESTATE_ADVERTISED_HOST": "127.0.0.1",
            "RESTATE_BIND_PORT": str(node),
            "RESTATE_INGRESS__BIND_PORT": str(ingress),
            "RESTATE_ADMIN__BIND_PORT": str(admin),
            "RESTATE_LOG_FILTER": "warn",
        }

    def _start(self, name: str, command: list[str], settings: dict[str, str]) -> None:
        environment = {**os.environ, **settings}
        self._children[name] = processes.start(command, environment=environment, log=FOLDER / f"{name}.log")

    def _register(self) -> None:
        """Tells the server where the service is, as soon as both answer."""
        admin = HttpClient(f"http://127.0.0.1:{self._ports[1]}", timeout=30)
        body = json.dumps({"uri": f"http://127.0.0.1:{self._ports[3]}"}).encode()
        deadline = time.monotonic() + START_SECONDS
        answer = "nothing answers"
        while time.monotonic() < deadline and all(child.poll() is None for child in self._children.values()):
            try:
                response = admin.request(
                    "POST", "/deployments", body=body, headers={"content-type": "application/json"}
                )
                if response.status < 300:
                    return
                answer = response.body.decode(errors="replace")
            except OSError:
                pass  # not up yet
            time.sleep(0.1)
        raise PeerError(f"Restate does not start ({answer}): see {FOLDER}/server.log and service.log")

    def _stop(self) -> None:
        for child in reversed(self._children.values()):
            processes.stop(child)
        self._data.cleanup()


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports
