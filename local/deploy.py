"""Our own template, deployed to the local endpoint: the resources that are not functions, API or roles.

Functions run in this repository's own processes, so everything of AWS::Serverless and IAM, and whatever refers
to it, is left out; tables, streams, queues and keys are created by CloudFormation as written.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from localstack_client.session import Session

from local import tables
from local import template as templates
from local.config import Config, write_atomically
from local.intrinsics import Resolver, pseudo_parameters

_LEFT_OUT = ("AWS::Serverless::", "AWS::IAM::", "AWS::Lambda::", "AWS::ApiGatewayV2::", "AWS::CloudWatch::")


class DeployError(Exception):
    """The stack was not created; the message holds CloudFormation's reasons."""


class Resources(msgspec.Struct, frozen=True):
    """What was deployed: `Ref` values and `GetAtt` attributes by logical id."""

    references: dict[str, str]
    attributes: dict[str, dict[str, str]]


def reduced(document: Mapping[str, Any], *, left_out: tuple[str, ...] = _LEFT_OUT) -> dict[str, Any]:
    """The template without functions, API, layers and roles, and without whatever needs one of them. Pure."""
    kept = {
        name: resource
        for name, resource in document.get("Resources", {}).items()
        if not resource["Type"].startswith(left_out)
    }
    declared = set(document.get("Resources", {}))
    while True:
        broken = {
            name
            for name, resource in kept.items()
            if any(target in declared and target not in kept for target in _mentions(resource))
        }
        if not broken:
            break
        kept = {name: resource for name, resource in kept.items() if name not in broken}
    used = {mention for resource in kept.values() for mention in _mentions(resource)}
    result: dict[str, Any] = {"AWSTemplateFormatVersion": "2010-09-09", "Resources": kept}
    parameters = {name: value for name, value in document.get("Parameters", {}).items() if name in used}
    if parameters:
        result["Parameters"] = parameters
    if document.get("Conditions"):
        result["Conditions"] = document["Conditions"]
        result["Parameters"] = document.get("Parameters", {})
    return result


def _mentions(node: Any) -> Iterator[str]:
    """Every logical id a piece of a template refers to."""
    if isinstance(node, list):
        for item in node:
            yield from _mentions(item)
    elif isinstance(node, Mapping):
        for key, item in node.items():
            if key in ("Ref", "DependsOn") and isinstance(item, str):
                yield item
            elif key == "DependsOn":
                yield from item
            elif key == "Fn::GetAtt":
                yield item[0] if isinstance(item, list) else item.split(".", 1)[0]
            elif key == "Fn::Sub":
                text = item[0] if isinstance(item, list) else item
                yield from (part.split("}", 1)[0].split(".", 1)[0] for part in text.split("${")[1:])
                yield from _mentions(item[1:] if isinstance(item, list) else [])
            else:
                yield from _mentions(item)


def session(config: Config) -> Session:
    """A localstack-client session for the stack's endpoint.

    It reads AWS_ENDPOINT_URL, which the caller has set from `config.environment()`.
    """
    credentials = config.credentials()
    return Session(
        aws_access_key_id=credentials.access_key,
        aws_secret_access_key=credentials.secret_key,
        # None where there is none: localstack-client would send a made-up one.
        aws_session_token=credentials.token or None,
        region_name=config.region,
    )


def deploy(config: Config) -> Resources:
    """Create (or find) all stacks and say what they hold. Raises DeployError with CloudFormation's reasons."""
    aws = session(config)
    formation = aws.client("cloudformation")
    for name, document in _stacks(config):
        _create(formation, name, document)
    names = [name for name, _ in _stacks(config)]
    resources = _describe(aws, config, names)
    if config.dynamodb == "local":
        for references, attributes in (tables.ensure(config, document) for document in _documents(config).values()):
            resources = Resources(resources.references | references, resources.attributes | attributes)
    config.state.mkdir(parents=True, exist_ok=True)
    write_atomically(config.state / "resources.json", msgspec.json.format(msgspec.json.encode(resources)))
    return resources


def load(config: Config) -> Resources:
    """What `deploy` found last time, for the other processes of the stack."""
    return msgspec.json.decode((config.state / "resources.json").read_bytes(), type=Resources)


