"""协调: what an operator finds before the own centre and does about it, through the deployed handler, once each."""

import copy
import json
from datetime import UTC, datetime

import pytest
from liangwang.aggregates import COLLABORATION, Key
from liangwang.domain import messages as m
from liangwang.domain.catalogue import Ask, Join, Text
from liangwang.envelope import Outgoing, wrap
from liangwang.fakes import FakeProducer, kafka_event

from tests.functional.functions import Functions, golden

CASE = "20250303-990101001-65P7MEX3EFWK-X"
OWN, FIRE, CITY_FIRE = "D-990101-MARKET", "D-990101-FIRE", "D-990100-FIRE"
QUEUE, EVENT = "GET /api/collaborations", "POST /api/collaborations/{collaboration_id}/"
NOTHING = {"batchItemFailures": []}


class Centre:
    """The centre of a district, with one event or more before it."""

    def __init__(self):
        self.functions = Functions()
        self.said = 0

    def http(self, route, body=None, *, subject="zhao", region="990101", role="operator", key="", query=None, **path):
        event = copy.deepcopy(golden("http_collaboration"))
        event |= {"routeKey": route, "pathParameters": path, "queryStringParameters": query or {}}
        event["requestContext"]["authorizer"]["lambda"] = {"subject": subject, "role": role, "region": region}
        if key:
            event["headers"]["idempotency-key"] = key
        if body is not None:
            event["body"] = json.dumps(body)
        return self.functions.http("coordination", event)

    def act(self, act, body=None, *, event="R1", **settings):
        """An act on an event, or on one of its tasks (``task/act``)."""
        task, _, word = act.rpartition("/")
        path = {"collaboration_id": f"{CASE}-{event}", **({"task_id": f"{CASE}-{event}-{task}"} if task else {})}
        route = f"{EVENT}tasks/{{task_id}}/{word}" if task else EVENT + word
        return self.http(route, body if body is not None else {}, **path, **settings)

    def done(self, act, body=None, **settings):
        """An act that holds; the event as it then is."""
        status, told = self.act(act, body, **settings)
        assert status == 200, told
        return told

    def queue(self, **query):
        settings = {name: query.pop(name) for name in ("region", "role") if name in query}
        status, told = self.http(QUEUE, query=query, **settings)
        assert status == 200, told
        return told

    def say(self, topic, message):
        """A department's message, under an id of its own."""
        self.said += 1
        producer = FakeProducer()
        event = wrap(message, id=f"department/{CASE}/{self.said}", time=datetime.now(UTC))
        producer.send([Outgoing(topic, CASE, event)])
        assert self.functions.call("collaboration", kafka_event(producer.records(topic))) == NOTHING

    def ask(self, *capabilities, event="R1", **fields):
        asks = tuple(Ask(one, Text(zh="示例？", en="?"), "990101001") for one in capabilities or ("fire-inspection",))
        wish = {
            "case_no": CASE,
            "request_id": f"{CASE}-{event}",
            "department": OWN,
            "task_code": "food-business-licence",
            "place": "990101001",
            "asks": asks,
            "join": Join(),
            "days": 5,
            "on_timeout": "lift",
            "form": {"area": 300},
        }
        self.say("collaboration-requests", m.CollaborationRequested(**{**wish, **fields}))
        return self

    def report(self, task="T1", *, department=FIRE, event="R1", kind=m.TaskReported, **fields):
        known = {"opinion": "agree", "explanation": "示例"} if kind is m.TaskReported else {}
        named = {"case_no": CASE, "task_id": f"{CASE}-{event}-{task}", "collaboration_id": f"{CASE}-{event}"}
        self.say("collaboration-reports", kind(**named, department=department, by="huo", **{**known, **fields}))

    def history(self, event="R1"):
        key = Key(COLLABORATION.name, f"{CASE}-{event}")
        return self.functions.store("governance").load([key])[key].history


@pytest.fixture
def centre():
    return Centre()


def kinds(centre):
    return [type(recorded.event).__name__ for recorded in centre.history()]


# ------------------------------------------------------------------ nested requests


def test_the_way_to_a_nested_question_is_the_centres_own_knowledge_whatever_its_asker_says(centre):
    centre.ask()
    forged = {"department": FIRE, "origin": "item", "chain": ("D-990100-WATER",)}
    centre.ask("fire-inspection", event="R1-T1-R1", **forged)
    raised = centre.history("R1-T1-R1")[0].event
    assert (raised.request.origin, raised.request.parent_task) == ("task", f"{CASE}-R1-T1")
    assert raised.request.chain == (OWN,)
    dispatched = [one.event for one in centre.history("R1-T1-R1") if isinstance(one.event, m.TaskDispatched)]
    assert FIRE not in [one.department for one in dispatched]


