"""The parts that integration tests stand on: one each a session, on ports of their own.

They are the embedded ones, or the real ones that KAFKA and DYNAMODB name.
"""

import boto3
import pytest

from local import config as configuration
from local import template, topics
from local.config import Config
from tests.conftest import REPOSITORY
from tests.ports import chosen_parts, own_ports, running

KEYS = ("alias/liangwang/token", "alias/liangwang/department/EAST-MARKET", "alias/liangwang/department/WEST-ROADS")


@pytest.fixture(scope="session")
def machine(tmp_path_factory):
    """A configuration with free ports; nothing of it runs yet."""
    config = Config(state=tmp_path_factory.mktemp("parts"), **own_ports(), **chosen_parts())
    configuration.save(config)
    return config


@pytest.fixture(scope="session")
def ministack(machine):
    """MiniStack's address."""
    with running(machine, "emulator"):
        yield machine.endpoint_url


@pytest.fixture(scope="session")
def dynamodb(machine, request):
    """Where the tables are: MiniStack too, or DynamoDB Local."""
    if machine.dynamodb == "embedded":
        yield request.getfixturevalue("ministack")
        return
    with running(machine, "dynamodb"):
        yield machine.dynamodb_url


@pytest.fixture(scope="session")
def broker(machine):
    """Kafka's address."""
    with running(machine, "broker"):
        if machine.kafka == "apache":  # the embedded one makes its own
            topics.ensure(machine)
        yield machine.bootstrap_servers


def table_definition():
    """CreateTable's arguments for one of the three tables, as the template declares it."""
    properties = template.read(REPOSITORY / "template.yaml")["Resources"]["DepartmentTable"]["Properties"]
    wanted = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "StreamSpecification")
    definition = {name: properties[name] for name in wanted}
    definition["StreamSpecification"] = {**definition["StreamSpecification"], "StreamEnabled": True}
    return definition


def create_keys(kms):
    """The KMS keys that the contract tests use."""
    for alias in KEYS:
        signing = {"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"} if alias.endswith("token") else {}
        key = kms.create_key(**signing)["KeyMetadata"]["KeyId"]
        kms.create_alias(AliasName=alias, TargetKeyId=key)


def client(service, endpoint=None):
    """A boto3 client with the credentials every emulator takes."""
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name="cn-north-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
