"""台面: where an open matter stands among those that one desk looks after, and what the index says of it. Pure."""

from datetime import datetime
from typing import NamedTuple

from msgspec import Struct


class Placed(NamedTuple):
    """The place on a desk: soonest due first. A desk is a department's (its code) or a centre's (``event/<region>``).

    ``entry`` is the matter in short, so that a list is found without loading what it lists; each kind of aggregate has a
    struct of its own for it (``aggregates.Kind.entry``), in which new fields come last, with a default.
    """

    desk: str
    due_at: datetime
    entry: Struct
