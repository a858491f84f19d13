"""One running sample stack for all tests of local/ that need one, on ports of its own."""

from pathlib import Path

import pytest

from local.config import Config
from local.stack import Stack
from tests.ports import own_ports

SAMPLE = Path(__file__).parent / "sample" / "template.yaml"


def sample_config(state):
    """A stack of the sample template with its files in `state`."""
    return Config(
        template=SAMPLE,
        extra_stacks=(),
        state=state,
        **own_ports(),
        topics=("notes", "dead-letters"),
        schedule_seconds=0.2,
    )


@pytest.fixture(scope="session")
def stack(tmp_path_factory):
    with Stack(sample_config(tmp_path_factory.mktemp("stack"))) as running:
        yield running
