"""Log lines: which cases they are about, the traces these belong to, and what never gets in."""

import json
import threading

import pytest
from liangwang import log
from liangwang.aggregates import APPLICATION, PERSON_KEY, TASK, Key, cases_of
from liangwang.domain.patience import Patience
from liangwang.envelope import wrap
from liangwang.fakes import FakeAws
from liangwang.store import Store
from liangwang.tracing import request_trace, trace_id

from tests.unit.samples import NOON, submitted

NUMBER = "20270301-990101001-4K7Q2M9XW3TC-M"
ROOT = "1-67891233-abcdef012345678912345678"


@pytest.fixture
def lines(capfdbinary):
    return lambda: [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]


def test_a_line_about_one_case_names_it_and_its_trace(lines):
    with log.invocation("x"):
        log.about([NUMBER])
        log.about([NUMBER])
    (line,) = lines()
    assert (line["case_no"], line["trace"]) == (NUMBER, trace_id(NUMBER))


def test_a_line_about_many_names_the_first_and_counts_all(lines):
    cases = [f"{NUMBER}{n}" for n in range(50)]
    with log.invocation("x"):
        log.about(cases)
    (line,) = lines()
    assert line["case_no"] == cases[: log.NAMED] and line["cases"] == 50
    assert line["trace"] == [trace_id(case) for case in cases[: log.NAMED]]


def test_a_line_about_no_case_says_nothing_of_any(lines):
    with log.invocation("x"):
        pass
    assert not {"case_no", "cases", "trace"} & lines()[0].keys()


def test_a_line_that_ends_in_an_error_names_its_case_too(lines):
    with pytest.raises(RuntimeError), log.invocation("x"):
        log.about([NUMBER])
        raise RuntimeError("boom")
    assert lines()[0]["case_no"] == NUMBER


@pytest.mark.parametrize("value", ["13800000000", "99010119500101000X", "990101195001010000"])
def test_what_an_error_quotes_of_a_person_is_blotted_out(lines, value):
    with pytest.raises(KeyError), log.invocation("x"):
        raise KeyError(value)
    log.write(function="x", errors=[f"no such {value}, sorry"], failed={"east-town": f"status 500: {value}"})
    first, second = lines()
    assert first["error"] == "KeyError('****')" and second["errors"] == ["no such ****, sorry"]
    assert second["failed"] == {"east-town": "status 500: ****"}


@pytest.mark.parametrize("value", [NUMBER, ROOT, trace_id(NUMBER), "1773284645000", "AES-256-GCM.1.x", "138000000001"])
def test_what_is_no_person_s_number_stays(lines, value):
    log.write(function="x", what=value)
    assert lines()[0]["what"] == value


def test_two_invocations_at_once_keep_their_cases_apart(lines):
    def invoke(case):
        with log.invocation(case):
            barrier.wait()
            log.about([case])

    barrier = threading.Barrier(4)
    threads = [threading.Thread(target=invoke, args=(f"case-{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(line["case_no"] == line["function"] for line in lines())


def test_messages_and_lines_of_a_case_meet_in_one_trace():
    message = wrap(submitted(case_no=NUMBER), id=f"intake/{NUMBER}/2", time=NOON)
    assert message.traceparent.split("-")[1] == trace_id(NUMBER)


def test_tasks_belong_to_the_case_their_id_begins_with():
    keys = [Key(TASK.name, f"{NUMBER}-fire-T1"), Key(APPLICATION.name, NUMBER), Key(PERSON_KEY.name, "zhang")]
    assert cases_of(keys) == [NUMBER, NUMBER]


def test_what_somebody_typed_into_an_address_is_no_case(lines):
    """Only what was found is named: an id of ours, not whatever a caller asked for."""
    with log.invocation("x"):
        Store(FakeAws(), "intake", patience=Patience()).load([Key(APPLICATION.name, "13800000000")])
    assert "case_no" not in lines()[0]


@pytest.mark.parametrize(
    "header", [f"Root={ROOT}", f"Self=1-2;Root={ROOT};Sampled=1", f"Root={ROOT};Parent=53995c3f42cd8ad8"]
)
def test_the_gateway_s_own_trace_is_taken_over(header):
    assert request_trace({"x-amzn-trace-id": header}) == {"request_trace": ROOT}


@pytest.mark.parametrize("header", ["", "13800000000", "Root=张示例", f"Root={ROOT}0", "x" * 100_000])
def test_a_header_that_holds_something_else_is_not(header):
    assert request_trace({"x-amzn-trace-id": header}) == {}
