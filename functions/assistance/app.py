"""协办: the tasks that a department does for others."""

from typing import Any

from liangwang import wiring
from liangwang.consuming import consume
from liangwang.domain.task import Report
from liangwang.http import Route, Routes, serve
from liangwang.services.assistance import Decline, TaskList, TaskView

app = wiring.assistance()

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
}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """A batch of ``collaboration-tasks``, or a clerk's HTTP request."""
    if "records" in event:
        return consume(event, consumer="assistance", store=app.store, route=app.route)
    return serve(ROUTES, event, function="assistance")
