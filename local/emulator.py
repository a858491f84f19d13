"""The embedded AWS endpoint: MiniStack, a program of its own, bound to this machine only."""

from __future__ import annotations

import os
import sys
import urllib.error
import urllib.request

from local import processes
from local.config import ACCOUNT, Config

SERVICES = ("cloudformation", "dynamodb", "dynamodbstreams", "iam", "kms", "s3", "scheduler", "sqs", "ssm", "sts")


def environment(config: Config) -> dict[str, str]:
    """What MiniStack is told: the defaults bind every interface and open an MQTT and an SFTP port."""
    return {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(config.emulator_port),
        "SERVICES": ",".join(SERVICES),
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "MINISTACK_REGION": config.region,
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "LOG_LEVEL": "WARNING",
        # Request bodies and temporary files of a run belong to the run.
        "TMPDIR": str(config.state),
    }


def is_healthy(config: Config) -> bool:
    """Whether the endpoint answers its health check."""
    try:
        with urllib.request.urlopen(f"{config.endpoint_url}/_ministack/health", timeout=1) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def main() -> None:
    """Run MiniStack in this process, which ends with the supervisor."""
    processes.end_with_parent()
    os.umask(0o077)
    from ministack.app import main as serve  # type: ignore[import-untyped]

    sys.argv = ["ministack"]
    serve()


if __name__ == "__main__":
    main()
