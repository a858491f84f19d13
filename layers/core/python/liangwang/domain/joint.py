"""一件事联办: one application that becomes several cases, one after another. Owned by intake. Pure.

The plan is made at once: every member has its case number before anything is submitted, so submitting it again finds it. What
happens is a matter of looking: from what the members' cases say follows which member is due, which can never be, and
whether anything is left to do. Looking twice changes nothing.

A document: only the newest state is kept, because what is personal in it must be gone when it is no longer needed.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from .messages import Attachment, Outcome

State = Literal[
    "waiting", "due", "submitted", "granted", "denied", "refused", "returned", "withdrawn", "not_possible", "stopped"
]
"""``waiting`` for other members; ``due``: it shall be submitted, and from here on it will be; ``not_possible``: a member that it
waited for was not granted; ``stopped``: the applicant withdrew before it was submitted."""

ENDED: frozenset[State] = frozenset(
    ["granted", "denied", "refused", "returned", "withdrawn", "not_possible", "stopped"]
)

SOON, RARELY = timedelta(minutes=5), timedelta(days=1)
"""How long until somebody looks by the clock what the members have come to: the longer nothing changed the rarer."""


class Member(Struct, frozen=True, kw_only=True):
    """One member's part: its item, its case number, the members it waits for, and what has become of it.

    ``blocked_by`` names the member that made it not possible; ``withdrawing`` that the applicant wants it stopped, or for them
    ``agent`` under ``mandate``.
    """

    task_code: str
    task_version: int
    case_no: str
    after: tuple[str, ...] = ()
    state: State = "waiting"
    at: datetime
    certificate_no: str = ""
    blocked_by: str = ""
    withdrawing: bool = False
    agent: str = ""
    mandate: str = ""


class Joint(Struct, frozen=True, kw_only=True, tag="joint.kept", tag_field="type"):
    """One joint application as it is now.

    ``form`` is the joint form without personal fields, ``tokens`` the personal ones under the applicant's own key; they are
    dropped when no member has still to be submitted. ``materials`` and ``attachments`` go by the joint item's codes. ``look_at`` is when to look by the clock; None once all has ended.
    """

    applicant: str
    agent: str = ""
    mandate: str = ""
    digest: str
    joint_code: str
    joint_version: int
    applicant_type: int
    place: str
    channel: str
    form: dict[str, Any]
    tokens: dict[str, str] = {}
    materials: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    members: tuple[Member, ...]
    begun_at: datetime
    changed_at: datetime
    look_at: datetime | None = None

    @property
    def has_ended(self) -> bool:
        """Whether every member has."""
        return all(member.state in ENDED for member in self.members)

    @property
    def certificates(self) -> dict[str, str]:
        """The certificates' numbers of granted members by item."""
        return {one.task_code: one.certificate_no for one in self.members if one.state == "granted"}

    @property
    def status(self) -> Literal["in_progress", "granted", "partly_granted", "not_granted", "withdrawn"]:
        """All together, for the applicant: the case of a joint application that counts once."""
        states = {member.state for member in self.members}
        if not self.has_ended:
            return "in_progress"
        if states == {"granted"}:
            return "granted"
        if "granted" in states:
            return "partly_granted"
        return "not_granted" if states & {"denied", "refused", "returned"} else "withdrawn"


class Seen(NamedTuple):
    """What intake knows of a member's case: its end, if it has one, and its certificate."""

    outcome: Outcome | Literal["refused", "returned"] | None
    certificate_no: str = ""


def look(state: Joint, cases: Mapping[str, Seen], now: datetime) -> Joint:
    """The state after looking at the members' cases (by case number; those that exist). Itself when nothing is new."""
    members = tuple(_seen(member, cases.get(member.case_no), now) for member in state.members)
    while (further := _ordered(members, now)) != members:
        members = further
    if members == state.members:
        return state
    return _settled(replace(state, members=members, changed_at=now), now)


def withdraw(state: Joint, task_codes: Collection[str], now: datetime, *, agent: str = "", mandate: str = "") -> Joint:
    """The applicant, or an agent for them, wants these members stopped: at once where nothing was submitted, else by
    withdrawing the case."""
    members = tuple(
        _withdrawn(one, now, agent, mandate) if one.task_code in task_codes else one for one in state.members
    )
    if members == state.members:
        return state
    while (further := _ordered(members, now)) != members:
        members = further
    return _settled(replace(state, members=members, changed_at=now), now)


def give_up(state: Joint, now: datetime) -> Joint:
    """What was not submitted never will be: the applicant's personal data was erased."""
    members = tuple(
        replace(one, state="stopped", at=now) if one.state in ("waiting", "due") else one for one in state.members
    )
    return _settled(replace(state, members=members, changed_at=now), now) if members != state.members else state


def look_later(state: Joint, now: datetime) -> Joint:
    """Nothing was new: look again, later the longer nothing has changed."""
    wait = min(max(now - state.changed_at, SOON), RARELY)
    return replace(state, look_at=now + wait)


def _seen(member: Member, seen: Seen | None, now: datetime) -> Member:
    if seen is None or member.state in ENDED:
        return member
    if seen.outcome is None:
        return replace(member, state="submitted", at=now) if member.state != "submitted" else member
    return replace(member, state=seen.outcome, certificate_no=seen.certificate_no, at=now)


def _ordered(members: tuple[Member, ...], now: datetime) -> tuple[Member, ...]:
    """Waiting members whose prerequisites have come to something."""
    states = {one.task_code: one.state for one in members}

    def step(member: Member) -> Member:
        if member.state != "waiting":
            return member
        failed = [one for one in member.after if states[one] in ENDED and states[one] != "granted"]
        if failed:
            return replace(member, state="not_possible", blocked_by=failed[0], at=now)
        if all(states[one] == "granted" for one in member.after):
            return replace(member, state="due", at=now)
        return member

    return tuple(map(step, members))


def _withdrawn(member: Member, now: datetime, agent: str, mandate: str) -> Member:
    match member.state:
        case "waiting":
            return replace(member, state="stopped", at=now)
        case "due" | "submitted" if not member.withdrawing:
            return replace(member, withdrawing=True, agent=agent, mandate=mandate)
    return member


def _settled(state: Joint, now: datetime) -> Joint:
    """What is not needed any more goes, and the clock is set."""
    still_to_submit = any(member.state in ("waiting", "due") for member in state.members)
    return replace(
        state, tokens=state.tokens if still_to_submit else {}, look_at=None if state.has_ended else now + SOON
    )


def begin(state: Joint, now: datetime) -> Joint:
    """The first state: members that wait for none are due."""
    return _settled(replace(state, members=_ordered(state.members, now)), now)
