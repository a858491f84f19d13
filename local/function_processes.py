"""The processes in which MiniStack runs deployed functions, made more like Lambda's environments. For its process only."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import types
import venv
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_MACHINE = {"PATH", "HOME", "LANG", "LC_ALL", "TZ", "PYTHONUNBUFFERED", "SSL_CERT_FILE"}


def prepare(state: Path, *, kept: Iterable[str]) -> None:
    """Before MiniStack serves: functions see no package and no variable of this program, and start sooner.

    `kept` names the variables that MiniStack itself needs. Files are left in the stack's state folder.
    """
    for left_by_a_kill in state.glob("ministack-lambda-*"):
        shutil.rmtree(left_by_a_kill, ignore_errors=True)
    _isolate(state / "python", {*_MACHINE, *kept})
    _unpack_once(state / "unpacked")


def _isolate(python: Path, kept: set[str]) -> None:
    """Functions get a Python with its standard library and nothing else.

    MiniStack starts them with `sys.executable` and its own environment: what a layer lacks would be found in this
    program's packages by luck, and a variable that template.yaml forgets in the caller's shell.
    """
    venv.create(python, with_pip=False, symlinks=True)
    sys.executable = str(python / "bin" / "python")
    for name in set(os.environ) - kept:
        if not name.startswith("AWS_"):
            del os.environ[name]


def _unpack_once(cache: Path) -> None:
    """MiniStack inflates every layer anew for each process, most of a cold start here; files of the first time are linked."""
    from ministack.core import lambda_runtime

    class Linked(zipfile.ZipFile):
        def extractall(self, path: Any = None, members: Any = None, pwd: Any = None) -> None:
            known = (
                cache / hashlib.sha256(repr([(one.filename, one.CRC) for one in self.infolist()]).encode()).hexdigest()
            )
            if not known.exists():
                fresh = Path(f"{path}.fresh")
                super().extractall(fresh)
                known.parent.mkdir(exist_ok=True)
                try:
                    fresh.rename(known)
                except OSError:  # another thread was first
                    shutil.rmtree(fresh)
            shutil.copytree(known, path, copy_function=os.link, dirs_exist_ok=True)

    lambda_runtime.zipfile = types.SimpleNamespace(
        ZipFile=Linked, BadZipFile=zipfile.BadZipFile, LargeFileError=zipfile.LargeZipFile
    )
