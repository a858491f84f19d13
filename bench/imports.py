"""What a cold start costs: CPU of importing each function, against ``boto3.client("dynamodb")`` alone."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BOTO3 = "import boto3; boto3.client('dynamodb', region_name='cn-north-1')"


def cpu_ms(code: str, *, folder: Path = ROOT, runs: int = 5) -> float:
    """Median CPU milliseconds of a fresh interpreter that runs ``code`` in ``folder``, start-up included."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "layers" / "core" / "python"),
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_REGION": "cn-north-1",
        "CATALOGUE_DIR": str(ROOT / "layers" / "catalogue"),
        "DEPARTMENT_KEY_PREFIX": "alias/liangwang/department/",
        "EXCHANGE_URL": "http://127.0.0.1:1",
        "GOVERNANCE_KEY": "alias/liangwang/governance",
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "TABLE": "table",
        "TOKEN_ISSUER": "https://liangwang.example",
        "TOKEN_KEY": "alias/liangwang/token",
    }
    found = []
    for _ in range(runs):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", code], cwd=folder, env=environment, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        found.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(found) * 1000


def functions() -> list[str]:
    """The function folders."""
    return sorted(file.parent.name for file in (ROOT / "functions").glob("*/app.py"))


def of_function(name: str) -> float:
    """CPU milliseconds of one function's import."""
    return cpu_ms("import app", folder=ROOT / "functions" / name)
