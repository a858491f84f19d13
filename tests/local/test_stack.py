"""A whole stack: one request through every kind of trigger, crashes healed, nothing left behind."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
import uuid

import msgspec
import pytest

from local import config as configuration
from local import processes, scheduler
from local.config import StartError
from local.stack import Stack, stop_running
from local.template import TemplateError
from tests.waiting import eventually

from .conftest import sample_config


def call(stack, method, path, body=None, **headers):
    """Status and body of one request to the gateway."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(stack.gateway_url + path, data, headers, method=method)
    request.add_header("content-type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def answered(stack, *request):
    """The status of a call; None while a gateway that was killed is still between two lives."""
    try:
        return call(stack, *request)[0]
    except OSError:
        return None


def arrives(stack, text="hello"):
    """Send a note over HTTP -> table -> stream -> Kafka -> ledger, and wait for it."""
    key = str(uuid.uuid4())
    eventually(lambda: answered(stack, "POST", f"/notes/{key}", {"text": text, "send": 1}) == 201)
    _, body = eventually(lambda: (got := call(stack, "GET", f"/ledger/{key}"))[0] == 200 and got, seconds=40)
    return json.loads(body)["text"]


def test_a_note_passes_every_kind_of_trigger(stack):
    assert arrives(stack, "hello") == "hello"


def test_the_gateway_authorizes(stack):
    assert call(stack, "GET", "/who", authorization="Li") == (200, b'{"who":"Li"}')
    assert call(stack, "GET", "/who")[0] == 403


def test_a_body_past_10_mb_is_refused_and_the_connection_goes_on(stack):
    connection = http.client.HTTPConnection("127.0.0.1", stack.config.gateway_port, timeout=20)
    connection.request("POST", "/notes/large", b"x" * (10 * 1024 * 1024 + 1))
    answer = connection.getresponse()
    assert (answer.status, json.loads(answer.read())) == (413, {"message": "Request Entity Too Large"})
    connection.request("GET", "/who", headers={"authorization": "Li"})
    assert connection.getresponse().read() == b'{"who":"Li"}'
    connection.close()


def test_a_call_about_a_hundred_cases_fits_the_request_line(stack):
    cases = "&".join(["case_no=20310101-990101001-4K7Q2M9XW3TC-M"] * 100)
    assert call(stack, "GET", f"/who?limit=100&{cases}", authorization="Li") == (200, b'{"who":"Li"}')


def test_the_schedule_runs(stack):
    eventually(lambda: call(stack, "GET", "/ledger/ticks")[0] == 200)


def test_a_poison_record_does_not_stop_its_neighbours(stack):
    key = str(uuid.uuid4())
    call(stack, "POST", f"/notes/{key}", {"text": "raise", "send": 1})
    call(stack, "POST", f"/notes/{key}-2", {"text": "poison", "send": 1})
    assert arrives(stack, "after the poison") == "after the poison"


@pytest.mark.parametrize("process", ["broker", "runner", "gateway"])
def test_a_killed_process_comes_back_and_the_system_goes_on(stack, process):
    dead = stack.kill(process)
    stack.await_restart(process, dead)
    eventually(lambda: processes.port_answers(stack.config.gateway_port))
    assert arrives(stack, f"after {process}") == f"after {process}"
    assert stack.description()["processes"][process]["restarts"] >= 1


def test_status_tells_processes_tables_and_triggers(stack):
    from local import status

    arrives(stack)
    found = status.collect(stack)
    assert {name for name, process in found["processes"].items() if process["running"]} == {
        "emulator",
        "broker",
        "gateway",
        "runner",
    }
    assert set(found["tables"]) == {"NotesTable", "LedgerTable"}
    assert set(found["sources"]) == {"LedgerFunction.Notes", "OutboxFunction.Notes", "TickerFunction.Tick"}
    eventually(lambda: status.collect(stack)["sources"]["LedgerFunction.Notes"]["lag"] == 0)


def test_a_second_start_joins_the_running_stack(stack):
    joined = Stack(stack.config).start()
    assert not joined.started_here
    joined.stop()
    assert stack.alive()


def left_behind(config):
    """Processes and ports of a stack that are still there."""
    ports = (config.gateway_port, config.emulator_port, config.broker_port)
    found = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    mine = [line for line in found.splitlines() if str(config.state) in line or f"--port {config.broker_port}" in line]
    return mine + [port for port in ports if not processes.port_is_free(port)]


def test_a_stopped_stack_leaves_no_process_and_no_port(tmp_path):
    config = sample_config(tmp_path)
    with Stack(config) as stack:
        pids = [process["pid"] for process in stack.description()["processes"].values()]
        assert all(processes.is_running(pid) for pid in pids)
    assert left_behind(config) == []
    assert not any(processes.is_running(pid) for pid in pids)


def test_a_supervisor_killed_by_force_takes_its_children_along(tmp_path):
    config = sample_config(tmp_path)
    with Stack(config) as stack:
        os.kill(stack.description()["pid"], signal.SIGKILL)
        eventually(lambda: left_behind(config) == [], what="an empty process list")


def test_a_starter_killed_by_force_takes_the_stack_along(tmp_path):
    config = sample_config(tmp_path)
    configuration.save(config)
    starter = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time, pathlib\nfrom local import config\nfrom local.stack import Stack\n"
            "Stack(config.load(pathlib.Path(sys.argv[1]))).start()\ntime.sleep(600)",
            str(tmp_path),
        ],
        env={**os.environ, **config.environment()},
    )
    stack = Stack(config)
    eventually(lambda: stack.alive() and stack.description()["ready"])
    starter.kill()
    starter.wait()
    eventually(lambda: left_behind(config) == [], what="an empty process list")


