"""infra/cluster.py at a broker: topics made, dead letters read, and one sent once more."""

import base64
import json

import confluent_kafka
import pytest
from click.testing import CliRunner
from liangwang.consuming import Record, dead_letter
from liangwang.domain.messages import TOPIC
from liangwang.envelope import Outgoing, wrap
from liangwang.producer import Producer

from tests import infra_tools
from tests.unit.samples import NOON

BYTES = b'{"no": "envelope"}'
KEY, VALUE = base64.b64encode(b"case-1").decode(), base64.b64encode(BYTES).decode()


@pytest.fixture(scope="module")
def tool():
    return infra_tools.load("cluster")


def run(tool, broker, *arguments):
    return CliRunner().invoke(tool.main, ["--bootstrap", broker, "--security", "plaintext", *arguments])


@pytest.fixture(scope="module")
def letter(broker):
    """A dead letter on the topic, as a function and the publisher bring it there."""
    record = Record(topic="approvals", partition=2, offset=4711, key=KEY, value=VALUE)
    (event,) = dead_letter(record, consumer="handback", reason="no envelope").decide(None, NOON)
    sent = Outgoing("dead-letters", "case-1", wrap(event, id="department/dead-letter/1", time=NOON))
    assert Producer(broker).send([sent]) == [None]
    return event


def test_the_topics_of_the_system_are_those_that_are_made(tool):
    assert sorted(tool.names()) == sorted(set(TOPIC.values()))


def test_topics_that_are_there_are_left_alone(tool, broker):
    done = run(tool, broker, "topics")
    assert done.exit_code == 0 and "all are there" in done.output


def test_a_dead_letter_says_where_the_record_lay_and_why(tool, broker, letter):
    done = run(tool, broker, "dead-letters")
    assert done.exit_code == 0, done.output
    found = [json.loads(line) for line in done.output.splitlines()]
    assert {"approvals", 2, 4711, "no envelope"} <= {value for one in found for value in one.values()}


def test_a_dead_letter_is_sent_once_more_as_it_was(tool, broker, letter):
    assert run(tool, broker, "replay", "approvals", "2", "4711").output == "sent to approvals again\n"
    reader = confluent_kafka.Consumer({"bootstrap.servers": broker, "group.id": "replayed", "log_level": 3})
    try:
        places = [confluent_kafka.TopicPartition("approvals", number, 0) for number in range(4)]
        reader.assign(places)
        held = {(message.key(), message.value()) for message in reader.consume(1, timeout=10)}
    finally:
        reader.close()
    assert held == {(b"case-1", BYTES)}


def test_what_was_never_set_aside_cannot_be_sent(tool, broker, letter):
    done = run(tool, broker, "replay", "approvals", "0", "1")
    assert done.exit_code == 1 and "no dead letter of approvals-0 at 1" in done.output


def test_a_record_of_lambda_s_poller_reads_like_ours(tool):
    """https://docs.aws.amazon.com/lambda/latest/dg/kafka-on-failure-destination.html"""
    record = {"topic": "approvals", "partition": 2, "offset": 4711, "key": KEY, "value": VALUE}
    body = {
        "requestContext": {"functionArn": "arn:…:liangwang-handback", "condition": "RetryAttemptsExhausted"},
        "responseContext": {"functionError": "Unhandled"},
        "payload": {"eventSource": "aws:kafka", "records": {"approvals-2": [record]}},
    }
    (letter,) = tool.of_message(body)
    assert {name: letter[name] for name in record} == record
    assert (letter["reason"], letter["consumer"]) == ("Unhandled", "arn:…:liangwang-handback")


def test_a_record_of_which_only_the_beginning_was_kept_is_not_sent(tool):
    short = {"topic": "approvals", "value": "AAAA", "key": None, "length": 400_000}
    with pytest.raises(Exception, match="only the beginning"):
        tool.replay({}, short)
