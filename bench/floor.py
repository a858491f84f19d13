"""The floor: as many bare DynamoDB writes and Kafka messages as a run made, without any of our functions.

Writes: conditional PutItems of 1 kB, eight threads, one process: through boto3, as anyone would without our code, and
through our signed client, which costs a quarter of it and makes a harder floor. Messages: produced and
consumed by kafka-python in another process with the
settings of our producer, at the same time, as the system does it. The floor is the longer of the two.
"""

from __future__ import annotations

import base64
import multiprocessing
import os
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from liangwang.aws import AwsJson, SignedAws
from liangwang.aws_boto import BotoAws
from liangwang.signing import Credentials

from local.stack import Stack

TABLE = "bench-floor"
TOPIC = "bench-floor"


def prepare(stack: Stack) -> None:
    """Creates the bare table: no index, no stream."""
    import boto3

    client = boto3.client("dynamodb", endpoint_url=stack.endpoint_url, region_name=stack.config.region, **_KEYS)
    if TABLE not in client.list_tables()["TableNames"]:
        client.create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )


CLIENTS = ("boto3", "signed")


def seconds(stack: Stack, client: str, *, writes: int, messages: int) -> float:
    """Wall seconds for that many writes through a client and that many messages, done side by side."""
    context = multiprocessing.get_context("spawn")
    gate = context.Barrier(3)
    jobs = [
        context.Process(target=_write, args=(client, stack.endpoint_url, stack.config.region, writes, gate)),
        context.Process(target=_pass, args=(stack.bootstrap_servers, messages, gate)),
    ]
    for job in jobs:
        job.start()
    gate.wait()
    began = time.monotonic()
    for job in jobs:
        job.join()
    if any(job.exitcode for job in jobs):
        raise SystemExit("the floor did not finish: its figures mean nothing")
    return time.monotonic() - began


MESSAGE = (Path(__file__).parent.parent / "docs" / "api" / "schemas" / "case.decided.json").read_bytes()[:900]
"""JSON of the usual size, which shrinks as messages do."""

_KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}


def _client(name: str, endpoint: str, region: str) -> AwsJson:
    if name == "boto3":
        return BotoAws(endpoint_url=endpoint, region_name=region, **_KEYS)
    credentials = Credentials("test", "test")
    return SignedAws(region=region, credentials=lambda: credentials, endpoint=endpoint)


def _write(client: str, endpoint: str, region: str, count: int, gate: Any) -> None:
    aws = _client(client, endpoint, region)
    body = base64.b64encode(os.urandom(900)).decode()
    run = uuid.uuid4().hex

    def put(number: int) -> None:
        item = {"pk": {"S": f"{run}-{number}"}, "version": {"N": "1"}, "body": {"B": body}}
        request = {"TableName": TABLE, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}
        aws.call("dynamodb", "PutItem", request)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, range(8)))  # connections
        gate.wait()
        list(pool.map(put, range(8, count)))


def _pass(bootstrap: str, count: int, gate: Any) -> None:
    producer = KafkaProducer(
        bootstrap_servers=bootstrap,
        api_version=(2, 3),
        acks="all",
        enable_idempotence=True,
        linger_ms=2,
        compression_type="gzip",
    )
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, api_version=(2, 3), fetch_max_wait_ms=20)
    value = MESSAGE
    producer.send(TOPIC, key=b"first", value=value).get(timeout=20)
    partitions = [TopicPartition(TOPIC, number) for number in consumer.partitions_for_topic(TOPIC) or {0}]
    consumer.assign(partitions)
    consumer.seek_to_end()
    for partition in partitions:
        consumer.position(partition)
    gate.wait()
    seen, sent = 0, 0
    while seen < count:
        batch = [producer.send(TOPIC, key=b"%d" % n, value=value) for n in range(sent, min(sent + 100, count))]
        for future in batch:
            future.get(timeout=20)
        sent += len(batch)
        for records in consumer.poll(timeout_ms=20).values():
            seen += len(records)
