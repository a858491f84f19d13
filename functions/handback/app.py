"""回传: acceptance and approval data go into the centre's ledger and back to the citizen, at once or when intake can be reached."""

from typing import Any

from liangwang import wiring
from liangwang.consuming import consume

store, app, redelivery = wiring.handback()


def handler(event: dict[str, Any], context: object) -> dict[str, Any] | None:
    """A batch of ``acceptances`` or ``approvals``, or a schedule's event: then what intake systems missed has its turn."""
    if "records" in event:
        return consume(event, consumer="handback", store=store, route=app.route, then=app.deliver)
    return redelivery.sweep(event)
