"""The composition root's other part: the governance centres' own work."""

from typing import TYPE_CHECKING

from . import wiring
from .wiring import _calendar, _catalogue, _store

if TYPE_CHECKING:
    from .services.centre import Centre
    from .services.handback import Handback
    from .store import Store


def collaboration() -> "Centre":
    """The centre's collaboration events."""
    from .services.centre import Centre

    return Centre(_store(wiring.outside.aws()), _catalogue().organisation, _calendar())


def handback() -> "tuple[Store, Handback]":
    """The centre's ledger and its way back to intake."""
    from .services.handback import Handback

    return _store(wiring.outside.aws()), Handback(wiring.outside.exchange())
