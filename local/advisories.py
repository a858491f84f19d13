"""Known vulnerabilities of the installed packages: pip-audit asks the package index, and what it could not ask is said.

An index that is a mirror often has no advisories. Then nothing can be said about them from here, and the nearest thing is
checked: vulnerabilities are mended by releases, so each package must be the newest that our requirements allow.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

import click

from local.config import REPOSITORY


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


def _run(*arguments: str) -> dict[str, Any]:
    done = subprocess.run([sys.executable, "-m", *arguments], cwd=REPOSITORY, capture_output=True, text=True)
    try:
        report: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        raise click.ClickException(f"{arguments[0]} failed:\n{done.stderr[-2000:]}") from None
    return report


def main() -> None:
    """Prints what was checked; ends with 1 when there is an advisory, or something is behind where there are none."""
    verdict = judge(_run("pip_audit", "--local", "--format", "json", "--progress-spinner", "off"))
    for line in verdict.advisories:
        click.echo(line)
    click.echo(f"{len(verdict.looked_up)} packages looked up, {len(verdict.advisories)} advisories")
    if verdict.advisories:
        sys.exit(1)
    if not verdict.unknown:
        return
    click.echo(f"NOT looked up, because the package index has no advisories here: {len(verdict.unknown)} packages")
    upgrade = ("--dry-run", "--upgrade", "--upgrade-strategy", "eager", "--quiet", "--report", "-")
    newer = behind(_run("pip", "install", *upgrade, "-r", "local/requirements.txt"))
    if newer:
        click.echo(f"newer releases are allowed: {', '.join(newer)}; make clean setup")
        sys.exit(1)
    click.echo("instead: all are the newest releases that the requirements allow")


if __name__ == "__main__":
    main()
