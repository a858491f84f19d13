"""A grid event on the deployed functions: told, handled by departments, called back, handled again; and put to an open case."""

import copy
import json
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from liangwang.aggregates import CASE, COLLABORATION, GRID, LEDGER, WATCH, Key
from liangwang.domain import ledger, reports
from liangwang.domain import messages as m
from liangwang.envelope import decode
from liangwang.fakes import Fault, kafka_event
from liangwang.processing import Command, perform
from liangwang.services.supervision import Supervision, of_grid_events

from tests.functional.citizens import Citizens
from tests.functional.functions import golden
from tests.functional.world import FORM, OWN

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
        """The departments do what they were asked."""
        for handling in self.event(number)["handlings"]:
            for task in handling["tasks"]:
                if task["status"] != "dispatched":
                    continue
                clerk = {"subject": f"clerk-{task['department']}", "role": "clerk", "department": task["department"]}
                for act, body in (("sign", None), ("report", {"opinion": "agree", "explanation": "已处置"})):
                    route = f"POST /api/tasks/{{task_id}}/{act}"
                    status, told = self.say(route, clerk, body, function="assistance", task_id=task["task_id"])
                    assert status == 200, told
        self.carry()
        self.check_all(number)
        self.carry()

    def check_all(self, number):
        """核查: an operator of the town looks at every report, and lets it pass."""
        for handling in self.event(number)["handlings"]:
            key = Key(COLLABORATION.name, handling["collaboration_id"])
            for task in handling["tasks"]:
                if task["status"] == "reported" and handling["conclusion"] is None:
                    looked = partial(passed, task["task_id"])
                    (outcome,) = perform(
                        self.store("governance"), [Command(key, f"check/{task['task_id']}", looked)], datetime.now(UTC)
                    )
                    outcome.stored()

    def sent(self, topic, kind):
        found = [decode(record.value) for record in self.producer.records(topic)]
        return {one.id: one.data for one in found if isinstance(one.data, kind)}

    def stored(self, kind):
        names = [Key.parse(name) for name in self.aws.dynamodb.tables.get("governance", {})]
        return [one for one in names if one.kind == kind.name]


def passed(task_id, state, now):
    return reports.pass_report(state, task_id, by=TOWN["subject"], now=now)


@pytest.fixture
def streets():
    return Streets()


def handled(streets, number):
    streets.carry()
    streets.report_all(number)


# ------------------------------------------------------------------ the whole way


def test_a_sensor_s_event_is_handled_called_back_handled_again_and_closed(streets):
    number = streets.told()["event_no"]
    streets.carry()
    view = streets.event(number)
    (handling,) = view["handlings"]
    assert [(task["department"], task["lead"]) for task in handling["tasks"]] == [
        ("D-990101-FIRE", True),
        ("D-990101001-SERVICE", False),
    ]
    assert [hop["region"] for hop in handling["tasks"][0]["path"]] == ["990101001", "990101"]
    streets.report_all(number)
    assert streets.event(number)["status"] == "awaiting_call"
    status, receipt = streets.call_back(number, satisfied=False, remark="又堵上了")
    assert (status, receipt["status"]) == (200, "handling")
    handled(streets, number)
    status, receipt = streets.call_back(number, satisfied=True)
    assert (status, receipt["status"]) == (200, "closed")
    view = streets.event(number)
    assert [one["collaboration_id"] for one in view["handlings"]] == [f"{number}-1", f"{number}-2"]
    assert [one["result"] for one in view["calls"]] == ["unsatisfied", "satisfied"]
    requests = streets.sent("collaboration-requests", m.CollaborationRequested).values()
    assert [(one.request_id, one.days, one.sign_days) for one in requests] == [
        (f"{number}-1", 2, 1),
        (f"{number}-2", 3, 1),
    ]
    assert all(line["text"]["zh"] and "{" not in line["text"]["en"] for line in view["timeline"])


