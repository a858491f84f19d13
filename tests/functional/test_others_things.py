"""Everybody asks for everything in the path of every route: what is not theirs does not exist for them, and stays as it is.

Routes come from the functions' own tables, so that a new one is swept as soon as it is there.
"""

from functools import cache

import pytest

from local import openapi, template
from local.config import REPOSITORY
from tests.functional.samples import LISTS, SAMPLES
from tests.functional.world import CALLERS, Sample, World

TEMPLATE = template.load(REPOSITORY / "template.yaml")
FUNCTIONS = sorted({place.function for place in TEMPLATE.routes})
ROUTES = {
    key: (TEMPLATE.functions[name].folder.rpartition("/")[2], route)
    for name in FUNCTIONS
    for key, route in openapi.routes_of(TEMPLATE.functions[name], TEMPLATE.parameters).items()
}
SWEPT = sorted({key for key, (_, route) in ROUTES.items() if "{" in key and route.action is not None} | set(SAMPLES))
LISTED = sorted(key for key, (_, route) in ROUTES.items() if "{" not in key and key.startswith("GET ") and route.action)
SYSTEMS_OWN = {"GET /exchange/applications"}
"""Systems carry everybody's applications; what they carry is sealed to the department."""


@cache
def world():
    return World()


@pytest.fixture(autouse=True)
def untouched():
    """Every test finds the world as it was built."""
    before = world().snapshot()
    yield before
    world().restore(before)


def sample_of(key) -> Sample:
    assert key in SAMPLES, f"{key} has no sample: say in tests/functional/samples.py who may ask for what there"
    return SAMPLES[key](world())


def asks(key, caller, sample):
    """A sample's key may say after the route what it names outside the path."""
    route = key.partition(": ")[0]
    return world().asks(ROUTES[route][0], route, caller, sample)


def told(body, sample):
    """What a body says of the owner's things beyond the name that the caller knew already."""
    for value in sample.path.values():
        body = body.replace(value, "")
    return [one for one in world().ids if one in body and one not in str(sample.body)]


@pytest.mark.parametrize("key", SWEPT)
def test_what_is_another_s_is_not_found_and_does_not_change(key, untouched):
    sample = sample_of(key)
    for name, caller in CALLERS.items():
        if name in sample.allowed:
            continue
        status, body = asks(key, caller, sample)
        assert status in ((401,) if name == "nobody" else sample.refusals), f"{name}: {status} {body}"
        assert not told(body, sample), f"{name} is told {told(body, sample)}"
        assert world().snapshot() == untouched, f"{name} changed something"


@pytest.mark.parametrize("key", SWEPT)
def test_those_whose_it_is_get_through(key, untouched):
    sample = sample_of(key)
    for name in sorted(sample.allowed):
        status, body = asks(key, CALLERS[name], sample)
        assert status < 500 and status not in (401, 403, 404), f"{name}: {status} {body}"
        world().restore(untouched)


@pytest.mark.parametrize("key", [key for key in SWEPT if "{" in key])
def test_what_another_may_not_see_and_what_does_not_exist_are_told_alike(key):
    sample = sample_of(key)
    missing = sample._replace(path=dict.fromkeys(sample.path, "nothing-of-the-kind"))
    for name, caller in CALLERS.items():
        if name in sample.allowed:
            continue
        theirs, none = (asks(key, caller, one) for one in (sample, missing))
        words = theirs[1]
        for value in sample.path.values():
            words = words.replace(value, "nothing-of-the-kind")
        assert (theirs[0], words) == none, name


@pytest.mark.parametrize("key", [key for key in LISTED if key not in SYSTEMS_OWN])
def test_no_list_shows_another_s_things(key):
    """Each caller's own list, without naming whose it should be."""
    folder, _ = ROUTES[key]
    for name in ("stranger", "clerk, elsewhere", "reviewer, elsewhere", "supervisor, elsewhere", "operator, elsewhere"):
        status, body = world().asks(folder, key, CALLERS[name], Sample({}, frozenset()))
        assert status in (200, 403, 404, 422), f"{name}: {status} {body}"
        assert not [one for one in world().ids if one in body], name


@pytest.mark.parametrize("key", sorted(LISTS))
def test_a_list_of_somebody_else_s_is_not_found(key):
    query, allowed = LISTS[key]
    folder, _ = ROUTES[key]
    for name, caller in CALLERS.items():
        status, body = world().asks(folder, key, caller, Sample({}, allowed, query=query))
        wanted = (200,) if name in allowed else (401,) if name == "nobody" else (403, 404)
        assert status in wanted, f"{name}: {status} {body}"


@pytest.mark.parametrize("key", sorted(key for key, (_, route) in ROUTES.items() if route.action is not None))
def test_without_a_token_nothing_opens(key):
    folder, _ = ROUTES[key]
    assert world().asks(folder, key, {}, Sample({}, frozenset(), body={}))[0] == 401


def test_no_sample_is_left_of_a_route_that_is_gone():
    assert {key.partition(": ")[0] for key in SAMPLES} <= set(ROUTES) and set(LISTS) <= set(LISTED)
