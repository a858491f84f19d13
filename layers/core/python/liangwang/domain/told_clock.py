"""The clock as the department's messages tell it. Pure: the case folds them, and so does whoever only hears them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from . import case_messages as m
from . import statutory_clock
from .statutory_clock import Clock, Extension, Stop


def clock_after(clock: Clock, message: Any, at: datetime) -> Clock:
    """A running clock after one message, recorded ``at`` a moment; as it was after one that says nothing of time."""
    match message:
        case m.CaseSuspended():
            stop = Stop(
                stop_id=message.stop_id,
                cause=message.cause,
                basis=message.basis,
                approver=message.approver,
                since=message.since,
                ends_by=message.until,
            )
            return statutory_clock.suspended(clock, stop, at)
        case m.CaseResumed(on=on, days=days, stood=stood):
            return statutory_clock.resumed(
                clock, message.stop_id, on=on, days=days, stood=stood, due=message.due, result=message.result
            )
        case m.CaseExtended(days=days):
            extension = Extension(
                days=days, reason=message.reason, basis=message.basis, approver=message.approver, on=message.on
            )
            return statutory_clock.extended(clock, extension, message.due)
    return clock


def clock_told(messages: Iterable[tuple[datetime, Any]]) -> Clock | None:
    """The clock as all of a department's messages tell it, with the moments of their recording; None before acceptance."""
    clock: Clock | None = None
    for at, message in messages:
        if isinstance(message, m.CaseAccepted):
            clock = Clock(due=message.due) if message.due is not None else None
        elif clock is not None:
            clock = clock_after(clock, message, at)
    return clock
