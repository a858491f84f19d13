"""`python -m local.package`: the zips that are deployed, one a layer and one a function folder, as for AWS.

A layer with `BuildMethod: makefile` is built by the Makefile in its folder, the one `sam build` uses; everything else is
zipped as it lies. The same files give the same bytes: entries are sorted, and times and modes are fixed. A built layer
is kept under `.aws-sam/packages` by the hash of what it is built from, so only the first build asks PyPI.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import msgspec

from local import config as configuration
from local import template as templates
from local.config import Config, StartError

LAYER = "AWS::Serverless::LayerVersion"

FUNCTION_LIMIT = 100_000
"""Bytes of a function's zip: its code is the few lines that name the step, everything else is in layers."""

LAYER_LIMIT = 25_000_000
"""Bytes of a layer's zip: a cold start fetches and unpacks it."""

# The earliest moment a zip can hold.
_MOMENT = (1980, 1, 1, 0, 0, 0)


class PackageError(StartError):
    """A zip could not be built or is too large; the message is one line that names it."""


class Package(msgspec.Struct, frozen=True, kw_only=True):
    """One zip, for one layer or for every function of a folder. `resources` are their logical ids."""

    resources: tuple[str, ...]
    path: Path
    limit: int

    @property
    def size(self) -> int:
        """Bytes."""
        return self.path.stat().st_size

    @property
    def key(self) -> str:
        """A name that changes with the content, which is how CloudFormation sees that code has changed."""
        return f"{hashlib.sha256(self.path.read_bytes()).hexdigest()[:32]}/{self.path.name}"


def folder(config: Config) -> Path:
    """Where packages are kept: with the clone, for every stack of it."""
    return config.root / ".aws-sam" / "packages"


def build(config: Config, *, say: Callable[[str], None] = lambda line: None) -> list[Package]:
    """Every package the template deploys. `say` hears what takes long. Raises PackageError."""
    document = templates.read(config.template)
    target = folder(config)
    target.mkdir(parents=True, exist_ok=True)
    packages = [*_layers(config, document, target, say), *_functions(config, document, target)]
    for package in packages:
        check(package)
    return packages


def check(package: Package) -> None:
    """Raises PackageError when a package is above its limit."""
    if package.size > package.limit:
        raise PackageError(
            f"{package.path.name} ({', '.join(package.resources)}) has {package.size:,} bytes, "
            f"{package.limit:,} are allowed: `unzip -lv {package.path}` shows what is large"
        )


def write_zip(source: Path, target: Path, *, compiled: bool = False) -> None:
    """A folder's files as a zip whose bytes depend on their names and contents only.

    Compiled Python is left out unless asked for: what lies about in a working folder is nobody's intention.
    """
    temporary = target.with_name(f"{target.name}.{os.getpid()}.tmp")
    with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path, name in sorted(_files(source, compiled=compiled), key=lambda found: found[1]):
            entry = zipfile.ZipInfo(name, _MOMENT)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, so that the mode counts
            entry.external_attr = (0o100755 if os.access(path, os.X_OK) else 0o100644) << 16
            archive.writestr(entry, path.read_bytes())
    os.replace(temporary, target)


def _files(source: Path, *, compiled: bool = False) -> Iterator[tuple[Path, str]]:
    for path in source.rglob("*"):
        inside = path.relative_to(source)
        if path.is_file() and (compiled or path.suffix != ".pyc") and ".DS_Store" not in inside.parts:
            yield path, inside.as_posix()


def _functions(config: Config, document: Mapping[str, Any], target: Path) -> Iterator[Package]:
    """One package a folder: functions that differ in their variables only share it."""
    folders: dict[str, list[str]] = {}
    for function in templates.parse(dict(document)).functions.values():
        folders.setdefault(function.folder, []).append(function.name)
    for place, names in folders.items():
        path = target / f"{place.replace('/', '-')}.zip"
        write_zip(config.template.parent / place, path)
        yield Package(resources=tuple(names), path=path, limit=FUNCTION_LIMIT)


def _layers(config: Config, document: Mapping[str, Any], target: Path, say: Callable[[str], None]) -> Iterator[Package]:
    for name, resource in document.get("Resources", {}).items():
        if resource["Type"] != LAYER:
            continue
        source = config.template.parent / resource["Properties"]["ContentUri"]
        if resource.get("Metadata", {}).get("BuildMethod") == "makefile":
            path = _built(name, source, target, variables=_platform(config, resource), say=say)
        else:
            path = target / f"{name}.zip"
            write_zip(source, path)
        yield Package(resources=(name,), path=path, limit=LAYER_LIMIT)


def _platform(config: Config, resource: Mapping[str, Any]) -> dict[str, str]:
    """The Makefile's variables: whose wheels are wanted.

    MiniStack runs functions on this machine with the Python it runs on itself; any other endpoint does as AWS does.
    """
    variables = {"PYTHON": sys.executable}
    if config.endpoint is None:
        return {**variables, "PYTHON_VERSION": f"{sys.version_info.major}.{sys.version_info.minor}", "PLATFORMS": ""}
    runtime: str = resource["Properties"]["CompatibleRuntimes"][0]
    return {**variables, "PYTHON_VERSION": runtime.removeprefix("python")}


def _built(name: str, source: Path, target: Path, *, variables: Mapping[str, str], say: Callable[[str], None]) -> Path:
    """A layer that its Makefile builds, unless the same was built before."""
    digest = hashlib.sha256(repr((name, sorted(variables.items()))).encode())
    for path, inside in sorted(_files(source), key=lambda found: found[1]):
        digest.update(inside.encode() + b"\0" + path.read_bytes())
    path = target / f"{name}-{digest.hexdigest()[:16]}.zip"
    if path.exists():
        return path
    say(f"building {name} for Python {variables['PYTHON_VERSION']}, once")
    with tempfile.TemporaryDirectory(dir=target) as artifacts:
        _make(name, source, Path(artifacts), variables)
        write_zip(Path(artifacts), path, compiled=True)
    return path


def _make(name: str, source: Path, artifacts: Path, variables: Mapping[str, str]) -> None:
    make = shutil.which("make")
    if make is None:
        raise PackageError(f"{name} is built by make, which is not installed: install make")
    settings = [f"{key}={value}" for key, value in {**variables, "ARTIFACTS_DIR": str(artifacts)}.items()]
    # Nothing of a `make` that called us: its flags and variables are not the layer's.
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS", "PYTHONPATH"))
    }
    command = [make, "--silent", "-C", str(source), f"build-{name}", *settings]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip() and not line.startswith("make")]
        raise PackageError(f"{name} was not built: {said[-1] if said else f'make ended with {done.returncode}'}")


def show(packages: list[Package]) -> None:
    """Print what was packaged, and how large it is."""
    for package in packages:
        click.echo(
            f"{package.size:>12,} bytes of {package.limit:>10,}  {package.path.name}  {', '.join(package.resources)}"
        )


def main() -> None:
    """Package for the endpoint of this environment, and print the sizes."""
    try:
        show(build(configuration.from_environment(), say=click.echo))
    except PackageError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
