"""The exchange tables of a running city, by the command as an operator types it, killed in the middle."""

import os
import subprocess
import sys
from contextlib import suppress

import msgspec
import pytest
from liangwang.national.case_facts import exportable
from liangwang.national.case_reading import Reader
from liangwang.national.case_rows import from_rows
from liangwang.national.files import read
from liangwang.national.standard import load

from local.table_files import STATE, State
from tests.conftest import REPOSITORY
from tests.waiting import eventually

STANDARD = load(REPOSITORY / "layers" / "catalogue")


@pytest.fixture(scope="module")
def cases(city):
    found = [city.apply(city.wish("elderly-card")) for _ in range(5)]
    for case_no in found:
        city.await_status(case_no, "granted")
    return found


@pytest.fixture
def command(city):
    """`python -m local export`, not yet waited for."""
    config = city.stack.config
    ports = {
        name: getattr(config, f"{name}_port") for name in ("gateway", "emulator", "broker", "controller", "dynamodb")
    }
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("LOCAL_", "AWS_", "KAFKA_"))
    }
    environment |= {"LOCAL_STATE_DIR": str(config.state), "KAFKA": config.kafka, "DYNAMODB": config.dynamodb}
    environment |= {f"LOCAL_{name.upper()}_PORT": str(port) for name, port in ports.items()}

    def start(*words):
        return subprocess.Popen(
            [sys.executable, "-m", "local", "export", *map(str, words)],
            cwd=REPOSITORY,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    return start


def done(process):
    output, _ = process.communicate(timeout=100)
    assert process.returncode == 0, output
    return output


def rows(folder):
    return [
        row
        for name in ("apply", *(name for name in STANDARD.tables if name.startswith("up_pro_")))
        for row in read((folder / f"{name}.jsonl").read_bytes(), STANDARD.tables[name], name=name)
    ]


def state(folder):
    with suppress(FileNotFoundError, msgspec.DecodeError):
        return msgspec.json.decode((folder / STATE).read_bytes(), type=State)
    return None


def test_an_export_that_was_killed_goes_on_and_has_every_case_once(city, cases, command, tmp_path):
    folder, whole = tmp_path / "killed", tmp_path / "whole"
    words = ("--format", "jsonl", "--to", "now", "--page", 1)
    process = command("--out", folder, *words)
    eventually(lambda: (found := state(folder)) is not None and found.pages > 3, what="some pages of the export")
    process.kill()
    process.wait()
    until = state(folder).wish.until.isoformat()
    (folder / "up_pro_process.jsonl").open("ab").write(b'{"half": ')  # as a machine that lost its power leaves it
    output = done(command("--out", folder, *words[:3], until, *words[4:]))
    assert "as of" in output
    done(command("--out", whole, "--format", "jsonl", "--to", until))
    assert sorted(row.row_guid for row in rows(folder)) == sorted(row.row_guid for row in rows(whole))
    facts = from_rows(rows(folder), Reader(STANDARD, STANDARD.dialects["own"]))
    for case_no in cases:
        assert facts[case_no] == exportable(city.tables.case(case_no).case.history)
