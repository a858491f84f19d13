"""三级治理中心: turns requests and reports into commands on collaboration events, and shows one event to an operator."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from ..access import granted
from ..aggregates import COLLABORATION, Key
from ..domain import collaboration, coordination, reports, speakers
from ..domain import messages as m
from ..domain.centre_rules import STANDARD, CentreRules, Governance
from ..domain.collaboration import Collaboration
from ..domain.errors import DomainError, NotFound
from ..domain.responsibilities import Responsibilities
from ..domain.routing import OpenTasks
from ..domain.working_days import Calendar
from ..envelope import CloudEvent
from ..http import Request
from ..processing import Command
from ..store import Store
from .event_views import EventView, event_view, seen_by

Events = Sequence[collaboration.Event]


class UnknownEvent(DomainError):
    """The message is about a collaboration event that this centre does not have."""

    code = "unknown_collaboration"


class Centre:
    """Governance's side of a collaboration. ``load`` says how busy departments are, for rules that ask (docs/routing.md)."""

    def __init__(
        self,
        store: Store,
        responsibilities: Responsibilities,
        calendar: Calendar,
        *,
        rules: CentreRules = STANDARD,
        load: OpenTasks | None = None,
    ) -> None:
        self.store = store
        self._organisation = responsibilities.organisation
        self._on = Governance(responsibilities, calendar, rules, load)

    def route(self, event: CloudEvent) -> Command | None:
        """The command a message means; None for a message that is not the centre's."""
        message = event.data
        if isinstance(message, m.CollaborationRequested):
            message = self._by_its_way(message)
        match message:
            case (
                m.CollaborationRequested()
                | m.CollaborationCancelled()
                | m.CollaborationUrged()
                | m.CollaborationDisclosed()
            ):
                key = Key(COLLABORATION.name, message.request_id)
            case m.TaskSigned() | m.TaskDeclined() | m.TaskReported() | m.TaskStopped() | m.TaskExtensionRequested():
                key = Key(COLLABORATION.name, message.collaboration_id)
            case _:
                return None
        speakers.check(self._organisation, source=event.source, department=message.department)
        return Command(key, event.id, lambda state, now: self._decide(state, message, now), event.asks_again)

    def _by_its_way(self, message: m.CollaborationRequested) -> m.CollaborationRequested:
        """A nested request with the way to its task as the centre knows it: one read, of the event that the task is of.

        Raises Invalid where the asker has no such task.
        """
        task_id = coordination.parent_task(message)
        if not task_id and message.origin != "task":
            return message
        key = Key(COLLABORATION.name, task_id.rpartition("-T")[0])
        return coordination.nested(message, self.store.load([key])[key].state)

    def _decide(self, state: Collaboration | None, message: Any, now: datetime) -> Events:
        if isinstance(message, m.CollaborationRequested) and state is None:
            return coordination.raise_event(message, on=self._on, now=now)
        if state is None:
            raise UnknownEvent(
                f"a message about {message.case_no} names a collaboration event that was never raised here"
            )
        if isinstance(message, coordination.FromRequester):
            return coordination.receive_request(state, message)
        return reports.receive_report(state, message, on=self._on, now=now)

    def event(self, request: Request) -> EventView:
        """One event. Raises NotFound also for one that is neither in or below the operator's region nor on a way through it."""
        identity = request.path["collaboration_id"]
        stored = self.store.load([Key(COLLABORATION.name, identity)])[Key(COLLABORATION.name, identity)]
        state: Collaboration | None = stored.state
        what = f"your centre has no collaboration event {identity}"
        if state is None:
            raise NotFound(what)
        granted(request.by, "collaboration.read", seen_by(state, self._organisation), what=what)
        return event_view(stored, self._organisation)
