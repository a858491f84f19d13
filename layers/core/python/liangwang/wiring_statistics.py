"""The composition root's other part: what departments' cases count as."""

from typing import TYPE_CHECKING

from . import wiring
from .aws import AwsJson
from .wiring import _catalogue, _store

if TYPE_CHECKING:
    from .services.counting import Counting
    from .services.statistics import Statistics

TALLIES = "STATISTICS_TABLE"


def statistics() -> "Statistics":
    """What was counted, and what is open."""
    from .services.statistics import Statistics

    aws = wiring.outside.aws()
    return Statistics(_store(aws, TALLIES), _store(aws), _catalogue())


def counting(aws: AwsJson) -> "Counting":
    """What counts, as the departments' stream tells it."""
    from .services.counting import Counting

    return Counting(_store(aws, TALLIES))
