"""草稿: an application that is not finished yet, resumed on any channel by a short code.

The code is 8 characters of Crockford's base 32 (40 random bits): read out, typed and written down without mistakes. It
opens nothing by itself: only the owner, or an agent with the owner's mandate, comes to a draft by it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from .case_no import ALPHABET
from .errors import DomainError, NotNow, Violation

LENGTH = 8
LIFETIME = timedelta(days=30)
"""After this time without a change a draft is forgotten."""

_LOOK_ALIKE = str.maketrans("ILO", "110")


class Draft(Struct, frozen=True, kw_only=True, tag="draft", tag_field="type"):
    """One draft. ``content`` is the application as far as it goes, as JSON, encrypted for its owner; empty once it was
    submitted or thrown away. ``channels`` are those it was saved on, in order. ``number`` is the case number that it will have:
    noted before the case is made, so that submitting twice is one case whoever does it and whenever. ``case_no`` is what
    became of it.
    """

    owner: str
    task_code: str
    content: str
    saved_at: datetime
    channels: tuple[str, ...]
    number: str = ""
    case_no: str = ""
    discarded: bool = False


class DraftChanged(DomainError):
    """The draft was saved elsewhere since it was read."""

    code = "draft_changed"
    status = 409


def code_of(entropy: bytes) -> str:
    """A code from 5 random bytes."""
    number = int.from_bytes(entropy[:5], "big")
    return "".join(ALPHABET[(number >> shift) & 31] for shift in range(35, -1, -5))


def read_code(text: str) -> str | None:
    """A code as people write it: any case, I and L for 1, O for 0, dashes and blanks between. None when it is none."""
    code = text.upper().replace("-", "").replace(" ", "").translate(_LOOK_ALIKE)
    return code if len(code) == LENGTH and set(code) <= set(ALPHABET) else None


def is_there(state: Draft | None, now: datetime) -> bool:
    """Whether a draft is still kept; DynamoDB removes it some time after that."""
    return state is not None and not state.discarded and now < expires_at(state)


def expires_at(state: Draft) -> datetime:
    """When a draft is forgotten."""
    return state.saved_at + LIFETIME


def save(state: Draft, *, changed: bool, content: str, task_code: str, channel: str, now: datetime) -> Sequence[Draft]:
    """A later content. Raises DraftChanged when it was saved since it was read (``changed``), NotNow once it was submitted."""
    if state.case_no or state.discarded:
        raise NotNow("the draft is kept no longer: it was submitted or thrown away")
    if changed:
        violation = Violation("version", "read the draft again, and save with the version that it has then")
        raise DraftChanged("the draft was saved elsewhere since it was read", violations=(violation,))
    channels = state.channels if state.channels[-1] == channel else (*state.channels, channel)
    return [replace(state, content=content, task_code=task_code, saved_at=now, channels=channels)]


def number(state: Draft, case_no: str) -> Sequence[Draft]:
    """The number of the case that it is going to be; the first one stays. Raises NotNow when it was thrown away."""
    if state.discarded:
        raise NotNow("the draft was thrown away")
    return [] if state.number else [replace(state, number=case_no)]


def submit(state: Draft, case_no: str) -> Sequence[Draft]:
    """It has become a case; what it held is forgotten, which case it became is not."""
    return [] if state.case_no else [replace(state, content="", case_no=case_no)]


def discard(state: Draft) -> Sequence[Draft]:
    """Throws it away. Raises NotNow once it was submitted."""
    if state.case_no:
        raise NotNow(f"the draft was submitted: case {state.case_no}; a case is withdrawn")
    return [] if state.discarded else [replace(state, content="", discarded=True)]
