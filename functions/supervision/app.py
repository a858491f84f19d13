"""监督: what has waited too long in this system's table asks again, or follows its limit."""

from typing import Any

from liangwang import wiring

app = wiring.supervision()


def handler(event: dict[str, Any], context: object) -> None:
    """A schedule's event; its content does not matter."""
    app.sweep(event)
