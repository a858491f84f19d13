"""事项: what one can apply for, open to everybody."""

from typing import Any

from liangwang import wiring
from liangwang.domain.catalogue import Item
from liangwang.http import Route, Routes, serve
from liangwang.services.guidance import Answers, GuidanceView
from liangwang.services.items import ItemList, ScenarioList
from liangwang.services.joint_items import JointItemList, JointItemView

app, guidance, joint = wiring.items()
door = wiring.door()

ROUTES: Routes = {
    "GET /api/items": Route(app.items, "Search the items one can apply for", None, result=ItemList),
    "GET /api/scenarios": Route(app.scenarios, "What items can be looked for by", None, result=ScenarioList),
    "GET /api/items/{task_code}": Route(app.item, "One item in full", None, result=Item),
    "GET /api/items/{task_code}/guidance": Route(
        guidance.begin, "The questions that decide what an application needs", None, result=GuidanceView
    ),
    "POST /api/items/{task_code}/guidance": Route(
        guidance.guide, "What the answers so far decide", None, body=Answers, result=GuidanceView
    ),
    "GET /api/joint-items": Route(joint.joint_items, "What one can apply for together", None, result=JointItemList),
    "GET /api/joint-items/{joint_code}": Route(
        joint.joint_item, "One joint item in full, with its merged form and materials", None, result=JointItemView
    ),
}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """HTTP in, HTTP out."""
    return serve(ROUTES, event, function="items", door=door)
