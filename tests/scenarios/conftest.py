"""The broker that scenarios are played on: the embedded one, or what KAFKA names, as the integration tests start it."""

from contextlib import closing
from functools import cache

import pytest

from tests.integration.conftest import broker, machine  # noqa: F401 (fixtures)
from tests.scenarios.city import catalogue_of
from tests.scenarios.manner import Lossy, Plain, TwiceAndShuffled
from tests.scenarios.play import Run, play
from tests.scenarios.script import by_city
from tests.scenarios.stage import Stage, topics
from tests.scenarios.wire import Wire

MANNERS = {"plain": Plain, "twice": TwiceAndShuffled, "lossy": Lossy}


@pytest.fixture(scope="module")
def performance(broker, tmp_path_factory):  # noqa: F811 (a fixture)
    """Plays everything of a city in one manner, once a session: the stage afterwards, and the runs by name.

    ``city`` is its number, or one of its scenarios.
    """
    cities = by_city()

    @cache
    def catalogue(number):
        return catalogue_of(cities[number][0], tmp_path_factory.mktemp("city") / "catalogue")

    @cache
    def once(name, number):
        with closing(Wire(broker, topics())) as wire:
            stage = Stage(wire, MANNERS[name](), catalogue(number))
            runs = {scenario.name: Run(scenario, stage) for scenario in cities[number][1]}
            try:
                play(stage, list(runs.values()))
            except Exception as error:  # each test says it: playing it again would not help
                return stage, runs, error
        return stage, runs, None

    def performed(name, city):
        if not isinstance(city, int):
            city = next(number for number, (_, those) in enumerate(cities) if city in those)
        stage, runs, error = once(name, city)
        if error is not None:
            raise error
        return stage, runs

    return performed
