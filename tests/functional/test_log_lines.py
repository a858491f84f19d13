"""What functions write into their logs over the whole way of many cases: cases and traces, and nothing of a person."""

import json

import pytest
from liangwang.fakes import kafka_event
from liangwang.tracing import trace_id

from tests.functional.city import City
from tests.functional.functions import Functions, golden


def personal_values(catalogue):
    """Every personal value in the items' examples: what citizens of the demo and of these tests apply with."""
    return {
        str(value)
        for item in catalogue.items.values()
        for name, value in item.example.form.items()
        if name in item.personal and len(str(value)) > 1
    }


@pytest.fixture
def lines(capfdbinary):
    """The log lines so far, as bytes and as objects."""

    def read():
        output = capfdbinary.readouterr().out
        return output, [json.loads(line) for line in output.splitlines() if line.startswith(b"{")]

    return read


def whole_way():
    """Every item once, with what people do in between: steps, tasks, a supplement, a withdrawal, asks repeated."""
    city = City()
    for item in city.catalogue.items.values():
        city.apply(item.task_code, key=item.task_code)
    lacking = city.apply("food-business-licence", without=("layout-plan",), key="lacking")
    city.pump()
    city.supplement(lacking, materials=("layout-plan",))
    gone = city.apply("food-business-licence", key="gone")
    city.pump()
    city.withdraw(gone)
    assert city.settle()
    return city


def test_no_personal_value_gets_into_any_line(lines, catalogue):
    whole_way()
    output, found = lines()
    assert len(found) > 30
    text = output.decode() + json.dumps(found, ensure_ascii=False)
    values = personal_values(catalogue)
    assert {"张示例", "13800000000"} <= values
    assert [value for value in values if value in text] == []


def test_every_line_of_a_function_that_handled_cases_names_them_and_their_trace(lines):
    whole_way()
    _, found = lines()
    worked = [
        line
        for line in found
        if line.get("records", 0) > line.get("skipped", 0)
        or line.get("carried")
        or line.get("sent")
        or line.get("woken")
    ]
    assert {"relay", "publisher"} < {line["function"] for line in worked}
    for line in worked:
        named = line["case_no"] if isinstance(line["case_no"], list) else [line["case_no"]]
        traces = line["trace"] if isinstance(line["trace"], list) else [line["trace"]]
        assert traces == [trace_id(case) for case in named], line


def test_a_request_about_a_case_names_it_beside_the_gateway_s_trace(lines):
    functions = Functions()
    event = golden("http_apply")
    event["headers"]["x-amzn-trace-id"] = "Root=1-67891233-abcdef012345678912345678"
    status, view = functions.http("intake", event)
    assert status == 201
    line = next(line for line in lines()[1] if line.get("function") == "intake")
    assert line["case_no"] == view["case_no"] and line["trace"] == trace_id(view["case_no"])
    assert line["request_trace"] == "1-67891233-abcdef012345678912345678"


@pytest.mark.parametrize("poison", [b"\xff\xfe", "张示例 13800000000".encode(), b'{"phone": "13800000000"}'])
def test_a_record_that_is_no_message_does_not_get_its_content_into_the_log(lines, poison):
    functions = Functions()
    functions.producer.append("applications", "k", poison)
    functions.call("acceptance", kafka_event(functions.producer.records("applications")))
    output, _ = lines()
    assert b"13800000000" not in output and "张示例".encode() not in output


@pytest.mark.parametrize("sent", ["13800000000", {"task_code": "13800000000", "place": "张示例", "form": {"phone": 1}}])
def test_a_refused_request_does_not_get_its_content_into_the_log(lines, sent):
    functions = Functions()
    event = golden("http_apply")
    event["body"] = json.dumps(sent)
    status, _ = functions.http("intake", event)
    output, _ = lines()
    assert status in (400, 422)
    assert b"13800000000" not in output and "张示例".encode() not in output
