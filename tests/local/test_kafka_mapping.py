"""The settings of a Kafka event source mapping: a row for each, with Lambda's own limits."""

import pytest

from local import template
from local.mappings import TemplateError

TOPIC = {"Topics": ["t"], "StartingPosition": "TRIM_HORIZON"}
SELF_MANAGED = {
    **TOPIC,
    "KafkaBootstrapServers": ["a.example:9092", "b.example:9092"],
    "SourceAccessConfigurations": [{"Type": "VPC_SUBNET", "URI": "subnet:subnet-1"}],
}


def document(kind="MSK", function=None, parameters=None, **properties):
    base = {"Stream": "arn", **TOPIC} if kind == "MSK" else SELF_MANAGED
    event = {"Type": kind, "Properties": {**base, **properties}}
    declared = {"CodeUri": "f", "Events": {"E": event}, **(function or {})}
    return {
        "Parameters": parameters or {},
        "Resources": {"F": {"Type": "AWS::Serverless::Function", "Properties": declared}},
    }


def read(kind="MSK", **properties):
    (found,) = template.parse(document(kind, **properties)).kafka
    return found


def test_lambda_s_defaults_hold_where_the_template_is_silent():
    found = read()
    assert (found.batch_size, found.window_seconds, found.maximum_retries) == (100, 0.5, -1)
    assert (found.maximum_age_seconds, found.bisect, found.report_failures) == (-1, False, False)
    assert (found.group, found.patterns, found.destination) == ("F.E", (), None)


def test_a_self_managed_cluster_s_endpoints_are_kept_for_its_events():
    found = read("SelfManagedKafka")
    assert (found.kind, found.cluster_arn) == ("SelfManagedKafka", None)
    assert found.bootstrap_servers == ("a.example:9092", "b.example:9092")


@pytest.mark.parametrize(
    ("properties", "field", "expected"),
    [
        ({"BatchSize": 10_000}, "batch_size", 10_000),
        ({"BatchSize": "7"}, "batch_size", 7),
        ({"MaximumBatchingWindowInSeconds": 0}, "window_seconds", 0.0),
        ({"MaximumBatchingWindowInSeconds": 300}, "window_seconds", 300.0),
        ({"MaximumRetryAttempts": 0}, "maximum_retries", 0),
        ({"MaximumRecordAgeInSeconds": 604_800}, "maximum_age_seconds", 604_800),
        ({"BisectBatchOnFunctionError": True}, "bisect", True),
        ({"FunctionResponseTypes": ["ReportBatchItemFailures"]}, "report_failures", True),
        ({"ConsumerGroupId": "g"}, "group", "g"),
        ({"StartingPosition": "LATEST"}, "starting_position", "LATEST"),
        ({"StartingPosition": "AT_TIMESTAMP", "StartingPositionTimestamp": 1.5}, "starting_timestamp", 1500),
        ({"FilterCriteria": {"Filters": [{"Pattern": '{"value": ["x"]}'}]}}, "patterns", ({"value": ["x"]},)),
        # endless retries end at ten once there is a destination; other numbers stand
        ({"DestinationConfig": {"OnFailure": {"Destination": "kafka://lost"}}}, "maximum_retries", 10),
        (
            {"DestinationConfig": {"OnFailure": {"Destination": "kafka://lost"}}, "MaximumRetryAttempts": 500},
            "maximum_retries",
            500,
        ),
        ({"DestinationConfig": {"OnFailure": {"Destination": {"Ref": "Queue"}}}}, "destination", {"Ref": "Queue"}),
        # what changes nothing a function sees is taken as it is
        ({"ProvisionedPollerConfig": {"MinimumPollers": 1, "MaximumPollers": 2000}}, "batch_size", 100),
        ({"Tags": {"a": "b"}, "KmsKeyArn": "k", "MetricsConfig": {}, "LoggingConfig": {}}, "batch_size", 100),
    ],
)
def test_a_mapping_s_settings(properties, field, expected):
    assert getattr(read(**properties), field) == expected


def test_settings_may_be_parameters_and_conditions():
    parameters = {"Size": {"Default": "50"}, "Name": {"Default": "orders"}}
    properties = {"BatchSize": {"Ref": "Size"}, "Topics": [{"Fn::Sub": "${Name}-v1"}], "Tags": {"Ref": "AWS::NoValue"}}
    (found,) = template.parse(document(parameters=parameters, **properties)).kafka
    assert (found.batch_size, found.topic) == (50, "orders-v1")


def test_a_mapping_that_is_switched_off_does_not_run():
    assert template.parse(document(Enabled=False)).kafka == ()


