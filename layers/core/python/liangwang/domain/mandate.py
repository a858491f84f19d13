"""委托: a person lets another act for them before the office, for some items and acts, until a moment. Pure.

民法典 art. 161-175: what an agent does within the mandate holds for the principal; a mandate ends when its time is over
or it is taken back (art. 173), and an agent passes it on only where the principal agrees (art. 169): here nobody can.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct
from msgspec.structs import replace

from .errors import Invalid, NotNow, Violation

Act = Literal["submit", "draft", "read", "supplement", "withdraw", "rate"]
"""What an agent may do for the principal (``policy.act_of``)."""

Moment = Annotated[datetime, Meta(tz=True)]
"""A moment with its zone: without one nobody knows when it is."""

State = Literal["holds", "expired", "revoked"]


class Mandate(Struct, frozen=True, kw_only=True, tag="mandate.given", tag_field="type"):
    """What ``agent`` may do for ``principal``; there is one between two people, and a new one takes its place.

    No ``task_codes`` means every item. ``applicant_type`` is the principal's (GB/T 39046-2020 A.4): the agent applies
    as they would; ``level`` is the real-name level that the principal had when giving it.
    """

    principal: str
    agent: str
    acts: tuple[Act, ...]
    given_at: datetime
    expires_at: datetime
    task_codes: tuple[str, ...] = ()
    applicant_type: str = "1"
    level: int = 0
    revoked_at: datetime | None = None

    @property
    def id(self) -> str:
        """Its identity: the two people's."""
        return identity(self.principal, self.agent)

    def state(self, now: datetime) -> State:
        """Whether it holds. At ``expires_at`` itself it holds no longer."""
        if self.revoked_at is not None:
            return "revoked"
        return "holds" if now < self.expires_at else "expired"

    def covers(self, act: str, *, task_code: str | None, now: datetime) -> bool:
        """Whether it allows this act now, for this item (None: for some item)."""
        within = task_code is None or not self.task_codes or task_code in self.task_codes
        return within and act in self.acts and self.state(now) == "holds"


class Mandated(Struct, frozen=True, kw_only=True, tag="mandate.pointed", tag_field="type"):
    """Tells an agent where to look: that there is, or soon will be, or was a mandate of ``principal``. It gives no right."""

    principal: str
    agent: str


def identity(principal: str, agent: str) -> str:
    """The id of the mandate between two people. Account names hold no full stop."""
    return f"{principal}.{agent}"


def give(state: Mandate | None, wish: Mandate, *, now: datetime) -> Sequence[Mandate]:
    """Gives a mandate, in the place of the one before. The same once more is nothing new.

    Raises Invalid for one to oneself, and for one that would end before it begins.
    """
    found = []
    if wish.agent == wish.principal:
        found.append(Violation("agent", "name somebody else; for yourself you need no mandate"))
    if wish.expires_at <= now:
        found.append(Violation("expires_at", "name a moment that is still to come"))
    if found:
        raise Invalid("such a mandate cannot be given", violations=tuple(found))
    if state is not None and replace(state, given_at=wish.given_at) == wish:
        return []
    return [wish]


def revoke(state: Mandate, *, now: datetime) -> Sequence[Mandate]:
    """Takes it back, or gives it up. Raises NotNow when it holds no longer."""
    if state.state(now) != "holds":
        raise NotNow(f"the mandate is {state.state(now)} already")
    return [replace(state, revoked_at=now)]
