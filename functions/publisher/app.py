"""The outbox: this system's table stream becomes Kafka messages."""

from typing import Any

from liangwang import wiring

app = wiring.publisher()


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """A batch of the table's stream."""
    return app.publish(event)
