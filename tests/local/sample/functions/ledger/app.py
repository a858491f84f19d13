"""Writes what arrives on Kafka down, and fails on the word poison."""

import base64
import os

import boto3

table = boto3.resource("dynamodb").Table(os.environ["TABLE"])


def handler(event, context):
    failures = []
    for place, records in event["records"].items():
        for index, record in enumerate(records):
            text = base64.b64decode(record["value"]).decode()
            if text == "raise":
                raise ValueError("told to")
            if text == "poison":
                late = records[index:]
                failures += [{"itemIdentifier": {"partition": place, "offset": one["offset"]}} for one in late]
                break
            table.put_item(Item={"pk": base64.b64decode(record["key"]).decode(), "text": text})
    return {"batchItemFailures": failures}
