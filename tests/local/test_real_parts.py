"""How the real parts are set up: pure rules, without Java."""

import sqlite3
import uuid
from contextlib import closing

import pytest

from local import apache_kafka, config, dynamodb_local, parts, stack, tables, template
from local.config import Config, StartError
from tests.conftest import REPOSITORY

PROPERTIES = template.read(REPOSITORY / "template.yaml")["Resources"]["IntakeTable"]["Properties"]


def test_a_table_of_the_template_is_created_as_it_is_declared():
    arguments = tables.create_arguments("liangwang-IntakeTable", PROPERTIES, place="IntakeTable")
    assert arguments["TableName"] == "liangwang-IntakeTable"
    assert arguments["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES", "StreamEnabled": True}
    for name in ("KeySchema", "AttributeDefinitions", "GlobalSecondaryIndexes", "BillingMode"):
        assert arguments[name] == PROPERTIES[name]


def test_what_only_protects_a_table_on_aws_is_left_out():
    arguments = tables.create_arguments("t", PROPERTIES, place="T")
    assert {"PointInTimeRecoverySpecification", "SSESpecification"} <= set(PROPERTIES)
    assert not {"PointInTimeRecoverySpecification", "SSESpecification"} & set(arguments)


class Dynamo:
    """Answers what it is asked about a table's expiry, and keeps what it is told."""

    def __init__(self, status):
        self.status = status
        self.told = []

    def call(self, service, operation, request):
        if operation == "UpdateTimeToLive":
            self.told.append(request)
            return {}
        return {"TimeToLiveDescription": {"TimeToLiveStatus": self.status}}


@pytest.mark.parametrize(("status", "times"), [("DISABLED", 1), ("ENABLED", 0), ("ENABLING", 0)])
def test_items_of_a_table_expire_as_it_declares_and_are_told_so_once(status, times):
    aws = Dynamo(status)
    tables._expire(aws, "t", PROPERTIES["TimeToLiveSpecification"])
    wanted = {"TableName": "t", "TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": True}}
    assert aws.told == [wanted] * times


def test_a_property_that_is_not_served_is_refused_by_name():
    with pytest.raises(StartError, match=r"^NotesTable\.KinesisStreamSpecification is not served by DYNAMODB=local"):
        tables.create_arguments("t", {**PROPERTIES, "KinesisStreamSpecification": {}}, place="NotesTable")


def test_the_tables_of_a_template_are_found_by_logical_id():
    found = tables.declared(template.read(REPOSITORY / "template.yaml"))
    assert set(found) == {
        "IntakeTable",
        "GovernanceTable",
        "DepartmentTable",
        "AuditTable",
        "StatisticsTable",
        "LimitsTable",
    }


@pytest.mark.parametrize(
    ("choice", "started"),
    [
        ({}, {"emulator": False, "broker": False}),
        ({"kafka": "apache"}, {"emulator": False, "broker": True}),
        ({"dynamodb": "local"}, {"emulator": True, "dynamodb": True, "broker": False}),
        ({"kafka": "apache", "dynamodb": "local"}, {"emulator": True, "dynamodb": True, "broker": True}),
        ({"endpoint": "http://mine:4566", "bootstrap": "mine:9092"}, {}),
        ({"endpoint": "http://mine:4566", "dynamodb": "local"}, {"dynamodb": True, "broker": False}),
    ],
)
def test_which_parts_are_started_and_whether_they_keep_their_data(tmp_path, choice, started):
    assert {part.name: part.keeps_data for part in parts.of(Config(state=tmp_path, **choice))} == started


def test_every_port_of_a_part_has_a_variable_of_its_own(tmp_path):
    found = parts.of(Config(state=tmp_path, kafka="apache", dynamodb="local"))
    variables = [variable for part in found for variable in part.ports]
    assert sorted(variables) == [
        "LOCAL_BROKER_PORT",
        "LOCAL_CONTROLLER_PORT",
        "LOCAL_DYNAMODB_PORT",
        "LOCAL_EMULATOR_PORT",
    ]


