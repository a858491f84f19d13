"""Whoever is shown personal data has left a record before."""

from datetime import timedelta

import pytest
from liangwang.accesses import KEPT, Accesses
from liangwang.aggregates import ACCESS, Key
from liangwang.aws import AwsError
from liangwang.domain.patience import Patience
from liangwang.fakes import FakeAws, Fault
from liangwang.http import Caller
from liangwang.store import Store

from tests.unit.samples import NOON

CLERK = Caller(subject="clerk-1", role="clerk", department="D-990101-MARKET")


@pytest.fixture
def aws():
    return FakeAws()


@pytest.fixture
def store(aws):
    return Store(aws, "department", patience=Patience())


def record(store, identity="a1", **changed):
    what = {"action": "case.read", "subject": "case-1", "fields": ["phone", "address", "phone"], **changed}
    Accesses(store, identity=lambda: identity).record(CLERK, NOON, **what)


def kept(store, identity="a1"):
    key = Key(ACCESS.name, identity)
    return store.load([key])[key]


def test_an_access_is_kept_with_who_what_whose_which_fields_and_why(store):
    record(store, reason="复核")
    accessed = kept(store).state
    assert (accessed.caller, accessed.role, accessed.department) == ("clerk-1", "clerk", "D-990101-MARKET")
    assert (accessed.action, accessed.subject, accessed.reason) == ("case.read", "case-1", "复核")
    assert accessed.fields == ("address", "phone")


def test_it_costs_one_write_and_no_read(aws, store):
    record(store)
    assert [operation for _, operation, _ in aws.calls] == ["PutItem"]


def test_every_access_is_a_record_of_its_own(aws, store):
    accesses = Accesses(store)
    for _ in range(3):
        accesses.record(CLERK, NOON, action="case.read", subject="case-1", fields=["phone"])
    assert len(aws.dynamodb.tables["department"]) == 3


def test_what_cannot_be_recorded_raises_so_that_nothing_is_shown(aws, store):
    aws.faults.append(Fault("PutItem"))
    with pytest.raises(AwsError):
        record(store)
    assert not kept(store).history


def test_a_lost_answer_raises_too_and_the_record_stands(aws, store):
    aws.faults.append(Fault("PutItem", "lost"))
    with pytest.raises(AwsError):
        record(store)
    assert kept(store).state.action == "case.read"


def test_the_item_goes_by_itself_once_the_trail_has_surely_taken_it(aws, store):
    record(store)
    (item,) = aws.dynamodb.tables["department"].values()
    assert int(item["expires_at"]["N"]) == int((NOON + KEPT).timestamp())
    assert timedelta(days=1) < KEPT
