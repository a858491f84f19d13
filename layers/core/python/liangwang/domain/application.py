"""申请: the citizen's side of a case, owned by intake.

The citizen speaks through three messages (submitted, supplemented, withdrawn); the department answers with progress.
Progress may arrive twice or out of order: it is put in order by the department's own sequence, which the message id
carries (``department/<case_no>/<version>``), so the timeline is right whatever the wire did.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct, field
from msgspec.structs import replace

from . import messages as m
from .errors import Invalid, NotNow, Violation
from .history import Recorded
from .patience import Patience


class Opened(Struct, frozen=True, kw_only=True, tag="application.opened", tag_field="type"):
    """Who applies, and a digest of the request so that a repeated one is recognised.

    ``agent`` is who applied for them, under which ``mandate``; both are empty for those who applied themselves.
    ``joint`` is the joint application (``domain/joint.py``) that the case is a member of, ``joint_first`` whether it stands
    for it in the applicant's list, where the whole counts once.
    """

    applicant: str
    digest: str
    agent: str = ""
    mandate: str = ""
    joint: str = ""
    joint_first: bool = False


class ByAgent(Struct, frozen=True, kw_only=True, tag="application.by_agent", tag_field="type"):
    """What follows is said by an agent for the applicant, under this mandate."""

    agent: str
    mandate: str


class Relayed(Struct, frozen=True, kw_only=True, tag="application.relayed", tag_field="type"):
    """The centre confirmed that Kafka holds the messages up to ``version``; ``round`` is 0 for the first time."""

    version: int
    round: int = 0


class Progressed(Struct, frozen=True, kw_only=True, tag="application.progressed", tag_field="type"):
    """The department told something. ``sequence`` is its own order, ``at`` the time it happened there."""

    sequence: int
    at: datetime
    message: m.Progress


class HeardEarly(Struct, frozen=True, kw_only=True, tag="application.heard_early", tag_field="type"):
    """The word of a department that is not known to have the case: it waits, unseen, for the news that the case was handed
    over to it, which may come later (the two travel by different topics)."""

    sequence: int
    at: datetime
    message: m.Progress


class Redacted(Struct, frozen=True, kw_only=True, tag="application.redacted", tag_field="type"):
    """What was personal in the case was taken out of its history (``domain/retention.py``), and why."""

    because: Literal["retention", "erasure"]


Outgoing = m.ApplicationSubmitted | m.ApplicationSupplemented | m.ApplicationWithdrawn | m.ApplicationRated
Event = Opened | ByAgent | Outgoing | Relayed | Progressed | HeardEarly | Redacted

EARLY_AT_MOST = 20
"""Words that wait for a handing over; more are refused."""

Status = Literal[
    "submitted",
    "supplementing",
    "supplemented",
    "accepted",
    "in_review",
    "suspended",
    "withdrawing",
    "refused",
    "returned",
    "granted",
    "denied",
    "withdrawn",
    "voided",
]


class Application(Struct, frozen=True, kw_only=True):
    """What intake knows of a case.

    ``outgoing`` holds (version, time, message) of all that the citizen said; those above ``relayed`` still have to be
    relayed. ``round`` is the last round of asking; ``progress`` is in the department's order. ``agents`` names who said
    what (by its version) for the applicant; ``agent`` who applied.
    """

    applicant: str
    digest: str
    agents: dict[int, str] = field(default_factory=dict)
    joint: str = ""
    joint_first: bool = False
    version: int = 0
    outgoing: tuple[tuple[int, datetime, Outgoing], ...] = ()
    relayed: int = 0
    round: int = 0
    relayed_at: datetime | None = None
    progress: tuple[Progressed, ...] = ()
    early: tuple[HeardEarly, ...] = ()
    heard_at: datetime | None = None
    redacted: bool = False

    @property
    def submitted(self) -> m.ApplicationSubmitted:
        """The application itself."""
        message = self.outgoing[0][2]
        assert isinstance(message, m.ApplicationSubmitted)
        return message

    @property
    def agent(self) -> str:
        """Who applied for the applicant; empty when they applied themselves."""
        return self.agents.get(self.outgoing[0][0], "")

    @property
    def attachments(self) -> tuple[m.Attachment, ...]:
        """All files and certificates that were handed in, in order."""
        return tuple(one for _, _, said in self.outgoing for one in getattr(said, "attachments", ()))

    @property
    def spoken_at(self) -> datetime:
        """When the citizen last said something."""
        return self.outgoing[-1][1]

    @property
    def pending(self) -> tuple[tuple[int, datetime, Outgoing], ...]:
        """What has not been relayed yet."""
        return tuple(entry for entry in self.outgoing if entry[0] > self.relayed)

    @property
    def notice(self) -> m.SupplementRequested | None:
        """The supplement notice that waits for an answer."""
        for entry in reversed(self.progress):
            if isinstance(entry.message, m.SupplementRequested):
                number = entry.message.notice_no
                answered = any(getattr(said, "notice_no", "") == number for _, _, said in self.outgoing)
                return None if answered or number in self._over else entry.message
        return None

    @property
    def _over(self) -> frozenset[str]:
        """What a clock stood for and has ended: special procedures, and notices in review, also those that nobody answered."""
        return frozenset(one.message.stop_id for one in self.progress if isinstance(one.message, m.CaseResumed))

    @property
    def accepted(self) -> m.CaseAccepted | None:
        """The acceptance, once the department has told it."""
        return next((one.message for one in self.progress if isinstance(one.message, m.CaseAccepted)), None)

    @property
    def promised(self) -> tuple[m.Promise, ...]:
        """The promised materials 容缺受理 that have still to be handed in."""
        if self.accepted is None or self.is_terminal:
            return ()
        receipt = self.accepted.accept_doc_no
        came = {
            code
            for _, _, said in self.outgoing
            if isinstance(said, m.ApplicationSupplemented) and said.notice_no == receipt
            for code in said.materials
        }
        return tuple(one for one in self.accepted.promised if one.material not in came)

    @property
    def stands(self) -> bool:
        """Whether a special procedure is going on: one that was told of, and whose end was not."""
        told = [entry.message for entry in self.progress]
        begun = (
            one for one in told if isinstance(one, m.CaseSuspended) and one.cause not in ("collaboration", "supplement")
        )
        return any(one.stop_id not in self._over for one in begun)

    @property
    def departments(self) -> tuple[str, ...]:
        """The departments that have had the case, in order: the one applied to, and those it was transferred to."""
        moved = (one.message.to for one in self.progress if isinstance(one.message, m.CaseTransferred))
        return (self.submitted.department, *moved)

    @property
    def department(self) -> str:
        """The department that has the case now."""
        return self.departments[-1]

    @property
    def status(self) -> Status:
        """Where the case is, as far as the citizen can know."""
        last = self.last_word
        if last is not None:
            if any(isinstance(entry.message, m.DecisionRevoked) for entry in self.progress):
                return "voided"
            return last.outcome if isinstance(last, m.CaseDecided) else _ENDS[type(last)]
        for entry in reversed(self.progress):
            if (found := _told_status(entry.message, self)) is not None:
                return self._citizen_status(found)
        return self._citizen_status("submitted")

    def _citizen_status(self, status: Status) -> Status:
        withdrawing = any(isinstance(said, m.ApplicationWithdrawn) for _, _, said in self.outgoing)
        return "withdrawing" if withdrawing else status

    @property
    def last_word(self) -> m.LastWord | None:
        """The message that ended the case; only what corrects it changes anything after it."""
        for entry in self.progress:
            if isinstance(entry.message, m.LastWord):
                return entry.message
        return None

    @property
    def is_terminal(self) -> bool:
        """Whether the department has said its last word."""
        return self.status in m.TERMINAL

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing more will be said or heard: the case has ended, and both sides know all of it."""
        return self.is_terminal and self.has_heard_all and not self.pending

    @property
    def has_heard_all(self) -> bool:
        """Whether everything that went before the last word has come too, as far as the last word tells."""
        return self.last_word is not None and len(self.progress) >= self.last_word.told


