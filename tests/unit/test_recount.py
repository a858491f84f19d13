"""Operators find out whether the statistics equal the cases, and put right what is missing."""

from click.testing import CliRunner
from liangwang.domain.patience import Patience
from liangwang.fakes import FakeAws
from liangwang.services.counting import Counting
from liangwang.store import Store, Stored

from local import recount
from tests.unit.samples import NOON
from tests.unit.test_tally import accepted, case, change, decided, rated, received


def books(*cases):
    aws = FakeAws()
    store = Store(aws, "department", patience=Patience(), writers=1)
    assert store.save([(Stored(one.key), one) for one in cases]) == [None] * len(cases)
    aws.dynamodb.page = 2
    return recount.Books(aws, "department", Store(aws, "statistics", patience=Patience(), writers=1))


def run(found, *arguments):
    result = CliRunner().invoke(recount.command, arguments, obj=lambda: found)
    return result.exit_code, result.output


def test_statistics_that_equal_the_cases_are_said_to():
    cases = [case(number, received(number), accepted(number)) for number in range(5)]
    found = books(*cases)
    Counting(found.tallies).take([change(one, 0, one.version) for one in cases], NOON)
    code, said = run(found)
    assert code == 0 and said.startswith("5 cases") and "0 differences" in said


def test_what_was_never_counted_is_named_and_counted_when_that_is_asked_for():
    stored = case(1, received(), accepted(), (3, decided()), (9, rated(code=4)))
    found = books(stored)
    Counting(found.tallies).take([change(stored, 0, 2)], NOON)
    code, said = run(found)
    assert code == 1 and "rated_4: counted 0, the cases say 1" in said
    assert run(found, "--repair")[0] == 0
    assert run(found)[0] == 0