@pytest.mark.parametrize(
    "wish",
    [
        {"event": "R1-T1-R1", "department": "D-990100-WATER"},
        {"event": "R1-T7-R1", "department": FIRE},
        {"event": "R8", "department": FIRE, "parent_task": f"{CASE}-R9-T1"},
        {"event": "R8", "department": FIRE, "origin": "task"},
    ],
)
def test_a_question_for_a_task_that_its_asker_does_not_have_is_set_aside(centre, wish):
    centre.ask()
    centre.ask("gas-pipeline-protection", **wish)
    assert centre.history(wish["event"]) == ()


# ------------------------------------------------------------------ the queue


def test_the_queue_has_the_open_events_before_the_centre_soonest_due_first(centre):
    centre.ask(event="R1", days=9).ask(event="R2", days=2)
    found = centre.queue()["collaborations"]
    assert [one["collaboration_id"][-2:] for one in found] == ["R2", "R1"]
    assert found[0]["waits"] == ["sign"] and found[0]["tasks"] == {"dispatched": 1}
    assert (found[0]["requester"], found[0]["case_no"], found[0]["light"]) == (OWN, CASE, "green")
    assert centre.queue(region="990102")["collaborations"] == []


def test_a_page_of_the_queue_is_one_query_and_reads_no_event(centre):
    for number in range(5):
        centre.ask(event=f"R{number}", days=number + 1)
    calls = centre.functions.aws.calls
    before = len(calls)
    page = centre.queue(limit="2")
    assert [operation for _, operation, _ in calls[before:]] == ["Query"]
    following = centre.queue(limit="2", cursor=page["cursor"])
    assert [one["collaboration_id"][-2:] for one in (*page["collaborations"], *following["collaborations"])] == [
        "R0",
        "R1",
        "R2",
        "R3",
    ]


def test_the_queue_is_narrowed_to_what_an_operator_has_to_do(centre):
    centre.ask(event="R1").ask("astronomy", event="R2")
    assert [one["collaboration_id"][-2:] for one in centre.queue(waits="unrouted")["collaborations"]] == ["R2"]
    assert centre.queue(waits="check")["collaborations"] == centre.queue(light="red")["collaborations"] == []
    assert centre.http(QUEUE, query={"waits": "nothing"})[0] == 422


def test_all_events_of_a_case_are_found_concluded_ones_too(centre):
    centre.ask(event="R1").ask(event="R2")
    centre.report(event="R1")
    found = {one["collaboration_id"][-2:]: one["conclusion"] for one in centre.queue(case_no=CASE)["collaborations"]}
    assert found == {"R1": "agree", "R2": ""}
    assert centre.queue(case_no=CASE, region="990102")["collaborations"] == []
    assert centre.queue(case_no="20250303-990101001-AAAAAAAAAAAA-A")["collaborations"] == []


def test_an_operator_looks_below_the_own_centre_and_not_beside_it(centre):
    centre.ask()
    query = {"region": "990101"}
    assert len(centre.http(QUEUE, region="990100", query=query)[1]["collaborations"]) == 1
    assert centre.http(QUEUE, region="990102", query=query)[0] == 404
    assert centre.http(QUEUE, region="990101", role="clerk")[0] == 403


# ------------------------------------------------------------------ acts


def test_an_act_that_comes_twice_has_one_effect(centre):
    centre.ask()
    for _ in range(2):
        centre.done("urge", {"reason": "请抓紧"}, key="once")
    assert kinds(centre).count("Urged") == 1


def test_an_event_is_lifted_and_is_before_the_centre_above_from_then_on(centre):
    told = centre.ask().done("lift", {"reason": "跨区事项"})
    assert told["region"] == "990100"
    assert centre.queue()["collaborations"] == []
    assert len(centre.queue(region="990100")["collaborations"]) == 1
    assert centre.act("urge", {"reason": "x"})[0] == 404
    assert centre.act("urge", {"reason": "x"}, region="990100")[0] == 200


def test_who_lost_the_answer_to_an_act_that_took_the_event_out_of_hand_gets_it_again(centre):
    centre.ask().done("lift", {"reason": "跨区事项"}, key="once")
    assert centre.done("lift", {"reason": "跨区事项"}, key="once")["region"] == "990100"
    assert centre.act("lift", {"reason": "跨区事项"}, key="once", region="990102", subject="qian")[0] == 404
    assert kinds(centre).count("Lifted") == 1


def test_an_event_that_leaves_a_centre_while_its_operator_acts_is_not_acted_on(centre):
    centre.ask()
    aws, call = centre.functions.aws, centre.functions.aws.call

    def lifted_meanwhile(service, operation, request):
        if operation == "PutItem" and "collaboration#" in str(request["Item"]["pk"]):
            aws.call = call
            centre.done("lift", {"reason": "跨区事项"}, subject="qian")
        return call(service, operation, request)

    aws.call = lifted_meanwhile
    assert centre.act("extend", {"days": 2, "reason": "现场勘查"})[0] == 404
    assert kinds(centre)[-1] == "Lifted"


