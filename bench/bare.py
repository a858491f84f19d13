"""Bare parts for the floor and the ways to write: a table without index and stream, two clients, a consumer."""

from __future__ import annotations

import base64
import os
import uuid
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import confluent_kafka as kafka
from liangwang.aws import AwsError, AwsJson, SignedAws

from local.config import Config


def boto3(config: Config) -> AwsJson:
    """As anyone would write without our code."""
    from liangwang.aws_boto import BotoAws

    keys = config.credentials()
    return BotoAws(
        endpoint_url=config.dynamodb_url,
        region_name=config.region,
        aws_access_key_id=keys.access_key,
        aws_secret_access_key=keys.secret_key,
        aws_session_token=keys.token or None,
    )


def signed(config: Config) -> AwsJson:
    """The functions' own client."""
    keys = config.credentials()
    return SignedAws(region=config.region, credentials=lambda: keys, endpoint=config.dynamodb_url)


CLIENTS: dict[str, Callable[[Config], AwsJson]] = {"boto3": boto3, "signed": signed}


def create(config: Config, table: str) -> None:
    """Creates a table with the key ``pk``, unless it is there."""
    request = {
        "TableName": table,
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    try:
        signed(config).call("dynamodb", "CreateTable", request)
    except AwsError as error:
        if error.code != "ResourceInUseException":
            raise


def put(table: str, key: str, *, size: int) -> dict[str, Any]:
    """A PutItem request for an item of ``size`` bytes that must not be there yet."""
    return {"TableName": table, "Item": item(key, size=size), "ConditionExpression": "attribute_not_exists(pk)"}


def item(key: str, *, size: int) -> dict[str, Any]:
    """An item whose body does not compress, as ours do not."""
    return {"pk": {"S": key}, "version": {"N": "1"}, "body": {"B": _body(size)}}


@lru_cache
def _body(size: int) -> str:
    return base64.b64encode(os.urandom(size)).decode()


def listener(config: Config, topic: str) -> kafka.Consumer:
    """A consumer of all that comes to a topic from now on."""
    settings = {"bootstrap.servers": config.bootstrap_servers, "group.id": f"bench-{uuid.uuid4().hex}"}
    # The embedded broker wakes no waiting fetch; another one does, and is not to be asked a hundred times a second.
    wait = 10 if config.kafka == "embedded" and config.bootstrap is None else 500
    consumer = kafka.Consumer({**settings, "fetch.wait.max.ms": wait})
    partitions = consumer.list_topics(topic, timeout=20).topics[topic].partitions
    ends = [kafka.TopicPartition(topic, number) for number in partitions]
    for end in ends:
        end.offset = consumer.get_watermark_offsets(end, timeout=20)[1]
    consumer.assign(ends)
    return consumer
