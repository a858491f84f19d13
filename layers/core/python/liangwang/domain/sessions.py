"""What may be done with a session: it is refreshed with a new secret each time, ended, and ended at once when an old
secret comes back (RFC 9700, 4.14.2: refresh token rotation).

Secrets themselves are not kept: the functions here compare digests.
"""

from datetime import datetime, timedelta

from msgspec import structs

from .account import Session
from .errors import Unauthenticated

LEEWAY = timedelta(seconds=10)
"""An answer can get lost: for so long the secret just replaced gets the same answer again."""


class SessionOver(Unauthenticated):
    """The refresh token does not hold: it was never given, has run out, was used before, or the session was ended."""

    code = "session_over"


def is_live(session: Session | None) -> bool:
    """Whether tokens of this session hold."""
    return session is not None and session.ended_at is None


def refreshed(session: Session | None, *, shown: str, following: str, now: datetime) -> Session | None:
    """The session after a refresh with the secret whose digest is ``shown``; ``following`` is the next secret's digest.

    None when nothing changes because the same refresh comes again within the leeway. Whoever shows another secret holds
    an old one, so somebody has a copy: the session that is answered has ended. Raises SessionOver when it is over already.
    """
    if session is None or session.ended_at is not None or now >= session.ends_at:
        raise SessionOver("the refresh token does not hold; log in again")
    if shown == session.secret:
        return structs.replace(session, secret=following, previous=shown, refreshed_at=now)
    if shown == session.previous and following == session.secret and now <= session.refreshed_at + LEEWAY:
        return None
    return ended(session, now)


def ended(session: Session, now: datetime) -> Session:
    """The session after log-out, a new password, or the theft of a token."""
    return structs.replace(session, ended_at=now, secret="", previous="")  # nosec B106