def test_down_stops_whoever_started_it(tmp_path):
    config = sample_config(tmp_path)
    with Stack(config):
        assert stop_running(config)
        eventually(lambda: left_behind(config) == [])
    assert not stop_running(config)


def test_a_busy_port_is_one_line_that_names_the_fix(tmp_path):
    config = sample_config(tmp_path)
    with socket.socket() as other:
        other.bind(("127.0.0.1", config.broker_port))
        other.listen()
        with pytest.raises(StartError) as raised:
            Stack(config).start()
    line = str(raised.value)
    assert str(config.broker_port) in line
    assert "LOCAL_BROKER_PORT" in line
    assert "\n" not in line
    assert left_behind(config) == []


def test_a_child_that_cannot_start_is_named_with_its_reason(tmp_path):
    """Its template names a function without a file."""
    config = sample_config(tmp_path)
    broken = tmp_path / "template.yaml"
    broken.write_text(
        "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      CodeUri: nowhere\n"
        "      Events: {Tick: {Type: ScheduleV2, Properties: {ScheduleExpression: rate(1 minute)}}}\n"
    )
    with pytest.raises(StartError, match=r"runner ended at start.*no file"):
        Stack(msgspec.structs.replace(config, template=broken)).start()
    assert left_behind(config) == []


@pytest.mark.parametrize(
    ("expression", "seconds"), [("rate(1 minute)", 60), ("rate(5 minutes)", 300), ("rate(2 hours)", 7200)]
)
def test_rates(expression, seconds):
    assert scheduler.rate_seconds(expression, place="F.E") == seconds


@pytest.mark.parametrize("expression", ["cron(0 12 * * ? *)", "at(2026-01-01T00:00:00)", "rate(0 minutes)", "rate(1)"])
def test_other_schedules_are_refused_by_name(expression):
    with pytest.raises(TemplateError, match=r"F\.E\.ScheduleExpression"):
        scheduler.rate_seconds(expression, place="F.E")


def test_an_endpoint_and_a_cluster_of_the_caller_s_own_are_used_and_not_stopped(stack, tmp_path):
    """A second stack beside the first, under another name on the same emulator and broker."""
    config = msgspec.structs.replace(
        sample_config(tmp_path),
        endpoint=stack.endpoint_url,
        bootstrap=stack.bootstrap_servers,
        stack_name="guest",
    )
    with Stack(config) as guest:
        assert set(guest.description()["processes"]) == {"gateway", "runner"}
        assert guest.resources["NotesTable"] != stack.resources["NotesTable"]
        assert call(guest, "GET", "/who", authorization="Li") == (200, b'{"who":"Li"}')
    assert processes.port_answers(stack.config.emulator_port)
    assert processes.port_answers(stack.config.broker_port)


def test_an_emulator_that_dies_is_deployed_anew(tmp_path):
    with Stack(sample_config(tmp_path)) as stack:
        arrives(stack)
        dead = stack.kill("emulator")
        stack.await_restart("emulator", dead)
        eventually(lambda: stack.description()["ready"] and stack.sources())
        assert arrives(stack, "anew") == "anew"


def test_a_stack_with_functions_in_its_processes_is_not_taken_for_one_with_deployed_ones(stack):
    with pytest.raises(StartError, match=r"runs its functions in its own processes: stop it"):
        Stack(msgspec.structs.replace(stack.config, deployed=True)).start()
