"""熔断: when a system that does not answer is left alone, and when it is tried again. Pure.

Closed, every call goes through. After some failures in a row it is open: nobody calls until a moment. Then one caller, and
only one, makes a *probe* (half-open): its success closes the breaker, its failure opens it for twice as long, up to
``Settings.longest``. The wait is shortened at random by up to a half, so that not all come back at the same moment.
"""

from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace


class Settings(Struct, frozen=True, kw_only=True):
    """``failures`` in a row open it; the first wait, the longest, and how long a probe may take before another is made."""

    failures: int = 3
    first: timedelta = timedelta(seconds=5)
    longest: timedelta = timedelta(minutes=5)
    probe: timedelta = timedelta(minutes=1)


class Breaker(Struct, frozen=True, kw_only=True, tag="breaker.changed", tag_field="type"):
    """What is known of the way to one intake system: failures in a row, and until when nobody calls (None: closed).

    ``probing``: somebody tries it, and who finds it so does not; ``since`` is when the first of the failures was.
    ``reason`` is the newest failure.
    """

    intake: str
    failures: int = 0
    open_until: datetime | None = None
    probing: bool = False
    since: datetime | None = None
    reason: str = ""

    @property
    def is_closed(self) -> bool:
        """Whether every call goes through."""
        return self.open_until is None


def may_call(state: Breaker, now: datetime) -> bool:
    """Whether a call may be made now; of an open breaker whose time has come, only as a probe (``probe``)."""
    return state.open_until is None or state.open_until <= now


def probe(state: Breaker, now: datetime, settings: Settings) -> Breaker | None:
    """What is written before the one call of an open breaker; None when there is nothing to write, for it is closed, or
    nothing to call, for it is not time yet or somebody else does.

    Whoever dies over a probe holds the place for ``settings.probe`` only.
    """
    if state.open_until is None or now < state.open_until:
        return None
    return replace(state, probing=True, open_until=now + settings.probe)


def failed(state: Breaker, now: datetime, settings: Settings, *, chance: float, reason: str = "") -> Breaker | None:
    """After a call that failed. ``chance`` is from 0 to 1. None when it changes nothing: a call that began before the breaker
    opened says nothing new.
    """
    if state.open_until is not None and not state.probing and now < state.open_until:
        return None
    failures = state.failures + 1
    open_until = now + wait(failures, settings, chance=chance) if failures >= settings.failures else None
    return Breaker(
        intake=state.intake, failures=failures, open_until=open_until, since=state.since or now, reason=reason[:300]
    )


def succeeded(state: Breaker) -> Breaker | None:
    """After a call that was answered; None when the breaker was closed and without failures."""
    if state.failures == 0 and state.open_until is None:
        return None
    return Breaker(intake=state.intake)


def wait(failures: int, settings: Settings, *, chance: float) -> timedelta:
    """How long it stays open after so many failures in a row."""
    doublings: int = min(max(failures - settings.failures, 0), 30)
    whole = min(settings.first * (1 << doublings), settings.longest)
    return whole * (1 - chance / 2)
