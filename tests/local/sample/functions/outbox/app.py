"""Sends each new note to Kafka."""

import os

from kafka import KafkaProducer

producer = KafkaProducer(
    bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"],
    api_version=(2, 3),
    acks="all",
    enable_idempotence=True,
    reconnect_backoff_max_ms=500,
    delivery_timeout_ms=5000,
    request_timeout_ms=2000,
    linger_ms=0,
)


def handler(event, context):
    sent = []
    for record in event["Records"]:
        image = record["dynamodb"]["NewImage"]
        text = image.get("text", {}).get("S", "")
        sent.append(producer.send("notes", key=image["pk"]["S"].encode(), value=text.encode()))
    producer.flush()
    failed = [record for record, future in zip(event["Records"], sent, strict=True) if not future.succeeded()]
    return {"batchItemFailures": [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]} for record in failed]}
