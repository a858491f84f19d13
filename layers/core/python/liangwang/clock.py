"""What time it is. The domain is told; the shells ask here, and tests hand in a clock of their own."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Answers the present moment as an aware datetime."""


def utc() -> datetime:
    """The machine's clock."""
    return datetime.now(UTC)
