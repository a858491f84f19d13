"""统计: what a department did in a time, as the deployed functions count it; and a rating's way to the department."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from liangwang.aggregates import APPLICATION, CASE, Key
from liangwang.domain.case_no import SHANGHAI
from liangwang.fakes import Fault, kafka_event

from tests.functional.citizens import ACCEPTED, CITIZEN, GRANTED, Citizens
from tests.functional.functions import Functions, golden
from tests.functional.test_department_access import OTHER, OWN, applied, carried
from tests.functional.test_desk import claimed, history, written

ROUTE = "GET /api/statistics"
TODAY = datetime.now(UTC).astimezone(SHANGHAI).date()


@pytest.fixture
def functions():
    return Functions()


def asked(functions, query=None, *, role="supervisor", department=OWN, region=""):
    who = {"subject": f"{role}-1", "role": role, "department": department, "region": region}
    event = golden("http_step") | {"routeKey": ROUTE, "pathParameters": {}, "queryStringParameters": query or {}}
    event["body"] = ""
    event["requestContext"]["authorizer"]["lambda"] = {name: value for name, value in who.items() if value}
    return functions.http("statistics", event)


def counts(functions, query=None, **who):
    status, view = asked(functions, query, **who)
    assert status == 200, view
    (department,) = view["departments"]
    return {name: count for name, count in department["counts"].items() if count}


def audited(functions, *, start=0, stop=None):
    assert functions.call("audit", functions.aws.dynamodb.event("department", start=start, stop=stop)) == {
        "batchItemFailures": []
    }


def test_what_the_stream_tells_is_counted_once_however_often_it_tells_it(functions):
    for _ in range(3):
        applied(functions)
    carried(functions)
    for _ in range(2):
        audited(functions)
    audited(functions, start=1, stop=2)
    assert counts(functions) == {"received": 3, "accepted": 3}


def test_the_counts_are_by_item_and_by_day(functions):
    applied(functions)
    carried(functions)
    audited(functions)
    (department,) = asked(functions, {"from": TODAY.isoformat(), "to": TODAY.isoformat()})[1]["departments"]
    (item,) = department["items"]
    assert (item["task_code"], item["counts"]["received"]) == ("food-business-licence", 1)
    yesterday = (TODAY - timedelta(days=1)).isoformat()
    assert counts(functions, {"from": yesterday, "to": yesterday}) == {}


def test_what_is_open_now_is_told_by_state_and_light(functions):
    written(functions, history(1), claimed(2, "clerk-1"), history(3, days=300), history(4, department=OTHER))
    (department,) = asked(functions, {"now": "true"})[1]["departments"]
    assert department["now"] == {"status": {"in_review": 3}, "light": {"green": 2, "overdue": 1}}


def test_supervisors_see_their_own_department_operators_their_region_and_auditors_any(functions):
    assert asked(functions, {"department": OTHER})[0] == 404
    assert asked(functions, role="clerk")[0] == 403
    status, view = asked(functions, role="operator", department="", region="990101")
    codes = [department["department"] for department in view["departments"]]
    assert status == 200 and OWN in codes and OTHER not in codes
    assert asked(functions, {"department": OTHER}, role="operator", department="", region="990101")[0] == 404
    assert asked(functions, {"department": OTHER}, role="auditor", department="")[0] == 200


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "yesterday"}, "from"),
        ({"to": "2027-13-01"}, "to"),
        ({"from": "2027-03-02", "to": "2027-03-01"}, "to"),
        ({"from": "2020-01-01", "to": "2027-03-01"}, "to"),
    ],
)
def test_what_is_no_time_is_named_with_the_fix(functions, query, field):
    status, problem = asked(functions, query)
    assert (status, problem["errors"][0]["field"]) == (422, field)


def test_a_fault_of_counting_does_not_keep_the_audit_trail_waiting(functions):
    applied(functions)
    carried(functions)
    event = functions.aws.dynamodb.event("department")
    functions.aws.faults.append(Fault("BatchGetItem"))
    with pytest.raises(Exception, match="Throttling"):
        functions.call("audit", event)
    assert any(key for key in functions.aws.dynamodb.tables["audit"])
    audited(functions)
    assert counts(functions) == {"received": 1, "accepted": 1}


# ------------------------------------------------------------------ ratings


class City(Citizens):
    """Citizens' functions, and what carries their words to departments."""

    def rate(self, number, code):
        body = {"rating": code, "tags": [], "comment": "示例"}
        status, view = self.ask(
            "feedback", "POST /api/applications/{case_no}/rating", CITIZEN, body=body, case_no=number
        )
        assert status == 201, view

    def application(self, number):
        return self.store("intake").load([Key(APPLICATION.name, number)])[Key(APPLICATION.name, number)].state

    def case(self, number):
        return self.store("department").load([Key(CASE.name, number)])[Key(CASE.name, number)].state

    def carry(self):
        self.call("relay", self.aws.dynamodb.event("intake"))
        self.call("acceptance", kafka_event(self.producer.records("applications")))


def test_a_rating_reaches_the_department_without_the_applicants_words_and_is_counted_there():
    city = City()
    number = city.apply()
    city.carry()
    assert city.case(number).status == "granted"
    city.tell(number, ACCEPTED, GRANTED)
    city.rate(number, 2)
    city.follow_all()
    city.carry()
    assert (city.case(number).rating, city.case(number).status) == (2, "granted")
    assert "示例" not in json.dumps([str(record) for record in city.producer.records("applications")][-1:])
    audited(city)
    department = city.case(number).department
    found = counts(city, {"department": department}, role="auditor", department="")
    assert (found["granted"], found["rated_2"]) == (1, 1)


def test_a_rating_that_comes_again_is_told_once():
    city = City()
    number = city.apply()
    city.carry()
    city.tell(number, ACCEPTED, GRANTED)
    city.rate(number, 5)
    city.follow_all()
    city.follow(again=1000)
    said = [message for _, _, message in city.application(number).outgoing]
    assert [type(message).__name__ for message in said] == ["ApplicationSubmitted", "ApplicationRated"]
    for _ in range(2):
        city.carry()
    history = city.store("department").load([Key(CASE.name, number)])[Key(CASE.name, number)].history
    assert [type(one.event).__name__ for one in history].count("RatingReceived") == 1


def test_an_ended_case_is_not_at_rest_until_its_rating_was_carried():
    city = City()
    number = city.apply()
    city.carry()
    city.tell(number, ACCEPTED, GRANTED)
    assert city.application(number).is_at_rest
    city.rate(number, 1)
    city.follow_all()
    state = city.application(number)
    assert not state.is_at_rest and state.pending
    item = city.aws.dynamodb.tables["intake"][f"application#{number}"]
    assert "wake_at" in item and item["pending"] == {"N": "1"}
    city.carry()
    assert city.application(number).is_at_rest
    item = city.aws.dynamodb.tables["intake"][f"application#{number}"]
    assert "wake_at" not in item and "pending" not in item
