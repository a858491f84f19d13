"""The centres and departments that handle grid events, on the deployed functions."""

import copy
import json

from liangwang.aggregates import CASE, Key
from liangwang.envelope import decode
from liangwang.fakes import kafka_event

from tests.functional.citizens import Citizens
from tests.functional.functions import golden
from tests.functional.world import FORM

GATEWAY = golden("http_grid_report")["requestContext"]["authorizer"]["lambda"]
HOTLINE = {**GATEWAY, "subject": "hotline-12345"}
TOWN = {"subject": "operator-town", "role": "operator", "region": "990101001"}
DISTRICT = {**TOWN, "subject": "operator-district", "region": "990101"}
ELSEWHERE = {**TOWN, "subject": "operator-elsewhere", "region": "990102"}
REPORT = json.loads(golden("http_grid_report")["body"])


class Streets(Citizens):
    """The centres and the departments, asked as programs ask them; ``carry`` lets everything that was written be heard."""

    def say(self, route, caller, body=None, *, query=None, function="grid", **path):
        event = copy.deepcopy(golden("http_grid_report"))
        event |= {"routeKey": route, "pathParameters": path, "queryStringParameters": query or {}}
        event["requestContext"]["authorizer"]["lambda"] = caller
        event["body"] = json.dumps(body) if body is not None else None
        return self.http(function, event)

    def tell(self, caller=GATEWAY, **changes):
        return self.say("POST /api/grid-events", caller, {**REPORT, **changes})

    def told(self, caller=GATEWAY, **changes):
        status, receipt = self.tell(caller, **changes)
        assert status == 201, receipt
        return receipt

    def event(self, number, caller=TOWN):
        status, view = self.say("GET /api/grid-events/{event_no}", caller, event_no=number)
        assert status == 200, view
        return view

    def call_back(self, number, caller=TOWN, *, satisfied, remark=""):
        body = {"satisfied": satisfied, "remark": remark}
        return self.say("POST /api/grid-events/{event_no}/return-call", caller, body, event_no=number)

    def licence(self, **changes):
        """An application for a food licence in the town, which waits at the department's desk; its number."""
        wish = {
            "form": {**FORM, "area": 80},
            "materials": ["business-licence", "layout-plan", "safety-rules"],
            **changes,
        }
        number = self.apply(task_code="food-business-licence", **wish)
        self.call("relay", self.aws.dynamodb.event("intake"))
        self.hear("acceptance", "applications")
        return number

    def offer(self, number, case_no, caller=TOWN):
        route = "POST /api/grid-events/{event_no}/evidence"
        return self.say(route, caller, {"case_no": case_no}, event_no=number)

    def case(self, number):
        key = Key(CASE.name, number)
        return self.store("department").load([key])[key].state

    def matches(self, number, **query):
        status, view = self.say("GET /api/grid-events/{event_no}", TOWN, query=query, event_no=number)
        assert status == 200, view
        return {one["case_no"]: one for one in view["matches"]}

    def carry(self):
        """Everything that was ever written, told again from the beginning: what was heard already has no second effect."""
        self.call("publisher", self.aws.dynamodb.event("governance"))
        self.hear("collaboration", "collaboration-requests")
        self.call("publisher", self.aws.dynamodb.event("governance"))
        self.hear("assistance", "collaboration-tasks")
        if "department" in self.aws.dynamodb.streams:
            self.call("publisher", self.aws.dynamodb.event("department"))
            self.hear("collaboration", "collaboration-reports")
            self.hear("grid", "collaboration-reports")
        self.call("publisher", self.aws.dynamodb.event("governance"))
        self.hear("grid", "collaboration-results")
        self.hear("approval", "collaboration-results")

    def hear(self, function, topic):
        records = self.producer.records(topic)
        if records:
            assert self.call(function, kafka_event(records)) == {"batchItemFailures": []}

    def report_all(self, number):
        """The departments do what they were asked, and the centre lets it pass."""
        self.answer_all(number)
        self.carry()
        self.check_all(number)
        self.carry()

    def answer_all(self, number):
        """The departments that have heard of it sign and report."""
        for handling in self.event(number)["handlings"]:
            for task in handling["tasks"]:
                clerk = {"subject": f"clerk-{task['department']}", "role": "clerk", "department": task["department"]}
                for act, body in (("sign", None), ("report", {"opinion": "agree", "explanation": "已处置"})):
                    route = f"POST /api/tasks/{{task_id}}/{act}"
                    status, told = self.say(route, clerk, body, function="assistance", task_id=task["task_id"])
                    assert status in (200, 404, 409), told  # not heard of it, or done

    def check_all(self, number):
        """核查: an operator of the town looks at every report, and lets it pass."""
        route = "POST /api/collaborations/{collaboration_id}/tasks/{task_id}/check"
        for handling in self.event(number)["handlings"]:
            path = {"collaboration_id": handling["collaboration_id"]}
            for task in handling["tasks"]:
                if task["status"] == "reported" and handling["conclusion"] is None:
                    path["task_id"] = task["task_id"]
                    status, told = self.say(route, TOWN, {"verdict": "pass"}, function="coordination", **path)
                    assert status == 200, told

    def sent(self, topic, kind):
        found = [decode(record.value) for record in self.producer.records(topic)]
        return {one.id: one.data for one in found if isinstance(one.data, kind)}

    def stored(self, kind):
        names = [Key.parse(name) for name in self.aws.dynamodb.tables.get("governance", {})]
        return [one for one in names if one.kind == kind.name]
