"""协同台面: what the index of a centre's desk says of an event, and on whose desk the event is."""

from datetime import timedelta

import pytest
from liangwang.aggregates import COLLABORATION, Key
from liangwang.domain.collaboration import Reported, Signed, evolve
from liangwang.domain.collaboration_messages import CollaborationCancelled
from liangwang.domain.coordination import cancel, raise_event
from liangwang.domain.event_queue import Queued, placed
from liangwang.domain.history import Recorded
from liangwang.domain.patience import Patience
from liangwang.fakes import FakeAws
from liangwang.store import Store, Stored

from tests.unit.samples import CASE_NO, GOVERNANCE, NOON, ask, folded, request

ID = f"{CASE_NO}-check"


def events(*asks, **settings):
    return raise_event(request(*asks, **settings), on=GOVERNANCE, now=NOON)


def test_an_open_event_stands_before_the_centre_in_charge_by_its_limit():
    state = folded(evolve, None, events())
    place = placed(state)
    assert (place.desk, place.due_at) == ("event/D1", state.due_at)
    assert place.entry == Queued(
        requester="EAST-MARKET",
        task_code="licence",
        level=4,
        light="green",
        origin="item",
        statuses={"dispatched": 1},
        waits=("sign",),
        case_no=CASE_NO,
    )


def test_a_concluded_event_stands_with_those_that_were_raised_in_its_month():
    state = folded(evolve, None, events())
    ended = CollaborationCancelled(case_no=CASE_NO, request_id=ID, department="EAST-MARKET", reason="")
    later = NOON + timedelta(days=40)
    place = placed(folded(evolve, state, cancel(state, ended), at=later))
    assert (place.desk, place.due_at) == ("concluded/2027-03", NOON)


@pytest.mark.parametrize(
    ("asks", "after", "waits"),
    [
        ((ask(),), [Signed(task_id=f"{ID}-T1", by="c")], ("report",)),
        ((ask("astronomy"),), [], ("unrouted",)),
        ((ask(), ask("astronomy")), [], ("sign", "unrouted")),
        ((ask(),), [Reported(task_id=f"{ID}-T1", by="c", opinion="agree", explanation="")], ()),
    ],
)
def test_an_entry_says_what_the_event_waits_for(asks, after, waits):
    state = folded(evolve, folded(evolve, None, events(*asks)), after)
    assert placed(state).entry.waits == waits


def test_the_events_of_a_case_and_those_of_a_desk_are_each_found_by_one_query():
    aws = FakeAws()
    store = Store(aws, "governance", patience=Patience(), writers=1)
    key = Key(COLLABORATION.name, ID)
    after = Stored(key, tuple(Recorded(NOON, "test", event) for event in events()))
    assert store.save([(Stored(key), after)]) == [None]
    assert store.held_by(COLLABORATION, f"case/{CASE_NO}", limit=5) == ([key], None)
    ((found,), _) = store.on_desk("event/D1")
    assert (found.key, found.entry) == (key, placed(after.state).entry)
