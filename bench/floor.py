"""The floor: as many bare DynamoDB writes and Kafka messages as a run made, without any of our functions.

Writes: conditional PutItems of 1 kB, eight threads, one process: through boto3, as anyone would without our code, and
through our signed client, which costs a quarter of it and makes a harder floor. Messages: produced and consumed by
confluent-kafka in another process with the settings of our producer, at the same time, as the system does it. The floor
is the longer of the two.
"""

from __future__ import annotations

import multiprocessing
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import confluent_kafka as kafka
import msgspec
from confluent_kafka.admin import AdminClient

from bench import bare
from local import topics
from local.config import Config
from local.stack import Stack

TABLE = "bench-floor"
TOPIC = "bench-floor"
CLIENTS = tuple(bare.CLIENTS)


def prepare(stack: Stack) -> None:
    """Creates the bare table and the topic."""
    bare.create(stack.config, TABLE)
    # The embedded broker makes a topic when it is asked for; a real one is told.
    admin = AdminClient({"bootstrap.servers": stack.bootstrap_servers, "log_level": 2})
    metadata = admin.list_topics(TOPIC, timeout=20)
    if metadata.topics[TOPIC].error is not None:
        topics.ensure(msgspec.structs.replace(stack.config, topics=(TOPIC,)))


def seconds(stack: Stack, client: str, *, writes: int, messages: int) -> float:
    """Wall seconds for that many writes through a client and that many messages, done side by side."""
    context = multiprocessing.get_context("spawn")
    gate = context.Barrier(3)
    jobs = [
        context.Process(target=_write, args=(client, stack.config, writes, gate)),
        context.Process(target=_pass, args=(stack.config, messages, gate)),
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


def _write(client: str, config: Config, count: int, gate: Any) -> None:
    aws = bare.CLIENTS[client](config)
    run = uuid.uuid4().hex

    def put(number: int) -> None:
        aws.call("dynamodb", "PutItem", bare.put(TABLE, f"{run}-{number}", size=900))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, range(8)))  # connections
        gate.wait()
        list(pool.map(put, range(8, count)))


def _pass(config: Config, count: int, gate: Any) -> None:
    producer = kafka.Producer(
        {
            "bootstrap.servers": config.bootstrap_servers,
            "enable.idempotence": True,
            "acks": "all",
            "compression.type": "gzip",
        }
    )
    consumer = bare.listener(config, TOPIC)
    producer.produce(TOPIC, MESSAGE, b"first")
    seen = 0
    while seen < 1:  # connections
        producer.flush(20)
        seen += _count(consumer)
    gate.wait()
    seen, sent = 0, 0
    while seen < count:
        for number in range(sent, min(sent + 100, count)):
            producer.produce(TOPIC, MESSAGE, b"%d" % number)
            sent += 1
        producer.flush(20)
        seen += _count(consumer)


def _count(consumer: Any) -> int:
    return sum(record.error() is None for record in consumer.consume(1000, timeout=0.02))
