"""回传: acceptance and approval data go into the centre's ledger and back to the citizen."""

from typing import Any

from liangwang import wiring
from liangwang.consuming import consume

store, app = wiring.handback()


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """A batch of ``acceptances`` or ``approvals``."""
    return consume(event, consumer="handback", store=store, route=app.route, then=app.deliver)
