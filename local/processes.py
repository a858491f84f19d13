"""Child processes that never outlive their parent, and ports that are checked before they are used."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """Arrange that this process ends when the one that started it is gone, even by kill -9.

    Called first thing in every child. Linux signals us itself; elsewhere a thread watches the parent's id.
    The supervisor starts its children from its main thread, since the kernel counts the death of the
    starting *thread*.
    """
    parent = int(os.environ.get("LOCAL_PARENT_PID", "0"))
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    else:
        threading.Thread(target=_watch_parent, args=(parent,), daemon=True).start()
    if parent and os.getppid() != parent:
        os._exit(1)  # it died before we could ask to be told


def _watch_parent(parent: int) -> None:
    pause = threading.Event()
    while os.getppid() == parent:
        pause.wait(0.5)
    os._exit(1)


_STOP_SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}


def block_stop_signals() -> None:
    """Hold SIGTERM, SIGINT and SIGHUP back until `wait_for_stop` takes them.

    Called before a process starts threads, since a thread inherits the mask and any unmasked one may get a signal.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)


def wait_for_stop(on_hangup: Callable[[], None] | None = None) -> None:
    """Block the main thread until SIGTERM or SIGINT; call `on_hangup` at each SIGHUP."""
    block_stop_signals()
    while signal.sigwait(_STOP_SIGNALS) == signal.SIGHUP:
        if on_hangup:
            on_hangup()


def write_log() -> None:
    """Our own words from INFO on, those of the libraries from WARNING on, to the process's log."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("local").setLevel(logging.INFO)


def start(command: Sequence[str], *, environment: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    """Start a child with its output appended to a log file."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**environment, "LOCAL_PARENT_PID": str(os.getpid())},
            # A Ctrl-C in the terminal reaches the supervisor only, which then stops its children in order.
            start_new_session=True,
        )


def stop(child: subprocess.Popen[bytes], *, patience: float = 10.0) -> None:
    """End a child politely, then by force. Returns when it is gone."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(patience)
        except subprocess.TimeoutExpired:
            child.kill()
    child.wait()


def exit_reason(code: int) -> str:
    """What an exit code says, for people."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def port_is_free(port: int) -> bool:
    """Whether this process could listen on a port of 127.0.0.1 now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def port_answers(port: int, *, seconds: float = 0.2) -> bool:
    """Whether somebody accepts connections on a port of 127.0.0.1."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=seconds):
            return True
    except OSError:
        return False


def is_running(pid: int) -> bool:
    """Whether a process id is alive (a zombie is not)."""
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return True