def test_an_extension_moves_the_limit_and_tells_requester_and_departments(centre):
    due = datetime.fromisoformat(centre.ask().queue()["collaborations"][0]["due_at"])
    told = centre.done("extend", {"days": 2, "reason": "现场勘查"})
    assert datetime.fromisoformat(told["due_at"]) > due
    assert datetime.fromisoformat(told["tasks"][0]["due_at"]) == datetime.fromisoformat(told["due_at"])
    assert kinds(centre)[-3:] == ["Extended", "CollaborationExtended", "TaskExtended"]
    assert centre.act("extend", {"days": 2, "reason": "again"})[0] == 409


def test_a_report_is_checked_and_counts_once_it_passed(centre):
    centre.ask(checked_by="centre").report()
    assert centre.queue(waits="check")["collaborations"][0]["tasks"] == {"reported": 1}
    told = centre.done("T1/check", {"verdict": "return", "reason": "缺少照片"})
    assert (told["tasks"][0]["status"], told["tasks"][0]["returns"], told["conclusion"]) == ("returned", 1, None)
    centre.report()
    told = centre.done("T1/check", {"verdict": "pass"})
    assert told["conclusion"]["conclusion"] == "agree"
    assert centre.act("T1/check", {"verdict": "pass"})[0] == 409


def test_a_recalled_task_waits_for_the_operator_who_names_another_department(centre):
    told = centre.ask().done("T1/recall", {"reason": "派错", "elsewhere": False})
    assert [one["task_id"][-2:] for one in told["unrouted"]] == ["T1"]
    told = centre.done("T1/assign", {"department": CITY_FIRE, "explanation": "由市级办理"})
    assert [(task["department"], task["status"]) for task in told["tasks"]] == [
        (FIRE, "recalled"),
        (CITY_FIRE, "dispatched"),
    ]
    assert told["unrouted"] == []


def test_a_question_that_nobody_is_responsible_for_is_given_to_a_department_by_its_place(centre):
    (event,) = centre.ask("astronomy").queue(waits="unrouted")["collaborations"]
    assert event["waits"] == ["unrouted"]
    told = centre.done("A1/assign", {"department": FIRE, "explanation": "就近"})
    assert told["tasks"][0]["department"] == FIRE
    assert "就近" in next(entry["text"]["zh"] for entry in told["timeline"] if entry["event"].endswith("decided"))


def test_more_time_that_the_rules_may_not_give_is_granted_or_refused(centre):
    centre.ask(days=2).report(kind=m.TaskExtensionRequested, days=3, reason="现场勘查")
    (event,) = centre.queue(waits="extension")["collaborations"]
    assert "extension" in event["waits"]
    told = centre.done("T1/extension", {"verdict": "grant"})
    assert told["tasks"][0]["days_asked"] == 0
    centre.report(kind=m.TaskExtensionRequested, days=3, reason="再次勘查")
    assert centre.act("T1/extension", {"verdict": "refuse"})[0] == 422
    assert centre.done("T1/extension", {"verdict": "refuse", "reason": "时限已足"})["tasks"][0]["days_asked"] == 0


@pytest.mark.parametrize(
    ("act", "body", "field"),
    [
        ("lift", {"reason": ""}, "reason"),
        ("extend", {"days": 0, "reason": "x"}, "days"),
        ("T1/assign", {"department": "NOBODY", "explanation": "x"}, "department"),
        ("T1/recall", {"reason": " "}, "reason"),
    ],
)
def test_a_wrong_wish_is_refused_by_field_and_changes_nothing(centre, act, body, field):
    centre.ask()
    if act == "T1/assign":
        centre.done("T1/recall", {"reason": "派错", "elsewhere": False})
    before = len(centre.history())
    status, problem = centre.act(act, body)
    assert (status, [error["field"] for error in problem["errors"]]) == (422, [field])
    assert len(centre.history()) == before


def test_another_centres_event_and_none_are_not_told_apart(centre):
    centre.ask()
    answers = [
        centre.act("urge", {"reason": "x"}, region="990102"),
        centre.act("urge", {"reason": "x"}, event="R9"),
    ]
    assert [status for status, _ in answers] == [404, 404]
    assert centre.act("T9/recall", {"reason": "x"})[0] == 404


def test_a_concluded_event_refuses_every_act(centre):
    centre.ask().report()
    for act, body in (
        ("urge", {"reason": "x"}),
        ("lift", {"reason": "x"}),
        ("extend", {"days": 1, "reason": "x"}),
        ("T1/recall", {"reason": "x"}),
    ):
        assert centre.act(act, body)[0] == 409
