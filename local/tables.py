"""The template's tables on a DynamoDB that CloudFormation does not reach: created as declared, under names that stay."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from liangwang.aws import AwsError, AwsJson, SignedAws

from local.config import Config, StartError

KIND = "AWS::DynamoDB::Table"

# Properties that CreateTable takes as they are.
_SAME = (
    "AttributeDefinitions",
    "BillingMode",
    "DeletionProtectionEnabled",
    "GlobalSecondaryIndexes",
    "KeySchema",
    "LocalSecondaryIndexes",
    "ProvisionedThroughput",
)
# What protects and bills a table on AWS and does nothing for a file on one's own disk.
_LEFT_OUT = ("PointInTimeRecoverySpecification", "SSESpecification", "TableClass", "Tags")
_EXPIRY = "TimeToLiveSpecification"  # a call of its own, once the table is there
_SECONDS = 20.0


def create_arguments(name: str, properties: Mapping[str, Any], *, place: str) -> dict[str, Any]:
    """CreateTable's arguments for a table of a template. Pure.

    Raises StartError for a property that is not served, by its name. TableName is not kept: the name is the caller's.
    """
    known = {*_SAME, *_LEFT_OUT, "StreamSpecification", "TableName", _EXPIRY}
    unknown = sorted(set(properties) - known)
    if unknown:
        raise StartError(
            f"{place}.{unknown[0]} is not served by DYNAMODB=local: leave it out, or run without DYNAMODB=local"
        )
    arguments = {"TableName": name, **{kind: properties[kind] for kind in _SAME if kind in properties}}
    if "StreamSpecification" in properties:
        arguments["StreamSpecification"] = {**properties["StreamSpecification"], "StreamEnabled": True}
    return arguments


def declared(document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The properties of a template's tables, by logical id."""
    resources = document.get("Resources", {})
    return {name: resource["Properties"] for name, resource in resources.items() if resource["Type"] == KIND}


def ensure(config: Config, document: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """Create the tables that are missing; leave those that exist as they are.

    Returns their names and their attributes (Arn, StreamArn) by logical id. The name is the stack's and the logical id,
    so it is the same after a restart.
    """
    aws = SignedAws(region=config.region, credentials=config.credentials, endpoint=config.dynamodb_url)
    references, attributes = {}, {}
    for logical, properties in declared(document).items():
        name = f"{config.stack_name}-{logical}"
        arguments = create_arguments(name, properties, place=logical)
        try:
            aws.call("dynamodb", "CreateTable", arguments)
        except AwsError as error:
            if error.code != "ResourceInUseException":
                raise StartError(f"table {logical} at {config.dynamodb_url}: {error}") from error
        table = _await_active(aws, name)
        if _EXPIRY in properties:
            _expire(aws, name, properties[_EXPIRY])
        references[logical] = name
        attributes[logical] = {"Arn": table["TableArn"], "StreamArn": table.get("LatestStreamArn", "")}
    return references, attributes


def _expire(aws: AwsJson, name: str, wanted: Mapping[str, Any]) -> None:
    """Items remove themselves at the time in this attribute. Asking for what holds already is an error to DynamoDB."""
    found = aws.call("dynamodb", "DescribeTimeToLive", {"TableName": name})["TimeToLiveDescription"]
    if found.get("TimeToLiveStatus") not in ("ENABLED", "ENABLING"):
        aws.call("dynamodb", "UpdateTimeToLive", {"TableName": name, _EXPIRY: dict(wanted)})


def _await_active(aws: AwsJson, name: str) -> dict[str, Any]:
    deadline = time.monotonic() + _SECONDS
    while True:
        table: dict[str, Any] = aws.call("dynamodb", "DescribeTable", {"TableName": name})["Table"]
        if table["TableStatus"] == "ACTIVE":
            return table
        if time.monotonic() > deadline:
            raise StartError(f"table {name} is {table['TableStatus']} after {_SECONDS:.0f} s")
        time.sleep(0.05)
