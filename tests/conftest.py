"""What all tests share: how properties are searched, and the catalogue of the city of Yunchuan."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from liangwang.catalogue import load

from tests import spreading

REPOSITORY = Path(__file__).parent.parent

# No deadlines: two noisy cores make a slow example no failure. In CI the same examples every time.
QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile("free", deadline=None, suppress_health_check=QUIET)
settings.register_profile("ci", deadline=None, derandomize=True, suppress_health_check=QUIET, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "free")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Who of several processes runs which tests."""
    return spreading.Spread(config, log)


@pytest.fixture(scope="session")
def catalogue():
    """The items and the organisation as the functions load them."""
    return load(REPOSITORY / "layers" / "catalogue")


@pytest.fixture(scope="session")
def organisation(catalogue):
    """Regions and departments of Yunchuan."""
    return catalogue.organisation
