"""infra/account.py: how the first people of an installation come to their accounts."""

import click
import pytest
from click.testing import CliRunner
from liangwang import passwords
from liangwang.aggregates import ACCOUNT, Key
from liangwang.domain.account import Account
from liangwang.domain.patience import Patience
from liangwang.fakes import FakeAws
from liangwang.store import Store

from tests import infra_tools

DEPARTMENT = "D-990100-CIVIL"
CLERK = Account(role="clerk", name="李娜", password="digest", department=DEPARTMENT)


@pytest.fixture(scope="module")
def tool():
    return infra_tools.load("account")


def held(aws, username):
    key = Key(ACCOUNT.name, username)
    return Store(aws, "intake", patience=Patience()).load([key])[key].state


def test_an_account_is_stored_where_identity_looks(tool):
    aws = FakeAws()
    tool.write(aws, "intake", "li-na", CLERK, replace=False)
    assert held(aws, "li-na") == CLERK


def test_an_account_that_exists_is_left_alone(tool):
    aws = FakeAws()
    tool.write(aws, "intake", "li-na", CLERK, replace=False)
    with pytest.raises(click.ClickException, match="li-na: there is an account of that name; --replace"):
        tool.write(aws, "intake", "li-na", Account(role="operator", name="x", password="y"), replace=False)
    assert held(aws, "li-na") == CLERK


def test_an_account_is_set_anew_as_often_as_asked_for(tool):
    aws = FakeAws()
    for name in ("one", "two", "one"):
        tool.write(aws, "intake", "li-na", Account(role="system", name=name, password="x"), replace=True)
        assert held(aws, "li-na").name == name


@pytest.mark.parametrize(
    ("account", "named"),
    [
        (Account(role="clerk", name="x", password=""), "--department"),
        (Account(role="supervisor", name="x", password="", department="D-NOWHERE"), "--department 'D-NOWHERE'"),
        (Account(role="auditor", name="x", password="", department=DEPARTMENT), "--department is for those"),
        (Account(role="system", name="x", password="", department=DEPARTMENT), "`connected: http`"),
        (Account(role="operator", name="x", password="", region="1"), "--region '1'"),
        (Account(role="auditor", name="x", password="", region="990100"), "--region is for operators"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.role,
)
def test_an_account_that_could_not_do_its_work_is_refused_by_its_option(tool, catalogue, account, named):
    with pytest.raises(click.ClickException) as refused:
        tool.check(account, catalogue.organisation)
    assert named in str(refused.value)


def test_the_system_of_a_department_that_joins_by_http_is_bound_to_it_and_to_its_mailbox(tool, monkeypatch):
    aws = FakeAws()
    monkeypatch.setattr(tool, "BotoAws", lambda: aws)
    arguments = ["weather", "--table", "intake", "--role", "system", "--name", "x", "--department", "D-990100-WEATHER"]
    done = CliRunner().invoke(tool.main, arguments)
    assert done.exit_code == 0, done.output
    made = held(aws, "weather")
    assert (made.department, made.scopes) == ("D-990100-WEATHER", ("mailbox",))


def test_the_password_is_asked_for_twice_and_its_digest_stored(tool, catalogue, monkeypatch):
    aws = FakeAws()
    monkeypatch.setattr(tool, "BotoAws", lambda: aws)
    arguments = ["li-na", "--table", "intake", "--role", "clerk", "--name", "李娜", "--department", DEPARTMENT]
    short = CliRunner().invoke(tool.main, arguments, input="short\nshort\n")
    assert short.exit_code == 1 and "12 characters" in short.output
    done = CliRunner().invoke(tool.main, arguments, input="correct horse battery\ncorrect horse battery\n")
    assert done.exit_code == 0 and "correct horse" not in done.output
    assert passwords.matches("correct horse battery", held(aws, "li-na").password)


def test_a_system_gets_a_secret_at_random_that_is_shown_once_and_its_scope(tool, monkeypatch):
    aws = FakeAws()
    monkeypatch.setattr(tool, "BotoAws", lambda: aws)
    done = CliRunner().invoke(tool.main, ["partner", "--table", "intake", "--role", "system", "--name", "示例系统"])
    assert done.exit_code == 0, done.output
    secret, account = done.output.split()[-1], held(aws, "partner")
    assert len(secret) >= 43 and passwords.matches(secret, account.password) and account.scopes == ("exchange",)


def test_a_system_that_tells_of_grid_events_may_do_nothing_else(tool, monkeypatch):
    aws = FakeAws()
    monkeypatch.setattr(tool, "BotoAws", lambda: aws)
    wish = ["hotline", "--table", "intake", "--role", "system", "--name", "示例热线", "--scope", "grid"]
    assert CliRunner().invoke(tool.main, wish).exit_code == 0
    assert held(aws, "hotline").scopes == ("grid",)
