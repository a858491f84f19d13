"""Guessing at a password becomes slow, and the owner is not locked out by it.

Whoever proves to be on a device from which this account has logged in before has a counter of their own; all strangers
share one (OWASP, "Slow Down Online Guessing Attacks with Device Cookies"). A stranger who guesses thus delays strangers.
A counter never closes for good: beyond what is free each failure doubles the wait, and failures fade.
"""

from datetime import datetime, timedelta

from msgspec import Struct

from .account import Attempts
from .errors import DomainError

DAY = timedelta(days=1)


class Allowance(Struct, frozen=True, kw_only=True):
    """``free`` failures cost nothing; each more doubles the wait, from a second to ``longest``; one fades each ``fades``."""

    free: int
    fades: timedelta
    longest: timedelta


OF_AN_ACCOUNT = Allowance(free=10, fades=timedelta(minutes=20), longest=timedelta(minutes=20))
"""Of all strangers together, and of each device. In the long run 72 guesses a day (NIST SP 800-63B, 3.2.2: at most 100
in a row)."""

OF_A_SOURCE = Allowance(free=100, fades=timedelta(minutes=1), longest=timedelta(minutes=5))
"""Of strangers from one address over all accounts: many people may sit behind one, so it slows only what is no typing error."""


class TooManyAttempts(DomainError):
    """Too many failures lately; the credentials were not looked at. ``headers`` say when to try again."""

    code = "too_many_attempts"
    status = 429

    def __init__(self, wait: timedelta) -> None:
        seconds = max(1, -(-wait // timedelta(seconds=1)))
        super().__init__(f"too many failed attempts; try again in {seconds} s")
        self.headers = {"retry-after": str(seconds)}


def wait(state: Attempts | None, allowance: Allowance, now: datetime) -> timedelta:
    """How long the next attempt has to wait; zero when it may be made."""
    if state is None or _left(state, allowance, now) < allowance.free:
        return timedelta(0)
    doublings = min(state.failures - allowance.free, 30)
    delay = min(timedelta(seconds=2**doublings), allowance.longest)
    return max(timedelta(0), state.last + delay - now)


def failed(state: Attempts | None, allowance: Allowance, now: datetime) -> Attempts:
    """One failure more, which an attempt is until it has succeeded. Raises TooManyAttempts when it has to wait."""
    if (left := wait(state, allowance, now)) > timedelta(0):
        raise TooManyAttempts(left)
    failures = 1 + (_left(state, allowance, now) if state else 0)
    return _counted(failures, allowance, now)


def forgiven(state: Attempts | None, allowance: Allowance) -> Attempts | None:
    """Without the one failure that turned out none; None when nothing is to be changed.

    Others' failures stay, so that the owner's log-ins give a guesser no new allowance.
    """
    if state is None or not state.failures:
        return None
    return _counted(state.failures - 1, allowance, state.last)


def _left(state: Attempts, allowance: Allowance, now: datetime) -> int:
    return max(0, state.failures - max(0, (now - state.last) // allowance.fades))


def _counted(failures: int, allowance: Allowance, last: datetime) -> Attempts:
    return Attempts(failures=failures, last=last, forgotten_at=last + max(DAY, failures * allowance.fades))
