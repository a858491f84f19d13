"""The composition root's other part: what officers and heads do about their departments' cases."""

from typing import TYPE_CHECKING

from . import wiring
from .wiring import _department, _store

if TYPE_CHECKING:
    from .services.procedures import Procedures


def procedures() -> "Procedures":
    """What the clocks of a department's cases stand for."""
    from .services.own_cases import OwnCases
    from .services.procedures import Procedures

    return Procedures(OwnCases(_store(wiring.outside.aws()), _department()))
