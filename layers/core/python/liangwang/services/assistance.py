"""协办: the tasks that a department does for others, from the bus and at the clerk's desk."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from ..access import granted
from ..aggregates import TASK, Key
from ..domain import messages as m
from ..domain import policy
from ..domain import task as domain
from ..domain.catalogue import Organisation, Text
from ..domain.errors import DomainError, NotFound
from ..domain.task import Report, Task
from ..envelope import CloudEvent
from ..http import Request, limit_of
from ..processing import Command, act
from ..store import Store, Stored
from .departments import Departments


class UnknownTask(DomainError):
    """A recall or an urge came for a task that never reached this department."""

    code = "unknown_task"


class Decline(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why the department hands the task back."""

    reason: m.Remark


class TaskView(Struct, frozen=True, kw_only=True):
    """A task as a clerk sees it."""

    task_id: str
    case_no: str
    status: str
    requester: str
    question: Text
    place: str
    due_at: datetime
    forced: bool
    urges: int
    form: dict[str, Any]


class TaskList(Struct, frozen=True, kw_only=True):
    """A page of the department's open tasks, oldest first."""

    tasks: tuple[TaskView, ...]
    cursor: str | None = None


class Assistance:
    """Tasks of the departments that the policy names; others' are not found."""

    def __init__(self, store: Store, organisation: Organisation) -> None:
        self.store = store
        self._organisation = organisation
        self._departments = Departments(organisation)

    def route(self, event: CloudEvent) -> Command | None:
        """The command a message means; None when it is for a department that is not here."""
        message = event.data
        if not isinstance(message, m.TaskDispatched | m.TaskRecalled | m.TaskUrged):
            return None
        department = self._organisation.department.get(message.department)
        if department is None or department.connected != "here":
            return None
        return Command(
            Key(TASK.name, message.task_id), event.id, lambda state, now: _decide(state, message), event.asks_again
        )

    def worklist(self, request: Request) -> TaskList:
        """The open tasks of the caller's department, or of the named one."""
        department = self._departments.one(request, "task.list")
        keys, cursor = self.store.held_by(TASK, department, limit=limit_of(request), cursor=request.query.get("cursor"))
        loaded = self.store.load(keys)
        return TaskList(tasks=tuple(_view(loaded[key].state) for key in keys), cursor=cursor)

    def task(self, request: Request) -> TaskView:
        """One task."""
        return _view(self._own(request, "task.read").state)

    def sign(self, request: Request) -> TaskView:
        """签收."""
        return self._act(request, lambda state: domain.sign(state, clerk=request.by.subject))

    def decline(self, request: Request) -> TaskView:
        """退单."""
        wish: Decline = request.body
        return self._act(request, lambda state: domain.decline(state, clerk=request.by.subject, reason=wish.reason))

    def report(self, request: Request) -> TaskView:
        """Reports the department's opinion."""
        wish: Report = request.body
        return self._act(request, lambda state: domain.report(state, wish, clerk=request.by.subject))

    def _act(self, request: Request, decide: Callable[[Task], Sequence[domain.Event]]) -> TaskView:
        after = act(self.store, request, self._own(request, "task.act"), lambda state, now: decide(state))
        return _view(after.state)

    def _own(self, request: Request, action: policy.Action) -> Stored:
        key = Key(TASK.name, request.path["task_id"])
        stored = self.store.load([key])[key]
        what = f"your department has no task {key.id}"
        if not stored.history:
            raise NotFound(what)
        state: Task = stored.state
        granted(request.by, action, policy.Thing(supporting=state.task.department), what=what)
        return stored


def _decide(state: Task | None, message: m.TaskDispatched | m.TaskRecalled | m.TaskUrged) -> Sequence[domain.Event]:
    if isinstance(message, m.TaskDispatched):
        return [] if state else domain.open_task(message)
    if state is None or message.department != state.task.department:
        raise UnknownTask(f"task {message.task_id} never reached {message.department}")
    return domain.recall(state, message) if isinstance(message, m.TaskRecalled) else domain.urge(state, message)


def _view(state: Task) -> TaskView:
    task = state.task
    return TaskView(
        task_id=task.task_id,
        case_no=task.case_no,
        status=state.status,
        requester=task.requester,
        question=task.ask.question,
        place=task.ask.place,
        due_at=task.due_at,
        forced=task.forced,
        urges=state.urges,
        form=task.form,
    )
