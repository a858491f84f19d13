"""A task that an official asks for: looked up, and looked at by the policy. Every route about one task begins here."""

from datetime import datetime
from typing import Any

from msgspec import Struct

from ..access import granted
from ..aggregates import TASK, Key
from ..domain import messages as m
from ..domain import policy
from ..domain import task as domain
from ..domain.catalogue import Organisation, Text
from ..domain.errors import NotFound
from ..domain.task import Task
from ..domain.working_days import Calendar
from ..http import Request
from ..store import Store, Stored
from .request_views import RequestView, views


class TaskView(Struct, frozen=True, kw_only=True):
    """A task as a clerk sees it. ``light`` is null once it is closed; ``urge_reasons`` says why it was urged, each time;
    ``returns`` why a report came back. ``personal`` says whether personal data was supplied for it (``yes``), or why not (a
    code; empty: nothing has come). ``collaborations`` are what the department itself asked others.
    """

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
    light: m.Light | None = None
    sign_by: datetime | None = None
    chain: tuple[str, ...] = ()
    urge_reasons: tuple[str, ...] = ()
    returns: tuple[str, ...] = ()
    extensions_asked: int = 0
    attachments: tuple[m.Attachment, ...] = ()
    personal: str = ""
    reports: tuple[m.TaskReported, ...] = ()
    collaborations: tuple[RequestView, ...] = ()


class OwnTasks:
    """Tasks as the policy shows them: those of the caller's own department; others' are not found."""

    def __init__(self, store: Store, organisation: Organisation, calendar: Calendar) -> None:
        self.store = store
        self.organisation = organisation
        self._calendar = calendar

    def own(self, request: Request, action: policy.Action) -> Stored:
        """The task that the path names. Raises NotFound when there is none or the policy does not let the caller do this."""
        key = Key(TASK.name, request.path["task_id"])
        stored = self.store.load([key])[key]
        what = f"your department has no task {key.id}"
        if not stored.history:
            raise NotFound(what)
        state: Task = stored.state
        granted(request.by, action, policy.Thing(supporting=state.task.department), what=what)
        return stored

    def light(self, state: Task, now: datetime) -> m.Light | None:
        """The task's light."""
        return domain.light(state, self._calendar, now)

    def view(self, stored: Stored, now: datetime) -> TaskView:
        """A task as routes answer it."""
        state: Task = stored.state
        task, supplied = state.task, state.supplied
        return TaskView(
            task_id=task.task_id,
            case_no=task.case_no,
            status=state.status,
            requester=task.requester,
            question=task.ask.question,
            place=task.ask.place,
            due_at=state.due_at,
            forced=task.forced,
            urges=state.urges,
            form=task.form,
            light=self.light(state, now),
            sign_by=task.sign_by,
            chain=task.chain,
            urge_reasons=state.urged,
            returns=tuple(one.reason for one in state.returned),
            extensions_asked=state.extensions_asked,
            attachments=task.attachments,
            personal="" if supplied is None else "yes" if supplied.sealed is not None else supplied.reason or "none",
            reports=state.reports,
            collaborations=views(stored),
        )
