"""What is done at the cluster by hand, from inside its VPC: topics on MSK Serverless, departments' rights, and dead letters.

    PYTHONPATH=.:layers/core/python python infra/cluster.py --bootstrap HOST:9098 topics --partitions 12
    PYTHONPATH=.:layers/core/python python infra/cluster.py --bootstrap HOST:9098 acls --apply
    PYTHONPATH=.:layers/core/python python infra/cluster.py --bootstrap HOST:9098 dead-letters
    PYTHONPATH=.:layers/core/python python infra/cluster.py --bootstrap HOST:9098 replay applications 3 4711

Where it runs: CloudShell with a VPC environment, or any machine in the private subnets with the function security group.
With ``--security iam`` (the default) it signs in with the credentials and region in AWS_ACCESS_KEY_ID,
AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and AWS_REGION.
"""

import base64
import json
import os
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import confluent_kafka as kafka
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)
from liangwang.kafka_security import PROTOCOLS, Security, msk_token
from liangwang.signing import Credentials

from infra.department_access import Acl, acls, command, joined_by_kafka
from local import template

TOPICS = Path(__file__).resolve().parent / "topics.yaml"
DEAD_LETTERS = "dead-letters"
SECONDS = 20.0


def names() -> list[str]:
    """The topics that infra/topics.yaml makes on a provisioned cluster."""
    resources = template.read(TOPICS)["Resources"].values()
    return [one["Properties"]["TopicName"] for one in resources if one["Type"] == "AWS::MSK::Topic"]


def create_topics(settings: dict[str, Any], partitions: int) -> list[str]:
    """Makes the topics that are missing, with the cluster's own replication; answers which. Raises KafkaException."""
    admin = AdminClient(settings)
    present = admin.list_topics(timeout=SECONDS).topics
    missing = [name for name in names() if name not in present]
    made = admin.create_topics([NewTopic(name, partitions, -1) for name in missing]) if missing else {}
    for future in made.values():
        future.result(SECONDS)
    return missing


def set_rights(settings: dict[str, Any], wanted: list[Acl]) -> tuple[list[Acl], list[Acl]]:
    """Makes the rights of the users that are named exactly these; answers what was given and what was taken away.

    The cluster decides who may do this: with IAM, kafka-cluster:AlterCluster. Raises KafkaException.
    """
    admin = AdminClient(settings)
    everything = AclBindingFilter(
        ResourceType.ANY, None, ResourcePatternType.ANY, None, None, AclOperation.ANY, AclPermissionType.ANY
    )
    users, target = {one.principal for one in wanted}, {_binding(one): one for one in wanted}
    present = {one for one in admin.describe_acls(everything).result(SECONDS) if one.principal in users}
    missing, beyond = [one for one in target if one not in present], [one for one in present if one not in target]
    for future in (admin.create_acls(missing) if missing else {}).values():
        future.result(SECONDS)
    for taken in (admin.delete_acls([_exactly(one) for one in beyond]) if beyond else {}).values():
        taken.result(SECONDS)
    return [target[one] for one in missing], [_right(one) for one in beyond]


def _binding(acl: Acl) -> AclBinding:
    kind = ResourceType.GROUP if acl.kind == "group" else ResourceType.TOPIC
    pattern = ResourcePatternType.PREFIXED if acl.prefixed else ResourcePatternType.LITERAL
    return AclBinding(kind, acl.name, pattern, acl.principal, "*", AclOperation[acl.operation], AclPermissionType.ALLOW)


def _exactly(one: AclBinding) -> AclBindingFilter:
    return AclBindingFilter(
        one.restype, one.name, one.resource_pattern_type, one.principal, one.host, one.operation, one.permission_type
    )


def _right(one: AclBinding) -> Acl:
    prefixed = one.resource_pattern_type == ResourcePatternType.PREFIXED
    return Acl(one.principal, one.operation.name, one.restype.name.lower(), one.name, prefixed)


