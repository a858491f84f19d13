"""Sends each new note to Kafka."""

import os

import confluent_kafka as kafka

producer = kafka.Producer(
    {
        "bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"],
        "enable.idempotence": True,
        "message.timeout.ms": 5000,
        "log_level": 2,
    }
)


def handler(event, context):
    failed = []
    for record in event["Records"]:
        image = record["dynamodb"]["NewImage"]
        producer.produce(
            "notes",
            image.get("text", {}).get("S", ""),
            image["pk"]["S"],
            on_delivery=lambda error, _, record=record: failed.append(record) if error else None,
        )
    producer.flush()
    return {"batchItemFailures": [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]} for record in failed]}
