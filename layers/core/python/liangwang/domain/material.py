"""材料: a file that an applicant keeps with intake, handed in with one application or with many.

``awaiting`` until its bytes have come, ``stored`` once they were looked at, ``refused`` when they are no document that is
taken, ``erased`` when its owner was. A stored file never changes: another version is another material.
"""

import re
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from .errors import Invalid, NotNow, Violation

MOST_BYTES = 50 * 1024 * 1024
"""The size of one file."""

MOST_BYTES_THROUGH_US = 4 * 1024 * 1024
"""What may come through the API itself: Lambda takes 6 MB an event, in which bytes stand as base64."""

MOST_A_DAY = 100
"""New materials of one person within 24 hours."""

UPLOAD_LIFETIME = timedelta(minutes=15)
"""How long an upload link holds. An upload that began in time may end later."""

AWAITED = timedelta(days=1)
"""After this time without its bytes an announced file is given up, and what may have come of it is removed."""

TAKEN_UNTIL = AWAITED - timedelta(hours=1)
"""How long after the announcement bytes are taken: what is being looked at is never what is just being removed."""

FORGOTTEN_AFTER = timedelta(days=3)
"""When a material of which nothing came is forgotten."""

DOWNLOAD_LIFETIME = timedelta(minutes=5)
"""How long a download link holds."""

LONGEST_NAME = 255

State = Literal["awaiting", "stored", "refused", "erased"]


class Material(Struct, frozen=True, kw_only=True, tag="material", tag_field="type"):
    """What is known of one file. ``name`` is the applicant's own name of it, sealed (it may hold anything).

    ``media_type`` is what the bytes are, once they have come; ``declared`` what the applicant said. ``used_in`` is the
    first case that it was handed in with.
    """

    owner: str
    name: str
    declared: str
    size: int
    sha256: str
    announced_at: datetime
    state: State = "awaiting"
    media_type: str = ""
    used_in: str = ""


def announced(
    *, owner: str, name: str, media_type: str, size: int, sha256: str, taken: Collection[str], now: datetime
) -> Material:
    """A material whose bytes shall come; ``name`` is still to be sealed. Raises Invalid, naming every field that is not
    right. ``taken`` are the media types that are.
    """
    found = []
    if not name.strip() or len(name) > LONGEST_NAME:
        found.append(Violation("name", f"the file's name, 1 to {LONGEST_NAME} characters"))
    if media_type not in taken:
        found.append(Violation("media_type", f"one of: {', '.join(sorted(taken))}"))
    if not 1 <= size <= MOST_BYTES:
        found.append(Violation("size", f"the file's length in bytes, from 1 to {MOST_BYTES}"))
    if not re.fullmatch("[0-9a-f]{64}", sha256):
        found.append(Violation("sha256", "the SHA-256 of the file: 64 characters of 0-9a-f"))
    if found:
        raise Invalid("the file cannot be announced so; see errors", violations=tuple(found))
    return Material(
        owner=owner,
        name=name,
        declared=media_type,
        size=size,
        sha256=sha256,
        announced_at=now,
    )


def expect(state: Material, now: datetime, *, announced_at: str = "POST /api/materials") -> None:
    """Raises NotNow when the bytes of this material are not waited for any more. ``announced_at`` is where that is said anew."""
    if state.state == "awaiting" and now > state.announced_at + TAKEN_UNTIL:
        raise NotNow(f"the file was announced too long ago; announce it again at {announced_at}")
    if state.state != "awaiting":
        raise NotNow(f"the material is {state.state}; announce another at {announced_at}")


def check(state: Material, *, size: int, sha256: str) -> None:
    """Raises Invalid unless these bytes are those that were announced."""
    found = []
    if size != state.size:
        found.append(Violation("size", f"{state.size} bytes were announced, {size} came"))
    if sha256 != state.sha256:
        found.append(Violation("sha256", "the bytes that came have another SHA-256 than was announced"))
    if found:
        raise Invalid("not the file that was announced; send it again", violations=tuple(found))


def stored(state: Material, media_type: str, now: datetime) -> Sequence[Material]:
    """The bytes have come, and are of this type. A second time nothing changes. Raises NotNow for one that was refused."""
    if state.state == "stored":
        return []
    expect(state, now)
    return [replace(state, state="stored", media_type=media_type)]


def refused(state: Material) -> Sequence[Material]:
    """The bytes are no document that is taken, or never came."""
    return [replace(state, state="refused")] if state.state == "awaiting" else []


def used(state: Material, case_no: str) -> Sequence[Material]:
    """It was handed in with a case. Only the first is noted."""
    return [] if state.used_in else [replace(state, used_in=case_no)]


def erased(state: Material, now: datetime) -> Sequence[Material]:
    """Its owner was erased and its file is gone. What cases say of it stays true, so it is forgotten slowly."""
    return [] if state.state == "erased" else [replace(state, state="erased", name="", announced_at=now)]


def given_up_at(state: Material) -> datetime | None:
    """When the bytes of one are waited for no longer, and what may have come of them is removed."""
    return state.announced_at + AWAITED if state.state == "awaiting" else None


def expires_at(state: Material) -> datetime | None:
    """When one that is not stored is forgotten, some time after what may have come of it was removed."""
    return None if state.state == "stored" else state.announced_at + FORGOTTEN_AFTER