def test_kafka_listens_on_this_machine_only_and_keeps_its_log_in_the_state_folder(tmp_path):
    settings = apache_kafka.properties(Config(state=tmp_path, broker_port=18000, controller_port=18001, partitions=3))
    assert settings["listeners"] == "PLAINTEXT://127.0.0.1:18000,CONTROLLER://127.0.0.1:18001"
    assert settings["advertised.listeners"] == "PLAINTEXT://127.0.0.1:18000"
    assert (settings["log.dirs"], settings["num.partitions"]) == (str(tmp_path / "kafka"), "3")
    replicated = [name for name in settings if name.endswith("replication.factor")]
    assert replicated and all(settings[name] == "1" for name in replicated)


def test_the_environment_chooses_the_parts():
    assert config.from_environment({}).kafka == "embedded"
    chosen = config.from_environment({"KAFKA": "apache", "DYNAMODB": "local", "LOCAL_DYNAMODB_PORT": "18002"})
    assert (chosen.kafka, chosen.dynamodb, chosen.dynamodb_port) == ("apache", "local", 18002)


@pytest.mark.parametrize(("variable", "value"), [("KAFKA", "redpanda"), ("DYNAMODB", "real")])
def test_another_choice_is_one_line_that_names_the_choices(variable, value):
    with pytest.raises(
        StartError, match=rf"^{variable}={value} is not known: choose {variable}=embedded or {variable}="
    ):
        config.from_environment({variable: value})


def test_where_dynamodb_is_reaches_every_process(tmp_path):
    apart = Config(state=tmp_path, dynamodb="local", dynamodb_port=18003)
    held = apart.environment()
    assert held["AWS_ENDPOINT_URL_DYNAMODB"] == held["AWS_ENDPOINT_URL_DYNAMODB_STREAMS"] == "http://127.0.0.1:18003"
    assert held["AWS_ENDPOINT_URL"] == apart.endpoint_url
    embedded = Config(state=tmp_path).environment()
    assert embedded["AWS_ENDPOINT_URL_DYNAMODB"] == embedded["AWS_ENDPOINT_URL"]


def test_a_kafka_of_ones_own_and_ours_are_not_started_together(tmp_path):
    with pytest.raises(StartError, match="KAFKA_BOOTSTRAP_SERVERS"):
        stack.check(Config(state=tmp_path, kafka="apache", bootstrap="mine:9092"))


def test_an_access_key_that_dynamodb_local_refuses_is_refused_at_once(tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "my-key")
    with pytest.raises(StartError, match="AWS_ACCESS_KEY_ID must be letters and digits"):
        stack.check(Config(state=tmp_path, endpoint="http://mine:4566", dynamodb="local"))


def test_what_the_database_wrote_ahead_is_taken_over_while_it_runs(tmp_path):
    config = Config(state=tmp_path)
    dynamodb_local.folder(config).mkdir()
    file = dynamodb_local.folder(config) / "shared-local-instance.db"
    with closing(sqlite3.connect(file)) as database:
        database.executescript("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE t (a)")
        database.executemany("INSERT INTO t VALUES (?)", [("x" * 1000,)] * 500)
        database.commit()
        small = file.stat().st_size
        dynamodb_local.tidy(config)
        assert file.stat().st_size > small + 400_000


def test_there_is_nothing_to_tidy_before_the_database_is_there(tmp_path):
    dynamodb_local.tidy(Config(state=tmp_path))
    assert not dynamodb_local.folder(Config(state=tmp_path)).exists()


def test_a_cluster_s_id_that_begins_with_a_dash_is_not_read_as_an_option(tmp_path):
    name = uuid.UUID(bytes=b"\xfb" * 16)
    assert apache_kafka.new_cluster_id(name).startswith("-")
    words = apache_kafka.format_words(name, tmp_path / "kafka.properties")
    assert f"--cluster-id={apache_kafka.new_cluster_id(name)}" in words
