"""The parts that integration tests stand on: one emulator and one broker a session, on ports of their own."""

import os
import sys

import boto3
import pytest

from local import emulator, processes, template
from local.config import Config
from tests.conftest import REPOSITORY
from tests.waiting import eventually, free_ports

KEYS = ("alias/liangwang/token", "alias/liangwang/department/EAST-MARKET", "alias/liangwang/department/WEST-ROADS")


@pytest.fixture(scope="session")
def machine(tmp_path_factory):
    """A configuration with free ports; nothing of it runs yet."""
    emulator_port, broker_port = free_ports(2)
    return Config(state=tmp_path_factory.mktemp("parts"), emulator_port=emulator_port, broker_port=broker_port)


@pytest.fixture(scope="session")
def ministack(machine):
    """MiniStack's address."""
    environment = {**os.environ, **machine.environment(), **emulator.environment(machine)}
    process = processes.start(
        [sys.executable, "-m", "local.emulator"], environment=environment, log=machine.log("emulator")
    )
    try:
        eventually(lambda: emulator.is_healthy(machine), seconds=60, what="the emulator")
        yield machine.endpoint_url
    finally:
        processes.stop(process)


@pytest.fixture(scope="session")
def broker(machine):
    """The embedded broker's address."""
    command = [sys.executable, "-m", "local.broker", "--port", str(machine.broker_port), *machine.topics]
    environment = {**os.environ, **machine.environment()}
    process = processes.start(command, environment=environment, log=machine.log("broker"))
    try:
        eventually(lambda: processes.port_answers(machine.broker_port), what="the broker")
        yield machine.bootstrap_servers
    finally:
        processes.stop(process)


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