def letters(settings: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every dead letter that the topic holds now: where the record lay, its key and value (base64), and why it is here."""
    consumer = kafka.Consumer({**settings, "group.id": f"operator-{uuid.uuid4().hex}", "enable.auto.commit": False})
    try:
        partitions = consumer.list_topics(DEAD_LETTERS, timeout=SECONDS).topics[DEAD_LETTERS].partitions
        for number in partitions:
            place = kafka.TopicPartition(DEAD_LETTERS, number)
            first, end = consumer.get_watermark_offsets(place, timeout=SECONDS)
            consumer.assign([kafka.TopicPartition(DEAD_LETTERS, number, first)])
            while first < end:
                message = consumer.poll(SECONDS)
                if message is None or message.error():
                    raise click.ClickException(f"{DEAD_LETTERS}-{number} at {first}: {message and message.error()}")
                first = message.offset() + 1
                yield from of_message(json.loads(message.value()))
    finally:
        consumer.close()


def of_message(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Both forms that stand on the topic (docs/messages.md), as one: ours has its ``type``, Lambda's poller its payload."""
    if body.get("type") == "dead_letter":
        wanted = ("topic", "partition", "offset", "key", "value", "reason", "consumer", "length")
        yield {name: body["data"].get(name) for name in wanted}
        return
    for records in body["payload"]["records"].values():
        for record in records:
            yield {
                "topic": record["topic"],
                "partition": record["partition"],
                "offset": record["offset"],
                "key": record.get("key"),
                "value": record.get("value"),
                "reason": body["responseContext"].get("functionError") or body["requestContext"]["condition"],
                "consumer": body["requestContext"]["functionArn"],
                "length": len(record.get("value") or ""),
            }


def replay(settings: dict[str, Any], letter: dict[str, Any]) -> None:
    """Sends a dead letter's record to its topic once more. Raises click.ClickException when that cannot be done."""
    if len(letter["value"] or "") < letter["length"]:
        raise click.ClickException("only the beginning of this record was kept: its sender has to send it again")
    producer = kafka.Producer({**settings, "partitioner": "murmur2_random", "enable.idempotence": True})
    value, key = (None if letter[name] is None else base64.b64decode(letter[name]) for name in ("value", "key"))
    failed: list[str] = []
    producer.produce(
        letter["topic"], value, key, on_delivery=lambda error, _: failed.append(error.str()) if error else None
    )
    if producer.flush(SECONDS) or failed:
        raise click.ClickException(f"{letter['topic']} did not take it: {failed or 'no answer'}")


def security(way: str) -> Security:
    """How this person is known to the cluster. Raises click.ClickException that names the variable that is missing."""
    given = os.environ
    needed = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION") if way == "iam" else ()
    missing = [name for name in needed if not given.get(name)]
    if missing:
        raise click.ClickException(f"--security iam needs {', '.join(missing)} in the environment")

    def token() -> tuple[str, float]:
        who = Credentials(
            given["AWS_ACCESS_KEY_ID"], given["AWS_SECRET_ACCESS_KEY"], given.get("AWS_SESSION_TOKEN", "")
        )
        return msk_token(region=given["AWS_REGION"], credentials=who, now=datetime.now(UTC))

    return Security(way, given.get("KAFKA_USERNAME", ""), given.get("KAFKA_PASSWORD", ""), token)


@click.group()
@click.option("--bootstrap", required=True, help="host:port list, as `aws kafka get-bootstrap-brokers` prints it.")
@click.option("--security", "way", default="iam", type=click.Choice(list(PROTOCOLS)))
@click.pass_context
def main(context: click.Context, bootstrap: str, way: str) -> None:
    """The cluster, from inside its VPC."""
    context.obj = {"bootstrap.servers": bootstrap, "log_level": 3, **security(way).settings()}


@main.command("topics")
@click.option("--partitions", default=12, show_default=True)
@click.pass_obj
def _topics(settings: dict[str, Any], partitions: int) -> None:
    """Make the topics that are missing."""
    click.echo(f"made: {', '.join(create_topics(settings, partitions)) or 'nothing, all are there'}")


@main.command("acls")
@click.option("--apply", "applies", is_flag=True, help="Set them, and take away what these users have beyond them.")
@click.pass_obj
def _acls(settings: dict[str, Any], applies: bool) -> None:
    """Print what departments' own systems may do, as options of kafka-acls.sh."""
    wanted = [one for department in joined_by_kafka() for one in acls(department.code)]
    if not applies:
        click.echo("\n".join(command(one) for one in wanted))
        return
    given, taken = set_rights(settings, wanted)
    click.echo(f"given: {len(given)}, taken away: {len(taken)}, of {len(wanted)}")
    for one in taken:
        click.echo(f"taken away: {one.principal} {one.operation} {one.kind} {one.name}")


@main.command("dead-letters")
@click.pass_obj
def _dead_letters(settings: dict[str, Any]) -> None:
    """Print every dead letter as a line of JSON, the oldest of each partition first."""
    for letter in letters(settings):
        click.echo(json.dumps(letter, ensure_ascii=False))


@main.command("replay")
@click.argument("topic")
@click.argument("partition", type=int)
@click.argument("offset", type=int)
@click.pass_obj
def _replay(settings: dict[str, Any], topic: str, partition: int, offset: int) -> None:
    """Send the dead record of TOPIC PARTITION OFFSET once more. Whoever knows it already drops it."""
    place = (topic, partition, offset)
    for letter in letters(settings):
        if (letter["topic"], letter["partition"], letter["offset"]) == place:
            replay(settings, letter)
            click.echo(f"sent to {topic} again")
            return
    raise click.ClickException(f"no dead letter of {topic}-{partition} at {offset}")


if __name__ == "__main__":
    sys.exit(main())
