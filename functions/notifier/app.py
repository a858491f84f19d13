"""通知发送: carries notifications out by mail and text message."""

from typing import Any

from liangwang import wiring

app = wiring.notifier()


def handler(event: dict[str, Any], context: object) -> None:
    """A schedule's event; its content does not matter."""
    app.sweep(event)
