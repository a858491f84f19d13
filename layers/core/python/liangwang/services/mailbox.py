"""信箱: how a department's own system joins by HTTP alone: it fetches what is for it, acknowledges it, and says its part.

The mailbox listens on the bus in its place, and what it says reaches the topics by the table's stream, as everything does.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from .. import clock, http_content, log
from ..access import granted
from ..aggregates import MAILBOX, SPOKEN, Key
from ..domain import mailbox, policy
from ..domain import messages as m
from ..domain.catalogue import Organisation, Text
from ..domain.errors import DomainError, Invalid, NotFound, Violation
from ..domain.mailbox import Mailbox, Posted, Said
from ..envelope import CloudEvent, wrap
from ..http import Caller, Request, limit_of
from ..processing import Command, perform
from ..store import Store, Stored
from .centre import Centre
from .departments import Departments

PAGE = 100
"""Messages that a call takes at most."""

PAGE_BYTES = 2_000_000
"""Bytes of messages that a page holds, but for its first case: an answer of more than 6 MB cannot leave a function."""

COUNTED = 100
"""Cases of a department that are counted at most: more are "at least"."""

Identity = Annotated[str, Meta(max_length=300)]

Boxes = Mapping[Key, Stored]


class LetterView(Struct, frozen=True, kw_only=True):
    """One message for the department, as it travels on the bus. ``since`` is since when it waits in the mailbox."""

    id: str
    type: str
    case_no: str
    time: datetime
    round: int
    since: datetime
    data: Any


class LetterPage(Struct, frozen=True, kw_only=True):
    """What waits: the case that waits longest first, its messages in the order in which they came."""

    messages: tuple[LetterView, ...]
    cursor: str | None = None


class LetterTaken(Struct, frozen=True, kw_only=True):
    """The system has this message; ``round`` as it was given."""

    id: Identity
    case_no: Identity
    round: int = 0


class LettersTaken(Struct, frozen=True, kw_only=True):
    """What the system has fetched and keeps."""

    acknowledged: Annotated[tuple[LetterTaken, ...], Meta(max_length=PAGE)]


class SpokenMessage(Struct, frozen=True, kw_only=True):
    """One message of the department. ``id`` is ``<department>/<case_no>/<number>``; ``time`` is when it happened.

    ``data`` follows the contract that ``type`` names (docs/api/schemas). ``round`` is that of the question which is answered once more.
    """

    id: Identity
    type: Identity
    time: Annotated[datetime, Meta(tz=True)]
    data: dict[str, Any]
    round: Annotated[int, Meta(ge=0)] = 0


class SpokenMessages(Struct, frozen=True, kw_only=True):
    """What the department says, in the order in which it happened."""

    messages: Annotated[tuple[SpokenMessage, ...], Meta(max_length=PAGE)]


class RefusedEntry(Struct, frozen=True, kw_only=True):
    """An entry that can never be taken: why, the field that is wrong, and how to mend it."""

    id: str
    reason: str
    field: str
    fix: str


class MailReceipt(Struct, frozen=True, kw_only=True):
    """How many entries were taken, and which were not. What was taken before counts as taken."""

    taken: int
    refused: tuple[RefusedEntry, ...] = ()


class MailboxView(Struct, frozen=True, kw_only=True):
    """A department's mailbox from outside. ``cases`` have letters that nobody has fetched; ``many``: there are more of them."""

    department: str
    name: Text
    cases: int
    many: bool
    waiting_since: datetime | None


class MailboxList(Struct, frozen=True, kw_only=True):
    """The mailboxes of the departments that the caller's centre looks after."""

    mailboxes: tuple[MailboxView, ...]


