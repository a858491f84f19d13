"""One case at a time through the three systems, nothing going wrong: what each kind of case comes to."""

import pytest
from liangwang.aggregates import APPLICATION, CASE, COLLABORATION, LEDGER, TASK
from liangwang.domain.errors import Invalid, NotNow

from tests.functional.city import City


@pytest.fixture
def city():
    return City()


def events(city, system, kind, identity):
    return [recorded.event.__struct_config__.tag for recorded in city.history(system, kind, identity)]


def test_an_instant_item_is_granted_without_any_person(city):
    case_no = city.apply("elderly-card")
    city.pump()
    assert city.endings(case_no) == ("granted",) * 3
    assert city.follow(case_no).decision.certificate_no == f"{case_no}-Z"


def test_a_case_that_needs_nothing_else_costs_two_writes_at_the_department(city):
    case_no = city.apply("elderly-card")
    city.pump()
    puts = [request["Item"]["pk"]["S"] for _, operation, request in city.aws.calls if operation == "PutItem"]
    assert puts.count(f"case#{case_no}") == 1
    assert len(puts) <= 10


def test_an_ineligible_applicant_is_refused_with_the_reason(city):
    case_no = city.apply("elderly-card", form={"birth_year": 2000})
    city.pump()
    assert city.endings(case_no) == ("refused",) * 3
    assert "65" in city.follow(case_no).timeline[-1].text.en


def test_what_is_missing_is_asked_for_once_and_the_case_goes_on(city):
    case_no = city.apply("elderly-card", without=("photo",))
    city.pump()
    view = city.follow(case_no)
    assert (view.status, [point.field for point in view.notice.points]) == ("supplementing", ["photo"])
    city.supplement(case_no, materials=["photo"])
    city.pump()
    assert city.endings(case_no) == ("granted",) * 3


def test_a_notice_is_answered_point_by_point_and_nothing_else_is_taken(city):
    case_no = city.apply("elderly-card", form={"birth_year": 1900}, without=("photo", "identity-card"))
    city.pump()
    assert {point.field for point in city.follow(case_no).notice.points} == {"photo", "identity-card", "birth_year"}
    with pytest.raises(Invalid) as refused:
        city.supplement(case_no, materials=["photo", "residence-proof"], form={"collection": "post"}, key="short")
    fields = {one.field for one in refused.value.violations}
    assert fields == {"materials.identity-card", "form.birth_year", "form.collection", "materials.residence-proof"}
    city.supplement(case_no, materials=["photo", "identity-card"], form={"birth_year": 1950})
    city.pump()
    assert city.endings(case_no) == ("granted",) * 3


def test_a_withdrawal_while_a_supplement_is_awaited_ends_the_case_and_after_the_end_there_is_none(city):
    case_no = city.apply("elderly-card", without=("photo",))
    city.pump()
    city.withdraw(case_no)
    with pytest.raises(NotNow):
        city.supplement(case_no, materials=["photo"])
    city.pump()
    assert city.endings(case_no) == ("withdrawn",) * 3
    with pytest.raises(NotNow):
        city.withdraw(case_no, key="again")


def test_clerks_complete_the_steps_that_need_a_person(city):
    case_no = city.apply("food-business-licence")
    city.pump()
    assert city.open_cases() == [case_no]
    city.do_step(case_no)
    city.do_step(case_no)
    city.pump()
    assert city.endings(case_no) == ("granted",) * 3


def test_a_case_that_goes_back_is_done_again_and_the_citizen_hears_of_it(city):
    case_no = city.apply("construction-permit")
    city.pump()
    city.do_acceptance(case_no)
    city.do_step(case_no)
    city.do_step(case_no)
    city.go_back(case_no, "approve", "review-drawings", subject="head", role="supervisor")
    city.pump()
    assert city.endings(case_no) == (None,) * 3
    told = events(city, "department", CASE, case_no)
    assert told[-3:] == ["approval.step_returned", "step.assigned", "step.opened"]
    texts = [entry.text.zh for entry in city.follow(case_no).timeline]
    assert any("退回" in text for text in texts)
    city.do_step(case_no)
    city.do_step(case_no)
    city.pump()
    assert city.endings(case_no) == ("granted",) * 3


