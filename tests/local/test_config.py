"""Where a stack's processes get their credentials, and what its configuration takes from elsewhere."""

import pytest
from liangwang.domain.messages import TOPIC
from liangwang.signing import Credentials

from local import accounts, config, deploy
from local.config import Config
from local.stack import Stack

OWN = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "hidden", "AWS_SESSION_TOKEN": "for-an-hour"}


@pytest.fixture
def signed_in(monkeypatch):
    """A caller with keys of their own in the environment."""
    for name, value in OWN.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("signed_in")
def test_an_endpoint_of_the_callers_own_is_used_with_their_credentials(tmp_path, monkeypatch):
    own = Config(state=tmp_path, endpoint="https://dynamodb.example")
    assert own.credentials() == Credentials("AKIAEXAMPLE", "hidden", "for-an-hour")
    assert OWN.items() <= own.environment().items()
    session = deploy.session(own)
    assert (session.aws_access_key_id, session.aws_session_token) == ("AKIAEXAMPLE", "for-an-hour")
    monkeypatch.setattr(Stack, "resources", {"IntakeTable": "t"})
    assert accounts.store(Stack(own), "IntakeTable")._aws._credentials() == own.credentials()


@pytest.mark.usefixtures("signed_in")
def test_the_embedded_endpoint_never_sees_them(tmp_path):
    embedded = Config(state=tmp_path)
    assert embedded.credentials() == Credentials("test", "test", "")
    assert embedded.environment()["AWS_SESSION_TOKEN"] == ""
    assert deploy.session(embedded).aws_session_token is None


def test_topics_are_those_that_messages_travel_on():
    assert set(Config().topics) == set(TOPIC.values())
    assert len(set(config.TOPICS)) == len(config.TOPICS)
