"""Where everything of a local stack is: ports, folders, addresses. The only reader of LOCAL_* variables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
from liangwang.domain.messages import TOPIC
from liangwang.signing import Credentials

from local import LAYERS

REPOSITORY = Path(__file__).resolve().parent.parent
ACCOUNT = "000000000000"

TOPICS = tuple(dict.fromkeys(TOPIC.values()))
"""Every topic that a message of the system travels on, each once."""


class StartError(Exception):
    """The stack cannot run; the message is one line that names the fix."""


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """One local stack. Two stacks run beside each other when their ports and state folders differ.

    `endpoint` and `bootstrap` are set only when the caller brings their own AWS endpoint or Kafka cluster;
    ours is not started then. `kafka` and `dynamodb` choose between the embedded parts and the real ones.
    """

    root: Path = REPOSITORY
    template: Path = REPOSITORY / "template.yaml"
    extra_stacks: tuple[Path, ...] = (REPOSITORY / "infra" / "department-keys.yaml",)
    state: Path = REPOSITORY / ".local"
    catalogue: Path = REPOSITORY / "layers" / "catalogue"
    gateway_port: int = 8080
    emulator_port: int = 4566
    broker_port: int = 9092
    controller_port: int = 9093
    dynamodb_port: int = 8000
    kafka: Literal["embedded", "apache"] = "embedded"
    dynamodb: Literal["embedded", "local"] = "embedded"
    endpoint: str | None = None
    bootstrap: str | None = None
    region: str = "cn-north-1"
    stack_name: str = "liangwang"
    topics: tuple[str, ...] = TOPICS
    partitions: int = 4
    schedule_seconds: float = 2.0
    ask_again_seconds: int = 30
    gateway_threads: int = 16
    requests_per_minute: int = 1_000_000
    """What each client, account and system may ask: the players of a demo are few, on one address, and in a hurry."""
    cors_origins: str = ""
    """Origins, comma-separated, whose pages may call the gateway; empty for the template's own."""
    notifications: Literal["off", "on"] = "off"
    """Whether notifications go out by mail and text message too, to the endpoint's SES and SNS."""
    deployed: bool = False
    """Whether functions are deployed to the endpoint and invoked through the Lambda API, not run in our processes."""
    partial_answers: Literal["resume", "records"] = "resume"
    """How Kafka sources read an answer that reports failures: `kafka_batch.READINGS`."""

    @property
    def gateway_url(self) -> str:
        """Base URL of the HTTP API, without a slash at the end."""
        return f"http://127.0.0.1:{self.gateway_port}"

    @property
    def endpoint_url(self) -> str:
        """Base URL of every AWS service."""
        return self.endpoint or f"http://127.0.0.1:{self.emulator_port}"

    @property
    def dynamodb_url(self) -> str:
        """Base URL of DynamoDB and its streams."""
        return f"http://127.0.0.1:{self.dynamodb_port}" if self.dynamodb == "local" else self.endpoint_url

    @property
    def bootstrap_servers(self) -> str:
        """Kafka's host:port list."""
        return self.bootstrap or f"127.0.0.1:{self.broker_port}"

    def log(self, process: str) -> Path:
        """The log file of one process of the stack."""
        return self.state / "log" / f"{process}.log"

    def environment(self) -> dict[str, str]:
        """The variables every process of the stack runs with, so that AWS clients need no arguments."""
        given = os.environ
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ENDPOINT_URL_DYNAMODB": self.dynamodb_url,
            "AWS_ENDPOINT_URL_DYNAMODB_STREAMS": self.dynamodb_url,
            "AWS_ACCESS_KEY_ID": given.get("AWS_ACCESS_KEY_ID", "test") if self.endpoint else "test",
            "AWS_SECRET_ACCESS_KEY": given.get("AWS_SECRET_ACCESS_KEY", "test") if self.endpoint else "test",
            # Empty where there is none: one that the caller has for AWS is not the embedded endpoint's.
            "AWS_SESSION_TOKEN": given.get("AWS_SESSION_TOKEN", "") if self.endpoint else "",
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            # Without it botocore asks the EC2 metadata address for a role and waits for its timeout.
            "AWS_EC2_METADATA_DISABLED": "true",
            "PYTHONPATH": os.pathsep.join(
                [str(self.root), *(str(self.root / "layers" / layer / "python") for layer in LAYERS)]
            ),
            "PYTHONUNBUFFERED": "1",
        }

    def credentials(self) -> Credentials:
        """What `environment` holds for signing: the caller's own on an endpoint of theirs."""
        held = self.environment()
        return Credentials(held["AWS_ACCESS_KEY_ID"], held["AWS_SECRET_ACCESS_KEY"], held["AWS_SESSION_TOKEN"])


