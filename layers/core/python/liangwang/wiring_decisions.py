"""The composition root's other part: what is done to decisions, and the documents that tell of them."""

from typing import TYPE_CHECKING

from . import wiring
from .wiring import _catalogue, _department, _store

if TYPE_CHECKING:
    from .services.decisions import Decisions
    from .services.verification import Verification


def decisions() -> "Decisions":
    """What is done to decisions that were told already."""
    from .services.decisions import Decisions
    from .services.own_cases import OwnCases

    return Decisions(OwnCases(_store(wiring.outside.aws()), _department()))


def verification() -> "Verification":
    """Whether certificates hold."""
    from .services.verification import Verification

    return Verification(_store(wiring.outside.aws()), _catalogue())
