"""The outbox: which messages a change of an item means for Kafka."""

from liangwang.aggregates import ACCOUNT, CASE, DEAD_LETTER, Key
from liangwang.domain import messages as m
from liangwang.domain.account import Account
from liangwang.domain.case import Received
from liangwang.domain.history import Recorded
from liangwang.domain.patience import Patience
from liangwang.fakes import FakeAws
from liangwang.publishing import outgoing
from liangwang.store import Store, Stored

from tests.unit.samples import CASE_NO, NOON, example, submitted

FIELDS = {"case_no": CASE_NO, "department": "EAST-MARKET"}
RECEIVED = Received(application=submitted())
ACCEPTED = m.CaseAccepted(**FIELDS, accept_doc_no="S")
STEP = m.StepCompleted(**FIELDS, step="handle", opinion="agree", by="rule")
DECIDED = m.CaseDecided(**FIELDS, outcome="granted")


def stored(*events, key=CASE, round=0, identity=CASE_NO):
    history = tuple(Recorded(NOON, f"cause {n}", event) for n, event in enumerate(events))
    return Stored(Key(key.name, identity), history, round)


def changes(*versions):
    """The stream records of an item that was saved in these versions one after the other."""
    aws = FakeAws()
    store = Store(aws, "department", patience=Patience())
    before = Stored(versions[0].key)
    for after in versions:
        assert store.save([(before, after)]) == [None]
        before = after
    return aws.dynamodb.streams["department"]


def sent(record):
    return [(message.event.id, type(message.event.data), message.event.round) for message in outgoing(record)]


def test_a_new_item_sends_what_others_must_hear_and_nothing_else():
    (record,) = changes(stored(RECEIVED, ACCEPTED, STEP))
    assert sent(record) == [
        (f"department/{CASE_NO}/2", m.CaseAccepted, 0),
        (f"department/{CASE_NO}/3", m.StepCompleted, 0),
    ]


def test_a_change_sends_only_what_is_new():
    _, record = changes(stored(RECEIVED, ACCEPTED), stored(RECEIVED, ACCEPTED, STEP, DECIDED))
    assert sent(record) == [
        (f"department/{CASE_NO}/3", m.StepCompleted, 0),
        (f"department/{CASE_NO}/4", m.CaseDecided, 0),
    ]


def test_a_new_round_sends_everything_again_with_the_same_ids():
    first, again = changes(stored(RECEIVED, ACCEPTED, STEP), stored(RECEIVED, ACCEPTED, STEP, round=7))
    assert [one[:2] for one in sent(again)] == [one[:2] for one in sent(first)]
    assert {round for _, _, round in sent(again)} == {7}


def test_messages_go_to_their_topic_under_the_case_number():
    (record,) = changes(stored(RECEIVED, ACCEPTED, STEP))
    assert [(message.topic, message.key) for message in outgoing(record)] == [
        ("acceptances", CASE_NO),
        ("approvals", CASE_NO),
    ]


def test_a_dead_letter_goes_to_the_operators():
    (record,) = changes(stored(example(m.DeadLettered), key=DEAD_LETTER, identity="acceptance/applications-0-5-abc"))
    (message,) = outgoing(record)
    assert (message.topic, message.event.subject) == ("dead-letters", "some topic")


def test_an_account_is_nobody_elses_business():
    (record,) = changes(stored(Account(role="citizen", name="z", password="p"), key=ACCOUNT, identity="zhang"))
    assert outgoing(record) == []


def test_a_removed_item_sends_nothing():
    assert outgoing({"eventName": "REMOVE", "dynamodb": {"Keys": {"pk": {"S": "case#1"}}, "OldImage": {}}}) == []