_ENDS: dict[type, Status] = {m.CaseRefused: "refused", m.CaseReturned: "returned"}


def _told_status(message: m.Progress, state: Application) -> Status | None:
    """What a message before the last word makes of the case; None for one that changes nothing."""
    match message:
        case m.SupplementRequested():
            return "supplementing" if state.notice else "supplemented"
        case m.CaseAccepted():
            return "accepted"
        case m.CaseTransferred():
            return "submitted"
        case m.CaseSuspended(cause=cause) if cause not in ("collaboration", "supplement"):
            return "suspended"
        case m.CaseResumed():
            return "suspended" if state.stands else "supplementing" if state.notice else "in_review"
        case m.StepCompleted() | m.StepReturned():
            return "in_review"
    return None


def evolve(state: Application | None, recorded: Recorded[Event]) -> Application:
    """Folds one recorded event into the state."""
    event = recorded.event
    if isinstance(event, Opened):
        agents = {2: event.agent} if event.agent else {}
        return Application(
            applicant=event.applicant,
            digest=event.digest,
            agents=agents,
            joint=event.joint,
            joint_first=event.joint_first,
            version=1,
        )
    assert state is not None
    version = state.version + 1
    if isinstance(event, ByAgent):
        return replace(state, version=version, agents={**state.agents, version + 1: event.agent})
    if isinstance(event, Relayed):
        return replace(state, version=version, relayed=event.version, round=event.round, relayed_at=recorded.at)
    if isinstance(event, Redacted):
        return replace(state, version=version, redacted=True)
    if isinstance(event, HeardEarly):
        return replace(state, version=version, early=(*state.early, event))
    if isinstance(event, Progressed):
        progress = tuple(sorted((*state.progress, event), key=lambda entry: entry.sequence))
        early = tuple(one for one in state.early if one.sequence != event.sequence)
        return replace(state, version=version, progress=progress, early=early, heard_at=recorded.at)
    return replace(state, version=version, outgoing=(*state.outgoing, (version, recorded.at, event)))