class Mailboxes:
    """The mailboxes of all departments that join by HTTP."""

    def __init__(
        self, store: Store, organisation: Organisation, centre: Centre, *, clock: clock.Clock = clock.utc
    ) -> None:
        """``centre`` hears in the name of outside parties that they have stopped."""
        self.store = store
        self._centre = centre
        self._organisation = organisation
        self._departments = Departments(organisation)
        self._clock = clock

    # ------------------------------------------------------------------ the bus

    def route(self, event: CloudEvent) -> Command | None:
        """Keeps a message for a department that fetches; None for all others, without a write. A recall of an outside party's
        task is confirmed at once."""
        message = event.data
        if isinstance(message, m.TaskRecalled) and self._is_connected(message.department, "link"):
            return self._stopped(event, message)
        if m.TOPIC.get(type(message)) not in mailbox.TO_DEPARTMENTS or not self._fetches(message.department):
            return None
        department: str = message.department

        def decide(state: Mailbox | None, now: datetime) -> Sequence[Mailbox]:
            return mailbox.deliver(
                state, message, department=department, id=event.id, time=event.time, round=event.asks_again, now=now
            )

        key = Key(MAILBOX.name, mailbox.box_of(department, message.case_no))
        return Command(key, f"{event.id}/{event.asks_again}", decide)

    def _stopped(self, event: CloudEvent, message: m.TaskRecalled) -> Command | None:
        """An outside party hears of nothing: its link says by itself that the task was recalled, so the recall has been heard."""
        collaboration_id, _, _ = message.task_id.rpartition("-T")
        stopped = m.TaskStopped(
            case_no=message.case_no,
            task_id=message.task_id,
            collaboration_id=collaboration_id,
            department=message.department,
        )
        return self._centre.route(wrap(stopped, id=f"link/{event.id}", time=event.time))

    def _fetches(self, department: str) -> bool:
        return self._is_connected(department, "http")

    def _is_connected(self, department: str, way: str) -> bool:
        found = self._organisation.department.get(department)
        return found is not None and found.connected == way

    # ------------------------------------------------------------------ the department's system

    def fetch(self, request: Request) -> LetterPage:
        """What waits for the caller's department, of ``limit`` cases at most, and of fewer where their messages are long."""
        department = self._own(request.by)
        limit, cursor = limit_of(request, default=20, most=PAGE), request.query.get("cursor")
        keys, following = self.store.held_by(MAILBOX, department, limit=limit, cursor=cursor)
        loaded = self.store.load(keys)
        boxes = _fitting([tuple(_views(loaded[key].state)) for key in keys])
        if len(boxes) < len(keys):  # only the index makes cursors: it is asked for one that ends where this page does
            _, following = self.store.held_by(MAILBOX, department, limit=len(boxes), cursor=cursor)
        return LetterPage(messages=tuple(view for box in boxes for view in box), cursor=following)

    def acknowledge(self, request: Request) -> MailReceipt:
        """Takes letters out of the mailbox."""
        department = self._own(request.by)
        wish: LettersTaken = request.body
        commands = [_taken(one, department) for one in wish.acknowledged]
        return self._perform(request, commands, [one.id for one in wish.acknowledged], [])

    def say(self, request: Request) -> MailReceipt:
        """Takes in what the department says of cases that it was given; the bus hears it once."""
        department = self._own(request.by)
        wish: SpokenMessages = request.body
        commands: list[Command] = []
        ids: list[str] = []
        refused: list[RefusedEntry] = []
        boxes = self.store.load(
            Key(MAILBOX.name, mailbox.box_of(department, str(one.data.get("case_no", ""))[:300]))
            for one in wish.messages
        )
        for one in wish.messages:
            try:
                commands.append(self._spoken(one, request.by, department, boxes))
                ids.append(one.id)
            except DomainError as error:
                refused.append(_refusal(one.id, error))
        return self._perform(request, commands, ids, refused)

    def _own(self, caller: Caller) -> str:
        """The department that the caller's system speaks for. Raises NotFound when it has no mailbox."""
        what = "your client has no mailbox; operators bind it to a department that is connected by HTTP"
        if not self._fetches(caller.department):
            raise NotFound(what)
        granted(caller, "mailbox.use", policy.Thing(department=caller.department), what=what)
        return caller.department

    def _spoken(self, one: SpokenMessage, caller: Caller, department: str, boxes: Boxes) -> Command:
        """What a message means. Raises Invalid or NotFound, naming the field."""
        message = _message(one)
        violation = Violation("data.department", f"speak for {department} only")
        try:
            granted(caller, "mailbox.use", policy.Thing(department=message.department), what="another department's")
        except NotFound as error:
            raise Invalid("it speaks for another department", violations=(violation,)) from error
        mailbox.check_id(one.id, department=department, case_no=message.case_no)
        box = mailbox.box_of(department, message.case_no)
        given = boxes.get(Key(MAILBOX.name, box))
        mailbox.check_given(given.state if given else None, message)
        wish = Posted(id=one.id, time=one.time, message=message)
        content = hashlib.sha256(msgspec.json.encode(wish, order="deterministic")).hexdigest()[:16]

        def decide(state: Said | None, now: datetime) -> Sequence[Posted]:
            return mailbox.post(state, wish, now=now)

        return Command(Key(SPOKEN.name, box), f"{one.id}/{content}", decide, one.round)

    def _perform(
        self, request: Request, commands: Sequence[Command], ids: Sequence[str], refused: list[RefusedEntry]
    ) -> MailReceipt:
        outcomes = perform(self.store, commands, request.now)
        for identity, outcome in zip(ids, outcomes, strict=True):
            if outcome.error is None:
                continue
            if not outcome.is_final:
                raise outcome.error  # nothing is lost: the caller repeats the whole call
            refused.append(_refusal(identity, outcome.error))
        taken = sum(outcome.error is None for outcome in outcomes)
        log.add(taken=taken, refused=len(refused))
        return MailReceipt(taken=taken, refused=tuple(refused))

    # ------------------------------------------------------------------ operators

    def watch(self, request: Request) -> MailboxList:
        """How long messages have waited, by department; all that a caller looks after, or the one that the query names."""
        codes = [code for code in self._departments.all(request, "mailbox.watch") if self._fetches(code)]
        return MailboxList(mailboxes=tuple(self._view(code) for code in codes))

    def _view(self, code: str) -> MailboxView:
        keys, following = self.store.held_by(MAILBOX, code, limit=COUNTED)
        oldest: Mailbox | None = self.store.load(keys[:1])[keys[0]].state if keys else None
        return MailboxView(
            department=code,
            name=self._organisation.department[code].name,
            cases=len(keys),
            many=following is not None,
            waiting_since=oldest.waits_since if oldest else None,
        )

    def sweep(self, event: Mapping[str, Any]) -> None:
        """Tells in the log how long the oldest letter has waited (``oldest_letter``, seconds): an alarm looks at it."""
        now = self._clock()
        with log.invocation("mailbox") as line:
            page = next(iter(self.store.waiting(now, page=PAGE, queue=MAILBOX.queue)), [])
            line["oldest_letter"] = max((int((now - due.since).total_seconds()) for due in page), default=0)


