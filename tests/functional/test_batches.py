"""批量: one act on many cases, a result for each; what fails stops nothing, and a repeated request changes nothing."""

import copy
import json

import pytest
from liangwang.aggregates import CASE, Key
from liangwang.fakes import Fault

from tests.functional.functions import Functions, golden
from tests.functional.test_department_access import OTHER
from tests.functional.test_desk import claimed, history, name, written

STEPS, OFFICER = "POST /api/cases/batch/steps", "POST /api/cases/batch/officer"
AGREE = {"step": "review", "opinion": "agree"}


@pytest.fixture
def functions():
    return Functions()


def sent(functions, route, body, *, key="", subject="clerk-1", role="clerk", department="D-990101-MARKET"):
    event = copy.deepcopy(golden("http_step"))
    event |= {"routeKey": route, "pathParameters": {}, "body": json.dumps(body)}
    event["requestContext"]["authorizer"]["lambda"] = {"subject": subject, "role": role, "department": department}
    event["headers"] = {"host": "api.example", **({"idempotency-key": key} if key else {})}
    return functions.http("approval", event)


def results(functions, route, body, **who):
    status, found = sent(functions, route, body, **who)
    assert status == 200, found
    return found["results"]


def state(functions, number):
    key = Key(CASE.name, name(number))
    return functions.store("department").load([key])[key].state


def numbers(*found):
    return [name(number) for number in found]


def test_each_case_has_its_result_and_one_that_fails_stops_no_other(functions):
    written(functions, history(1), claimed(2, "clerk-2"), history(3), history(4, department=OTHER))
    found = results(functions, STEPS, {"case_nos": numbers(1, 2, 9, 3, 4), **AGREE})
    assert [one["case_no"] for one in found] == numbers(1, 2, 9, 3, 4)
    assert [one["done"] for one in found] == [True, False, False, True, False]
    assert [one["problem"]["code"] for one in found if one["problem"]] == ["forbidden", "not_found", "not_found"]
    assert (found[0]["case"]["step"], state(functions, 3).done["review"].by) == ("approve", "clerk-1")
    assert state(functions, 4).done.keys() == history(4).state.done.keys()


def test_a_problem_of_one_case_names_the_field_and_the_fix(functions):
    written(functions, history(1))
    (found,) = results(functions, STEPS, {"case_nos": numbers(1), "step": "review", "opinion": "disagree"})
    assert [error["field"] for error in found["problem"]["errors"]] == ["explanation"]
    assert found["problem"]["title"]["zh"] and found["case"] is None


def test_a_batch_that_is_sent_again_gives_the_same_results_and_changes_nothing(functions):
    written(functions, history(1), claimed(2, "clerk-2"), history(3))
    body = {"case_nos": numbers(1, 2, 3), **AGREE}
    first = results(functions, STEPS, body, key="k")
    histories = [state(functions, number).version for number in (1, 2, 3)]
    assert results(functions, STEPS, body, key="k") == first
    assert [state(functions, number).version for number in (1, 2, 3)] == histories


def test_what_was_lost_on_the_way_is_done_once_when_the_batch_is_sent_again(functions):
    written(functions, *[history(number) for number in range(5)])
    body = {"case_nos": numbers(*range(5)), **AGREE}
    functions.aws.faults += [Fault("PutItem", "lost"), Fault("PutItem")]
    first = results(functions, STEPS, body, key="k")
    assert sorted({one["problem"]["code"] for one in first if one["problem"]}) == ["unforeseen"]
    assert all(one["done"] for one in results(functions, STEPS, body, key="k"))
    for number in range(5):
        assert len([one for one in state(functions, number).steps if one.by == "clerk-1"]) == 1


def test_the_same_key_for_another_batch_is_told(functions):
    written(functions, history(1))
    results(functions, OFFICER, {"case_nos": numbers(1), "step": "review"}, key="k")
    (found,) = results(functions, OFFICER, {"case_nos": numbers(1), "step": "review", "officer": ""}, key="k")
    assert (found["done"], found["problem"]["code"]) == (False, "idempotency_key_reused")


def test_all_cases_are_read_at_once_and_each_is_one_write(functions):
    written(functions, *[history(number) for number in range(50)])
    before = len(functions.aws.calls)
    assert sent(functions, STEPS, {"case_nos": numbers(*range(50)), **AGREE})[1]["failed"] == 0
    operations = [operation for _, operation, _ in functions.aws.calls[before:]]
    assert sorted(operations) == ["BatchGetItem", *["PutItem"] * 50]


def test_many_cases_are_claimed_and_given_at_once(functions):
    written(functions, history(1), claimed(2, "clerk-2"))
    found = results(functions, OFFICER, {"case_nos": numbers(1, 2), "step": "review"})
    assert [one["done"] for one in found] == [True, False]
    head = {"role": "supervisor", "subject": "head-1"}
    body = {"case_nos": numbers(1, 2), "step": "review", "officer": "clerk-7", "reason": "示例"}
    assert all(one["done"] for one in results(functions, OFFICER, body, **head))
    assert [state(functions, number).officers for number in (1, 2)] == [{"review": "clerk-7"}] * 2


@pytest.mark.parametrize(
    ("case_nos", "field"), [([], "case_nos"), (numbers(*range(51)), "case_nos"), (numbers(1, 2, 1), "case_nos[2]")]
)
def test_a_batch_is_of_one_to_fifty_different_cases(functions, case_nos, field):
    status, problem = sent(functions, STEPS, {"case_nos": case_nos, **AGREE})
    assert (status, problem["errors"][0]["field"]) in ((422, field), (400, field))
