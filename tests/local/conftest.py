"""One running sample stack for all tests of local/ that need one, on ports of its own."""

import socket
import time
from pathlib import Path

import pytest

from local.config import Config
from local.stack import Stack

SAMPLE = Path(__file__).parent / "sample" / "template.yaml"


def free_ports(count):
    """Ports nobody listens on now."""
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def sample_config(state):
    """A stack of the sample template with its files in `state`."""
    gateway, emulator, broker = free_ports(3)
    return Config(
        template=SAMPLE,
        extra_stacks=(),
        state=state,
        gateway_port=gateway,
        emulator_port=emulator,
        broker_port=broker,
        topics=("notes", "dead-letters"),
        schedule_seconds=0.2,
    )


def eventually(condition, *, seconds=20.0, what="the condition"):
    """Wait until `condition()` is truthy and return it."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"{what} did not come true in {seconds} s"
        time.sleep(0.02)


@pytest.fixture(scope="session")
def stack(tmp_path_factory):
    with Stack(sample_config(tmp_path_factory.mktemp("stack"))) as running:
        yield running
