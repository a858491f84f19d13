"""通知: what a citizen is told of a change, over which channels, and how long a channel is tried. Pure.

A notification always stands in the inbox (``GET /api/notifications``). Mail and text message carry it besides, where the
person wants them. It names the case and the item and holds no personal data: the address is looked up when it is sent.

``legal`` notices are documents of law (受理, 补正, 不予受理, 决定: 行政许可法 art. 32, 38, 44): that they were delivered
must be provable, by the provider's message id or by the first reading in the inbox 送达.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from msgspec import Struct
from msgspec.structs import replace

from . import application
from . import messages as m
from .catalogue import Text

Channel = Literal["mail", "sms"]
"""What carries a notification out of the system. The inbox is no channel: it is always there."""

Language = Literal["zh", "en"]

Class = Literal["legal", "progress", "service"]
"""What a person sets channels for: legal notices, how a case goes on, and what concerns mandates and ratings."""

Kind = Literal[
    "received",
    "supplemented",
    "withdrawal_requested",
    "accepted",
    "supplement_requested",
    "refused",
    "returned",
    "transferred",
    "step_completed",
    "step_returned",
    "suspended",
    "resumed",
    "extended",
    "granted",
    "denied",
    "withdrawn",
    "corrected",
    "revoked",
    "certificate_revoked",
    "certificate_reissued",
    "rectification_opened",
    "rectification_responded",
    "mandate_given",
    "mandate_revoked",
]

LEGAL: frozenset[Kind] = frozenset(
    {
        "accepted",
        "supplement_requested",
        "refused",
        "returned",
        "suspended",
        "extended",
        "granted",
        "denied",
        "withdrawn",
        "corrected",
        "revoked",
        "certificate_revoked",
        "certificate_reissued",
    }
)

SERVICE: frozenset[Kind] = frozenset(
    {"rectification_opened", "rectification_responded", "mandate_given", "mandate_revoked"}
)

RETRIES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 480, 1440))
"""The waits between one try and the next. After the last try that follows them the channel is given up."""

PAUSE = timedelta(minutes=5)
"""How long a channel that just failed several people in a row is left alone; such a wait is no try."""

UNSURE = timedelta(minutes=10)
"""After this long a try that never said how it ended counts as ended: the function that made it is long gone."""

UNSURE_RESENDS: Mapping[Channel, int] = {"mail": len(RETRIES), "sms": 1}
"""How often a message of unknown fate is sent once more. A mail that comes twice shows by its reference that it is the
same; a text message cannot, and costs money: one more, and no other."""


def class_of(kind: Kind) -> Class:
    """The class whose settings hold for a kind of notification."""
    if kind in LEGAL:
        return "legal"
    return "service" if kind in SERVICE else "progress"


class Facts(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the texts of a notification name: codes, numbers and times, nothing personal.

    ``number`` is that of the receipt, notice, refusal or certificate.
    """

    case_no: str = ""
    task_code: str = ""
    task_version: int = 0
    department: str = ""
    number: str = ""
    step: str = ""
    opinion: str = ""
    points: tuple[m.Point, ...] = ()
    certificate: Text | None = None
    until: datetime | None = None


