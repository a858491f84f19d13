"""One contract for every way to DynamoDB and KMS: the fake, boto3 on moto, and the signed client on MiniStack.

On DynamoDB Local in MiniStack's place where DYNAMODB=local says so; keys stay with MiniStack.
"""

import base64
import itertools
import json
from datetime import timedelta

import jwt
import pytest
from liangwang import log
from liangwang.aggregates import APPLICATION, CASE, TASK, Key
from liangwang.aws import AwsError, SignedAws, Unreachable
from liangwang.aws_boto import BotoAws
from liangwang.domain.application import Opened
from liangwang.domain.case import Received
from liangwang.domain.errors import Invalid
from liangwang.domain.history import Recorded
from liangwang.domain.patience import Patience
from liangwang.domain.task import Opened as TaskOpened
from liangwang.domain.task import Urged
from liangwang.fakes import FakeAws
from liangwang.processing import Command, perform
from liangwang.sealing import Sealing
from liangwang.signing import Credentials
from liangwang.store import SHARDS, Conflict, Store, Stored
from liangwang.tokens import KmsSigner, Verifier
from moto import mock_aws

from tests.integration.conftest import client, create_keys, table_definition
from tests.integration.lossy import lossy
from tests.unit.samples import NOON, example, submitted

TABLES = itertools.count()
PATIENCE = Patience(first=timedelta(minutes=5))
QUICK = {"region": "cn-north-1", "credentials": lambda: Credentials("test", "test"), "sleep": lambda seconds: None}


@pytest.fixture(scope="module")
def moto():
    with mock_aws():
        create_keys(client("kms"))
        yield None


@pytest.fixture(scope="module")
def emulators(ministack, dynamodb):
    """Where each service is, for the signed client."""
    create_keys(client("kms", ministack))
    return {"kms": ministack, "dynamodb": dynamodb, "streams.dynamodb": dynamodb}


@pytest.fixture(params=["fake", "boto3 on moto", "signed on the emulator"])
def aws(request):
    """An adapter; its tables come from ``table``."""
    match request.param:
        case "fake":
            return FakeAws()
        case "boto3 on moto":
            request.getfixturevalue("moto")
            settings = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "cn-north-1"}
            return BotoAws(**settings)
        case _:
            return SignedAws(endpoint=request.getfixturevalue("emulators"), **QUICK)


@pytest.fixture
def table(aws, request):
    """A new, empty table behind the adapter."""
    name = f"contract-{next(TABLES)}"
    match aws:
        case BotoAws():
            client("dynamodb").create_table(TableName=name, **table_definition())
        case SignedAws():
            client("dynamodb", request.getfixturevalue("dynamodb")).create_table(TableName=name, **table_definition())
    return name


@pytest.fixture
def store(aws, table):
    return Store(aws, table, patience=PATIENCE)


def task(number, urges=0, at=NOON):
    """A task with so many urges."""
    key = Key(TASK.name, f"T-{number}")
    events = [example(TaskOpened), *(Urged(reason=f"urge {n}") for n in range(urges))]
    return Stored(key, tuple(Recorded(at, f"cause {n}", event) for n, event in enumerate(events)))


def application(number, applicant="zhang", at=NOON):
    """An application that waits to be relayed."""
    events = (Opened(applicant=applicant, digest=""), submitted(case_no=str(number)))
    return Stored(Key(APPLICATION.name, str(number)), tuple(Recorded(at, "apply", event) for event in events))


def created(store, *items):
    assert store.save([(Stored(item.key), item) for item in items]) == [None] * len(items)


# ------------------------------------------------------------------ reading and writing


def test_what_was_saved_is_loaded(store):
    created(store, task(1, urges=2), application("办件-1"))
    for item in (task(1, urges=2), application("办件-1")):
        assert store.load([item.key]) == {item.key: item}


def test_what_does_not_exist_has_an_empty_history(store):
    key = Key(TASK.name, "never")
    assert store.load([key])[key] == Stored(key)


def test_nothing_is_asked_for_nothing(store):
    assert store.load([]) == {}


def test_a_key_longer_than_any_item_can_have_does_not_exist(store):
    key = Key(TASK.name, "x" * 3000)
    assert store.load([key])[key].history == ()


def test_more_than_a_hundred_are_loaded_and_each_once(store):
    items = [task(number) for number in range(130)]
    created(store, *items)
    keys = [item.key for item in items]
    assert store.load(keys + keys) == {item.key: item for item in items}


def test_an_item_is_created_once(store):
    created(store, task(1))
    (error,) = store.save([(Stored(task(1).key), task(1, urges=1))])
    assert isinstance(error, Conflict)
    assert store.load([task(1).key])[task(1).key] == task(1)


