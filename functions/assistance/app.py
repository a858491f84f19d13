"""协办: the tasks that a department does for others."""

from typing import Any

from liangwang import wiring
from liangwang.consuming import consume
from liangwang.domain.question import AskOthers
from liangwang.domain.task import Report
from liangwang.http import Route, Routes, serve
from liangwang.objects import Link
from liangwang.services.assistance import AskForExtension, Decline, TaskList
from liangwang.services.own_tasks import TaskView
from liangwang.services.personal import Unmask
from liangwang.services.step_files import FileAnnouncement, OpenStepFile, StepFile, StepFiles
from liangwang.services.task_files import TaskPersonalData

app, files, supplies = wiring.assistance()

ROUTES: Routes = {
    "GET /api/tasks": Route(app.worklist, "My department's open tasks", "task.list", result=TaskList),
    "GET /api/tasks/{task_id}": Route(app.task, "One task", "task.read", result=TaskView),
    "POST /api/tasks/{task_id}/sign": Route(app.sign, "Sign for a task", "task.act", result=TaskView),
    "POST /api/tasks/{task_id}/decline": Route(
        app.decline, "Hand a task back", "task.act", body=Decline, result=TaskView
    ),
    "POST /api/tasks/{task_id}/report": Route(
        app.report, "Report an opinion", "task.act", body=Report, result=TaskView
    ),
    "POST /api/tasks/{task_id}/extension": Route(
        app.request_extension, "Ask for more time", "task.act", body=AskForExtension, result=TaskView
    ),
    "POST /api/tasks/{task_id}/collaborations": Route(
        app.ask, "Ask others for what a task needs", "task.act", body=AskOthers, result=TaskView
    ),
    "POST /api/tasks/{task_id}/personal": Route(
        supplies.unmask,
        "See the personal data that a task was supplied with, and say why",
        "task.unmask",
        body=Unmask,
        result=TaskPersonalData,
    ),
    "POST /api/tasks/{task_id}/attachments": Route(
        files.announce, "Announce a file for a task", "task.act", body=FileAnnouncement, status=201, result=StepFile
    ),
    "POST /api/tasks/{task_id}/attachments/{attachment_id}/completion": Route(
        files.complete, "The file has been sent", "task.act", result=StepFile
    ),
    "GET /api/tasks/{task_id}/attachments": Route(
        files.listed, "The files that were added to a task", "task.read", result=StepFiles
    ),
    "POST /api/tasks/{task_id}/attachments/{attachment_id}": Route(
        files.open, "A link to a file of a task, and say why", "task.unmask", body=OpenStepFile, result=Link
    ),
}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """A batch of ``collaboration-tasks``, or a clerk's HTTP request."""
    if "records" in event:
        return consume(event, consumer="assistance", store=app.store, route=app.route)
    return serve(ROUTES, event, function="assistance")
