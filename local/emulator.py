"""The embedded AWS endpoint: MiniStack, a program of its own, bound to this machine only."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import urllib.error
import urllib.request
from pathlib import Path

from local import function_processes, processes
from local.config import ACCOUNT, Config

_NEEDED_BY_FUNCTIONS = ("lambda", "logs")
SERVICES = (
    "cloudformation",
    "dynamodb",
    "dynamodbstreams",
    "iam",
    "kms",
    "s3",
    "scheduler",
    "secretsmanager",
    "ses",
    "sns",
    "sqs",
    "ssm",
    "sts",
)


SAVED = "saved"
"""The file in the state folder that says a whole state was written there."""


def keeps_state(config: Config) -> bool:
    """Whether keys, queues and CloudFormation's memory outlive the process: where the tables do, the keys must."""
    return config.dynamodb == "local"


def folder(config: Config) -> Path:
    """Where MiniStack keeps its state."""
    return config.state / "ministack"


def environment(config: Config) -> dict[str, str]:
    """What MiniStack is told: the defaults bind every interface and open an MQTT and an SFTP port."""
    return {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(config.emulator_port),
        "SERVICES": ",".join((*SERVICES, *_NEEDED_BY_FUNCTIONS) if config.deployed else SERVICES),
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "MINISTACK_REGION": config.region,
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "LOG_LEVEL": "WARNING",
        # Request bodies and temporary files of a run belong to the run.
        "TMPDIR": str(config.state),
        "PERSIST_STATE": "1" if keeps_state(config) else "0",
        "STATE_DIR": str(folder(config)),
    }


def is_healthy(config: Config) -> bool:
    """Whether the endpoint answers its health check."""
    try:
        with urllib.request.urlopen(f"{config.endpoint_url}/_ministack/health", timeout=1) as answer:  # nosec B310
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def saved_at(config: Config) -> int:
    """When the deployment was last written to disk, in nanoseconds since 1970; 0 when it never was."""
    try:
        return (folder(config) / SAVED).stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _save(state: Path) -> None:
    """Write everything now. MiniStack itself writes on an orderly stop only: a kill would lose the keys."""
    from ministack import app
    from ministack.core import persistence

    persistence.save_all(app._build_persistence_save_dict())
    (state / SAVED).touch()


def main() -> None:
    """Run MiniStack in this process, which ends with the supervisor. SIGHUP saves its state."""
    processes.end_with_parent()
    os.umask(0o077)
    state = Path(os.environ["STATE_DIR"])
    if not (state / SAVED).is_file():
        shutil.rmtree(state, ignore_errors=True)  # half of a first deployment that was cut short
    signal.signal(signal.SIGHUP, lambda *_: _save(state))
    if _NEEDED_BY_FUNCTIONS[0] in os.environ["SERVICES"].split(","):
        function_processes.prepare(Path(os.environ["TMPDIR"]), kept=environment(Config()))
    from ministack.app import main as serve

    sys.argv = ["ministack"]
    serve()


if __name__ == "__main__":
    main()