def test_of_two_who_act_on_the_same_version_one_is_told_to_look_again(store):
    created(store, task(1))
    assert store.save([(task(1), task(1, urges=1))]) == [None]
    (error,) = store.save([(task(1), task(1, urges=2))])
    assert isinstance(error, Conflict)
    assert store.load([task(1).key])[task(1).key] == task(1, urges=1)


def test_a_conflict_of_one_leaves_the_others_alone(store):
    created(store, task(1))
    answers = store.save([(Stored(task(n).key), task(n)) for n in range(3)])
    assert [type(answer) for answer in answers] == [type(None), Conflict, type(None)]


def test_what_a_write_costs_is_counted(store):
    with log.invocation("a test") as line:
        created(store, task(1))
    assert line["writes"] == 1 and line["write_units"] >= 1


# ------------------------------------------------------------------ the indexes


def test_what_is_due_is_found_and_nothing_else(store):
    created(store, application("early"), application("late", at=NOON + timedelta(hours=1)), task(1))
    moment = NOON + PATIENCE.first
    assert store.due(moment - timedelta(seconds=1), limit=10) == []
    assert store.due(moment, limit=10) == [Key(APPLICATION.name, "early")]
    assert len(store.due(moment + timedelta(hours=1), limit=10)) == 2


def test_the_longest_waiting_of_a_shard_come_first_and_the_limit_holds(store):
    created(store, *[application(n, at=NOON + timedelta(minutes=n)) for n in range(40)])
    found = store.due(NOON + timedelta(days=1), limit=SHARDS)
    assert len(found) <= SHARDS
    assert Key(APPLICATION.name, "0") in store.due(NOON + PATIENCE.first, limit=SHARDS)
    assert len(store.due(NOON + timedelta(days=1), limit=1000)) == 40


def test_all_that_is_due_comes_in_pages_each_place_once_with_how_long_it_waits(store):
    created(store, *[application(n, at=NOON + timedelta(minutes=n)) for n in range(40)])
    pages = list(store.waiting(NOON + timedelta(minutes=30) + PATIENCE.first, page=2 * SHARDS))
    found = [due for page in pages for due in page]
    assert sorted(int(due.key.id) for due in found) == list(range(31)) and len(pages) > 1
    assert {due.since for due in found} == {NOON + timedelta(minutes=n) + PATIENCE.first for n in range(31)}


def test_a_holders_items_are_paged_oldest_first_and_each_found_once(store):
    created(store, *[application(n, at=NOON + timedelta(minutes=n)) for n in range(7)], application("x", "li"))
    found, cursor = store.held_by(APPLICATION, "zhang", limit=3)
    while cursor:
        page, cursor = store.held_by(APPLICATION, "zhang", limit=3, cursor=cursor)
        assert len(page) <= 3
        found += page
    assert [key.id for key in found] == [str(n) for n in range(7)]


def test_a_holders_items_are_paged_newest_first_when_that_is_asked_for(store):
    created(store, *[application(n, at=NOON + timedelta(minutes=n)) for n in range(7)])
    found, cursor = store.held_by(APPLICATION, "zhang", limit=3, newest_first=True)
    while cursor:
        page, cursor = store.held_by(APPLICATION, "zhang", limit=3, cursor=cursor, newest_first=True)
        found += page
    assert [key.id for key in found] == [str(n) for n in reversed(range(7))]


def test_items_of_one_millisecond_are_paged_as_well(store):
    created(store, *[application(n) for n in range(5)])
    found, cursor = store.held_by(APPLICATION, "zhang", limit=2)
    while cursor:
        page, cursor = store.held_by(APPLICATION, "zhang", limit=2, cursor=cursor)
        found += page
    assert sorted(key.id for key in found) == [str(n) for n in range(5)]


def test_a_holders_items_are_found_by_when_they_began(store):
    created(store, *[application(n, at=NOON + timedelta(minutes=n)) for n in range(5)])

    def began(**bounds):
        return [key.id for key in store.held_by(APPLICATION, "zhang", limit=9, **bounds)[0]]

    one, three = NOON + timedelta(minutes=1), NOON + timedelta(minutes=3)
    assert began(since=one, until=three) == ["1", "2"]
    assert began(since=three) == ["3", "4"]
    assert began(until=one) == ["0"]
    assert began(since=three, until=one) == []


def test_kinds_do_not_mix_in_one_holders_hands(store):
    created(store, application(1, applicant="EAST-MARKET"), task(1))
    assert store.held_by(TASK, "EAST-MARKET", limit=9)[0] == [task(1).key]


