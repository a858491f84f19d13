"""A higher real-name level, demanded only where the item asks for it (RFC 9470, OAuth 2.0 Step Up Authentication Challenge).

An application program reads the challenge, lets the person log in with an identity service that vouches for them at that
level, or tells them to show their papers at a window, and sends the same request again.
"""

from datetime import datetime, timedelta
from types import MappingProxyType

from .domain.account import Level, Session
from .domain.errors import Forbidden, Invalid, Unauthenticated, Violation
from .http import Caller

NAME = "urn:liangwang:level:"
"""What a level is called as an authentication context class (``acr_values``)."""


FRESH = timedelta(minutes=10)
"""How long ago the log-in may be in whose session somebody does what a stolen token must not be enough for."""


class FreshLoginNeeded(Unauthenticated):
    """The act cannot be undone, so whoever does it has just shown that it is them (RFC 9470)."""

    code = "fresh_login_needed"
    headers = MappingProxyType(
        {"www-authenticate": f'Bearer error="insufficient_user_authentication", max_age="{FRESH.seconds}"'}
    )


class StepUpRequired(Forbidden):
    """The token holds, but states too low a level."""

    code = "step_up_required"

    def __init__(self, level: int) -> None:
        super().__init__(f"this item needs real-name level {level}; log in with an identity service or go to a window")
        self.headers = {
            "www-authenticate": 'Bearer error="insufficient_user_authentication", '
            f'error_description="a higher real-name level is needed", acr_values="{NAME}{level}"'
        }


def require_level(caller: Caller, level: Level, *, principal: int = 3) -> None:
    """Raises StepUpRequired. Level 1 is what every account has, so it is not asked about.

    ``principal`` is the level of whom the caller acts for: nobody is vouched for by their agent.
    """
    if level > 1 and caller.level < level:
        raise StepUpRequired(level)
    if level > 1 and principal < level:
        violation = Violation("on_behalf_of", f"they need level {level} themselves, and give the mandate again with it")
        raise Invalid(f"this item needs real-name level {level} of the applicant too", violations=(violation,))


def require_fresh(session: Session | None, owner: str, now: datetime, *, what: str) -> None:
    """Raises FreshLoginNeeded unless this is a live session of the owner's whose log-in has just been."""
    is_own = session is not None and session.subject == owner and session.ended_at is None
    if session is None or not is_own or now - session.opened_at > FRESH:
        raise FreshLoginNeeded(f"log in again and {what} within {FRESH.seconds // 60} minutes")
