"""Collaborations that a city hall would recognise, all at once on one bus; each goes as it is written (docs/scenarios.md)."""

import pytest
from liangwang.aggregates import COLLABORATION, TASK

from tests.scenarios.acts import CITIZEN, caller
from tests.scenarios.page import PAGE, page
from tests.scenarios.script import by_city, scenarios

SCENARIOS = scenarios()
EACH = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.name)
OF_CASES = pytest.mark.parametrize("scenario", [one for one in SCENARIOS if one.apply], ids=lambda one: one.name)
CITIES = pytest.mark.parametrize("city", range(len(by_city())))
FAITHFUL = pytest.mark.parametrize("manner", ["plain", "twice"])
ANY = pytest.mark.parametrize("manner", ["plain", "twice", pytest.param("lossy", marks=pytest.mark.slow)])


@FAITHFUL
@EACH
def test_everybody_does_what_the_scenario_says_when_it_says(performance, manner, scenario):
    _, runs = performance(manner, scenario)
    assert runs[scenario.name].wrong == []


@FAITHFUL
@EACH
def test_the_events_take_their_way_and_come_to_their_conclusion(performance, manner, scenario):
    stage, runs = performance(manner, scenario)
    found = [seen(stage, name) for name in stage.events_of(runs[scenario.name].case_no)]
    assert [conclusion(view) for view in found] == [(one.conclusion, one.because) for one in scenario.events]
    for view, event in zip(found, scenario.events, strict=True):
        if event.race and manner != "plain":
            continue
        assert tasks(view) == written(event)
        assert event.centre in ("", view["region"])
        told = iter(entry["event"] for entry in view["timeline"])
        assert all(one in told for one in event.told), [entry["event"] for entry in view["timeline"]]


@FAITHFUL
@EACH
def test_the_citizen_or_who_told_of_it_sees_the_end(performance, manner, scenario):
    stage, runs = performance(manner, scenario)
    number = runs[scenario.name].case_no
    if scenario.apply:
        who, route = caller(scenario.name, CITIZEN, CITIZEN), "GET /api/applications/{case_no}"
    else:
        who, route = caller(scenario.name, scenario.steps[0].who, "system"), "GET /api/grid-events/{event_no}"
    _, view = stage.ask(who, route, {"case_no": number, "event_no": number})
    assert view["status"] == scenario.ends


@ANY
@OF_CASES
def test_the_three_systems_agree_and_nothing_is_left_open(performance, manner, scenario):
    stage, runs = performance(manner, scenario)
    footprint = stage.tables.case(runs[scenario.name].case_no)
    assert footprint.difference() is None


@ANY
@CITIES
def test_nobody_is_left_working(performance, manner, city):
    stage, _ = performance(manner, city)
    assert [name for name, state in stage.states("department", TASK) if state.is_open] == []
    assert [name for name, state in stage.states("governance", COLLABORATION) if state.conclusion is None] == []


@FAITHFUL
@CITIES
def test_nothing_became_a_dead_letter(performance, manner, city):
    stage, _ = performance(manner, city)
    assert [name for table in stage.aws.dynamodb.tables.values() for name in table if name.startswith("dead")] == []


def test_the_page_lists_the_scenarios_as_they_are():
    assert PAGE.read_text("utf-8") == page(), "run python -m tests.scenarios.page"


def test_no_two_scenarios_have_one_name():
    assert len({one.name for one in SCENARIOS}) == len(SCENARIOS)


def seen(stage, event):
    """A collaboration event as the centre in charge shows it to its operator."""
    region = stage.state("governance", COLLABORATION, event).region
    who = caller("", region, "operator")
    status, view = stage.ask(who, "GET /api/collaborations/{collaboration_id}", {"collaboration_id": event})
    assert status == 200, view
    return view


def conclusion(view):
    return (view["conclusion"]["conclusion"], view["conclusion"]["because"]) if view["conclusion"] else None


def tasks(view):
    return [
        (
            one["department"],
            one["capability"],
            one["status"],
            " → ".join(hop["region"] for hop in one["path"]),
            one["opinion"],
        )
        for one in view["tasks"]
    ]


def written(event):
    return [(one.who, one.asked, one.came_to, one.way, one.says) for one in event.tasks]
