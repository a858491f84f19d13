"""A higher real-name level, demanded only where the item asks for it (RFC 9470, OAuth 2.0 Step Up Authentication Challenge).

An application program reads the challenge, lets the person log in with an identity service that vouches for them at that
level, or tells them to show their papers at a window, and sends the same request again.
"""

from .domain.account import Level
from .domain.errors import Forbidden
from .http import Caller

NAME = "urn:liangwang:level:"
"""What a level is called as an authentication context class (``acr_values``)."""


class StepUpRequired(Forbidden):
    """The token holds, but states too low a level."""

    code = "step_up_required"

    def __init__(self, level: int) -> None:
        super().__init__(f"this item needs real-name level {level}; log in with an identity service or go to a window")
        self.headers = {
            "www-authenticate": 'Bearer error="insufficient_user_authentication", '
            f'error_description="a higher real-name level is needed", acr_values="{NAME}{level}"'
        }


def require_level(caller: Caller, level: Level) -> None:
    """Raises StepUpRequired. Level 1 is what every account has, so it is not asked about."""
    if level > 1 and caller.level < level:
        raise StepUpRequired(level)