def resolver(config: Config, template: templates.Template, resources: Resources) -> Resolver:
    """Intrinsics of our template against the deployed resources and the parameters of a local run."""
    parameters = {
        **template.parameters,
        **pseudo_parameters(region=config.region, stack_name=config.stack_name),
        **{name: value for name, value in _parameters(config).items() if name in template.parameters},
    }
    return Resolver(
        references={**parameters, **resources.references},
        attributes=resources.attributes,
        conditions=template.document.get("Conditions"),
    )


def _parameters(config: Config) -> dict[str, str]:
    """Template parameters whose value follows from the local run."""
    return {
        "KafkaBootstrapServers": config.bootstrap_servers,
        "ExchangeUrl": config.gateway_url,
        "AskAgainSeconds": str(config.ask_again_seconds),
    }


def _documents(config: Config) -> dict[str, dict[str, Any]]:
    """The templates by the names of their stacks."""
    documents = {config.stack_name: templates.read(config.template)}
    for path in config.extra_stacks:
        if path.exists():
            documents[f"{config.stack_name}-{path.stem}"] = templates.read(path)
    return documents


def _stacks(config: Config) -> list[tuple[str, dict[str, Any]]]:
    # Tables that live elsewhere are not CloudFormation's here.
    left_out = (*_LEFT_OUT, tables.KIND) if config.dynamodb == "local" else _LEFT_OUT
    return [(name, reduced(document, left_out=left_out)) for name, document in _documents(config).items()]


def _create(formation: Any, name: str, document: dict[str, Any]) -> None:
    # TemplateBody takes 51,200 bytes: without its functions the template fits.
    body = json.dumps(document)
    try:
        formation.create_stack(StackName=name, TemplateBody=body, Capabilities=["CAPABILITY_IAM"])
    except formation.exceptions.AlreadyExistsException:
        return
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        status = formation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
        if status == "CREATE_COMPLETE":
            return
        if not status.endswith("IN_PROGRESS") or status.startswith("ROLLBACK"):
            raise DeployError(f"stack {name} is {status}:\n{_reasons(formation, name)}")
        time.sleep(0.05)
    raise DeployError(f"stack {name} is not ready after 120 s:\n{_reasons(formation, name)}")


def _reasons(formation: Any, name: str) -> str:
    events = formation.describe_stack_events(StackName=name)["StackEvents"]
    lines = [
        f"  {event['LogicalResourceId']}: {event.get('ResourceStatusReason', event['ResourceStatus'])}"
        for event in reversed(events)
        if event["ResourceStatus"].endswith("FAILED")
    ]
    return "\n".join(lines) or "  no reason given"


def _describe(aws: Session, config: Config, names: list[str]) -> Resources:
    formation, tables, queues = (aws.client(service) for service in ("cloudformation", "dynamodb", "sqs"))
    references: dict[str, str] = {}
    attributes: dict[str, dict[str, str]] = {}
    for name in names:
        for page in formation.get_paginator("list_stack_resources").paginate(StackName=name):
            for resource in page["StackResourceSummaries"]:
                logical, physical = resource["LogicalResourceId"], resource["PhysicalResourceId"]
                references[logical] = physical
                if resource["ResourceType"] == "AWS::DynamoDB::Table":
                    table = tables.describe_table(TableName=physical)["Table"]
                    attributes[logical] = {"Arn": table["TableArn"], "StreamArn": table.get("LatestStreamArn", "")}
                elif resource["ResourceType"] == "AWS::SQS::Queue":
                    asked = queues.get_queue_attributes(QueueUrl=physical, AttributeNames=["QueueArn"])
                    arn = asked["Attributes"]["QueueArn"]
                    attributes[logical] = {"Arn": arn, "QueueUrl": physical, "QueueName": arn.rsplit(":", 1)[1]}
                elif resource["ResourceType"] == "AWS::KMS::Key":
                    attributes[logical] = {"Arn": f"arn:aws:kms:{config.region}:{_account(aws)}:key/{physical}"}
    return Resources(references, attributes)


def _account(aws: Session) -> str:
    return str(aws.client("sts").get_caller_identity()["Account"])
