"""Where a stack of a test listens, and what it stands on: the embedded parts, or the real ones that the caller names."""

import contextlib
import os

from local import parts, processes
from local.config import from_environment
from tests.waiting import eventually, free_ports

PORTS = ("gateway_port", "emulator_port", "broker_port", "controller_port", "dynamodb_port")


def own_ports():
    """The ports of a Config, each free now."""
    return dict(zip(PORTS, free_ports(len(PORTS)), strict=True))


def chosen_parts():
    """What KAFKA and DYNAMODB say, as fields of a Config."""
    config = from_environment({name: os.environ.get(name, "") for name in ("KAFKA", "DYNAMODB")})
    return {"kafka": config.kafka, "dynamodb": config.dynamodb}


@contextlib.contextmanager
def running(machine, name):
    """One part of a configuration, alone."""
    (part,) = [part for part in parts.of(machine) if part.name == name]
    environment = {**os.environ, **machine.environment(), **part.environment}
    process = processes.start(part.command, environment=environment, log=machine.log(name))
    try:
        eventually(part.is_ready, seconds=60, what=part.title)
        yield
    finally:
        processes.stop(process)
