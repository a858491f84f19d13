"""A folder that an export writes page by page: whoever is killed in between goes on where the last page ended.

`export.json` is replaced as a whole after each page, once the page's rows are on the disk; it says how long each file was
then. What a file holds beyond that is half a page: it is cut off before the export goes on, so no row is lost or doubled.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import msgspec
from liangwang.national.conformance import Tallies
from liangwang.national.files import Format
from msgspec import Struct, field

STATE = "export.json"
LOCK = ".lock"


class Wish(Struct, frozen=True, kw_only=True):
    """What is exported: an export that goes on has the same wish as it began with."""

    tables: tuple[str, ...]
    form: Format
    dialect: str
    since: datetime | None = None
    until: datetime
    department: str = ""
    personal: Literal["none", "masked", "full"] = "none"
    part: tuple[int, int] = (1, 1)
    """Which part of the table, of how many: parts are read side by side, each into a folder of its own."""


class State(Struct, kw_only=True):
    """How far an export is: `cursor` is the last key that was read, `sizes` how long each file is in bytes.

    `unreadable` names items that this release does not understand; `withheld` counts cases whose personal data the policy
    does not show to whoever exports.
    """

    wish: Wish
    cursor: dict[str, Any] | None = None
    done: bool = False
    pages: int = 0
    read: int = 0
    cases: int = 0
    rows: int = 0
    withheld: int = 0
    sizes: dict[str, int] = field(default_factory=dict)
    tallies: Tallies = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)


class Unusable(Exception):
    """The folder cannot be written to; the message says what to do."""


class Folder:
    """The files of one export. One process at a time: see `taken`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def taken(self) -> Iterator[Folder]:
        """Holds the folder for this process. Raises Unusable while another has it."""
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / LOCK).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise Unusable(
                    f"{self.path}: another export writes here; wait for it or name another folder"
                ) from error
            yield self

    def begin(self, wish: Wish, *, any_end: bool) -> State:
        """The state to go on from, files cut to what it knows; a new one in an empty folder.

        `any_end`: the wish names no end of its own, so that of the export that is there holds. Raises Unusable for a
        folder of another export, or with files that are no export's.
        """
        known = self._known()
        if known is None:
            strange = sorted(one.name for one in self.path.iterdir() if one.name != LOCK)
            if strange:
                raise Unusable(f"{self.path}: has files of something else ({strange[0]}); name an empty folder")
            state = State(wish=wish)
            self.keep(state)
            return state
        wanted = msgspec.structs.replace(wish, until=known.wish.until) if any_end else wish
        if known.wish != wanted:
            raise Unusable(
                f"{self.path}: holds an export of something else; repeat its options, or name an empty folder"
            )
        self._cut(known.sizes)
        return known

    def _known(self) -> State | None:
        try:
            return msgspec.json.decode((self.path / STATE).read_bytes(), type=State)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError as error:
            raise Unusable(f"{self.path / STATE}: is not an export's ({error}); name an empty folder") from error

    def _cut(self, sizes: Mapping[str, int]) -> None:
        for one in self.path.iterdir():
            if one.suffix in (".csv", ".jsonl") and one.stat().st_size != sizes.get(one.name, 0):
                os.truncate(one, sizes.get(one.name, 0))

    def append(self, state: State, parts: Mapping[str, bytes]) -> None:
        """Adds to files, and to the state how long they are; `keep` makes it hold."""
        for name, content in parts.items():
            with (self.path / name).open("ab") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            state.sizes[name] = state.sizes.get(name, 0) + len(content)

    def keep(self, state: State) -> None:
        """Replaces `export.json` so that a crash leaves the old one or the new one."""
        self.write(STATE, msgspec.json.format(msgspec.json.encode(state)))

    def write(self, name: str, content: bytes) -> None:
        """Replaces a file as a whole."""
        temporary = self.path / f"{name}.tmp"
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, self.path / name)
        folder = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