def _fitting(boxes: Sequence[tuple[LetterView, ...]]) -> Sequence[tuple[LetterView, ...]]:
    """As many boxes as a page holds, one at least."""
    size = 0
    for place, box in enumerate(boxes):
        size += len(msgspec.json.encode(box))
        if place and size > PAGE_BYTES:
            return boxes[:place]
    return boxes


def _views(state: Mailbox) -> Iterator[LetterView]:
    for one in state.letters:
        yield LetterView(
            id=one.id,
            type=str(one.message["type"]),
            case_no=state.case_no,
            time=one.time,
            round=one.round,
            since=one.since,
            data=one.message,
        )


def _taken(one: LetterTaken, department: str) -> Command:
    def decide(state: Mailbox | None, now: datetime) -> Sequence[Mailbox]:
        return mailbox.acknowledge(state, one.id, round=one.round)

    return Command(Key(MAILBOX.name, mailbox.box_of(department, one.case_no)), f"taken/{one.id}/{one.round}", decide)


def _message(one: SpokenMessage) -> Any:
    """The message in the contract's own type. Raises Invalid with the field and the fix."""
    kind = mailbox.SPOKEN.get(one.type)
    if kind is None:
        violation = Violation("type", f"use one of {', '.join(sorted(mailbox.SPOKEN))}")
        raise Invalid(f"{one.type[:60]!r} is nothing that a department says here", violations=(violation,))
    try:
        return msgspec.convert({**one.data, "type": one.type}, kind)
    except msgspec.ValidationError as error:
        found = http_content.violation(str(error), kind)
        wrong = Violation(f"data.{found.field}", found.message)
        raise Invalid(f"the data of {one.type} does not follow its contract", violations=(wrong,)) from error


def _refusal(identity: str, error: Exception) -> RefusedEntry:
    if isinstance(error, DomainError):
        first = error.violations[0] if error.violations else Violation("id", error.detail)
        return RefusedEntry(id=identity, reason=error.detail, field=first.field, fix=first.message)
    return RefusedEntry(id=identity, reason="it cannot be kept", field="data", fix="make it shorter")
