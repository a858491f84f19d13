"""python -m tests.real.kafka COMMAND…: the command beside an Apache Kafka of its own, at TEST_KAFKA_BOOTSTRAP_SERVERS."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from local import config as configuration
from local.config import Config
from tests.ports import own_ports, running


def main():
    """Ends with the command's exit code."""
    with tempfile.TemporaryDirectory() as state:
        config = Config(state=Path(state), topics=(), kafka="apache", **own_ports())
        configuration.save(config)
        with running(config, "broker"):
            given = {**os.environ, "TEST_KAFKA_BOOTSTRAP_SERVERS": config.bootstrap_servers}
            sys.exit(subprocess.run(sys.argv[1:], env=given).returncode)


if __name__ == "__main__":
    main()
