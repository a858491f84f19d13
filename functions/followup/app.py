"""What follows in intake from what has happened."""

from typing import Any

from liangwang import wiring

app = wiring.followup()


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """A batch of intake's stream, or a schedule's event."""
    return app.handle(event)
