"""受理: accepts, asks once for what is missing, or refuses; carries the case on as far as rules alone can."""

from typing import Any

from liangwang import wiring
from liangwang.consuming import consume

store, department = wiring.acceptance()


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """A batch of the topic ``applications``."""
    return consume(event, consumer="acceptance", store=store, route=department.route)
