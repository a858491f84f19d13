"""One city for all end-to-end tests."""

import pytest

from tests.city import city as start


@pytest.fixture(scope="session")
def city(tmp_path_factory):
    with start(tmp_path_factory.mktemp("city")) as running:
        yield running
