"""协办: the tasks that a department does for others, from the bus and at the clerk's desk."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from .. import file_types
from ..aggregates import TASK, Key
from ..domain import messages as m
from ..domain import task as domain
from ..domain.errors import DomainError
from ..domain.material import Material
from ..domain.question import LONGEST, AskOthers
from ..domain.task import Report, Task, Told
from ..envelope import CloudEvent
from ..http import Request, limit_of, one_of
from ..processing import Command, act
from ..store import Stored
from .departments import Departments
from .own_tasks import OwnTasks, TaskView
from .step_files import require_files

LIGHTS = ("green", "yellow", "red", "overdue")


class UnknownTask(DomainError):
    """The centre speaks of a task that never reached this department: set aside, until the centre says all of it again."""

    code = "unknown_task"


class Decline(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why the department hands the task back."""

    reason: m.Remark


class AskForExtension(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many more working days a task needs, and why."""

    days: Annotated[int, Meta(ge=1, le=LONGEST)]
    reason: m.Remark


class TaskList(Struct, frozen=True, kw_only=True):
    """A page of the department's open tasks, oldest first. It looks at as many as were asked for and shows those that match, so it
    may hold fewer, even none, and still have a ``cursor``."""

    tasks: tuple[TaskView, ...]
    cursor: str | None = None


class Assistance:
    """Tasks of the departments that the policy names; others' are not found."""

    def __init__(self, tasks: OwnTasks) -> None:
        self.store = tasks.store
        self._tasks = tasks
        self._departments = Departments(tasks.organisation)

    def route(self, event: CloudEvent) -> Command | None:
        """The command a message means; None when it is for a department that is not here."""
        message = event.data
        if not isinstance(message, m.TaskDispatched | Told):
            return None
        if not self._tasks.organisation.is_here(message.department):
            return None
        return Command(
            Key(TASK.name, message.task_id), event.id, lambda state, now: _decide(state, message), event.asks_again
        )

    def worklist(self, request: Request) -> TaskList:
        """The open tasks of the caller's department, or of the named one; narrowed by ``light`` and ``status``."""
        department = self._departments.one(request, "task.list")
        light, status = one_of(request, "light", LIGHTS), one_of(request, "status", domain.OPEN)
        keys, cursor = self.store.held_by(TASK, department, limit=limit_of(request), cursor=request.query.get("cursor"))
        loaded = self.store.load(keys)
        views = (self._tasks.view(loaded[key], request.now) for key in keys)
        found = tuple(one for one in views if light in ("", one.light) and status in ("", one.status))
        return TaskList(tasks=found, cursor=cursor)

    def task(self, request: Request) -> TaskView:
        """One task."""
        return self._tasks.view(self._tasks.own(request, "task.read"), request.now)

    def sign(self, request: Request) -> TaskView:
        """签收."""
        return self._act(request, lambda state, now: domain.sign(state, clerk=request.by.subject))

    def decline(self, request: Request) -> TaskView:
        """退单."""
        wish: Decline = request.body
        return self._act(
            request, lambda state, now: domain.decline(state, clerk=request.by.subject, reason=wish.reason)
        )

    def report(self, request: Request) -> TaskView:
        """Reports the department's opinion, with the files that it rests on."""
        wish: Report = request.body
        stored = self._tasks.own(request, "task.act")
        files = require_files(self.store, stored.key.id, wish.attachments) if wish.attachments else ()
        attachments = tuple(_attachment(one, number) for number, one in enumerate(files, start=1))

        def decide(state: Task, now: datetime) -> Sequence[domain.Event]:
            return domain.report(state, wish, clerk=request.by.subject, attachments=attachments)

        return self._tasks.view(act(self.store, request, stored, decide), request.now)

    def request_extension(self, request: Request) -> TaskView:
        """申请延期."""
        wish: AskForExtension = request.body
        by = request.by.subject
        return self._act(
            request,
            lambda state, now: domain.request_extension(state, clerk=by, days=wish.days, reason=wish.reason),
        )

    def ask(self, request: Request) -> TaskView:
        """Asks others for what this task needs."""
        wish: AskOthers = request.body
        organisation = self._tasks.organisation
        return self._act(request, lambda state, now: domain.ask(state, wish, organisation=organisation, now=now))

    def _act(self, request: Request, decide: Callable[[Task, datetime], Sequence[domain.Event]]) -> TaskView:
        after = act(self.store, request, self._tasks.own(request, "task.act"), decide)
        return self._tasks.view(after, request.now)


def _decide(state: Task | None, message: m.TaskDispatched | Told) -> Sequence[domain.Event]:
    if isinstance(message, m.TaskDispatched):
        return [] if state else domain.open_task(message)
    if state is None or message.department != state.task.department:
        raise UnknownTask(f"task {message.task_id} never reached {message.department}")
    return domain.receive(state, message)


def _attachment(stored: Stored, number: int) -> m.Attachment:
    """A file as messages name it: what it is and where it lies, under a name of ours."""
    state: Material = stored.state
    return m.Attachment(
        code="report",
        origin="upload",
        material_id=stored.key.id.rpartition("/")[2],
        name=f"report-{number}.{file_types.EXTENSION[state.media_type]}",
        media_type=state.media_type,
        size=state.size,
        sha256=state.sha256,
        version=number,
    )