@pytest.mark.parametrize(
    ("properties", "named"),
    [
        ({"Topics": ["a", "b"]}, "Topics: exactly one topic"),
        ({"Topics": []}, "Topics: exactly one topic"),
        ({"Topics": ["a topic"]}, "Topics: a topic is not"),
        ({"BatchSize": 0}, "BatchSize: expected a whole number from 1 to 10000, found 0"),
        ({"BatchSize": 10_001}, "BatchSize: expected a whole number from 1 to 10000"),
        ({"BatchSize": True}, "BatchSize: expected a whole number"),
        ({"BatchSize": {"Ref": "Nowhere"}}, "BatchSize: !Ref Nowhere"),
        ({"MaximumBatchingWindowInSeconds": 301}, "MaximumBatchingWindowInSeconds: expected .* 0 to 300"),
        ({"MaximumBatchingWindowInSeconds": 0.5}, "MaximumBatchingWindowInSeconds: expected a whole number"),
        ({"MaximumRetryAttempts": -2}, "MaximumRetryAttempts: expected .* -1 to 10000"),
        ({"MaximumRetryAttempts": 10_001}, "MaximumRetryAttempts: expected .* -1 to 10000"),
        ({"MaximumRecordAgeInSeconds": 59}, "MaximumRecordAgeInSeconds: expected -1 or 60 to 604800"),
        ({"MaximumRecordAgeInSeconds": 604_801}, "MaximumRecordAgeInSeconds: expected"),
        ({"BisectBatchOnFunctionError": "maybe"}, "BisectBatchOnFunctionError: expected true or false"),
        ({"FunctionResponseTypes": ["Other"]}, r"FunctionResponseTypes: expected \[ReportBatchItemFailures\]"),
        ({"ConsumerGroupId": "g h"}, "ConsumerGroupId: expected 1 to 200"),
        ({"StartingPosition": None}, "StartingPosition: expected one of TRIM_HORIZON, LATEST, AT_TIMESTAMP"),
        ({"StartingPosition": "AT_TIMESTAMP"}, "StartingPositionTimestamp: goes with"),
        ({"StartingPositionTimestamp": 1}, "StartingPositionTimestamp: goes with"),
        ({"StartingPosition": "AT_TIMESTAMP", "StartingPositionTimestamp": "noon"}, "expected Unix seconds"),
        ({"FilterCriteria": {"Filters": [{"Pattern": '{"key": ["x"]}'}]}}, r"Pattern.key: .* only `value`"),
        ({"FilterCriteria": {"Filters": [{"Pattern": '{"value": [{"wildcard": "x"}]}'}]}}, "wildcard not served"),
        ({"FilterCriteria": {"Filters": [{"Pattern": '{"value": ["x"]}'}] * 11}}, "10 filters at most"),
        ({"FilterCriteria": {"Else": 1}}, "FilterCriteria: Else not served"),
        ({"DestinationConfig": {"OnFailure": {"Destination": "kafka://t"}}}, "name another topic"),
        ({"DestinationConfig": {"OnSuccess": {}}}, "DestinationConfig: OnSuccess not served"),
        ({"ProvisionedPollerConfig": {"MinimumPollers": 3, "MaximumPollers": 2}}, "is more than MaximumPollers 2"),
        ({"ProvisionedPollerConfig": {"MaximumPollers": 2001}}, "MaximumPollers: expected"),
        ({"SchemaRegistryConfig": {}}, "E: SchemaRegistryConfig not served"),
        ({"ParallelizationFactor": 2}, "ParallelizationFactor not served"),
        ({"TumblingWindowInSeconds": 2}, "TumblingWindowInSeconds not served"),
        ({"KafkaBootstrapServers": ["a:1"]}, "KafkaBootstrapServers not served"),
        ({"Stream": None}, "Stream: an MSK event needs"),
        ({"function": {"Timeout": 841}}, r"Timeout: 841; with a Kafka event at most 840"),
    ],
)
def test_a_setting_lambda_would_refuse_is_refused_by_name(properties, named):
    with pytest.raises(TemplateError, match=f"^F.*{named}"):
        template.parse(document(**properties))


@pytest.mark.parametrize(
    ("properties", "named"),
    [
        ({"SourceAccessConfigurations": []}, "SourceAccessConfigurations: SAM demands it"),
        ({"KafkaBootstrapServers": []}, "KafkaBootstrapServers: expected 1 to 10"),
        ({"KafkaBootstrapServers": ["a"]}, "KafkaBootstrapServers: expected host:port, found a"),
        ({"Stream": "arn"}, "Stream not served"),
    ],
)
def test_a_self_managed_setting_lambda_would_refuse_is_refused_by_name(properties, named):
    with pytest.raises(TemplateError, match=rf"^F\.Events\.E.*{named}"):
        template.parse(document("SelfManagedKafka", **properties))


def test_a_consumer_group_belongs_to_one_mapping():
    declared = document(ConsumerGroupId="g")
    events = declared["Resources"]["F"]["Properties"]["Events"]
    events["Other"] = events["E"]
    with pytest.raises(TemplateError, match=r"F\.Events\.Other\.ConsumerGroupId: g is that of F\.E already"):
        template.parse(declared)
