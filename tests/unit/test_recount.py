"""Operators find out whether the statistics equal what happened, and put right what is missing."""

from click.testing import CliRunner
from liangwang.domain.patience import Patience
from liangwang.fakes import FakeAws
from liangwang.services.counting import Counting
from liangwang.services.event_counting import EventCounting
from liangwang.store import Store, Stored

from local import recount
from tests.unit import test_event_counting as events
from tests.unit.samples import NOON
from tests.unit.test_tally import accepted, case, change, decided, rated, received


def books(*known):
    aws = FakeAws()
    for stored in known:
        table = "department" if stored.key.kind == "case" else "governance"
        store = Store(aws, table, patience=Patience(), writers=1)
        assert store.save([(Stored(stored.key), stored)]) == [None]
    aws.dynamodb.page = 2
    tallies = Store(aws, "statistics", patience=Patience(), writers=1)
    return recount.Books(aws, "department", "governance", tallies)


def run(found, *arguments):
    result = CliRunner().invoke(recount.command, arguments, obj=lambda: found)
    return result.exit_code, result.output


def collaborations():
    """Some of each kind: just raised, in hand, concluded late."""
    return [
        events.event(1, events.raised(1)),
        events.event(2, events.raised(2), events.dispatched(2), (2, events.signed(2))),
        events.event(3, events.raised(3), events.dispatched(3), (60, events.reported(3)), (60, events.concluded(3))),
    ]


def test_statistics_that_equal_what_happened_are_said_to():
    cases = [case(number, received(number), accepted(number)) for number in range(5)]
    found = books(*cases, *collaborations())
    Counting(found.tallies).take([change(one, 0, one.version) for one in cases], NOON)
    EventCounting(found.tallies).take([change(one, 0, one.version) for one in collaborations()], NOON)
    code, said = run(found)
    assert code == 0 and said.startswith("5 cases, 3 collaboration events") and "0 differences" in said


def test_what_was_never_counted_is_named_and_counted_when_that_is_asked_for():
    stored = case(1, received(), accepted(), (3, decided()), (9, rated(code=4)))
    found = books(stored)
    Counting(found.tallies).take([change(stored, 0, 2)], NOON)
    code, said = run(found)
    assert code == 1 and "rated_4: counted 0, the histories say 1" in said
    assert run(found, "--repair")[0] == 0
    assert run(found)[0] == 0


def test_what_the_console_never_heard_of_is_named_and_counted_without_telling_it_as_news():
    known = collaborations()
    found = books(*known)
    step = EventCounting(found.tallies)
    step.take([change(known[1], 0, 2)], NOON)
    code, said = run(found)
    assert code == 1
    assert "department/EAST-FIRE late: counted 0, the histories say 1" in said
    assert f"open {known[0].key.id} version: counted 0, the histories say 1" in said
    assert f"open {known[1].key.id} version: counted 2, the histories say 3" in said
    assert run(found, "--repair")[0] == 0
    assert run(found)[0] == 0
    standing, changes = events.open_now(found.tallies)
    assert set(standing) == {known[0].key.id, known[1].key.id}
    assert changes == {known[1].key.id: [1, 2, 3]}, "what a tally knew of goes on; what it never heard of is no news"


def test_an_event_that_stands_as_open_and_has_ended_is_named_and_put_right():
    opened = events.event(1, events.raised(1), events.dispatched(1))
    ended = events.event(1, events.raised(1), events.dispatched(1), events.reported(1), events.concluded(1))
    found = books(ended)
    EventCounting(found.tallies).take([change(opened, 0, 2)], NOON)
    code, said = run(found)
    assert code == 1 and f"open {ended.key.id} version: counted 2, the histories say 0" in said
    assert run(found, "--repair")[0] == 0
    assert events.open_now(found.tallies)[0] == {}
