"""A department's own system over HTTP, and an outside party with a link, each asked by an officer of a running city."""

import os
import sys
import urllib.request

import pytest

from local import accounts, processes
from tests.conftest import REPOSITORY
from tests.e2e.test_privacy import ask
from tests.e2e.test_whole_way import await_work
from tests.waiting import eventually

CITIZEN, OFFICE = "citizen-002", "D-990101-MARKET"
OPERATOR = "operator-990101"
WEATHER, WATERWORKS = "D-990100-WEATHER", "P-990100-WATERWORKS"


@pytest.fixture
def asked(city):
    """Has an officer ask whoever has a capability; the collaboration event's id."""

    def ask_for(capability):
        case_no = city.apply(city.wish("food-business-licence", area=80, gas_kitchen=False), citizen=CITIZEN)
        await_work(city, OFFICE.removeprefix("D-").lower(), "cases", case_no)
        question = {"capability": capability, "question": {"zh": "示例问题"}, "fields": ["area"]}
        path = f"/api/cases/{case_no}/collaborations"
        view = city.api.post(accounts.clerk(OFFICE, 1), path, {"asks": [question], "days": 5})
        return view["collaborations"][-1]["request_id"]

    return ask_for


def test_a_department_that_joins_by_http_alone_is_asked_and_answers(city, asked, tmp_path):
    environment = {
        **os.environ,
        "DEPARTMENT": WEATHER,
        "MEMORY": str(tmp_path / "memory"),
        "LIANGWANG_URL": city.stack.gateway_url,
        "CLIENT_ID": accounts.mailbox(WEATHER),
        "CLIENT_SECRET": accounts.password(city.stack.config.state),
        "PAUSE_SECONDS": "0.2",
    }
    program = REPOSITORY / "docs" / "examples" / "department_http.py"
    system = processes.start([sys.executable, str(program)], environment=environment, log=tmp_path / "log")
    try:
        event = concluded(city, asked("lightning-protection"))
    finally:
        processes.stop(system)
    assert event["conclusion"]["conclusion"] == "agree"
    assert [one["department"] for one in event["tasks"]] == [WEATHER]


def test_an_outside_party_answers_by_its_link(city, asked):
    identity = asked("water-supply-line")
    event = eventually(lambda: found(city, identity), what="the collaboration event")
    task = event["tasks"][0]
    assert task["department"] == WATERWORKS
    path = f"/api/collaborations/{identity}/tasks/{task['task_id']}/link"
    link = city.api.post(OPERATOR, path, None)["link"]
    page, _, token = link.partition("#")
    with urllib.request.urlopen(city.stack.gateway_url + page) as answer:
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert token not in answer.read().decode()
    status, question = ask(city, "POST", "/outside/task", {"token": token})
    assert (status, [one["name"] for one in question["form"]]) == (200, ["area"])
    assert ask(city, "POST", "/outside/report", {"token": token, "opinion": "agree"})[0] == 200
    assert concluded(city, identity)["conclusion"]["conclusion"] == "agree"
    assert ask(city, "POST", "/outside/task", {"token": token})[0] == 410


def found(city, identity):
    """A collaboration event as the centre shows it; None before it has heard of it."""
    status, event = ask(city, "GET", f"/api/collaborations/{identity}", token=city.api.login(OPERATOR))
    return event if status == 200 else None


def concluded(city, identity):
    """A collaboration event once it is concluded."""

    def view():
        event = found(city, identity)
        return event if event and event["conclusion"] else None

    return eventually(view, seconds=60, what=f"{identity} to be concluded")