class Delivery(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One channel's part: how far it is, and what proves it.

    ``failed`` is tried again at ``next_at``, ``given_up`` never. ``skipped`` had nothing to be sent to. ``claim`` is the
    mark of whoever is sending, ``proof`` the provider's message id, ``reason`` why the last try failed.
    """

    channel: Channel
    state: Literal["pending", "sending", "sent", "failed", "given_up", "skipped"] = "pending"
    attempts: int = 0
    unsure: int = 0
    at: datetime | None = None
    next_at: datetime | None = None
    claim: str = ""
    proof: str = ""
    reason: str = ""

    @property
    def due_at(self) -> datetime | None:
        """When it is to be looked at (again); None when it has ended."""
        if self.state == "sending":
            assert self.at is not None
            return self.at + UNSURE
        return self.next_at if self.state in ("pending", "failed") else None


class Notification(Struct, frozen=True, kw_only=True, tag="notification", tag_field="type"):
    """One thing that one person is told, once. ``read_at`` is the first reading; of a legal notice it proves delivery.

    ``at`` is when it happened, ``order`` the department's own sequence: what was told at one moment keeps its order.
    """

    owner: str
    kind: Kind
    at: datetime
    facts: Facts
    deliveries: tuple[Delivery, ...] = ()
    read_at: datetime | None = None
    order: int = 0

    @property
    def listed_at(self) -> datetime:
        """Where it stands in the inbox: a department often says several things at one moment."""
        return self.at + timedelta(milliseconds=self.order)

    @property
    def is_legal(self) -> bool:
        """Whether its delivery must be provable."""
        return self.kind in LEGAL

    @property
    def delivered_at(self) -> datetime | None:
        """When the first channel was done or the person read it; None as long as nothing proves it."""
        proofs = [one.at for one in self.deliveries if one.state == "sent" and one.at]
        return min([*proofs, *([self.read_at] if self.read_at else [])], default=None)

    def delivery(self, channel: Channel) -> Delivery | None:
        """One channel's part; None when the person did not want it."""
        return next((one for one in self.deliveries if one.channel == channel), None)


class Settings(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="notification.settings", tag_field="type"
):
    """The channels that a person wants for each class, beside the inbox, which cannot be switched off.

    Mails and text messages are in one ``language``; the inbox has both.
    """

    legal: tuple[Channel, ...] = get_args(Channel)
    progress: tuple[Channel, ...] = ()
    service: tuple[Channel, ...] = ("mail",)
    language: Language = "zh"

    def channels(self, kind: Kind, available: Collection[Channel]) -> tuple[Channel, ...]:
        """Those wanted for this kind of notification that this system has."""
        wanted: tuple[Channel, ...] = getattr(self, class_of(kind))
        return tuple(channel for channel in get_args(Channel) if channel in wanted and channel in available)


def of_application(submitted: m.ApplicationSubmitted, event: application.Event) -> tuple[Kind, Facts] | None:
    """What the applicant is told of one event of an application; None for what does not concern them."""
    facts = Facts(
        case_no=submitted.case_no,
        task_code=submitted.task_code,
        task_version=submitted.task_version,
        department=submitted.department,
    )
    match event:
        case m.ApplicationSubmitted():
            return "received", facts
        case m.ApplicationSupplemented():
            return "supplemented", facts
        case m.ApplicationWithdrawn():
            return "withdrawal_requested", facts
        case application.Progressed(message=m.CaseResumed(result=m.CASE_ENDED)):
            return None  # the message that ended the case says it
        case application.Progressed(message=message):
            return _of_progress(message, facts)
    return None


def _of_progress(message: m.Progress, facts: Facts) -> tuple[Kind, Facts]:
    match message:
        case m.CaseAccepted():
            until = message.due.promised_at if message.due else None
            return "accepted", replace(facts, number=message.accept_doc_no, until=until)
        case m.SupplementRequested():
            facts = replace(facts, number=message.notice_no, points=message.points, until=message.until)
            return "supplement_requested", facts
        case m.CaseRefused():
            return "refused", replace(facts, number=message.refusal_doc_no)
        case m.CaseReturned():
            return "returned", replace(facts, number=message.return_doc_no)
        case m.CaseTransferred():
            return "transferred", replace(facts, department=message.to)
        case m.StepCompleted():
            return "step_completed", replace(facts, step=message.step, opinion=message.opinion)
        case m.StepReturned():
            return "step_returned", replace(facts, step=message.to)
        case m.CaseSuspended():
            return "suspended", replace(facts, until=message.until)
        case m.CaseResumed():
            return "resumed", replace(facts, until=message.due.promised_at)
        case m.CaseExtended():
            return "extended", replace(facts, until=message.due.promised_at)
        case m.CaseDecided():
            return message.outcome, _certified(facts, message.certificate_no, message)
    return _of_afterwards(message, facts)


def _of_afterwards(message: m.Afterwards, facts: Facts) -> tuple[Kind, Facts]:
    match message:
        case m.DecisionCorrected():
            return "corrected", facts
        case m.DecisionRevoked():
            return "revoked", facts
        case m.CertificateRevoked():
            return "certificate_revoked", replace(facts, number=message.certificate_no)
        case m.CertificateReissued():
            return "certificate_reissued", replace(facts, number=message.certificate_no, until=message.valid_until)


def _certified(facts: Facts, number: str | None, decided: m.CaseDecided) -> Facts:
    return replace(facts, number=number or "", certificate=decided.certificate_name, until=decided.valid_until)


def opened(
    *,
    owner: str,
    kind: Kind,
    facts: Facts,
    at: datetime,
    channels: Collection[Channel],
    now: datetime | None = None,
    order: int = 0,
) -> Notification:
    """A notification of what happened ``at``; every channel may be tried at once, which is ``now``."""
    at_once = (now or at).replace(microsecond=0)  # the index has whole seconds, rounded up
    deliveries = tuple(Delivery(channel=channel, next_at=at_once) for channel in channels)
    return Notification(owner=owner, kind=kind, at=at, facts=facts, deliveries=deliveries, order=order)


def claim(told: Notification, channel: Channel, *, claim: str, now: datetime) -> Notification | None:
    """Takes one channel's sending into the hands of ``claim``; None when there is nothing to take.

    This is written before the provider is called. A try that never said how it ended is found here by its age: it is
    made once more, or given up because the message may have gone out (``UNSURE_RESENDS``).
    """
    delivery = told.delivery(channel)
    if delivery is None or delivery.due_at is None or delivery.due_at > now:
        return None
    unsure = delivery.unsure + (delivery.state == "sending")
    if unsure > UNSURE_RESENDS[channel] or delivery.attempts > len(RETRIES):
        return _with(told, replace(delivery, state="given_up", at=now, unsure=unsure, claim="", reason="unknown_fate"))
    taken = replace(
        delivery, state="sending", attempts=delivery.attempts + 1, unsure=unsure, at=now, next_at=None, claim=claim
    )
    return _with(told, taken)


def sent(told: Notification, channel: Channel, *, claim: str, proof: str, now: datetime) -> Notification | None:
    """The provider took it: ``proof`` is its message id. None when the sending is no longer this claim's."""
    return _settle(told, channel, claim, state="sent", proof=proof, reason="", at=now)


def postponed(told: Notification, channel: Channel, *, now: datetime) -> Notification | None:
    """Leaves a channel alone for a while without a try; None for one that is not waiting to be tried."""
    waiting = _waiting(told, channel, now)
    return _with(told, replace(waiting, next_at=now + PAUSE)) if waiting else None


def unsendable(told: Notification, channel: Channel, *, reason: str, now: datetime) -> Notification | None:
    """Ends a channel that was never tried and has nothing to send to; None for one that is not waiting to be tried."""
    waiting = _waiting(told, channel, now)
    return _with(told, replace(waiting, state="skipped", at=now, next_at=None, reason=reason)) if waiting else None


def skipped(told: Notification, channel: Channel, *, claim: str, reason: str, now: datetime) -> Notification | None:
    """There is nothing to send to, and no later try would find it: no address, a person who was erased."""
    return _settle(told, channel, claim, state="skipped", reason=reason, at=now)


def failed(told: Notification, channel: Channel, *, claim: str, reason: str, now: datetime) -> Notification | None:
    """The provider did not take it: tried again later, or given up after the last try."""
    delivery = told.delivery(channel)
    assert delivery is not None
    if delivery.attempts > len(RETRIES):
        return _settle(told, channel, claim, state="given_up", reason=reason, at=now)
    next_at = now + RETRIES[delivery.attempts - 1]
    return _settle(told, channel, claim, state="failed", reason=reason, at=now, next_at=next_at)


def refused(told: Notification, channel: Channel, *, claim: str, reason: str, now: datetime) -> Notification | None:
    """The provider will never take it, such as an address that it does not know: no other try."""
    return _settle(told, channel, claim, state="given_up", reason=reason, at=now)


def read(told: Notification, now: datetime) -> Notification | None:
    """The person has read it. Only the first reading counts: None for any later one."""
    return replace(told, read_at=now) if told.read_at is None else None


def wake_at(told: Notification) -> datetime | None:
    """When a channel is to be tried (again); None when all have ended."""
    return min((one.due_at for one in told.deliveries if one.due_at is not None), default=None)


def _waiting(told: Notification, channel: Channel, now: datetime) -> Delivery | None:
    delivery = told.delivery(channel)
    is_due = delivery is not None and delivery.next_at is not None and delivery.next_at <= now
    return delivery if is_due else None


def _settle(told: Notification, channel: Channel, claim: str, **changes: Any) -> Notification | None:
    delivery = told.delivery(channel)
    if delivery is None or delivery.state != "sending" or delivery.claim != claim:
        return None
    return _with(told, replace(delivery, claim="", **changes))


def _with(told: Notification, changed: Delivery) -> Notification:
    return replace(
        told, deliveries=tuple(changed if one.channel == changed.channel else one for one in told.deliveries)
    )