def from_environment(environment: Mapping[str, str] = os.environ, *, deployed: bool = False) -> Config:
    """The stack the caller's environment describes; every variable is optional (docs/local.md lists them)."""
    default = Config()
    return Config(
        state=Path(environment.get("LOCAL_STATE_DIR") or default.state).absolute(),
        gateway_port=int(environment.get("LOCAL_GATEWAY_PORT") or default.gateway_port),
        emulator_port=int(environment.get("LOCAL_EMULATOR_PORT") or default.emulator_port),
        broker_port=int(environment.get("LOCAL_BROKER_PORT") or default.broker_port),
        controller_port=int(environment.get("LOCAL_CONTROLLER_PORT") or default.controller_port),
        dynamodb_port=int(environment.get("LOCAL_DYNAMODB_PORT") or default.dynamodb_port),
        kafka=_choice(environment, "KAFKA", "embedded", "apache"),
        dynamodb=_choice(environment, "DYNAMODB", "embedded", "local"),
        endpoint=environment.get("AWS_ENDPOINT_URL") or None,
        bootstrap=environment.get("KAFKA_BOOTSTRAP_SERVERS") or None,
        region=environment.get("AWS_REGION") or default.region,
        schedule_seconds=float(environment.get("LOCAL_SCHEDULE_SECONDS") or default.schedule_seconds),
        ask_again_seconds=int(environment.get("LOCAL_ASK_AGAIN_SECONDS") or default.ask_again_seconds),
        partial_answers=_choice(environment, "LOCAL_PARTIAL_ANSWERS", "resume", "records"),
        gateway_threads=int(environment.get("LOCAL_GATEWAY_THREADS") or default.gateway_threads),
        requests_per_minute=int(environment.get("LOCAL_REQUESTS_PER_MINUTE") or default.requests_per_minute),
        cors_origins=environment.get("LOCAL_CORS_ORIGINS", ""),
        notifications=_choice(environment, "LOCAL_NOTIFICATIONS", "off", "on"),
        deployed=deployed,
    )


def _choice(environment: Mapping[str, str], variable: str, *choices: str) -> Any:
    """One of a variable's values; the first where it is not set. Raises StartError for another."""
    value = environment.get(variable) or choices[0]
    if value not in choices:
        raise StartError(
            f"{variable}={value} is not known: choose {' or '.join(f'{variable}={one}' for one in choices)}"
        )
    return value


def save(config: Config) -> None:
    """Leave the configuration in the state folder, where the stack's other processes read it."""
    config.state.mkdir(parents=True, exist_ok=True)
    write_atomically(config.state / "config.json", msgspec.json.format(msgspec.json.encode(config, enc_hook=str)))


def load(state: Path) -> Config:
    """The configuration `save` left in a state folder. Raises FileNotFoundError when no stack ever ran there."""
    return msgspec.json.decode((state / "config.json").read_bytes(), type=Config, dec_hook=_path)


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file so that a reader, or a crash, never sees half of it."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    temporary.write_bytes(content)
    os.replace(temporary, path)


def _path(kind: type, value: object) -> object:
    return kind(value) if isinstance(value, str) and issubclass(kind, Path) else value
