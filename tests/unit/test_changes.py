"""What a table's stream says: changes, and what befell an item beside them."""

import base64
import copy

from hypothesis import given
from hypothesis import strategies as st
from liangwang.aggregates import ACCOUNT, CASE, Account, Key, encode
from liangwang.body import pack
from liangwang.changes import Anomaly, Change, changes, read
from liangwang.domain import messages as m
from liangwang.domain.case import Received
from liangwang.domain.history import Recorded
from liangwang.domain.patience import Patience
from liangwang.fakes import FakeAws
from liangwang.store import Store, Stored

from tests.unit.samples import CASE_NO, NOON, submitted

FIELDS = {"case_no": CASE_NO, "department": "EAST-MARKET"}
RECEIVED = Received(application=submitted())
ACCEPTED = m.CaseAccepted(**FIELDS, accept_doc_no="S")
STEP = m.StepCompleted(**FIELDS, step="handle", opinion="agree", by="rule")
DECIDED = m.CaseDecided(**FIELDS, outcome="granted")
WAY = (RECEIVED, ACCEPTED, STEP, DECIDED)


def case(*events, round=0):
    return Stored(
        Key(CASE.name, CASE_NO), tuple(Recorded(NOON, f"cause {n}", one) for n, one in enumerate(events)), round
    )


def stream(*versions):
    """The stream's event of an item that was saved in these versions one after the other."""
    aws = FakeAws()
    store = Store(aws, "table", patience=Patience())
    before = Stored(versions[0].key)
    for after in versions:
        assert store.save([(before, after)]) == [None]
        before = after
    return copy.deepcopy(aws.dynamodb.event("table"))


def with_body(event, history):
    """The same stream event, whose last record shows another history."""
    event["Records"][-1]["dynamodb"]["NewImage"]["body"]["B"] = base64.b64encode(pack(encode(history))).decode()
    return event


def whats(event):
    return [one.what for one in read(event) if isinstance(one, Anomaly)]


def test_the_first_write_is_a_change_from_nothing():
    (change,) = changes(stream(case(RECEIVED, ACCEPTED)))
    assert change == Change(Stored(Key(CASE.name, CASE_NO)), case(RECEIVED, ACCEPTED), case(RECEIVED, ACCEPTED).history)


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4).map(sorted))
def test_every_event_of_a_history_is_new_exactly_once(lengths):
    found = changes(stream(*(case(*WAY[:length]) for length in dict.fromkeys(lengths))))
    assert tuple(one for change in found for one in change.new) == case(*WAY[: lengths[-1]]).history
    for change in found:
        assert (*change.before.history, *change.new) == change.after.history


def test_a_round_of_asking_is_a_change_without_news():
    _, again = changes(stream(case(RECEIVED), case(RECEIVED, round=7)))
    assert (again.before.round, again.after.round, again.new) == (0, 7, ())


def test_of_a_document_the_content_before_and_after_is_there():
    def account(name, dropped):
        content = Account(role="clerk", name=name, password="")
        return Stored(Key(ACCOUNT.name, "clerk-1"), (Recorded(NOON, name, content),), dropped=dropped)

    _, change = changes(stream(account("before", 0), account("after", 1)))
    assert (change.before.state.name, change.after.state.name) == ("before", "after")
    assert [one.cause for one in change.new] == ["after"]
    assert change.after.version == 2


def test_nothing_but_the_history_s_end_makes_no_anomaly():
    assert whats(stream(case(RECEIVED), case(RECEIVED, ACCEPTED), case(RECEIVED, ACCEPTED, round=3))) == []


def test_an_event_that_was_changed_in_place_is_told_and_what_is_new_too():
    event = stream(case(RECEIVED, ACCEPTED), case(RECEIVED, ACCEPTED, STEP))
    forged = (RECEIVED, m.CaseAccepted(**FIELDS, accept_doc_no="FORGED"), STEP)
    found = read(with_body(event, case(*forged).history))
    assert [getattr(one, "what", "change") for one in found] == ["change", "rewritten", "change"]
    assert [one.event for one in found[-1].new] == [STEP]


def test_a_history_that_was_cut_is_told():
    event = stream(case(RECEIVED, ACCEPTED), case(RECEIVED, ACCEPTED, round=1))
    event["Records"][-1]["dynamodb"]["NewImage"]["version"]["N"] = "1"
    assert whats(with_body(event, case(RECEIVED).history)) == ["rewritten"]


def test_the_same_events_in_other_words_are_the_same():
    event = stream(case(RECEIVED), case(RECEIVED, ACCEPTED))
    old = event["Records"][-1]["dynamodb"]["OldImage"]
    text = encode(case(RECEIVED).history).replace(b'","', b'", "')  # as another release may have spelt it
    old["body"]["B"] = base64.b64encode(pack(text)).decode()
    assert whats(event) == []


def test_what_this_release_cannot_read_is_told_and_holds_up_nothing():
    event = stream(case(RECEIVED), case(RECEIVED, ACCEPTED), case(RECEIVED, ACCEPTED, STEP))
    event["Records"][1]["dynamodb"]["NewImage"]["body"]["B"] = "bm8gYm9keQ=="
    first, second, *rest = read(event)
    assert isinstance(first, Change)
    assert (second.key, second.version, second.what) == (Key(CASE.name, CASE_NO), 2, "unreadable")
    assert rest, "the record behind it"


def test_a_removal_is_told_with_what_was_there():
    event = stream(case(RECEIVED))
    (record,) = event["Records"]
    record["eventName"] = "REMOVE"
    record["dynamodb"]["OldImage"] = record["dynamodb"].pop("NewImage")
    (found,) = read(event)
    assert (found.what, found.version) == ("removed", 1)
    assert changes(event) == []


def test_items_that_hold_no_aggregate_are_passed_over():
    counter = {"pk": {"S": "rate#x"}, "count": {"N": "3"}}
    assert read({"Records": [{"dynamodb": {"NewImage": counter}}, {"dynamodb": {}}]}) == []