OURS = {"pk": {"S": "application#1"}, "holder": {"S": "application/zhang"}, "held_since": {"N": "1"}}
MADE_UP = [
    [1],
    {"pk": {"B": "!"}},
    {**OURS, "pk": {"XX": "1"}},
    {**OURS, "pk": {}},
    {**OURS, "more": {"S": "1"}},
    {**OURS, "held_since": {"N": "x"}},
    {**OURS, "held_since": {"N": "9" * 5000}},
    {**OURS, "holder": {"S": "application/li"}},
    {**OURS, "holder": {"S": "task/zhang"}},
]


@pytest.mark.parametrize(
    "cursor", ["x", "é", "e30", *(base64.urlsafe_b64encode(json.dumps(one).encode()).decode() for one in MADE_UP)]
)
def test_a_cursor_of_ones_own_making_is_refused(store, cursor):
    with pytest.raises(Invalid) as refused:
        store.held_by(APPLICATION, "zhang", limit=3, cursor=cursor)
    assert refused.value.violations[0].field == "cursor"


def test_nobody_with_a_name_longer_than_a_key_holds_anything(store):
    assert store.held_by(APPLICATION, "张" * 1000, limit=3) == ([], None)


def on_desk(number, *, days=0, department="EAST-MARKET"):
    """An open case that is due so many days after noon."""
    application = submitted(case_no=f"{number}", department=department)
    received = Received(application=application, deemed_at=NOON + timedelta(days=days))
    return Stored(Key(CASE.name, f"{number}"), (Recorded(NOON, "a", received),))


def test_a_departments_open_cases_are_paged_by_when_they_are_due_and_each_found_once(store):
    created(store, *[on_desk(n, days=9 - n % 5) for n in range(7)], on_desk("x", department="WEST-ROADS"))
    soonest, latest = (walked(store, latest_first=latest) for latest in (False, True))
    assert [int(key.id) % 5 for key in soonest] == [4, 3, 2, 1, 1, 0, 0]  # those due at one moment in any order
    assert sorted(soonest) == sorted(latest) and latest[-1] == soonest[0] and len(set(soonest)) == 7


def walked(store, **order):
    found, cursor = [], None
    while True:
        page, cursor = store.on_desk("EAST-MARKET", limit=3, cursor=cursor, **order)
        found += [one.key for one in page]
        if cursor is None:
            return found


def test_a_page_goes_on_behind_any_case_of_the_one_before(store):
    created(store, *[on_desk(n, days=n) for n in range(5)])
    found, _ = store.on_desk("EAST-MARKET")
    assert [one.key.id for one in found] == ["0", "1", "2", "3", "4"]
    assert found[0].entry.status == "received"
    rest, _ = store.on_desk("EAST-MARKET", cursor=found[2].cursor)
    assert [one.key.id for one in rest] == ["3", "4"]


def test_a_departments_open_cases_are_found_by_when_they_are_due(store):
    created(store, *[on_desk(n, days=n) for n in range(5)])
    found, _ = store.on_desk("EAST-MARKET", until=NOON + timedelta(days=2))
    assert [one.key.id for one in found] == ["0", "1"]
    assert store.on_desk("EAST-MARKET", until=NOON - timedelta(days=9))[0] == []


def test_the_cursor_of_another_index_or_of_another_desk_is_refused(store):
    created(store, on_desk(1), on_desk(2, department="WEST-ROADS"), application(1), application(2))
    (theirs,) = store.on_desk("WEST-ROADS")[0]
    of_holder = store.held_by(APPLICATION, "zhang", limit=1)[1]
    for cursor in (theirs.cursor, of_holder, "x"):
        with pytest.raises(Invalid):
            store.on_desk("EAST-MARKET", cursor=cursor)


# ------------------------------------------------------------------ when things go wrong


class Trouble:
    """An adapter in front of another that refuses, loses answers or leaves keys unread, as often as it is told."""

    def __init__(self, aws):
        self.aws = aws
        self.refused, self.lost, self.unread = [], [], 0

    def call(self, service, operation, request):
        if operation in self.refused:
            self.refused.remove(operation)
            raise Unreachable("ThrottlingException")
        if operation == "BatchGetItem" and self.unread:
            return self._partly(service, operation, request)
        answer = self.aws.call(service, operation, request)
        if operation in self.lost:
            self.lost.remove(operation)
            raise Unreachable("the answer was lost")
        return answer

    def _partly(self, service, operation, request):
        ((table, wanted),) = request["RequestItems"].items()
        now, later = wanted["Keys"][: -self.unread], wanted["Keys"][-self.unread :]
        self.unread = 0
        answer = self.aws.call(service, operation, {"RequestItems": {table: {**wanted, "Keys": now}}})
        return {**answer, "UnprocessedKeys": {table: {**wanted, "Keys": later}}}


