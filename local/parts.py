"""What a stack stands on, as data: which processes stand for AWS and Kafka, where they listen, whether they keep data.

The supervisor starts and restarts them, `stack.check` looks at their ports, and `status` shows them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import NamedTuple

from local import apache_kafka, dynamodb_local, emulator, processes
from local.config import Config


class Part(NamedTuple):
    """One process of the ground floor. The first port is the one that clients know."""

    name: str
    title: str
    ports: Mapping[str, int]
    command: tuple[str, ...]
    environment: Mapping[str, str]
    is_ready: Callable[[], bool]
    keeps_data: bool
    """Whether a successor finds what was there; else whoever used it is told that it is empty."""
    java_profile: str | None = None
    tidy: Callable[[], None] | None = None
    """What it needs now and then while it runs."""

    @property
    def port(self) -> int:
        """Where clients find it."""
        return next(iter(self.ports.values()))


def of(config: Config) -> list[Part]:
    """The parts this configuration starts, in the order they are started. Whatever the caller brings is not among them."""
    found = []
    if config.endpoint is None:
        found.append(_emulator(config))
    if config.dynamodb == "local":
        found.append(_dynamodb(config))
    if config.bootstrap is None:
        found.append(_apache_kafka(config) if config.kafka == "apache" else _embedded_broker(config))
    return found


def _module(name: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", f"local.{name}", *arguments)


def _emulator(config: Config) -> Part:
    return Part(
        name="emulator",
        title="MiniStack",
        ports={"LOCAL_EMULATOR_PORT": config.emulator_port},
        command=_module("emulator"),
        environment=emulator.environment(config),
        is_ready=lambda: emulator.is_healthy(config),
        keeps_data=emulator.keeps_state(config),
    )


def _dynamodb(config: Config) -> Part:
    return Part(
        name="dynamodb",
        title="DynamoDB Local",
        ports={"LOCAL_DYNAMODB_PORT": config.dynamodb_port},
        command=_module("dynamodb_local", str(config.state)),
        environment={},
        is_ready=lambda: dynamodb_local.is_healthy(config),
        keeps_data=True,
        java_profile=dynamodb_local.PROFILE,
        tidy=lambda: dynamodb_local.tidy(config),
    )


def _apache_kafka(config: Config) -> Part:
    return Part(
        name="broker",
        title="Apache Kafka",
        ports={"LOCAL_BROKER_PORT": config.broker_port, "LOCAL_CONTROLLER_PORT": config.controller_port},
        command=_module("apache_kafka", str(config.state)),
        environment={},
        is_ready=lambda: processes.port_answers(config.broker_port),
        keeps_data=True,
        java_profile=apache_kafka.PROFILE,
    )


def _embedded_broker(config: Config) -> Part:
    numbers = ("--port", str(config.broker_port), "--partitions", str(config.partitions))
    return Part(
        name="broker",
        title="the embedded Kafka broker",
        ports={"LOCAL_BROKER_PORT": config.broker_port},
        command=_module("broker", *numbers, *config.topics),
        environment={},
        is_ready=lambda: processes.port_answers(config.broker_port),
        keeps_data=False,
    )
