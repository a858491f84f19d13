"""The one way a change is made: load many, decide each, save many; look again where somebody else was first.

A command names its aggregate, its cause and a pure decision. All commands of one aggregate in a batch end in one write.
A cause that the aggregate knows already has no second effect; where it is a question that was asked again, the
aggregate says everything again.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from .aggregates import KINDS, Key
from .aws import AwsError
from .domain.errors import DomainError, KeyReused
from .domain.history import Recorded, knows
from .domain.mailbox import message_in
from .domain.messages import TOPIC
from .domain.patience import round_of
from .store import Conflict, Store, Stored

if TYPE_CHECKING:
    from .http import Request

Decide = Callable[[Any, datetime], Sequence[Any]]
"""From the state (None when the aggregate does not exist) and the time to the new events."""

TRIES = 6

A_DAY = 86_400
"""Seconds. A round of asking that claims to lie further ahead is no round: it would silence all that come after it."""


class Command(NamedTuple):
    """Something that shall happen to one aggregate. When nothing new comes of it and ``round`` is a new
    round of asking, the aggregate says everything again."""

    key: Key
    cause: str
    decide: Decide
    round: int = 0


class Outcome(NamedTuple):
    """What became of a command: ``after`` when it holds, ``error`` when it does not.

    A DomainError is final. Any other error may be gone at the next try.
    """

    after: Stored | None = None
    error: Exception | None = None

    @property
    def is_final(self) -> bool:
        """Whether trying again cannot help."""
        if isinstance(self.error, AwsError):
            return self.error.code == "ValidationException"  # an item or a key that DynamoDB will never take
        return self.error is None or isinstance(self.error, (DomainError, msgspec.ValidationError))

    def stored(self) -> Stored:
        """The aggregate after the command. Raises the error of one that does not hold."""
        if self.error is not None:
            raise self.error
        assert self.after is not None
        return self.after


def act(store: Store, request: "Request", stored: Stored, decide: Decide) -> Stored:
    """Carries out what a person asks of an aggregate; raises why it cannot be, as ``asked`` does."""
    return perform(store, [asked(request, stored, decide)], request.now, known=[stored])[0].stored()


def asked(request: "Request", stored: Stored, decide: Decide) -> Command:
    """What a person asks of an aggregate, as a command.

    The cause is the ``Idempotency-Key`` where there is one, else the version that the person acted on, and the content:
    a repeated request has one effect. Raises KeyReused for a key that came with another content.
    """
    key = key_of(request, stored)
    stem = f"person/{request.by.subject}/{request.route}/{key}/"
    cause = stem + hashlib.sha256(msgspec.json.encode(request.body, order="deterministic")).hexdigest()[:16]
    for recorded in stored.history:
        if recorded.cause.startswith(stem) and recorded.cause != cause and "idempotency-key" in request.headers:
            raise KeyReused("this Idempotency-Key was used for another content; use a new one")
    return Command(stored.key, cause, decide)


def key_of(request: "Request", stored: Stored) -> str:
    """What tells a person's request from another in its cause: the ``Idempotency-Key``, else the version that was acted on.

    Without a slash: what stands between slashes in a cause is ours, and the audit trail cuts this off (``trail.py``).
    """
    key = request.headers.get("idempotency-key", "").replace("%", "%25").replace("/", "%2F")
    return key or f"v{stored.version}"


def perform(store: Store, commands: Sequence[Command], now: datetime, *, known: Iterable[Stored] = ()) -> list[Outcome]:
    """Carries out the commands, in order within an aggregate; the outcomes are in the order of the commands.

    ``known`` are aggregates that the caller has just loaded; they are loaded again only where somebody else was faster.
    """
    fresh = {stored.key: stored for stored in known}
    outcomes: list[Outcome | None] = [None] * len(commands)
    open_keys: dict[Key, list[int]] = {}
    for position, command in enumerate(commands):
        open_keys.setdefault(command.key, []).append(position)
    for attempt in range(TRIES):
        loaded = fresh if fresh.keys() >= open_keys.keys() else store.load(open_keys)
        fresh = {}
        changes: list[tuple[Stored, Stored]] = []
        for key, positions in open_keys.items():
            before = loaded[key]
            after = _apply(before, [commands[i] for i in positions], positions, outcomes, now)
            if after != before:
                changes.append((before, after))
        open_keys = _save(store, changes, open_keys, outcomes, last=attempt == TRIES - 1)
        if not open_keys:
            break
    return [outcome if outcome is not None else Outcome() for outcome in outcomes]


def _apply(
    before: Stored,
    commands: Iterable[Command],
    positions: Sequence[int],
    outcomes: list[Outcome | None],
    now: datetime,
) -> Stored:
    """Decides all commands of one aggregate in order; answers what the aggregate comes to."""
    draft = _Draft(before)
    found = [draft.take(command, now) for command in commands]
    after = draft.stored()
    for position, outcome in zip(positions, found, strict=True):
        outcomes[position] = Outcome(after=after) if outcome.error is None else outcome
    return after


class _Draft:
    """One aggregate while the commands of a batch are decided. A refused command leaves the others alone."""

    def __init__(self, before: Stored) -> None:
        self._key = before.key
        self._kind = KINDS[before.key.kind]
        self._history = list(before.history)
        self._dropped = before.dropped
        self._state = before.state
        self._round = before.round
        self._fault: Exception | None = None

    def take(self, command: Command, now: datetime) -> Outcome:
        """Decides one command. After a fault of ours nothing more is decided, so that what comes again keeps its order."""
        events: Sequence[Any] = ()
        if self._fault is None and not knows(self._history, command.cause):
            try:
                events = command.decide(self._state, now)
            except (DomainError, msgspec.ValidationError) as error:
                return Outcome(error=error)
            except Exception as error:
                self._fault = error
        if self._fault is not None:
            return Outcome(error=self._fault)
        for event in events:
            recorded = Recorded(now, command.cause, event)
            self._state = self._kind.evolve(self._state, recorded)
            self._history.append(recorded)
        if not events and command.round <= round_of(now) + A_DAY and self._has_spoken():
            self._round = max(self._round, command.round)
        return Outcome()

    def _has_spoken(self) -> bool:
        return any(type(message_in(recorded.event)) in TOPIC for recorded in self._history)

    def stored(self) -> Stored:
        """What the aggregate has come to."""
        superseded = max(0, len(self._history) - self._kind.keep) if self._kind.keep else 0
        return Stored(self._key, tuple(self._history[superseded:]), self._round, self._dropped + superseded)


def _save(
    store: Store,
    changes: list[tuple[Stored, Stored]],
    open_keys: dict[Key, list[int]],
    outcomes: list[Outcome | None],
    *,
    last: bool,
) -> dict[Key, list[int]]:
    """Saves; answers which aggregates have to be looked at again."""
    conflicts: dict[Key, list[int]] = {}
    for (before, _), error in zip(changes, store.save(changes) if changes else (), strict=True):
        if error is None:
            continue
        if isinstance(error, Conflict) and not last:
            conflicts[before.key] = open_keys[before.key]
        for position in open_keys[before.key]:
            outcomes[position] = Outcome(error=error)
    return conflicts