# ------------------------------------------------------------------ the same ticket, the same matter


def test_the_same_ticket_however_often_is_one_event(streets):
    receipts = [streets.told(), streets.told(), streets.told()]
    assert receipts[0] == receipts[1] == receipts[2]
    assert len(streets.stored(GRID)) == len(streets.stored(WATCH)) == 1
    streets.carry()
    assert len(streets.stored(COLLABORATION)) == 1
    assert streets.event(receipts[0]["event_no"])["sightings"]["count"] == 1


def test_a_ticket_that_says_something_else_is_a_conflict_that_names_the_field(streets):
    streets.told()
    status, problem = streets.tell(description="another")
    assert (status, problem["type"]) == (409, "urn:liangwang:problem:ticket_reused")
    assert [one["field"] for one in problem["errors"]] == ["description"]


def test_what_the_same_sensor_repeats_is_counted_and_not_raised_again(streets):
    first = streets.told()
    again = streets.told(origin_no="S-2", description="仍然堵塞")
    assert again == {**first, "joined": True}
    assert streets.told(origin_no="S-2", description="仍然堵塞") == again
    assert streets.event(first["event_no"])["sightings"]["count"] == 2
    assert streets.tell(origin_no="S-2", description="another")[0] == 409
    assert len(streets.stored(GRID)) == 1


def test_another_sensor_or_another_place_is_another_event(streets):
    streets.told()
    streets.told(origin_no="S-2", sensor="lane-8")
    streets.told(origin_no="S-3", place="990101002")
    assert len(streets.stored(GRID)) == 3


def test_what_a_sensor_tells_once_its_event_was_handled_is_a_new_event(streets):
    first = streets.told()["event_no"]
    handled(streets, first)
    second = streets.told(origin_no="S-2")
    assert second["event_no"] != first and not second["joined"]


def test_people_s_tickets_are_never_joined(streets):
    numbers = {streets.told(HOTLINE, origin="hotline", origin_no=f"T-{n}", sensor="")["event_no"] for n in range(3)}
    assert len(numbers) == 3


def test_two_systems_may_use_the_same_number_for_their_tickets(streets):
    one = streets.told(HOTLINE, origin="hotline", sensor="")["event_no"]
    other = streets.told({**HOTLINE, "subject": "another-hotline"}, origin="hotline", sensor="")["event_no"]
    assert one != other


def test_the_operators_of_a_centre_have_one_book_of_tickets(streets):
    words = {"origin": "grid", "sensor": ""}
    one = streets.told(TOWN, **words)
    assert streets.told({**TOWN, "subject": "another-operator"}, **words) == one


@pytest.mark.parametrize("kind", ["refused", "lost"])
def test_who_dies_before_or_after_the_watch_is_written_is_healed_by_whoever_comes_next(streets, kind):
    """The watch is written first, the event second."""
    streets.aws.faults = [Fault("PutItem", kind)]
    assert streets.tell()[0] == 500
    assert not streets.stored(GRID)
    repeated = streets.told(origin_no="S-2")
    first = streets.told()
    assert repeated["event_no"] == first["event_no"]
    assert len(streets.stored(GRID)) == 1
    assert streets.event(first["event_no"])["sightings"]["count"] == 2


# ------------------------------------------------------------------ open cases, and evidence


def test_open_cases_of_related_items_match_and_each_says_why(streets):
    here = streets.licence()
    there = streets.licence(place="990101002")
    far = streets.licence(place="990102001")
    number = streets.told()["event_no"]
    found = streets.matches(number)
    assert {case: one["strength"] for case, one in found.items()} == {here: "strong"}
    assert found[here]["why"] == {"zh": "同一地点，相关事项", "en": "At the same place, of a related item"}
    found = streets.matches(number, nearby="true")
    assert {case: one["strength"] for case, one in found.items()} == {here: "strong", there: "weak"}
    assert far not in found


