"""What a centre's operator sees while a collaboration goes on: as figures, as a list, and as a stream of events."""

import http.client
import json
from urllib.parse import urlsplit

from liangwang.aws import SignedAws

from local import recount
from local.accounts import store
from tests.e2e.test_whole_way import await_work
from tests.waiting import eventually

OPERATOR = "operator-990103"


def test_an_operator_sees_a_collaboration_come_go_on_and_end(city):
    since = city.api.get(OPERATOR, "/api/console")["since"]
    case_no = city.apply(city.wish("food-business-licence", place="990103001", area=300))
    fire = await_work(city, "990100-fire", "tasks", case_no)
    town = await_work(city, "990103001-service", "tasks", case_no)
    event = fire["task_id"].rpartition("-")[0]
    found = eventually(lambda: shown(city, event, "dispatched"), what="the event to stand before the centre")
    assert {one["department"] for one in found["tasks"]} == {"D-990100-FIRE", "D-990103001-SERVICE"}
    with Stream(city, OPERATOR, since) as stream:
        for task, department in ((fire, "990100-fire"), (town, "990103001-service")):
            city.api.post(f"clerk-{department}-1", f"/api/tasks/{task['task_id']}/report", {"opinion": "agree"})
        kinds = stream.until(event, "collaboration.concluded")
    assert kinds[0] == "collaboration.raised" and kinds.count("task.dispatched") == 2
    assert shown(city, event) is None
    day = city.api.get("auditor-1", "/api/console/departments", region="990100")
    assert any(one["department"] == "D-990100-FIRE" and one["counts"]["reported"] for one in day["departments"])
    assert city.api.get(OPERATOR, "/api/console/flow")["links"]


def test_the_figures_equal_a_recount(city):
    stack, config = city.stack, city.stack.config
    aws = SignedAws(region=config.region, credentials=config.credentials, endpoint=config.dynamodb_url)
    tables = [stack.resources[name] for name in ("DepartmentTable", "GovernanceTable")]
    books = recount.Books(aws, *tables, store(stack, "StatisticsTable"))
    eventually(lambda: not recount.compared(books).differences, what="the tallies to equal what happened")


def shown(city, event, state=""):
    """The event in the list of open ones; None when it is not there, or in another state."""
    page = city.api.get(OPERATOR, "/api/console/events", limit=100)
    found = next((one for one in page["events"] if one["collaboration_id"] == event), None)
    return found if found is not None and state in ("", found["state"]) else None


class Stream:
    """Server-sent events as a browser reads them."""

    def __init__(self, city, who, since):
        self._client = http.client.HTTPConnection(urlsplit(city.stack.gateway_url).netloc, timeout=30)
        headers = {"accept": "text/event-stream", "last-event-id": since}
        headers["authorization"] = f"Bearer {city.api.login(who)}"
        self._client.request("GET", "/api/console/changes", headers=headers)
        self._answer = self._client.getresponse()
        assert self._answer.headers["content-type"] == "text/event-stream"
        assert self._answer.headers["content-length"] is None, "a stream has no end"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._client.close()

    def until(self, event, kind):
        """What happened to an event until this kind came."""
        kinds = []
        while kind not in kinds:
            line = self._answer.readline().decode()
            assert line, "the stream ended"
            if line.startswith("data: "):
                change = json.loads(line.removeprefix("data: "))
                kinds += [change["kind"]] if change["collaboration_id"] == event else []
        return kinds
