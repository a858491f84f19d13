"""Carries applications from the intakes' exchange APIs to the topic ``applications``, and carries again what reconciliation misses."""

from typing import Any

from liangwang import wiring

app, reconciler = wiring.relay()


def handler(event: dict[str, Any], context: object) -> dict[str, Any] | None:
    """A batch of intake's stream, which names cases, a schedule's event, which names none, or the one that says ``reconcile``."""
    return reconciler.run(event) if "reconcile" in event else app.handle(event)
