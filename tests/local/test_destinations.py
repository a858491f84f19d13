"""Records that are given up arrive at SQS, SNS and S3 of the emulator in AWS's shapes."""

import json
import uuid

import pytest

from local import deploy, kafka_batch
from local.destinations import FailureSender, NotDelivered
from local.kafka_batch import Cluster, Record
from local.kafka_client import KafkaCluster
from local.kafka_failure import Failure
from local.mappings import Destination

MSK = Cluster(arn="arn:aws:kafka:cn-north-1:000000000000:cluster/sample/0", bootstrap_servers="b:9092")
RECORD = Record(topic="t", partition=0, offset=5, timestamp=1, value="件".encode())
FAILURE = Failure(condition="c", attempts=1, raised=True, function_arn="arn:f", request_id="r", now=1_700_000_000)


@pytest.fixture(autouse=True)
def endpoint(stack, monkeypatch):
    """As in the stack's own processes."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", stack.endpoint_url)


@pytest.fixture
def send(stack):
    """Leaves RECORD at a destination."""

    def sender(kind, name, clients=None):
        cluster = KafkaCluster(stack.bootstrap_servers)
        clients = clients or deploy.session(stack.config).client
        FailureSender(Destination(kind, name), mapping="F.E", kafka=cluster, clients=clients).send(
            [RECORD], FAILURE, MSK
        )

    return sender


@pytest.fixture
def queue(stack):
    """A queue of its own: its ARN and a way to read one message."""
    client = deploy.session(stack.config).client("sqs")
    url = client.create_queue(QueueName=f"q-{uuid.uuid4()}")["QueueUrl"]

    class Queue:
        arn = client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

        def receive(self):
            (message,) = client.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"]
            return json.loads(message["Body"])

    yield Queue()
    client.delete_queue(QueueUrl=url)


def test_a_queue_is_told_where_the_record_stands(send, queue):
    send("sqs", queue.arn)
    told = queue.receive()
    assert told["KafkaBatchInfo"]["recordsInfo"]["t-0"]["firstRecordOffset"] == "5"
    assert "payload" not in told


def test_a_bucket_is_given_the_event_too(stack, send):
    client, bucket = deploy.session(stack.config).client("s3"), f"b-{uuid.uuid4()}"
    client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": stack.config.region})
    send("s3", f"arn:aws:s3:::{bucket}")
    stored = client.get_object(Bucket=bucket, Key="aws/lambda/F.E/t-0/2023/11/14/2023-11-14T22.13.20-r")["Body"].read()
    assert json.loads(json.loads(stored)["payload"]) == kafka_batch.payload([RECORD], MSK)


class Topics:
    """An SNS client; the emulator runs without SNS."""

    def __init__(self):
        self.published = []

    def publish(self, **arguments):
        self.published.append(arguments)


def test_a_topic_s_subscribers_are_told_as_a_queue_is(send, queue):
    topics, arn = Topics(), "arn:aws:sns:cn-north-1:000000000000:lost"
    send("sns", arn, lambda service: {"sns": topics}[service])
    send("sqs", queue.arn)
    (published,) = topics.published
    assert published == {"TopicArn": arn, "Message": json.dumps(queue.receive(), separators=(",", ":"))}


def test_a_destination_that_is_not_there_is_said_so(send):
    with pytest.raises(NotDelivered, match="nowhere did not take 1 records"):
        send("sqs", "arn:aws:sqs:cn-north-1:000000000000:nowhere")