def test_a_clerk_who_disagrees_denies_the_case(city):
    case_no = city.apply("food-business-licence")
    city.pump()
    city.do_step(case_no, "disagree")
    city.pump()
    assert city.endings(case_no) == ("denied",) * 3
    assert city.follow(case_no).decision.reasons[0].zh == "as the file says"


@pytest.mark.parametrize(
    ("task_code", "form", "departments"),
    [
        ("food-business-licence", {"area": 150, "gas_kitchen": False}, 1),
        ("food-business-licence", {"area": 150, "gas_kitchen": True}, 2),
        ("food-business-licence", {"area": 1500}, 3),
    ],
)
def test_other_departments_are_asked_and_the_case_goes_on_when_all_have_answered(city, task_code, form, departments):
    case_no = city.apply(task_code, form=form)
    city.pump()
    tasks = city.open_tasks()
    assert len(tasks) == departments
    for task_id in tasks:
        assert not city.open_cases(), "approval waits for every answer"
        city.do_task(task_id, "sign")
        city.do_task(task_id, "agree")
        city.pump()
    city.do_step(case_no)
    city.do_step(case_no)
    city.pump()
    assert city.endings(case_no) == ("granted",) * 3


def test_one_objection_is_enough_where_all_must_agree(city):
    case_no = city.apply("food-business-licence", form={"area": 150, "gas_kitchen": True})
    city.pump()
    first, second = city.open_tasks()
    city.do_task(first, "disagree")
    city.pump()
    assert city.endings(case_no) == (None, None, None), "all is asked first, so that every objection is told at once"
    city.do_task(second, "agree")
    city.pump()
    assert city.endings(case_no) == ("denied",) * 3


def test_a_quorum_goes_on_without_the_last_and_recalls_its_task(city):
    case_no = city.apply("outdoor-advertisement", form={"area": 30}, more=["structure-drawing"])
    city.pump()
    first, second, last = city.open_tasks()
    for task_id in (first, second):
        city.do_task(task_id, "agree")
    city.pump()
    assert city.state("department", TASK, last).status == "stopped"
    assert city.open_cases() == [case_no]


def test_a_declined_task_goes_to_another_department(city):
    case_no = city.apply("food-business-licence", form={"area": 150, "gas_kitchen": True})
    city.pump()
    fire, _ = city.open_tasks()
    city.do_task(fire, "decline")
    city.pump()
    event = city.state("governance", COLLABORATION, f"{case_no}-gas-kitchen-check")
    takers = [task.dispatched.department for task in event.tasks if task.dispatched.ask.capability == "fire-inspection"]
    assert takers == ["D-990101-FIRE", "D-990100-FIRE"]


def test_a_withdrawal_ends_the_case_and_stops_those_who_help(city):
    case_no = city.apply("food-business-licence", form={"area": 150, "gas_kitchen": True})
    city.pump()
    tasks = city.open_tasks()
    city.withdraw(case_no)
    city.pump()
    assert city.endings(case_no) == ("withdrawn",) * 3
    assert {city.state("department", TASK, task).status for task in tasks} == {"stopped"}


def test_personal_data_crosses_the_bus_sealed(city):
    city.apply("elderly-card")
    city.pump()
    for topic in city.producer.logs:
        for record in city.producer.records(topic):
            assert "张示例".encode() not in record.value and b"990101195001010000" not in record.value


def test_all_messages_of_a_case_have_its_number_as_their_key(city):
    case_no = city.apply("food-business-licence", form={"area": 150, "gas_kitchen": True})
    city.settle()
    keys = {record.key for topic in city.producer.logs for record in city.producer.records(topic)}
    assert keys == {case_no}


def test_each_system_keeps_its_own_kinds_of_items(city):
    city.apply("food-business-licence", form={"area": 150, "gas_kitchen": True})
    city.settle()
    kinds = {name: {pk.partition("#")[0] for pk in table} for name, table in city.aws.dynamodb.tables.items()}
    assert kinds == {
        "intake": {APPLICATION.name},
        "governance": {COLLABORATION.name, LEDGER.name},
        "department": {CASE.name, TASK.name},
    }
