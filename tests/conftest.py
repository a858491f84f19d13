"""What all tests share: how properties are searched, and the catalogue of the city of Yunchuan."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from liangwang.catalogue import load

REPOSITORY = Path(__file__).parent.parent

# No deadlines: two noisy cores make a slow example no failure. In CI the same examples every time.
QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile("free", deadline=None, suppress_health_check=QUIET)
settings.register_profile("ci", deadline=None, derandomize=True, suppress_health_check=QUIET, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "free")

WITH_A_SYSTEM = ("contract", "e2e", "faults", "integration", "local", "real")
"""Folders whose tests start a system, or parts of one: two at a time would be too much for two cores."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Says what stays together when the tests are spread over processes: a file, and all that stands on a running system."""
    for item in items:
        folder = item.path.relative_to(REPOSITORY / "tests").parts[0]
        together = "system" if folder in WITH_A_SYSTEM else str(item.path)
        item.add_marker(pytest.mark.xdist_group(together))


@pytest.fixture(scope="session")
def catalogue():
    """The items and the organisation as the functions load them."""
    return load(REPOSITORY / "layers" / "catalogue")


@pytest.fixture(scope="session")
def organisation(catalogue):
    """Regions and departments of Yunchuan."""
    return catalogue.organisation
