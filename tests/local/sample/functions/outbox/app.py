"""Sends each new note to Kafka."""

import os

from kafka import KafkaProducer

BOOTSTRAP = os.environ["KAFKA_BOOTSTRAP_SERVERS"]  # only there while the function is imported, as on Lambda's start


def connect():
    return KafkaProducer(
        bootstrap_servers=BOOTSTRAP,
        api_version=(2, 3),
        acks="all",
        enable_idempotence=True,
        reconnect_backoff_max_ms=500,
        delivery_timeout_ms=5000,
        request_timeout_ms=2000,
        linger_ms=0,
    )


producer = connect()


def handler(event, context):
    sent = []
    for record in event["Records"]:
        image = record["dynamodb"]["NewImage"]
        text = image.get("text", {}).get("S", "")
        sent.append(producer.send("notes", key=image["pk"]["S"].encode(), value=text.encode()))
    producer.flush()
    failed = [record for record, future in zip(event["Records"], sent, strict=True) if not future.succeeded()]
    if failed:
        reconnect()
    return {"batchItemFailures": [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]} for record in failed]}


def reconnect():
    """An idempotent producer whose broker came back empty may never recover: the next try has a new one."""
    global producer
    producer.close(timeout=0.5)
    producer = connect()
