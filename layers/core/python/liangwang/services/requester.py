"""协同结果: what the centre says to who asked: for a case, or for a task whose department asked others itself.

One consumer takes both: a request that was raised for a task has an id that begins with the task's.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from .. import clock
from ..aggregates import CASE, TASK, Key
from ..domain import messages as m
from ..domain import requests
from ..domain import task as domain
from ..domain.case import Case
from ..domain.task import Task
from ..envelope import CloudEvent
from ..processing import Command, perform
from ..sealing import Sealing, is_unreadable
from ..store import Store, Stored
from .assistance import UnknownTask
from .department import Department
from .disclosure import opened

OfRequest = m.CollaborationConcluded | m.CollaborationExtended | m.DisclosureRequested


class Requester:
    """The departments that asked. What is to be sealed to a supporter is sealed after the commands hold, outside of what
    decides: a key is asked for once, and a message that comes again finds that it was answered.
    """

    def __init__(
        self, store: Store, department: Department, sealing: Sealing, *, clock: clock.Clock = clock.utc
    ) -> None:
        self._store = store
        self._department = department
        self._sealing = sealing
        self._clock = clock

    def route(self, event: CloudEvent) -> Command | None:
        """The command a message means; None when it is for a department that is not here."""
        message = event.data
        task_id = domain.task_of(message.request_id) if isinstance(message, OfRequest) else None
        if task_id is None:
            return self._department.route(event)
        if not self._department.catalogue.organisation.is_here(message.department):
            return None
        return Command(Key(TASK.name, task_id), event.id, lambda state, now: _of_task(state, message), event.asks_again)

    def disclose(self, events: Sequence[CloudEvent], held: Mapping[Key, Stored]) -> Mapping[str, str]:
        """Answers what personal data was asked for, of those messages whose commands hold. Raises what a later try may not meet,
        once all others are answered: one supporter's key that is not there keeps nobody else waiting.
        """
        failed: list[Exception] = []
        for event in events:
            if isinstance(event.data, m.DisclosureRequested) and domain.task_of(event.data.request_id) is None:
                try:
                    self._disclose(event, event.data)
                except Exception as error:
                    failed.append(error)
        if failed:
            raise failed[0]
        return {}

    def _disclose(self, event: CloudEvent, message: m.DisclosureRequested) -> None:
        key = Key(CASE.name, message.case_no)
        stored = self._store.load([key])[key]
        state: Case = stored.state
        if message.task_id in state.disclosed:
            return
        reason: str = requests.refusal(state, message, self._department.catalogue.organisation)
        sealed = None
        if not reason:
            personal = self._personal(stored, message)
            reason = "unreadable" if personal is None else "" if personal else "none"
            if personal:
                sealed = self._sealing.seal(personal, department=message.supporter, case_no=message.case_no)

        def decide(current: Case, now: Any) -> Sequence[Any]:
            ended = requests.refusal(current, message, self._department.catalogue.organisation)
            given = None if ended else sealed
            return requests.disclose(current, message, sealed=given, reason=ended or reason)

        command = Command(key, event.id, decide)
        perform(self._store, [command], self._clock(), known=[stored])[0].stored()

    def _personal(self, stored: Stored, message: m.DisclosureRequested) -> dict[str, Any] | None:
        """The fields that are asked for; None where nobody can open what the case has."""
        try:
            personal = opened(self._sealing, stored)
        except Exception as error:
            if not is_unreadable(error):
                raise
            return None
        return {name: value for name, value in personal.items() if name in message.personal}


def _of_task(state: Task | None, message: OfRequest) -> Sequence[domain.Event]:
    if state is None or message.department != state.task.department:
        raise UnknownTask(f"no task of {message.department} raised request {message.request_id}")
    match message:
        case m.CollaborationConcluded():
            return domain.conclude(state, message)
        case m.CollaborationExtended():
            return domain.extend_request(state, message)
        case m.DisclosureRequested():
            return domain.refuse_disclosure(state, message)