def test_a_case_that_has_ended_matches_no_more(streets):
    case = streets.licence()
    number = streets.told()["event_no"]
    assert case in streets.matches(number)
    end(streets, case)
    assert streets.matches(number) == {}


def test_who_may_not_put_it_to_a_case_is_told_of_none(streets):
    streets.licence()
    number = streets.told()["event_no"]
    assert streets.event(number, GATEWAY)["matches"] == []
    assert streets.event(number, {"subject": "auditor", "role": "auditor"})["matches"] == []


def end(streets, case):
    """The centre hears that the department granted it."""
    now = datetime.now(UTC)
    seen = ledger.Observed(sequence=9, message_type="case.decided", state="granted", department=OWN, at=now)
    perform(streets.store("governance"), [Command(Key(LEDGER.name, case), "ended", lambda *_: [seen])], now)


def evidence(streets, number):
    return [(one["case_no"], one["result"], one["reason"]) for one in streets.event(number)["evidence"]]


def test_an_event_becomes_a_case_s_evidence_once_however_often_it_is_told(streets):
    case = streets.licence()
    number = streets.told()["event_no"]
    assert streets.offer(number, case)[0] == 200
    assert evidence(streets, number) == [(case, "", "")]
    for _ in range(3):
        streets.carry()
    assert evidence(streets, number) == [(case, "taken", "")]
    (taken,) = streets.case(case).evidence
    assert (taken.event_no, taken.summary) == (number, REPORT["description"])
    assert streets.offer(number, case)[0] == 409


def test_an_offer_that_was_lost_is_made_again(streets):
    case = streets.licence()
    number = streets.told()["event_no"]
    streets.offer(number, case)
    later = datetime.now(UTC) + timedelta(minutes=6)
    Supervision(streets.store("governance"), {GRID.name: of_grid_events}, clock=lambda: later).sweep({})
    newest = streets.aws.dynamodb.event("governance", start=len(streets.aws.dynamodb.streams["governance"]) - 1)
    streets.call("publisher", newest)
    streets.hear("approval", "collaboration-results")
    assert len(streets.case(case).evidence) == 1


def test_a_case_that_has_not_reached_the_department_takes_it_when_it_is_offered_again(streets):
    case = streets.apply(
        task_code="food-business-licence",
        form={**FORM, "area": 80},
        materials=["business-licence", "layout-plan", "safety-rules"],
    )
    streets.call("relay", streets.aws.dynamodb.event("intake"))
    number = streets.told()["event_no"]
    streets.offer(number, case)
    streets.carry()
    assert evidence(streets, number) == [(case, "", "")]
    streets.hear("acceptance", "applications")
    streets.carry()
    streets.carry()
    assert evidence(streets, number) == [(case, "taken", "")]


def test_a_case_that_ended_meanwhile_takes_no_evidence(streets):
    case = streets.licence()
    number = streets.told()["event_no"]
    streets.offer(number, case)
    ended = m.CaseDecided(case_no=case, department=OWN, outcome="withdrawn")
    now = datetime.now(UTC)
    perform(streets.store("department"), [Command(Key(CASE.name, case), "ended", lambda *_: [ended])], now)
    streets.carry()
    streets.carry()
    assert evidence(streets, number) == [(case, "not_taken", "case_ended")]
    assert streets.case(case).evidence == ()


def test_evidence_is_for_open_cases_in_the_centre_s_line(streets):
    mine, theirs = streets.licence(), streets.licence(place="990102001")
    number = streets.told()["event_no"]
    assert streets.offer(number, theirs)[0] == 404
    assert streets.offer(number, "20270301-990101001-AAAAAAAAAAAA-A")[0] == 404
    end(streets, mine)
    assert streets.offer(number, mine)[0] == 409


