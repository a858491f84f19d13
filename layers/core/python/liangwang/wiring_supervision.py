"""The composition root's part for supervision: what sweeps, and what people see of it."""

from typing import TYPE_CHECKING

from . import wiring
from .wiring import _catalogue, _department, _directory, _store

if TYPE_CHECKING:
    from .services.orders import Orders
    from .services.oversight import Oversight
    from .services.supervision import Supervision


def supervision() -> "Supervision":
    """What has become due in one system's table."""
    from .services.supervision import Supervision, wakers

    return Supervision(_store(wiring.outside.aws()), wakers(_department(), _directory()))


def orders() -> "Orders":
    """What a department's supervisor has to look at, and to answer."""
    from .catalogue import load_supervision
    from .services.orders import Orders
    from .services.own_cases import OwnCases

    return Orders(OwnCases(_store(wiring.outside.aws()), _department()), load_supervision(_directory()))


def oversight() -> "Oversight":
    """What came before a governance centre."""
    from .services.oversight import Oversight

    return Oversight(_store(wiring.outside.aws()), _catalogue().organisation)
