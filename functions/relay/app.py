"""Carries applications from intake's exchange API to the topic ``applications``."""

from typing import Any

from liangwang import wiring

app = wiring.relay()


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """A batch of intake's stream, which names cases, or a schedule's event, which names none."""
    return app.handle(event)