@pytest.fixture
def trouble(aws):
    return Trouble(aws)


@pytest.fixture
def troubled(trouble, table):
    return Store(trouble, table, patience=PATIENCE)


def opening():
    return Command(task(1).key, "open", lambda state, now: [example(TaskOpened)])


def test_keys_left_unread_are_asked_for_again(troubled, trouble):
    items = [task(number) for number in range(8)]
    created(troubled, *items)
    trouble.unread = 5
    assert troubled.load([item.key for item in items]) == {item.key: item for item in items}


def test_a_refused_write_can_be_tried_again(troubled, trouble):
    trouble.refused = ["PutItem"]
    (first,), (second,) = (perform(troubled, [opening()], NOON) for _ in range(2))
    assert first.error is not None and not first.is_final
    assert second.after.version == 1


def test_a_write_whose_answer_was_lost_is_found_when_it_is_tried_again(troubled, trouble):
    trouble.lost = ["PutItem"]
    (first,), (second,) = (perform(troubled, [opening()], NOON) for _ in range(2))
    assert first.error is not None and not first.is_final
    assert second.after.version == 1


@pytest.mark.parametrize("faults", [["answer"], ["request"], ["busy", "busy"], ["busy", "answer"]])
def test_over_a_bad_line_the_signed_client_has_one_effect(dynamodb, faults):
    name = f"contract-{next(TABLES)}"
    client("dynamodb", dynamodb).create_table(TableName=name, **table_definition())
    with lossy(dynamodb) as proxy:
        proxy.faults = list(faults)
        store = Store(SignedAws(endpoint=proxy.url, **QUICK), name, patience=PATIENCE)
        (outcome,) = perform(store, [opening()], NOON)
        assert outcome.error is None and outcome.after.version == 1
        assert proxy.seen == len(faults) + 1
        assert store.load([task(1).key])[task(1).key].version == 1


# ------------------------------------------------------------------ keys


def test_what_is_sealed_to_a_department_is_closed_to_another(aws):
    sealing = Sealing(aws, key_prefix="alias/liangwang/department/")
    sealed = sealing.seal({"name": "张示例"}, department="EAST-MARKET", case_no="1")
    assert sealing.open(sealed, department="EAST-MARKET", case_no="1") == {"name": "张示例"}
    for other in ({"department": "WEST-ROADS", "case_no": "1"}, {"department": "EAST-MARKET", "case_no": "2"}):
        with pytest.raises(AwsError):
            sealing.open(sealed, **other)


def test_what_kms_signs_its_public_key_verifies(aws):
    if isinstance(aws, BotoAws):
        pytest.skip("moto takes a digest for a message and hashes it once more")
    key, issuer = "alias/liangwang/token", "https://liangwang.example"
    token = KmsSigner(aws, key=key, issuer=issuer).sign({"sub": "zhang", "role": "citizen"})
    verifier = Verifier(aws, keys={"token": (key, None)}, issuer=issuer)
    assert verifier.verify(token)["sub"] == "zhang"
    with pytest.raises(jwt.InvalidTokenError):
        verifier.verify(token[:-4] + "AAAA")


# ------------------------------------------------------------------ the stream


def test_the_fakes_stream_is_the_emulators(dynamodb):
    name = f"contract-{next(TABLES)}"
    stream = client("dynamodb", dynamodb).create_table(TableName=name, **table_definition())
    fake = FakeAws()
    for aws in (SignedAws(endpoint=dynamodb, **QUICK), fake):
        store = Store(aws, name, patience=PATIENCE)
        created(store, application(1))
        assert store.save([(application(1), application(1)._replace(round=1))]) == [None]
    arn = stream["TableDescription"]["LatestStreamArn"]
    reader = client("dynamodbstreams", dynamodb)
    (shard,) = reader.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    place = reader.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")
    theirs = reader.get_records(ShardIterator=place["ShardIterator"])["Records"]
    ours = fake.dynamodb.streams[name]
    assert [record["eventName"] for record in theirs] == [record["eventName"] for record in ours]
    for their, our in zip(theirs, ours, strict=True):
        assert set(their["dynamodb"]) <= set(our["dynamodb"])
        assert [names(their, image) for image in IMAGES] == [names(our, image) for image in IMAGES]


IMAGES = ("Keys", "OldImage", "NewImage")


def names(record, image):
    """The attributes of an image, values apart from bytes, which boto3 has decoded."""
    found = record["dynamodb"].get(image, {})
    return {name: value for name, value in found.items() if name != "body"}
