"""Our own template, deployed to the local endpoint by CloudFormation.

Tables, streams, queues and keys are created as written. Functions and their layers are too when the stack's are deployed
ones (`--lambda`); else they run in this repository's own processes, and everything of AWS::Serverless and IAM is left out.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Mapping
from typing import Any

import msgspec
from botocore.exceptions import ClientError
from localstack_client.session import Session

from local import deployable, package, tables
from local import template as templates
from local.config import Config, write_atomically
from local.intrinsics import Resolver, pseudo_parameters

SENDER = "no-reply@liangwang.example"
"""In whose name the embedded endpoint's SES sends."""

_QUOTAS = ("SourceRequestsPerMinute", "AccountRequestsPerMinute", "SystemRequestsPerMinute")


class DeployError(Exception):
    """The stack was not created; the message holds CloudFormation's reasons."""


class Resources(msgspec.Struct, frozen=True):
    """What was deployed: `Ref` values and `GetAtt` attributes by logical id."""

    references: dict[str, str]
    attributes: dict[str, dict[str, str]]


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
    """Create (or find) all stacks and say what they hold.

    Raises DeployError with CloudFormation's reasons, and PackageError when functions are deployed and cannot be packaged.
    """
    aws = session(config)
    formation = aws.client("cloudformation")
    resources = Resources({}, {})
    documents = _documents(config)
    for name, document in documents.items():
        if config.dynamodb == "local":
            references, attributes = tables.ensure(config, document)
            document = deployable.without_tables(document, references, attributes)
            resources = Resources(resources.references | references, resources.attributes | attributes)
        if config.deployed and name == config.stack_name:
            _apply(formation, name, _upload(config, aws, document), update=True)
        else:
            # TemplateBody takes 51,200 bytes: without functions a template fits.
            _apply(formation, name, {"TemplateBody": json.dumps(deployable.reduced(document))})
    found = _describe(aws, config, list(documents))
    resources = Resources(found.references | resources.references, found.attributes | resources.attributes)
    if config.notifications == "on" and config.endpoint is None:
        sesv2 = aws.client("sesv2")
        with contextlib.suppress(sesv2.exceptions.AlreadyExistsException):
            sesv2.create_email_identity(EmailIdentity=SENDER)  # SES sends for nobody whom it does not know
    config.state.mkdir(parents=True, exist_ok=True)
    write_atomically(config.state / "resources.json", msgspec.json.format(msgspec.json.encode(resources)))
    return resources


def _upload(config: Config, aws: Session, document: Mapping[str, Any]) -> dict[str, Any]:
    """Packages and template in a bucket, as `sam deploy` leaves them there; what CloudFormation is asked with then."""
    storage, bucket = aws.client("s3"), f"{config.stack_name}-packages"
    with contextlib.suppress(storage.exceptions.BucketAlreadyOwnedByYou, storage.exceptions.BucketAlreadyExists):
        storage.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": config.region})
    code: dict[str, str] = {}
    for one in package.build(config):
        storage.put_object(Bucket=bucket, Key=one.key, Body=one.path.read_bytes())
        code |= dict.fromkeys(one.resources, f"s3://{bucket}/{one.key}")
    whole = deployable.with_functions(document, code=code, variables=_deployed_places(config, document))
    body = json.dumps(whole, ensure_ascii=False).encode()
    key = f"{hashlib.sha256(body).hexdigest()[:32]}/template.json"
    storage.put_object(Bucket=bucket, Key=key, Body=body)
    chosen = {name: value for name, value in _parameters(config).items() if name in whole["Parameters"]}
    return {
        "TemplateURL": f"{config.endpoint_url}/{bucket}/{key}",
        "Parameters": [{"ParameterKey": name, "ParameterValue": value} for name, value in chosen.items()],
    }


def places(config: Config) -> dict[str, str]:
    """Variables whose value on this machine is another than the template's, by name."""
    return {
        "CATALOGUE_DIR": str(config.catalogue),
        "KAFKA_BOOTSTRAP_SERVERS": config.bootstrap_servers,
        "EXCHANGE_URL": config.gateway_url,
        "ASK_AGAIN_SECONDS": str(config.ask_again_seconds),
    }


def _deployed_places(config: Config, document: Mapping[str, Any]) -> dict[str, str]:
    """The same, seen from a deployed function: a layer's content is in /opt.

    MiniStack has no /opt: it unpacks a function's layers beside its code, numbered in their order.
    """
    found = places(config)
    del found["CATALOGUE_DIR"]
    layers = document.get("Globals", {}).get("Function", {}).get("Layers", [])
    for number, layer in enumerate(layers):
        content = document["Resources"][layer["Ref"]]["Properties"]["ContentUri"]
        if config.endpoint is None and config.template.parent / content == config.catalogue:
            found["CATALOGUE_DIR"] = f"../layer_{number}"
    return found


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
        references={**templates.lists(template.document, parameters), **resources.references},
        attributes=resources.attributes,
        conditions=template.document.get("Conditions"),
    )


def _parameters(config: Config) -> dict[str, str]:
    """Template parameters whose value follows from the local run."""
    return {
        "KafkaBootstrapServers": config.bootstrap_servers,
        "ExchangeUrl": config.gateway_url,
        "AskAgainSeconds": str(config.ask_again_seconds),
        **dict.fromkeys(_QUOTAS, str(config.requests_per_minute)),
        **({"CorsOrigins": config.cors_origins} if config.cors_origins else {}),
        **({"MailSender": SENDER, "TextMessages": "on"} if config.notifications == "on" else {}),
    }


def _documents(config: Config) -> dict[str, dict[str, Any]]:
    """The templates by the names of their stacks."""
    documents = {config.stack_name: templates.read(config.template)}
    for path in config.extra_stacks:
        if path.exists():
            documents[f"{config.stack_name}-{path.stem}"] = templates.read(path)
    return documents


def _apply(formation: Any, name: str, template: Mapping[str, Any], *, update: bool = False) -> None:
    """Create a stack, or bring an existing one up to date, and wait for it."""
    asked = {"StackName": name, "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"], **template}
    try:
        formation.create_stack(**asked)
    except formation.exceptions.AlreadyExistsException:
        if not update:
            return
        try:
            formation.update_stack(**asked)
        except ClientError as error:
            if "No updates are to be performed" in str(error):
                return
            raise DeployError(f"stack {name} was not updated: {error}") from error
    _await(formation, name)


def _await(formation: Any, name: str) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        status = formation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
        if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            return
        if not status.endswith("IN_PROGRESS") or "ROLLBACK" in status:
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
