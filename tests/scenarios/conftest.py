"""The broker that scenarios are played on: the embedded one, or what KAFKA names, as the integration tests start it."""

from contextlib import closing
from functools import cache

import pytest

from tests.integration.conftest import broker, machine  # noqa: F401 (fixtures)
from tests.scenarios.manner import Lossy, Plain, TwiceAndShuffled
from tests.scenarios.play import Run, play
from tests.scenarios.script import scenarios
from tests.scenarios.stage import Stage, topics
from tests.scenarios.wire import Wire

MANNERS = {"plain": Plain, "twice": TwiceAndShuffled, "lossy": Lossy}


@pytest.fixture(scope="module")
def performance(broker):  # noqa: F811 (a fixture)
    """Plays everything in one manner, once a session: the stage afterwards, and the runs by name."""

    @cache
    def once(name):
        with closing(Wire(broker, topics())) as wire:
            stage = Stage(wire, MANNERS[name]())
            runs = {scenario.name: Run(scenario, stage) for scenario in scenarios()}
            try:
                play(stage, list(runs.values()))
            except Exception as error:  # each test says it: playing it again would not help
                return stage, runs, error
        return stage, runs, None

    def performed(name):
        stage, runs, error = once(name)
        if error is not None:
            raise error
        return stage, runs

    return performed
