"""Amazon DynamoDB Local on this machine: the tables and their streams, in one SQLite file on disk."""

from __future__ import annotations

import os
import sqlite3
import sys
import urllib.error
import urllib.request
from contextlib import closing, suppress
from pathlib import Path

from local import config as configuration
from local import java, processes
from local.config import Config, StartError

PROFILE = "dynamodb"
_MAIN = "software.amazon.dynamodb.services.local.main.ServerRunner"
_HEAP = "384m"
_FILE = "shared-local-instance.db"  # the name -sharedDb gives it


def folder(config: Config) -> Path:
    """Where the tables are."""
    return config.state / "dynamodb"


def is_healthy(config: Config) -> bool:
    """Whether it answers: an unsigned request gets a 400."""
    try:
        with urllib.request.urlopen(config.dynamodb_url, timeout=2):  # nosec B310
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def _prepare(config: Config) -> None:
    """Create the database with a write-ahead log, which SQLite remembers in the file: one wait for the disk a write, not four."""
    folder(config).mkdir(parents=True, exist_ok=True)
    file = folder(config) / _FILE
    if not file.exists():
        with closing(sqlite3.connect(file)) as database:
            database.execute("PRAGMA journal_mode=WAL")


def tidy(config: Config) -> None:
    """Take what is in the write-ahead log over into the database.

    DynamoDB Local never does: its log would grow by 35 kB a write until it stops.
    """
    with suppress(sqlite3.Error), closing(sqlite3.connect(folder(config) / _FILE, timeout=0.1)) as database:
        database.execute("PRAGMA wal_checkpoint(PASSIVE)")


def main() -> None:
    """Become DynamoDB Local for the stack whose state folder is the first argument."""
    processes.end_with_parent()  # what is asked of the kernel here still holds for the program that takes our place
    config = configuration.load(Path(sys.argv[1]))
    _prepare(config)
    # -sharedDb: one set of tables, whatever the region and the access key. Streams are there without a flag.
    words = ("-port", str(config.dynamodb_port), "-dbPath", str(folder(config)), "-sharedDb", "-disableTelemetry")
    try:
        command = java.command(PROFILE, _MAIN, *words, heap=_HEAP)
    except StartError as error:
        sys.exit(f"dynamodb: {error}")
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
