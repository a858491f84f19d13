"""Promise 1 when what holds the data is killed: it comes back with everything, and nobody is told to begin anew."""

import threading

import pytest

from local import demo
from tests.city import city as start
from tests.waiting import eventually

CASES = 40
LINES = (
    ("elderly-card", {}),
    ("individual-business-registration", {"premises_kind": "home"}),
    ("food-business-licence", {"area": 300}),
)


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    """One city for all kills: each leaves it whole."""
    with start(tmp_path_factory.mktemp("killed"), ask_again_seconds=2, schedule_seconds=0.5) as running:
        yield running


def in_flight(city, lot):
    """How many of a lot intake holds."""
    people = {wish.citizen for wish in lot}
    return sum(len(city.api.get(one, "/api/applications", limit=100)["cases"]) for one in people)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("victim", ["broker", "dynamodb", "emulator"])
def test_cases_in_flight_end_once_after_a_kill(city, victim):
    reports = []
    lot = city.lot(CASES, *LINES)
    resources, before = city.stack.resources, in_flight(city, lot)
    others = {name: process["pid"] for name, process in city.stack.description()["processes"].items() if name != victim}
    play = threading.Thread(target=lambda: reports.append(demo.play(city.stack, lot, moods=False)))
    play.start()
    eventually(lambda: in_flight(city, lot) >= before + 10, what="some cases to be in flight")
    dead = city.stack.kill(victim)
    city.stack.await_restart(victim, dead, seconds=60)
    play.join()
    (report,) = reports
    assert report.is_clean, report
    assert sum(report.outcomes.values()) == CASES
    city.await_reconciled()
    assert city.stack.resources == resources
    # Nothing else was started anew: the data is where it was.
    processes = city.stack.description()["processes"]
    assert {name: process["pid"] for name, process in processes.items() if name != victim} == others
    assert processes[victim]["restarts"] == 1
