"""Out to a real Kafka wire and in again: the producer, the relay, the publisher and a consuming handler."""

import itertools
import uuid

import confluent_kafka
import pytest
from liangwang.aggregates import CASE, Key
from liangwang.consuming import consume
from liangwang.domain import messages as m
from liangwang.domain.patience import Patience
from liangwang.domain.working_days import Calendar
from liangwang.envelope import Outgoing, decode, wrap
from liangwang.fakes import FakeAws, kafka_event
from liangwang.fakes.kafka import PARTITIONS, Held
from liangwang.producer import Producer, Undeliverable
from liangwang.rules import Rules
from liangwang.services.department import Department
from liangwang.services.publisher import Publisher
from liangwang.services.relay import Relay
from liangwang.store import Store

from tests.functional.city import City
from tests.unit.samples import NOON, example, submitted

NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def producer(broker):
    """The real producer, one for the life of the process as in a function."""
    return Producer(broker, timeout_seconds=10)


@pytest.fixture
def topic_end(broker):
    """A reader of what is sent during a test: everything of a topic after the moment it was asked for."""
    reader = confluent_kafka.Consumer(
        {"bootstrap.servers": broker, "group.id": str(uuid.uuid4()), "log_level": 2, "fetch.wait.max.ms": 5}
    )

    def marks(topic):
        places = [confluent_kafka.TopicPartition(topic, n) for n in range(PARTITIONS)]
        return {place.partition: reader.get_watermark_offsets(place, timeout=10)[1] for place in places}

    class Tail:
        def __init__(self, topic):
            self.topic, self.start = topic, marks(topic)

        def read(self):
            """The records since then, partition by partition."""
            ends = marks(self.topic)
            found = []
            for partition, start in self.start.items():
                if ends[partition] == start:
                    continue
                reader.assign([confluent_kafka.TopicPartition(self.topic, partition, start)])
                for message in reader.consume(ends[partition] - start, timeout=10):
                    assert message.error() is None
                    found.append(Held(self.topic, partition, message.offset(), message.key().decode(), message.value()))
            return found

    yield Tail
    reader.close()


def message(case_no, version=2, **changes):
    event = wrap(submitted(case_no=case_no, **changes), id=f"intake/{case_no}/{version}", time=NOON)
    return Outgoing("applications", case_no, event)


def fresh():
    return f"broker-{next(NUMBERS)}"


def test_messages_of_a_case_keep_their_order_in_one_partition(producer, topic_end):
    tail, cases = topic_end("applications"), [fresh() for _ in range(5)]
    sent = [message(case_no, version) for version in range(2, 12) for case_no in cases]
    assert producer.send(sent) == [None] * 50
    records = tail.read()
    for case_no in cases:
        mine = [record for record in records if record.key == case_no]
        assert len({record.partition for record in mine}) == 1
        assert [decode(record.value).id for record in mine] == [f"intake/{case_no}/{n}" for n in range(2, 12)]


def test_what_is_read_is_what_was_sent(producer, topic_end):
    tail, sent = topic_end("applications"), message(fresh(), form={"名称": "食品"})
    assert producer.send([sent]) == [None]
    (record,) = tail.read()
    assert decode(record.value).data == sent.event.data


def test_a_message_too_large_is_reported_and_those_that_follow_go_on(producer, topic_end):
    tail, bad, good = topic_end("applications"), fresh(), fresh()
    huge = message(bad, form={"text": "x" * 2_000_000})
    results = producer.send([message(good), huge, message(bad, 3), message(good, 3)])
    assert [result is None for result in results] == [True, False, True, True]
    assert isinstance(results[1], Undeliverable)
    assert producer.send([message(good, 4)]) == [None]
    assert [decode(record.value).id for record in tail.read() if record.key == good] == [
        f"intake/{good}/{n}" for n in (2, 3, 4)
    ]


@pytest.fixture
def city(producer):
    """A city whose relay and publisher send to the real broker."""
    city = City()
    city.relay = Relay(city.stores["governance"], city.gates, producer, clock=city.clock)
    city.publisher = Publisher(producer)
    return city


def test_the_relay_carries_applications_and_intake_knows_it(city, topic_end):
    tail = topic_end("applications")
    case_no = city.apply("elderly-card", key=fresh())
    city.stream("intake")
    (record,) = tail.read()
    assert (record.key, decode(record.value).data.case_no) == (case_no, case_no)
    assert city.exchange.pending([case_no]) == ()


def test_the_publisher_empties_the_outbox_in_order(city, topic_end):
    acceptances, approvals = topic_end("acceptances"), topic_end("approvals")
    case_no = city.apply("elderly-card", key=fresh())
    tail = topic_end("applications")
    city.stream("intake")
    system, route, _ = city.consumers["applications"]
    answer = consume(kafka_event(tail.read()), consumer="acceptance", store=city.stores[system], route=route)
    assert answer == {"batchItemFailures": []}
    city.stream("department")
    assert [decode(record.value).type for record in acceptances.read()] == ["case.accepted"]
    decided = [decode(record.value) for record in approvals.read()]
    assert [event.type for event in decided] == ["approval.step_completed"] * 2 + ["case.decided"]
    assert {event.subject for event in decided} == {case_no}


def test_a_batch_off_the_wire_is_consumed_by_the_department(producer, topic_end, catalogue):
    tail, case_no = topic_end("applications"), fresh()
    form = {"birth_year": 1950, "household": "local", "collection": "post"}
    good = message(
        case_no,
        department="D-990100-CIVIL",
        task_code="elderly-card",
        place="990101001",
        form=form,
        materials=("identity-card", "photo"),
    )
    stray = Outgoing("applications", case_no, wrap(example(m.DeadLettered), id="any/x/1", time=NOON))
    assert producer.send([stray, good, good]) == [None] * 3
    store = Store(FakeAws(), "department", patience=Patience())
    answer = consume(
        kafka_event(tail.read()),
        consumer="acceptance",
        store=store,
        route=Department(catalogue, Rules(), Calendar()).route,
    )
    assert answer == {"batchItemFailures": []}
    key = Key(CASE.name, case_no)
    assert store.load([key])[key].state.status == "granted"
