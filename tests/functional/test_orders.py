"""A case that nobody finishes: what its officers, their supervisor and the centres above hear of it, and an order's answer."""

import pytest
from liangwang.aggregates import CASE, LEDGER
from liangwang.domain.errors import Invalid, NotFound, NotNow
from liangwang.http import Caller, Request
from liangwang.services.orders import Answer

from tests.functional.city import City

ITEM = "drainage-permit"
PLACE = "990101001"


@pytest.fixture
def city():
    """A city in which a case waits for its officers."""
    city = City()
    city.case_no = city.apply(ITEM, place=PLACE)
    city.sweep("relay")
    city.pump()
    return city


def asks(city, role, *, body=None, path=None, query=None, **where):
    """A request of an official."""
    return Request(
        route="orders",
        caller=Caller(subject=f"{role}-1", role=role, **where),
        path=path or {},
        query=query or {},
        headers={},
        body=body,
        now=city.now,
    )


def live(city, days):
    """Days go by: every evening the sweep, and what it says is carried."""
    for _ in range(days):
        city.later(days=1)
        city.sweep("department")
        city.pump()


def case(city):
    """The case at its department."""
    return city.state("department", CASE, city.case_no)


def orders(city, **query):
    """What the supervisor of the case's department has before them."""
    found = city.orders.orders(asks(city, "supervisor", department=case(city).department, query=query))
    return [(one.rule, one.stage, one.answered) for one in found.orders]


def before(city, region):
    """The cases before a centre, as its operator sees them."""
    found = city.oversight.overdue(asks(city, "operator", region=region))
    return {one.case_no: [raised.order for raised in one.raised] for one in found.cases}


def answer(city, order="JD-06", result="下周一前办结", **where):
    """The department's supervisor answers an order."""
    path = {"case_no": city.case_no, "order": order}
    where = where or {"department": case(city).department}
    return city.orders.answer(asks(city, "supervisor", body=Answer(result=result), path=path, **where))


def test_a_case_in_time_is_nobody_s_business_but_its_officers(city):
    live(city, 4)
    assert orders(city) == [] and before(city, "990101") == {}
    assert city.state("governance", LEDGER, city.case_no).raised == {}


def test_an_overdue_case_is_before_its_supervisor_and_the_centre_of_the_region(city):
    region = city.catalogue.organisation.department[case(city).department].region
    live(city, 16)
    assert ("JD-05", "escalate", False) in orders(city)
    assert city.case_no in before(city, region)


def test_the_city_sees_what_came_up_to_it(city):
    live(city, 40)
    assert "JD-05" in before(city, "990100")[city.case_no]


def test_an_order_is_answered_and_the_centre_reads_the_answer(city):
    live(city, 29)
    assert ("JD-06", "order", False) in orders(city)
    given = answer(city)
    assert (given.answered, given.result) == (True, "下周一前办结")
    city.pump()
    entry = city.state("governance", LEDGER, city.case_no)
    assert entry.answers == {"JD-06": "下周一前办结"}
    assert "JD-06" not in [rule for rule, *_ in orders(city)]
    with pytest.raises(NotNow):
        answer(city, result="again")


def test_an_order_of_another_department_or_one_that_was_never_given_is_not_found(city):
    live(city, 29)
    with pytest.raises(NotFound):
        answer(city, department="D-990102-MARKET")
    with pytest.raises(NotFound):
        answer(city, order="JD-99")
    with pytest.raises(Invalid):
        answer(city, result="")


def test_what_is_finished_leaves_all_lists_but_an_order_still_wants_its_answer(city):
    live(city, 29)
    while case(city).status == "in_review":
        city.do_step(city.case_no)
    city.pump()
    assert orders(city) == [("JD-06", "order", False)]
    answer(city)
    city.pump()
    assert orders(city) == []
    assert all(city.case_no not in before(city, region) for region in city.catalogue.organisation.region)


def test_nothing_of_it_is_told_to_the_citizen(city):
    told = case(city).told
    live(city, 40)
    assert case(city).told == told
    assert not [line for line in city.follow(city.case_no).timeline if "supervised" in line.event]


def test_a_message_that_comes_twice_or_again_after_a_wiped_broker_is_entered_once(city):
    live(city, 29)
    entry = city.state("governance", LEDGER, city.case_no)
    city.wipe_broker()
    city.streamed["department"] = 0
    city.pump()
    assert city.state("governance", LEDGER, city.case_no) == entry


def test_a_case_that_never_turns_yellow_is_written_as_often_as_ever(city):
    while case(city).status == "in_review":
        city.do_step(city.case_no)
    city.pump()
    writes = city.aws.dynamodb.streams["department"]
    assert len(writes) == 3, "received and accepted in one, then a write a step"
    shown = [record["dynamodb"]["NewImage"].get("wake_at") for record in writes]
    assert shown[0] == shown[1] and shown[2] is None, "one entry comes into the index of what is due, and goes"
    assert not any("holder" in record["dynamodb"]["NewImage"] for record in writes)
    city.later(days=400)
    city.sweep("department")
    assert len(city.aws.dynamodb.streams["department"]) == len(writes)


def test_a_list_of_a_centre_that_is_not_mine_is_not_found(city):
    with pytest.raises(NotFound):
        city.oversight.overdue(asks(city, "operator", region="990102", query={"region": "990101"}))
    with pytest.raises(Invalid):
        city.oversight.overdue(asks(city, "auditor"))