def by_agent(agent: str, mandate: str) -> Sequence[Event]:
    """Names who is about to speak for the applicant; the applicant needs no naming."""
    return [ByAgent(agent=agent, mandate=mandate)] if agent else []


def withdraw(state: Application, reason: m.Sealed | None = None, *, department: str = "") -> Sequence[Event]:
    """Asks the department to stop; ``department`` is the one that the reason is sealed for, where another has the case since.

    Raises NotNow once the case is decided or already being withdrawn.
    """
    if state.is_terminal or state.status == "withdrawing":
        raise NotNow(f"the case is {state.status}; it cannot be withdrawn")
    to = department or state.department
    return [m.ApplicationWithdrawn(case_no=state.submitted.case_no, department=to, sealed=reason)]


def rate(state: Application, code: int) -> Sequence[Event]:
    """Tells the department what the applicant thought of it, once. Nothing of a case whose content was forgotten."""
    told = any(isinstance(said, m.ApplicationRated) for _, _, said in state.outgoing)
    if told or state.redacted:
        return []
    return [m.ApplicationRated(case_no=state.submitted.case_no, department=state.department, code=code)]


def acknowledge(state: Application, *, version: int, round: int) -> Sequence[Event]:
    """Notes that Kafka holds everything up to ``version``. An acknowledgement that tells nothing new is no event."""
    if version < state.relayed or (version == state.relayed and round <= state.round):
        return []
    if not any(version == said for said, _, _ in state.outgoing):
        raise Invalid("unknown message", violations=(Violation("id", f"no message of this case has number {version}"),))
    return [Relayed(version=version, round=round)]


def progress(state: Application, *, sequence: int, at: datetime, message: m.Progress) -> Sequence[Event]:
    """Takes in what the department told; the same sequence a second time is no event.

    The word of a department that the case has not been handed over to, as far as is known, is put aside. Raises Invalid for
    too many of these, and for news of another case.
    """
    case_no = state.submitted.case_no
    foreign = message.department not in state.departments
    if message.case_no != case_no or (foreign and len(state.early) >= EARLY_AT_MOST):
        violation = Violation("data", f"only {state.department} speaks about case {case_no}")
        raise Invalid("not the department's word about this case", violations=(violation,))
    heard: tuple[Progressed | HeardEarly, ...] = (*state.progress, *state.early)
    if any(entry.sequence == sequence for entry in heard):
        return []
    if foreign:
        return [HeardEarly(sequence=sequence, at=at, message=message)]
    freed = _freed(state, message.to) if isinstance(message, m.CaseTransferred) else ()
    return [_heard(sequence, at, message), *freed]


def _freed(state: Application, department: str) -> Iterator[Progressed]:
    """What waited for the news that this department has the case, and what that frees in turn."""
    for one in sorted(state.early, key=lambda entry: entry.sequence):
        if one.message.department == department:
            yield _heard(one.sequence, one.at, one.message)
            if isinstance(one.message, m.CaseTransferred):
                department = one.message.to


def _heard(sequence: int, at: datetime, message: m.Progress) -> Progressed:
    """What was sealed for another department stays behind: intake has no use for it."""
    if isinstance(message, m.CaseTransferred):
        message = replace(message, sealed=())
    return Progressed(sequence=sequence, at=at, message=message)


def wake_at(state: Application, patience: Patience) -> datetime | None:
    """When the centre should carry the application (again): never once decided and told in full.

    The moment is set when the citizen speaks and stays until it passes: neither the first relay nor any answer moves
    it, so a case that ends before pays for no index write but the last. What is said after the end (a rating) has a moment
    until Kafka holds it. Then the department is asked about it again,
    at growing intervals until it is decided; what is lost anywhere further on is found by that question too.
    """
    rated = any(isinstance(said, m.ApplicationRated) for _, _, said in state.pending)
    if state.is_terminal and state.has_heard_all and (state.redacted or not rated):
        return None
    return patience.until(state.spoken_at, last=state.relayed_at)


def to_relay(state: Application, *, due: bool) -> tuple[tuple[int, datetime, Outgoing], ...]:
    """The messages to carry, in order: what is pending; everything the citizen said when the case is due again.

    As long as the department has never answered, it may not even know the case: then what is pending comes with all
    that went before. A redacted case has nothing left to carry.
    """
    if state.redacted:
        return ()
    unheard = bool(state.pending) and not state.progress
    return state.outgoing if due or unheard else state.pending
