"""审计与统计: what governance and departments write becomes records of the audit trail, what both do is counted, and a
schedule signs where the trail stands."""

from typing import Any

from liangwang import wiring

app = wiring.audit()


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """A batch of a table's stream, or a schedule's event."""
    return app.handle(event)
