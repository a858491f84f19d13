"""infra/block.py: who must not get in for a while."""

from datetime import timedelta

import click
import pytest
from click.testing import CliRunner
from liangwang.aggregates import ACCOUNT, Key
from liangwang.aws import AwsError
from liangwang.domain.account import Account
from liangwang.domain.patience import Patience
from liangwang.fakes import FakeAws, Fault
from liangwang.processing import Command, perform
from liangwang.sessions import LiveSessions, Sessions
from liangwang.store import Store

from tests import infra_tools
from tests.unit.samples import NOON


@pytest.fixture(scope="module")
def tool():
    return infra_tools.load("block")


@pytest.fixture
def aws():
    return FakeAws()


@pytest.fixture
def store(aws):
    return Store(aws, "intake", patience=Patience())


def opened(store, **account):
    """An account with a session."""
    found = Account(**{"role": "citizen", "password": "digest", **account})
    command = Command(Key(ACCOUNT.name, "zhang"), "register", lambda state, now: [found])
    perform(store, [command], NOON)[0].stored()
    return Sessions(store).open("zhang", NOON).id


def status(store):
    key = Key(ACCOUNT.name, "zhang")
    return store.load([key])[key].state.status


def is_alive(store, session):
    return LiveSessions(store, clock=lambda: NOON + timedelta(minutes=1))(session)


def test_who_is_blocked_keeps_the_account_and_loses_the_sessions(tool, aws, store):
    session = opened(store)
    assert is_alive(store, session)
    tool.write(aws, "intake", "zhang", "blocked", now=NOON)
    assert status(store) == "blocked" and not is_alive(store, session)
    tool.write(aws, "intake", "zhang", "active", now=NOON)
    assert status(store) == "active" and not is_alive(store, session)


def test_what_broke_off_is_done_again(tool, aws, store):
    session = opened(store)
    aws.faults += [Fault("Query")]
    with pytest.raises(AwsError):
        tool.write(aws, "intake", "zhang", "blocked", now=NOON)
    assert is_alive(store, session)
    tool.write(aws, "intake", "zhang", "blocked", now=NOON)
    assert not is_alive(store, session)


def test_nobody_and_who_was_erased_are_refused(tool, aws, store):
    with pytest.raises(click.ClickException, match="no account"):
        tool.write(aws, "intake", "zhang", "blocked", now=NOON)
    opened(store, status="closed")
    for wanted in ("blocked", "active"):
        with pytest.raises(click.ClickException, match="closed for good"):
            tool.write(aws, "intake", "zhang", wanted, now=NOON)


def test_the_command_says_what_it_did(tool, aws, store, monkeypatch):
    opened(store)
    monkeypatch.setattr(tool, "BotoAws", lambda: aws)
    assert "is blocked" in CliRunner().invoke(tool.main, ["zhang", "--table", "intake"]).output
    assert "log in again" in CliRunner().invoke(tool.main, ["zhang", "--table", "intake", "--lift"]).output
    assert status(store) == "active"
