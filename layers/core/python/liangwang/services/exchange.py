"""The one way in and out of intake for other systems: pending applications, acknowledgements, progress."""

from collections.abc import Sequence
from typing import Any

import msgspec

from ..aggregates import APPLICATION, Key
from ..domain import application
from ..domain import messages as m
from ..domain.application import Application
from ..domain.errors import DomainError, Invalid, NotFound, Violation
from ..domain.patience import round_of
from ..domain.reconciliation import CaseKnown
from ..exchange import (
    PAGE,
    PROGRESS,
    Acknowledgement,
    Acknowledgements,
    CasePage,
    Pending,
    PendingPage,
    ProgressDelivery,
    ProgressEntry,
    Receipt,
    Refused,
    parse_id,
)
from ..http import Request, flag_of, limit_of
from ..processing import Command, perform
from ..store import SHARDS, Store, Stored


class ExchangeApi:
    """Intake's side of the exchange. Each method is one route, for role ``system`` only."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def pending(self, request: Request) -> PendingPage:
        """What named cases (``case_no``, repeatable) have to say, with ``again=true`` all that they ever said; without names,
        what is due to be carried (again).
        """
        limit = limit_of(request, default=PAGE, most=PAGE)
        names, again = request.every("case_no"), flag_of(request, "again")
        keys = [Key(APPLICATION.name, name) for name in names[:limit]] or self._store.due(request.now, limit=limit)
        found: list[Pending] = []
        for stored in self._store.load(keys).values():
            if stored.history and (names or self._store.is_due(stored, request.now)):
                found += _pending(stored, due=again or not names, round=round_of(request.now))
        return PendingPage(tuple(found))

    def cases(self, request: Request) -> CasePage:
        """A page of open cases, or of named ones (``case_no``), ended or not: one query and one read, however many there are.

        Raises Invalid for a cursor that was not given here.
        """
        limit = limit_of(request, default=PAGE, most=PAGE)
        names = request.every("case_no")
        if names:
            keys, following = [Key(APPLICATION.name, name) for name in names[:limit]], ""
        else:
            keys, following = self._open(request.query.get("cursor", ""), limit)
        loaded = self._store.load(keys) if keys else {}
        return CasePage(tuple(_known_case(one) for one in loaded.values() if one.history), following)

    def _open(self, cursor: str, limit: int) -> tuple[list[Key], str]:
        """A page of the index of what waits, shard by shard."""
        text, _, inner = (cursor or "0.").partition(".")
        if not text.isdecimal() or len(text) > 2 or int(text) >= SHARDS:
            violation = Violation("cursor", "use the cursor of the page before, unchanged")
            raise Invalid("not a cursor", violations=(violation,))
        shard = int(text)
        keys, following = self._store.queued(shard, limit=limit, cursor=inner or None)
        if following:
            return keys, f"{shard}.{following}"
        return keys, f"{shard + 1}." if shard + 1 < SHARDS else ""

    def acknowledge(self, request: Request) -> Receipt:
        """Notes what Kafka holds: of each case, the newest acknowledged message."""
        acknowledgements: Acknowledgements = request.body
        newest: dict[str, tuple[int, Acknowledgement]] = {}
        refused: list[Refused] = []
        for one in acknowledgements.acknowledged:
            try:
                number, version = parse_id(one.id)
            except Invalid as error:
                refused.append(Refused(id=one.id, reason=error.detail))
                continue
            if number not in newest or version > newest[number][0]:
                newest[number] = (version, one)
        commands = [_acknowledgement(number, version, one) for number, (version, one) in newest.items()]
        ids = [one.id for _, one in newest.values()]
        return self._perform(request, commands, ids, refused, total=len(acknowledgements.acknowledged))

    def progress(self, request: Request) -> Receipt:
        """Takes in what departments told, twice or out of order as it may be."""
        delivery: ProgressDelivery = request.body
        commands: list[Command] = []
        ids: list[str] = []
        refused: list[Refused] = []
        for entry in delivery.progress:
            try:
                commands.append(_progress(entry))
                ids.append(entry.id)
            except (DomainError, msgspec.ValidationError) as error:
                refused.append(Refused(id=entry.id, reason=str(error)))
        return self._perform(request, commands, ids, refused, total=len(delivery.progress))

    def _perform(
        self, request: Request, commands: Sequence[Command], ids: Sequence[str], refused: list[Refused], *, total: int
    ) -> Receipt:
        for identity, outcome in zip(ids, perform(self._store, commands, request.now), strict=True):
            if outcome.error is not None and not outcome.is_final:
                raise outcome.error  # nothing is lost: the caller repeats the whole call
            if outcome.error is not None:
                refused.append(Refused(id=identity, reason=str(outcome.error)))
        return Receipt(taken=total - len(refused), refused=tuple(refused))


def _pending(stored: Stored, *, due: bool, round: int) -> list[Pending]:
    state: Application = stored.state
    return [
        Pending(
            id=f"intake/{stored.key.id}/{version}",
            type=m.type_of(type(message)),
            case_no=stored.key.id,
            time=at,
            round=round if version <= state.relayed else 0,
            data=message,
        )
        for version, at, message in application.to_relay(state, due=due)
    ]


def _known_case(stored: Stored) -> CaseKnown:
    state: Application = stored.state
    heard = (*(one.sequence for one in state.progress), *(one.sequence for one in state.early))
    return CaseKnown(
        case_no=stored.key.id,
        status=state.status,
        said=max((version for version, _, _ in state.outgoing), default=0),
        carried=state.relayed,
        heard=tuple(sorted(heard)),
        spoken_at=state.spoken_at,
        changed_at=stored.history[-1].at,
    )


def _acknowledgement(number: str, version: int, one: Acknowledgement) -> Command:
    def decide(state: Application | None, now: Any) -> Sequence[application.Event]:
        return application.acknowledge(_known(state, number), version=version, round=one.round)

    return Command(Key(APPLICATION.name, number), f"acknowledged/{one.id}/{one.round}", decide)


def _progress(entry: ProgressEntry) -> Command:
    kind = PROGRESS.get(entry.type)
    if kind is None:
        raise Invalid(f"type {entry.type!r} is not progress; known: {', '.join(sorted(PROGRESS))}")
    number, sequence = parse_id(entry.id)
    if number != entry.case_no:
        raise Invalid(f"id {entry.id!r} does not belong to case {entry.case_no}")
    message: m.Progress = msgspec.convert(entry.data, kind)

    def decide(state: Application | None, now: Any) -> Sequence[application.Event]:
        return application.progress(_known(state, number), sequence=sequence, at=entry.time, message=message)

    return Command(Key(APPLICATION.name, number), entry.id, decide)


def _known(state: Application | None, number: str) -> Application:
    if state is None:
        raise NotFound(f"no case {number}")
    return state
