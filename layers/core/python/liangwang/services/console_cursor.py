"""Up to where somebody has read the changes: the number of the newest change of each tally of open events."""

import base64
import binascii
import struct
from collections.abc import Sequence
from typing import NamedTuple

from ..domain.errors import Invalid, Violation
from ..domain.open_events import SHARDS, OpenEvents

_FORMAT = f">{SHARDS}I"


class Cursor(NamedTuple):
    """One number for each tally, in order. What was read stays read: numbers only rise (``domain/open_events.py``)."""

    numbers: tuple[int, ...]

    @classmethod
    def newest(cls, parts: Sequence[OpenEvents | None]) -> "Cursor":
        """Up to everything."""
        return cls(tuple(part.number if part is not None else 0 for part in parts))

    @classmethod
    def parse(cls, text: str, *, field: str) -> "Cursor":
        """From its text. Raises Invalid, naming the ``field`` that it stood in, for what this class has not made."""
        try:
            return cls(struct.unpack(_FORMAT, base64.b64decode(text.encode(), altchars=b"-_", validate=True)))
        except (struct.error, binascii.Error, UnicodeEncodeError) as error:
            violation = Violation(field, "use the `since` of the answer before, unchanged; or none, to begin now")
            raise Invalid("not a cursor", violations=(violation,)) from error

    def text(self) -> str:
        """As it travels: opaque to who has it."""
        return base64.urlsafe_b64encode(struct.pack(_FORMAT, *self.numbers)).decode()

    def past(self, shard: int, number: int) -> "Cursor":
        """The cursor after one more change of a tally was read."""
        return Cursor((*self.numbers[:shard], number, *self.numbers[shard + 1 :]))