# ------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"category": "no-such"}, "category"),
        ({"place": "990101"}, "place"),
        ({"description": "业主电话13900000000"}, "description"),
        ({"occurred_at": "2999-01-01T00:00:00Z"}, "occurred_at"),
        ({"occurred_at": "2025-03-03T10:00:00"}, "occurred_at"),
        ({"coordinates": {"lat": 120.2, "lon": 30.1}}, "coordinates.lat"),
        ({"coordinates": {"lat": 61.0, "lon": 120.1, "datum": "GCJ-02"}}, "coordinates.lat"),
        ({"origin_no": "with spaces"}, "origin_no"),
        ({"sensor": ""}, "sensor"),
        ({"description": "长" * 1001}, "description"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_report_that_is_wrong_is_told_which_field_and_leaves_nothing(streets, changes, field):
    status, problem = streets.tell(**changes)
    assert status in (400, 422), problem
    assert [one["field"] for one in problem["errors"]] == [field]
    assert not streets.aws.dynamodb.tables.get("governance")


def test_a_centre_tells_of_its_own_towns_only(streets):
    words = {"origin": "grid", "sensor": ""}
    assert streets.tell(DISTRICT, **words)[0] == 201
    assert streets.tell(ELSEWHERE, **words)[0] == 404


def test_a_system_s_token_must_be_for_grid_events(streets):
    assert streets.tell({**GATEWAY, "scope": "exchange"})[0] == 403


def test_a_system_follows_and_calls_about_its_own_tickets_only(streets):
    number = streets.told(HOTLINE, origin="hotline", sensor="")["event_no"]
    assert streets.event(number, HOTLINE)["origin_no"] == REPORT["origin_no"]
    handled(streets, number)
    assert streets.call_back(number, GATEWAY, satisfied=True)[0] == 404
    assert streets.call_back(number, HOTLINE, satisfied=True)[0] == 200


def test_a_call_before_the_departments_are_done_is_not_possible_yet(streets):
    number = streets.told()["event_no"]
    assert streets.call_back(number, satisfied=True)[0] == 409


# ------------------------------------------------------------------ lists


def listed(streets, caller=TOWN, **query):
    status, page = streets.say("GET /api/grid-events", caller, query=query)
    assert status == 200, page
    return page


def test_a_centre_s_list_has_what_is_open_by_what_it_waits_for(streets):
    first = streets.told()["event_no"]
    handled(streets, first)
    second = streets.told(origin_no="S-2")["event_no"]
    assert [one["event_no"] for one in listed(streets)["events"]] == [second]
    assert [one["event_no"] for one in listed(streets, waiting_for="awaiting_call")["events"]] == [first]
    assert listed(streets, waiting_for="awaiting_call", overdue="true")["events"] == []
    streets.call_back(first, satisfied=True)
    assert listed(streets, waiting_for="awaiting_call")["events"] == []


def test_the_pages_of_a_district_are_the_lists_of_its_towns(streets):
    places = {"990101001": 3, "990101002": 2, "990102001": 1}
    for place, count in places.items():
        for n in range(count):
            streets.told(HOTLINE, origin="hotline", sensor="", origin_no=f"{place}-{n}", place=place)
    found, cursor = [], None
    while True:
        page = listed(streets, DISTRICT, limit="2", **({"cursor": cursor} if cursor else {}))
        assert len(page["events"]) <= 2
        found += [one["place"] for one in page["events"]]
        cursor = page["cursor"]
        if cursor is None:
            break
    assert found == ["990101001"] * 3 + ["990101002"] * 2


@pytest.mark.parametrize("query", [{"cursor": "990102001~"}, {"cursor": "990101001~x"}, {"waiting_for": "rain"}])
def test_a_list_refuses_what_it_did_not_say(streets, query):
    assert streets.say("GET /api/grid-events", DISTRICT, query=query)[0] == 422


def test_another_s_list_is_not_found(streets):
    assert streets.say("GET /api/grid-events", ELSEWHERE, query={"region": "990101"})[0] == 404
