"""Says who is asking; the routes decide what they may."""

from typing import Any

from liangwang import wiring

app = wiring.authorizer()


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """A Lambda authorizer event (payload 2.0) in, a simple response out."""
    return app.authorize(event)
