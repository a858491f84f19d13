"""Known vulnerabilities of the installed packages: pip-audit asks the package index, and what it could not ask is said.

An index that is a mirror often has no advisories. Then nothing can be said about them from here, and the nearest thing is
said: vulnerabilities are mended by releases, so which packages are older than our requirements allow. Only an advisory
fails: what the index published this morning, or that it does not answer, says nothing about the change at hand.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import click

from local.config import REPOSITORY

PATIENCE_SECONDS = 300
"""For each question. pip looks at every package's page."""

_UNREACHABLE = re.compile(
    r"ConnectionError|Could not connect|ConnectTimeout|ReadTimeout|timed out|NewConnectionError|ProxyError"
    r"|SSLError|ServiceError|HTTPError|No matching distribution|Temporary failure in name resolution",
    re.IGNORECASE,
)


class Verdict(NamedTuple):
    """What the index said: packages that were looked up, a line for each advisory, packages that it does not know."""

    looked_up: tuple[str, ...]
    advisories: tuple[str, ...]
    unknown: tuple[str, ...]


def judge(report: Mapping[str, Any]) -> Verdict:
    """From pip-audit's JSON. Pure."""
    looked_up, advisories, unknown = [], [], []
    for one in report["dependencies"]:
        if "skip_reason" in one:
            unknown.append(one["name"])
            continue
        looked_up.append(one["name"])
        for found in one["vulns"]:
            mended = ", ".join(found["fix_versions"]) or "nowhere yet"
            advisories.append(f"{one['name']} {one['version']}: {found['id']}, mended in {mended}")
    return Verdict(tuple(looked_up), tuple(advisories), tuple(unknown))


def behind(report: Mapping[str, Any]) -> list[str]:
    """Packages that the requirements allow in a newer release, from pip's installation report; not pip itself. Pure."""
    packages = [one["metadata"] for one in report["install"]]
    return [f"{one['name']} {one['version']}" for one in packages if one["name"] not in ("pip", "setuptools")]


class Unanswered(Exception):
    """The package index could not be asked."""


def _run(*arguments: str) -> dict[str, Any]:
    """A tool's JSON report. Raises Unanswered when it gave none because of the index, ClickException for other reasons."""
    command = [sys.executable, "-m", *arguments]
    try:
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        raise Unanswered(f"no answer in {PATIENCE_SECONDS} seconds") from None
    return read(done.stdout, done.stderr)


def read(output: str, errors: str) -> dict[str, Any]:
    """A tool's report. Raises like ``_run``. Pure."""
    try:
        report: dict[str, Any] = json.loads(output)
    except ValueError:
        last = (errors.strip().splitlines() or ["it said nothing"])[-1]
        if _UNREACHABLE.search(errors):
            raise Unanswered(last) from None
        raise click.ClickException(f"no report: {errors[-2000:]}") from None
    return report


def main(run: Callable[..., dict[str, Any]] = _run) -> None:
    """Prints what was checked; ends with 1 when there is an advisory."""
    try:
        verdict = judge(run("pip_audit", "--local", "--format", "json", "--progress-spinner", "off"))
    except Unanswered as error:
        click.echo(f"warning: NOTHING was looked up, the package index does not answer: {error}")
        return
    for line in verdict.advisories:
        click.echo(line)
    click.echo(f"{len(verdict.looked_up)} packages looked up, {len(verdict.advisories)} advisories")
    if verdict.unknown:
        click.echo(
            f"warning: NOT looked up, the package index has no advisories of them: {len(verdict.unknown)} packages"
        )
        click.echo(_age(run))
    if verdict.advisories:
        sys.exit(1)


def _age(run: Callable[..., dict[str, Any]]) -> str:
    upgrade = ("--dry-run", "--upgrade", "--upgrade-strategy", "eager", "--quiet", "--report", "-")
    try:
        newer = behind(run("pip", "install", *upgrade, "-r", "local/requirements.txt"))
    except Unanswered as error:
        return f"warning: whether there are newer releases could not be asked: {error}"
    if newer:
        return f"warning: newer releases are allowed: {', '.join(newer)}; make clean setup"
    return "instead: all are the newest releases that the requirements allow"


if __name__ == "__main__":
    main()
