"""The kinds of aggregates that the tables hold: how each is folded, indexed and named.

One table of rows instead of a repository class each: the store, the publisher and the command line all read it.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.json import Decoder, Encoder

from .domain import (
    absence,
    application,
    case,
    collaboration,
    deadlines,
    draft,
    event_clock,
    event_queue,
    event_tally,
    grid,
    grid_no,
    joint,
    ledger,
    mailbox,
    mandate,
    material,
    notification,
    open_cases,
    open_events,
    outside_link,
    rating,
    recheck,
    reconciliation,
    rectification,
    sighting,
    task,
    worklist,
)
from .domain import messages as m
from .domain.account import SESSION_LIFE, Account, Attempts, Claim, Session
from .domain.breaker import Breaker
from .domain.delivery import KEPT, Delivery
from .domain.desk import Placed
from .domain.draft import Draft
from .domain.history import Recorded
from .domain.material import Material
from .domain.patience import Patience
from .domain.person_key import PersonKey
from .domain.retention import Ended
from .domain.tally import Tally


class Index(NamedTuple):
    """What an item shows to the indexes and to stream filters. None keeps an entry out (the indexes are sparse).

    ``held_since`` orders what one holder has; without it the first event that is kept does, which of a document is the
    newest. ``expires_at`` is when DynamoDB may remove the item by itself; it does so some days later at most, and never before.
    ``desk`` is where an open matter stands among those of its department, or of its centre.
    """

    wake_at: datetime | None = None
    holder: str | None = None
    held_since: datetime | None = None
    pending: bool = False
    expires_at: datetime | None = None
    desk: Placed | None = None


class Accessed(Struct, frozen=True, kw_only=True, tag="access.recorded", tag_field="type"):
    """Somebody was shown personal data: who (``caller``, a userId), doing what, whose (a userId or a case), which fields, why.

    The audit trail keeps it for good; the item is only the way there and is removed ``until`` then.
    """

    caller: str
    role: str
    action: str
    subject: str
    fields: tuple[str, ...]
    until: datetime
    reason: str = ""
    department: str = ""


def _replace(state: Any, recorded: Recorded[Any]) -> Any:
    return recorded.event


class Kind(NamedTuple):
    """One kind of aggregate: the system that owns it, its fold and its index, and the codec of its history.

    ``queue`` names the part of the ``wake`` index that its entries stand in: whoever sweeps asks for one queue.
    ``keep`` is how many events its item holds; 0 keeps all. A *document* keeps 1: each event is its whole new content,
    and what was before is gone (for what must be forgotten, and for what changes often). ``entry`` is the struct in which a
    desk's index has it.
    """

    name: str
    system: str
    evolve: Callable[[Any, Recorded[Any]], Any]
    shown: Callable[[Any, Patience, datetime | None], Index]
    decoder: Decoder[Any]
    queue: str = ""
    keep: int = 0
    entry: type[Struct] = Struct

    def decode(self, body: bytes) -> Sequence[Recorded[Any]]:
        """A history from JSON."""
        return self.decoder.decode(body)  # type: ignore[no-any-return]


def _kind(
    name: str,
    system: str,
    events: Any,
    evolve: Any,
    index: Callable[[Any, Patience, datetime | None], Index],
    *,
    queue: str = "",
    entry: type[Struct] = Struct,
) -> Kind:
    return Kind(name, system, evolve, index, Decoder(list[Recorded[events]]), queue, entry=entry)


def _document(
    name: str,
    system: str,
    content: Any,
    index: Callable[[Any, Patience, datetime | None], Index] = lambda *_: Index(),
    *,
    queue: str = "",
) -> Kind:
    """A kind whose only event is its whole content."""
    return Kind(name, system, _replace, index, Decoder(list[Recorded[content]]), queue, keep=1)


encode = Encoder(order=None).encode

APPLICATION = _kind(
    "application",
    "intake",
    application.Event,
    application.evolve,
    lambda state, patience, _: Index(
        wake_at=application.wake_at(state, patience), holder=state.applicant, pending=bool(state.pending)
    ),
)
ACCOUNT = _document("account", "intake", Account)
PERSON_KEY = _document("person-key", "intake", PersonKey)
ENDED = _document(
    "ended",
    "intake",
    Ended,
    lambda state, *_: Index(
        wake_at=None if state.done_at else state.due_at, expires_at=state.done_at and state.done_at + timedelta(days=1)
    ),
    queue="retention",
)
CLAIM = _document("claim", "intake", Claim)
SESSION = _document(
    "session",
    "intake",
    Session,
    lambda state, *_: Index(holder=state.subject, expires_at=state.opened_at + SESSION_LIFE),
)
MATERIAL = _document(
    "material",
    "intake",
    Material,
    lambda state, *_: Index(
        wake_at=material.given_up_at(state), holder=state.owner, expires_at=material.expires_at(state)
    ),
    queue="material",
)
DRAFT = _document(
    "draft",
    "intake",
    Draft,
    lambda state, *_: Index(
        holder=None if state.discarded or state.case_no else state.owner, expires_at=draft.expires_at(state)
    ),
)
ATTEMPTS = _document("attempts", "intake", Attempts, lambda state, *_: Index(expires_at=state.forgotten_at))
JOINT = _document(
    "joint",
    "intake",
    joint.Joint,
    lambda state, *_: Index(wake_at=state.look_at, holder=state.applicant),
    queue="joint",
)
MANDATE = _document("mandate", "intake", mandate.Mandate, lambda state, *_: Index(holder=state.principal))
MANDATED = _document("mandated", "intake", mandate.Mandated, lambda state, *_: Index(holder=state.agent))
NOTIFICATION = _document(
    "notification",
    "intake",
    notification.Notification,
    lambda state, *_: Index(wake_at=notification.wake_at(state), holder=state.owner, held_since=state.listed_at),
    queue="notification",
)
NOTIFICATION_SETTINGS = _document("notification-settings", "intake", notification.Settings)
RATING = _document("rating", "intake", rating.Rated, lambda state, *_: Index(holder=rating.holder(state)))
RECTIFICATION = _kind(
    "rectification",
    "intake",
    rectification.Event,
    rectification.evolve,
    lambda state, *_: Index(wake_at=rectification.wake_at(state), holder=rectification.holder(state)),
    queue="rectification",
)
CASE = _kind(
    "case",
    "department",
    case.Event,
    case.evolve,
    lambda state, patience, last: Index(
        wake_at=deadlines.next_moment(state, patience, last=last),
        holder=deadlines.holder(state) or recheck.holder(state),
        desk=worklist.placed(state),
    ),
    entry=worklist.Entry,
)
ATTACHMENT = _document(
    "attachment",
    "department",
    Material,
    lambda state, *_: Index(holder=state.used_in, expires_at=material.expires_at(state)),
)
ABSENCE = _document(
    "absence", "department", absence.Absence, lambda state, *_: Index(expires_at=absence.expires_at(state))
)
TALLY = _document("tally", "department", Tally)
EVENT_TALLY = _document("event-tally", "governance", event_tally.DayTally)
OPEN_EVENTS = _document("open-events", "governance", open_events.OpenEvents)
TASK = _kind(
    "task",
    "department",
    task.Event,
    task.evolve,
    lambda state, patience, last: Index(wake_at=task.wake_at(state, patience, last=last), holder=task.holder(state)),
)
COLLABORATION = _kind(
    "collaboration",
    "governance",
    collaboration.Event,
    collaboration.evolve,
    lambda state, patience, last: Index(
        wake_at=event_clock.wake_at(state, patience, last=last),
        holder=f"case/{state.request.case_no}",
        desk=event_queue.placed(state),
    ),
    entry=event_queue.Queued,
)
LEDGER = _kind(
    "ledger",
    "governance",
    ledger.Event,
    ledger.evolve,
    lambda state, *_: Index(holder=ledger.holder(state), desk=open_cases.placed(state)),
    entry=open_cases.OpenCase,
)
MAILBOX = _document(
    "mailbox",
    "governance",
    mailbox.Mailbox,
    lambda state, *_: Index(
        wake_at=state.waits_since, holder=state.department if state.letters else None, held_since=state.waits_since
    ),
    queue="mailbox",
)
LINK = _document(
    "link",
    "governance",
    outside_link.LinkIssued,
    lambda state, *_: Index(expires_at=state.expires_at + outside_link.KEPT),
)
SPOKEN = _kind("spoken", "governance", mailbox.Event, mailbox.evolve, lambda *_: Index())
BREAKER = _document("breaker", "governance", Breaker)
DELIVERY = _document(
    "delivery",
    "governance",
    Delivery,
    lambda state, *_: Index(
        holder=state.intake if state.entries else None,
        held_since=state.since,
        expires_at=None if state.entries else state.since + KEPT,
    ),
)
GRID = _kind(
    "grid-event",
    "governance",
    grid.Event,
    grid.evolve,
    lambda state, patience, last: Index(
        wake_at=grid.wake_at(state, patience, last=last), holder=state.registered.region, desk=grid.placed(state)
    ),
    entry=grid.GridEntry,
)
WATCH = _document("watch", "governance", sighting.Watch, lambda state, *_: Index(expires_at=sighting.expires_at(state)))
DIFFERENCE = _document(
    "difference",
    "governance",
    reconciliation.Difference,
    lambda state, *_: Index(
        holder=None if state.healed_at else "open",
        held_since=state.since,
        expires_at=state.healed_at and state.healed_at + timedelta(days=30),
    ),
)
RECONCILIATION = _document("reconciliation", "governance", reconciliation.Run)
DEAD_LETTER = _document("dead-letter", "any", m.DeadLettered)
ACCESS = _document("access", "any", Accessed, lambda state, *_: Index(expires_at=state.until))

KINDS = {
    kind.name: kind
    for kind in (
        APPLICATION,
        ACCOUNT,
        PERSON_KEY,
        ENDED,
        CLAIM,
        SESSION,
        ATTEMPTS,
        JOINT,
        MANDATE,
        MANDATED,
        NOTIFICATION,
        NOTIFICATION_SETTINGS,
        RATING,
        RECTIFICATION,
        MATERIAL,
        DRAFT,
        CASE,
        ATTACHMENT,
        ABSENCE,
        TALLY,
        EVENT_TALLY,
        OPEN_EVENTS,
        TASK,
        COLLABORATION,
        LEDGER,
        MAILBOX,
        SPOKEN,
        LINK,
        BREAKER,
        DELIVERY,
        GRID,
        WATCH,
        DIFFERENCE,
        RECONCILIATION,
        DEAD_LETTER,
        ACCESS,
    )
}


class Key(NamedTuple):
    """The identity of an aggregate. In DynamoDB ``<kind>#<id>``."""

    kind: str
    id: str

    def __str__(self) -> str:
        return f"{self.kind}#{self.id}"

    @classmethod
    def parse(cls, text: str) -> "Key":
        """From the partition key's text."""
        kind, _, identity = text.partition("#")
        return cls(kind, identity)


_NAMED_BY_CASE = frozenset({APPLICATION.name, CASE.name, LEDGER.name, DELIVERY.name, DIFFERENCE.name, GRID.name})
_BEGIN_WITH_CASE = frozenset({TASK.name, COLLABORATION.name, MAILBOX.name, SPOKEN.name, LINK.name})
_CASE_NO = re.compile(rf"(?:\d{{8}}-\d{{6,12}}-[0-9A-Z]{{12}}-[0-9A-Z]|{grid_no.PATTERN})(?=-)")


def cases_of(keys: Iterable[Key]) -> list[str]:
    """The numbers of the cases that aggregates belong to, or of the grid events that stand in a case's place; the ids of
    tasks and collaborations begin with theirs."""
    found = []
    for key in keys:
        if key.kind in _NAMED_BY_CASE:
            found.append(key.id)
        elif key.kind in _BEGIN_WITH_CASE and (match := _CASE_NO.match(key.id)):
            found.append(match[0])
    return found
