"""Apache Kafka on this machine: one KRaft node, broker and controller in one, with its log on disk."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import uuid
from pathlib import Path

from local import config as configuration
from local import java, processes
from local.config import Config, StartError

PROFILE = "kafka"
_HEAP = "384m"
_QUIET = ("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true")


def folder(config: Config) -> Path:
    """Where the log is."""
    return config.state / "kafka"


def properties(config: Config) -> dict[str, str]:
    """server.properties of the one node. Pure."""
    broker, controller = f"127.0.0.1:{config.broker_port}", f"127.0.0.1:{config.controller_port}"
    once = {"offsets.topic": 4, "transaction.state.log": 4, "share.coordinator.state.topic": 4}
    return {
        "node.id": "1",
        "process.roles": "broker,controller",
        "listeners": f"PLAINTEXT://{broker},CONTROLLER://{controller}",
        "advertised.listeners": f"PLAINTEXT://{broker}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        # Static voters: they may have another port after a restart, which the dynamic quorum would not survive.
        "controller.quorum.voters": f"1@{controller}",
        "log.dirs": str(folder(config)),
        "num.partitions": str(config.partitions),
        "auto.create.topics.enable": "false",
        **{f"{topic}.num.partitions": str(partitions) for topic, partitions in once.items()},
        **{f"{topic}.replication.factor": "1" for topic in once},
        "transaction.state.log.min.isr": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "group.initial.rebalance.delay.ms": "0",
        # One node elects itself, and after a kill waits for nobody but its own former session.
        "controller.quorum.election.timeout.ms": "200",
        "controller.quorum.election.backoff.max.ms": "100",
        "broker.heartbeat.interval.ms": "500",
        "broker.session.timeout.ms": "2000",
        "log.cleaner.dedupe.buffer.size": str(8 * 1024 * 1024),
        "num.network.threads": "2",
        "num.io.threads": "4",
    }


def new_cluster_id(name: uuid.UUID) -> str:
    """A cluster's name as Kafka writes it: base64 of a UUID. One in 64 begins with a dash."""
    return base64.urlsafe_b64encode(name.bytes).decode().rstrip("=")


def format_words(name: uuid.UUID, settings: Path) -> tuple[str, ...]:
    """What StorageTool is told. An id that begins with a dash is an option to it unless it stands behind an equals sign."""
    return ("format", f"--cluster-id={new_cluster_id(name)}", "--config", str(settings))


def _format(config: Config, settings: Path) -> None:
    """Prepare the log folder, once."""
    if (folder(config) / "meta.properties").is_file():
        return
    words = format_words(uuid.uuid4(), settings)
    subprocess.run(java.command(PROFILE, "kafka.tools.StorageTool", *words, heap="128m"), check=True)


def main() -> None:
    """Become the broker of the stack whose state folder is the first argument."""
    processes.end_with_parent()  # what is asked of the kernel here still holds for the program that takes our place
    config = configuration.load(Path(sys.argv[1]))
    settings = config.state / "kafka.properties"
    settings.write_text("".join(f"{name}={value}\n" for name, value in properties(config).items()))
    try:
        _format(config, settings)
        command = java.command(PROFILE, "kafka.Kafka", str(settings), heap=_HEAP, options=_QUIET)
    except (StartError, subprocess.CalledProcessError) as error:
        sys.exit(f"broker: {error}")
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
