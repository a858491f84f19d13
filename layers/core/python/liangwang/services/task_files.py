"""What a supporting department has for a task beside the question: its own files, and personal data that it was supplied with."""

from typing import Any, Literal

from msgspec import Struct

from ..accesses import Accesses
from ..domain import messages as m
from ..domain.errors import NotFound, NotNow, require_reason
from ..domain.task import Task
from ..http import Request
from ..objects import Link, Objects
from ..sealing import Sealing, is_unreadable
from ..store import Stored
from .own_tasks import OwnTasks
from .personal import Unmask, chosen
from .step_files import Files, StepFile, StepFiles, newest_first


class TaskFiles:
    """What clerks add to the tasks of their department, and name in their reports."""

    def __init__(self, tasks: OwnTasks, objects: Objects) -> None:
        self._tasks = tasks
        self._files = Files(tasks.store, objects)

    def announce(self, request: Request) -> StepFile:
        """A link by which exactly this file can be sent."""
        task = self._tasks.own(request, "task.act")
        if not task.state.is_open:
            raise NotNow(f"the task is {task.state.status}; nothing is added any more")
        return self._view(self._files.announce(request, task.key.id), task, sending=request)

    def complete(self, request: Request) -> StepFile:
        """The file has been sent. Raises as ``Files.complete``."""
        task, stored = self._own(request, "task.act")
        stored = self._files.complete(request, stored, announced_at="POST /api/tasks/{task_id}/attachments")
        return self._view(stored, task, sending=request)

    def listed(self, request: Request) -> StepFiles:
        """The files that were added to a task: what they are, not what is in them."""
        task = self._tasks.own(request, "task.read")
        found = newest_first(self._files.of(task.key.id))
        return StepFiles(attachments=tuple(self._view(one, task) for one in found))

    def open(self, request: Request) -> Link:
        """A link to a file that was added to the task."""
        task, stored = self._own(request, "task.unmask")
        if stored.state.state != "stored":
            raise NotFound(f"task {task.key.id} has no such file")
        return self._files.open(request, stored, action="task.unmask", subject=task.state.task.case_no)

    def _own(self, request: Request, action: Literal["task.act", "task.unmask"]) -> tuple[Stored, Stored]:
        task = self._tasks.own(request, action)
        stored = self._files.find(task.key.id, request.path["attachment_id"])
        if stored is None:
            raise NotFound(f"task {task.key.id} has no such file")
        return task, stored

    def _view(self, stored: Stored, task: Stored, *, sending: Request | None = None) -> StepFile:
        identity = stored.key.id.rpartition("/")[2]
        reports = (one for said in task.state.reports for one in said.attachments)
        steps = ("report",) if any(one.material_id == identity for one in reports) else ()
        return self._files.view(stored, sending.now if sending is not None else None, steps=steps)


class TaskPersonalData(Struct, frozen=True, kw_only=True):
    """The applicant's personal data, as far as the task needs it; that it was shown, to whom and why, is on record."""

    task_id: str
    personal: dict[str, Any]


class Supplies:
    """Personal data that requesters disclosed for tasks."""

    def __init__(self, tasks: OwnTasks, sealing: Sealing) -> None:
        self._tasks = tasks
        self._accesses = Accesses(tasks.store)
        self._sealing = sealing

    def unmask(self, request: Request) -> TaskPersonalData:
        """Personal data in full, after it was put on record who sees what of which case, and why. Only while the task is in the
        department's hands.

        Raises NotNow when nothing was supplied, or nothing that can be opened, or the task is closed; Invalid without a reason and for a field that there is not.
        """
        wish: Unmask = request.body
        stored = self._tasks.own(request, "task.unmask")
        state: Task = stored.state
        require_reason(wish.reason, field="reason", what="seeing personal data in full")
        if not state.is_open:
            raise NotNow(f"the task is {state.status}; it needs no personal data any more")
        if state.supplied is None or state.supplied.sealed is None:
            raise NotNow("no personal data was supplied for this task")
        wanted = chosen(self._opened(state, state.supplied.sealed), wish)
        self._accesses.record(
            request.by,
            request.now,
            action="task.unmask",
            subject=state.task.case_no,
            fields=wanted,
            reason=wish.reason,
        )
        return TaskPersonalData(task_id=stored.key.id, personal=wanted)

    def _opened(self, state: Task, sealed: m.Sealed) -> dict[str, Any]:
        try:
            return self._sealing.open(sealed, department=state.task.department, case_no=state.task.case_no)
        except Exception as error:
            if not is_unreadable(error):
                raise
            raise NotNow("what was supplied cannot be opened; ask the requester") from error
