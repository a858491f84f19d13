"""通知: a change that concerns a citizen becomes a notification in their inbox, once.

Nothing is sent here. What mail and text messages carry is written down as pending, and the notifier finds it: so no
provider, however slow, holds the stream, and no case waits for one.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from ..aggregates import APPLICATION, MANDATE, NOTIFICATION, NOTIFICATION_SETTINGS, RECTIFICATION, Key
from ..changes import Change
from ..domain import application, notification, rectification
from ..domain import messages as m
from ..domain.mandate import Mandate
from ..domain.notification import Channel, Facts, Kind, Notification, Settings
from ..processing import Command, perform
from ..store import Store, Stored


class Told(NamedTuple):
    """What one person is to be told of one event; ``id`` is the notification's, the same whenever the event is seen."""

    id: str
    owner: str
    kind: Kind
    facts: Facts
    at: datetime
    order: int = 0


class Notifying:
    """A step of what follows in intake (``services/followup.py``). ``available`` are the channels that this system has."""

    def __init__(self, store: Store, *, available: Collection[Channel] = frozenset()) -> None:
        self._store = store
        self._available = available

    def take(self, changes: Sequence[Change], now: datetime) -> None:
        """Writes a notification for everything new that concerns somebody. Raises what a later try may not meet."""
        fresh = [told for change in changes for told in _told(change)]
        repaired = [told for change in changes for told in _told_before_the_end(change)]
        if not (fresh or repaired):
            return
        settings = self._settings({told.owner for told in (*fresh, *repaired)})
        commands = [self._command(told, settings[told.owner]) for told in fresh]
        outcomes = perform(self._store, commands, now, known=[Stored(command.key) for command in commands])
        if repaired:
            outcomes += perform(self._store, [self._command(told, settings[told.owner]) for told in repaired], now)
        for outcome in outcomes:
            if not outcome.is_final:
                outcome.stored()

    def sweep(self, now: datetime) -> None:
        """Nothing here is due by time: what waits to be sent is the notifier's."""

    def _settings(self, owners: Collection[str]) -> dict[str, Settings]:
        """What each wants; not even looked up where there is no channel to want."""
        if not self._available:
            return dict.fromkeys(owners, Settings())
        loaded = self._store.load(Key(NOTIFICATION_SETTINGS.name, owner) for owner in owners)
        return {key.id: stored.state or Settings() for key, stored in loaded.items()}

    def _command(self, told: Told, settings: Settings) -> Command:
        channels = settings.channels(told.kind, self._available)
        opened = partial(
            notification.opened,
            owner=told.owner,
            kind=told.kind,
            facts=told.facts,
            at=told.at,
            channels=channels,
            order=told.order,
        )

        def decide(state: Notification | None, now: datetime) -> Sequence[Notification]:
            return [] if state is not None else [opened(now=now)]

        return Command(Key(NOTIFICATION.name, told.id), f"notify/{told.id}", decide)


def _told(change: Change) -> Iterable[Told]:
    """What the new events of a change tell."""
    match change.after.key.kind:
        case APPLICATION.name:
            first = change.after.version - len(change.new) + 1
            yield from _of_application(change.after, first)
        case RECTIFICATION.name:
            yield from _of_rectification(change)
        case MANDATE.name:
            yield from _of_mandate(change)


def _told_before_the_end(change: Change) -> Iterable[Told]:
    """When a case ends, all that went before: what the stream lost on the way is told now."""
    if any(_ends(recorded.event) for recorded in change.new) and len(change.new) < change.after.version:
        yield from _of_application(change.after, 1, until=change.after.version - len(change.new))


def _ends(event: Any) -> bool:
    return isinstance(event, application.Progressed) and isinstance(event.message, m.LastWord)


def _of_application(stored: Stored, first: int, *, until: int | None = None) -> Iterable[Told]:
    """What the events from number ``first`` up to ``until`` tell; each event's number is part of its notification's id."""
    state: application.Application | None = None
    for version, recorded in list(enumerate(stored.history, start=1))[first - 1 : until]:
        if isinstance(recorded.event, application.Opened | application.Relayed):
            continue
        state = state or stored.state
        found = notification.of_application(state.submitted, recorded.event)
        if found is not None:
            identity, at, order = f"{stored.key.id}.{version}", recorded.at, 0
            if isinstance(recorded.event, application.Progressed):  # heard late, perhaps, but never early
                at, order = min(recorded.event.at, at), recorded.event.sequence
            yield Told(identity, state.applicant, *found, at=at, order=order)


def _of_rectification(change: Change) -> Iterable[Told]:
    state: rectification.Rectification = change.after.state
    kinds: dict[type, Kind] = {
        rectification.Opened: "rectification_opened",
        rectification.Responded: "rectification_responded",
    }
    opened, case_no = state.opened, change.after.key.id
    facts = Facts(
        case_no=case_no,
        task_code=opened.task_code,
        task_version=opened.task_version,
        department=opened.department,
        until=opened.due_at,
    )
    for recorded in change.new:
        if kind := kinds.get(type(recorded.event)):
            yield Told(f"{case_no}.{kind}", opened.owner, kind, facts, recorded.at)


def _of_mandate(change: Change) -> Iterable[Told]:
    """Both sides hear of a mandate that is given, or given anew, and of one that is taken back or given up."""
    if not change.new:
        return
    state: Mandate = change.after.state
    kind: Kind = "mandate_revoked" if state.revoked_at else "mandate_given"
    facts = Facts(until=state.expires_at)
    for owner in (state.principal, state.agent):
        identity = f"mandate.{state.id}.{change.after.version}.{owner}"
        yield Told(identity, owner, kind, facts, change.new[-1].at)
