"""Who can log in: accounts, what makes them unique, their sessions, and the guesses at their passwords.

All four are documents: what was before is not kept, because passwords, phones and counters must be forgotten.
"""

from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct

Level = Literal[0, 1, 2, 3]
"""实名等级. 0: nobody looked; 1: the identity number is formally right; 2: an identity service or an officer who saw the
papers vouches for it; 3: the strongest that an identity service states (in person, or face and document together)."""

SEEN = 2
"""The level from which somebody has seen a person's papers."""

SESSION_LIFE = timedelta(hours=12)
"""From the log-in to the end, however busy the session is."""

SESSION_IDLE = timedelta(hours=2)
"""A session that was not refreshed for so long is over."""


class Account(Struct, frozen=True, kw_only=True, tag="account.registered", tag_field="type"):
    """A person or system that can log in. Its id, the username, is the ``userId`` and the ``sub`` of its tokens.

    ``password`` is a PHC string; empty for an account that only an external issuer opens. ``name`` is how an official or a
    system is called in public; a citizen's name stands in ``personal``, whose values are tokens of the vault: name,
    identity_no or credit_code, phone, email, address, bank_account, and an enterprise's agent_name. ``claims`` are the
    keys that this account holds alone (see ``Claim``). ``scopes`` is what a system may ask for at /oauth/token. Sessions
    opened before ``password_set_at`` are over, but for the one the password was set in (``password_set_in``).
    """

    role: str
    password: str = ""
    name: str = ""
    department: str = ""
    region: str = ""
    applicant_type: int = 1
    level: int = 0
    status: Literal["active", "blocked", "closed"] = "active"
    personal: dict[str, str] = {}
    claims: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    password_set_at: datetime | None = None
    password_set_in: str = ""


class Claim(Struct, frozen=True, kw_only=True, tag="claim.made", tag_field="type"):
    """One account holds a value alone, such as a phone number; the document's id is ``<field>/<blind index>``.

    A claim counts as long as its account lists it, or is so young (``at``) that the account may be about to.
    One of nobody (``account`` is empty) was given up when its account was erased.
    """

    account: str
    at: datetime


class Session(Struct, frozen=True, kw_only=True, tag="session.opened", tag_field="type"):
    """One log-in. ``secret`` and ``previous`` are SHA-256 digests of the refresh token's present and last secret.

    The next secret is made from the one that is shown and ``salt``: whoever repeats a refresh whose answer was lost gets
    the same answer, and neither the table nor an old token alone leads to a secret. ``password_set_at`` is that of the
    account as it was when the log-in was looked at: one with a password that was just being changed holds no longer.
    """

    subject: str
    secret: str
    salt: str
    opened_at: datetime
    refreshed_at: datetime
    previous: str = ""
    ended_at: datetime | None = None
    password_set_at: datetime | None = None

    @property
    def ends_at(self) -> datetime:
        """When the session is over if nobody refreshes or ends it before."""
        return min(self.opened_at + SESSION_LIFE, self.refreshed_at + SESSION_IDLE)


class Attempts(Struct, frozen=True, kw_only=True, tag="attempts.counted", tag_field="type"):
    """How often a secret was guessed at, and when last. ``forgotten_at`` is when the count no longer matters."""

    failures: int
    last: datetime
    forgotten_at: datetime
