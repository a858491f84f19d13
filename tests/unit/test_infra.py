"""infra/: what stands around the application is in step with it."""

import json
import os
import re
import subprocess
import sys
import tomllib
from functools import cache
from ipaddress import ip_network

import boto3
import click
import pytest
from liangwang.domain.messages import TOPIC
from moto import mock_aws

from infra.dashboard import looked_at_by
from infra.stack_outputs import Outputs
from local import template
from tests import infra_tools
from tests.conftest import REPOSITORY

INFRA = REPOSITORY / "infra"
APPLICATION = template.load(REPOSITORY / "template.yaml")

DIMENSIONS = {
    # https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    ("AWS/Lambda", "Errors"): [{"FunctionName"}],
    ("AWS/Lambda", "Throttles"): [set()],
    ("AWS/Lambda", "Duration"): [{"FunctionName"}],
    ("AWS/Lambda", "IteratorAge"): [{"FunctionName"}],
    # https://docs.aws.amazon.com/msk/latest/developerguide/metrics-details.html, level DEFAULT
    ("AWS/Kafka", "SumOffsetLag"): [{"Cluster Name", "Consumer Group", "Topic"}],
    ("AWS/Kafka", "OfflinePartitionsCount"): [{"Cluster Name"}],
    ("AWS/Kafka", "KafkaDataLogsDiskUsed"): [{"Cluster Name", "Broker ID"}],
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
    ("AWS/DynamoDB", "ReadThrottleEvents"): [{"TableName"}, {"TableName", "GlobalSecondaryIndexName"}],
    ("AWS/DynamoDB", "WriteThrottleEvents"): [{"TableName"}, {"TableName", "GlobalSecondaryIndexName"}],
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"): [{"QueueName"}],
    # https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html
    ("AWS/ApiGateway", "5xx"): [{"ApiId"}],
    ("AWS/ApiGateway", "Latency"): [{"ApiId"}],
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-Quotas-Visualize-Alarms.html
    ("AWS/Usage", "CallCount"): [{"Service", "Type", "Resource", "Class"}],
    ("AWS/Usage", "ConcurrentExecutions"): [{"Service", "Type", "Resource", "Class"}],
    # the filters in alarms.yaml itself make them
    ("liangwang", "DeadLetters"): [set()],
    ("liangwang", "Anomalies"): [set()],
    ("liangwang", "SetAside"): [set()],
    ("liangwang", "OldestDue"): [set()],
    ("liangwang", "OldestLetter"): [set()],
}
"""The metrics that alarms look at, with the sets of dimensions that AWS documents for each."""


ALARMS = ("alarms.yaml", "function-alarms.yaml")


@cache
def resources(name):
    return template.read(INFRA / name)["Resources"]


@cache
def generator():
    return infra_tools.load("alarms")


def of_type(name, kind):
    return {key: one["Properties"] for key, one in resources(name).items() if one["Type"] == kind}


@cache
def looked_at():
    """Every metric that an alarm looks at: namespace, name and dimensions."""
    return [
        (metric["Namespace"], metric["MetricName"], {one["Name"]: one["Value"] for one in metric["Dimensions"]})
        for name in ALARMS
        for alarm in resources(name).values()
        if alarm["Type"] == "AWS::CloudWatch::Alarm"
        for metric, _ in looked_at_by(alarm)
    ]


# ------------------------------------------------------------------ alarms


@pytest.mark.parametrize("name", ["alarms", "function-alarms", "dashboard"])
def test_the_committed_alarms_and_dashboard_are_in_step_with_the_template(name):
    assert (INFRA / f"{name}.yaml").read_text(encoding="utf-8") == generator().render(name), "run infra/alarms.py"


@pytest.mark.parametrize("name", ["alarms", "function-alarms", "dashboard"])
def test_the_alarms_and_the_dashboard_each_fit_a_call_of_cloudformation_without_a_bucket(name):
    assert (INFRA / f"{name}.yaml").stat().st_size < 51_200


def test_the_dashboard_shows_what_alarms_look_at():
    (board,) = of_type("dashboard.yaml", "AWS::CloudWatch::Dashboard").values()
    widgets = json.loads(board["DashboardBody"]["Fn::Sub"][0])["widgets"]
    shown = []
    for widget in widgets:
        above = []
        for line in widget["properties"]["metrics"]:
            above = above[:-1] + line[1:] if line[0] == "..." else line  # "..." repeats the line above
            shown.append(tuple(part for part in above if isinstance(part, str)))
    assert len(shown) == len(set(shown))
    names = [
        declared["FunctionName"]["Fn::Sub"].partition("-")[2] for declared in map(properties, APPLICATION.functions)
    ]
    shown_functions = {line[3] for line in shown if line[0] == "AWS/Lambda" and line[2:3] == ("FunctionName",)}
    assert shown_functions == {f"${{Application}}-{name}" for name in names}


def properties(name):
    return APPLICATION.document["Resources"][name]["Properties"]


@pytest.mark.parametrize("name", APPLICATION.functions)
@pytest.mark.parametrize("metric", ["Errors", "Duration"])
def test_every_function_has_alarms_of_its_own(name, metric):
    declared = APPLICATION.document["Resources"][name]["Properties"]["FunctionName"]["Fn::Sub"]
    who = {"FunctionName": {"Fn::Sub": declared.replace("AWS::StackName", "Application")}}
    assert ("AWS/Lambda", metric, who) in looked_at()


@pytest.mark.parametrize("source", APPLICATION.kafka, ids=lambda source: source.name)
def test_every_kafka_source_has_an_alarm_on_its_lag(source):
    where = {"Cluster Name": {"Ref": "ClusterName"}, "Consumer Group": source.group, "Topic": source.topic}
    assert ("AWS/Kafka", "SumOffsetLag", where) in looked_at()


def test_every_stream_has_an_alarm_on_its_age():
    old = [dimensions["FunctionName"]["Fn::Sub"] for _, name, dimensions in looked_at() if name == "IteratorAge"]
    assert len(old) == len(set(old)) == len({stream.function for stream in APPLICATION.streams})


def test_every_table_and_every_index_has_an_alarm_on_throttling():
    throttled = [one for _, name, one in looked_at() if name == "WriteThrottleEvents"]
    tables = [one for one in APPLICATION.document["Resources"].values() if one["Type"] == "AWS::DynamoDB::Table"]
    indexes = [index["IndexName"] for one in tables for index in one["Properties"].get("GlobalSecondaryIndexes", ())]
    assert len(throttled) == len(tables) + len(indexes)
    assert {one.get("GlobalSecondaryIndexName") for one in throttled} == {*indexes, None}


@pytest.mark.parametrize("metric", sorted({(one[0], one[1]) for one in looked_at()}), ids="/".join)
def test_a_metric_has_the_dimensions_that_aws_documents(metric):
    for namespace, name, dimensions in looked_at():
        if (namespace, name) == metric:
            assert set(dimensions) in DIMENSIONS[metric]


def test_what_the_alarms_import_the_application_exports():
    texts = [(INFRA / name).read_text(encoding="utf-8") for name in ("alarms.yaml", "dashboard.yaml")]
    wanted, shown = (set(re.findall(r"\$\{Application\}-([A-Z]\w+)", text)) for text in texts)
    exported = {
        one["Export"]["Name"]["Fn::Sub"].removeprefix("${AWS::StackName}-")
        for one in APPLICATION.document["Outputs"].values()
        if "Export" in one
    }
    assert wanted == exported
    assert shown <= exported


def test_every_alarm_tells_the_one_topic():
    alarms = [one for name in ALARMS for one in of_type(name, "AWS::CloudWatch::Alarm").values()]
    assert all(one["AlarmActions"] == one["OKActions"] == [{"Ref": "Alarms"}] for one in alarms)
    assert "Alarms" in template.read(INFRA / "alarms.yaml")["Resources"]
    assert "Alarms" in template.read(INFRA / "function-alarms.yaml")["Parameters"]


def test_an_alarm_stands_in_one_stack():
    first, second = (of_type(name, "AWS::CloudWatch::Alarm").keys() for name in ALARMS)
    assert not first & second


# ------------------------------------------------------------------ topics and clusters


def test_every_topic_of_the_system_is_made_and_no_other():
    made = [one["TopicName"] for one in of_type("topics.yaml", "AWS::MSK::Topic").values()]
    assert sorted(made) == sorted(set(TOPIC.values()))


def test_a_topic_and_a_cluster_outlive_their_stack():
    kept = ("AWS::MSK::Topic", "AWS::MSK::Cluster", "AWS::MSK::ServerlessCluster")
    for name in ("topics.yaml", "msk-provisioned.yaml", "msk-serverless.yaml"):
        assert all(one["DeletionPolicy"] == "Retain" for one in resources(name).values() if one["Type"] in kept)


def test_brokers_take_tls_and_iam_only_and_keep_what_is_acknowledged():
    (cluster,) = of_type("msk-provisioned.yaml", "AWS::MSK::Cluster").values()
    assert cluster["EncryptionInfo"]["EncryptionInTransit"] == {"ClientBroker": "TLS", "InCluster": True}
    assert cluster["ClientAuthentication"] == {
        "Sasl": {"Iam": {"Enabled": True}, "Scram": {"Enabled": {"Ref": "Scram"}}},
        "Unauthenticated": {"Enabled": False},
    }
    (configuration,) = of_type("msk-provisioned.yaml", "AWS::MSK::Configuration").values()
    settings = dict(line.split("=") for line in configuration["ServerProperties"]["Fn::Sub"].split())
    assert settings["auto.create.topics.enable"] == settings["unclean.leader.election.enable"] == "false"
    assert settings["allow.everyone.if.no.acl.found"] == "false", "who signs in by SCRAM may do what an ACL says only"
    assert (settings["min.insync.replicas"], settings["default.replication.factor"]) == ("2", "3")


# ------------------------------------------------------------------ the network


def test_brokers_hear_producers_and_pollers_on_every_port_of_kafka():
    network = resources("network.yaml")
    (producers,) = network["ClusterSecurityGroup"]["Properties"]["SecurityGroupIngress"]
    pollers = network["ClusterFromItself"]["Properties"]
    for rule, source in ((producers, "FunctionSecurityGroup"), (pollers, "ClusterSecurityGroup")):
        assert rule["SourceSecurityGroupId"] == {"Ref": source}
        assert rule["FromPort"] <= 9092 and rule["ToPort"] >= 9098  # 9098 is IAM's


@pytest.mark.parametrize("zone", "ABC")
def test_each_zone_has_a_way_out_unless_there_shall_be_none(zone):
    route = resources("network.yaml")[f"RouteOut{zone}"]
    assert route["Condition"] == "WithNat"
    assert route["Properties"]["RouteTableId"] == {"Ref": f"Routes{zone}"}


@pytest.mark.parametrize(
    ("egress", "gateways", "ways_out", "endpoints"),
    [
        ("nat", 1, 1, {"dynamodb", "s3"}),
        ("nat-per-zone", 3, 3, {"dynamodb", "s3"}),
        ("none", 0, 0, {"dynamodb", "s3", "kms"}),
    ],
)
def test_the_network_deploys_with_the_ways_out_that_were_asked_for(monkeypatch, egress, gateways, ways_out, endpoints):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        formation, ec2 = (boto3.client(name, region_name="eu-central-1") for name in ("cloudformation", "ec2"))
        formation.create_stack(
            StackName="network",
            TemplateBody=without_cidr((INFRA / "network.yaml").read_text(encoding="utf-8")),
            Parameters=[{"ParameterKey": "Egress", "ParameterValue": egress}],
        )
        (stack,) = formation.describe_stacks()["Stacks"]
        outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
        inside = [{"Name": "vpc-id", "Values": [outputs["VpcId"]]}]
        routes = [one for table in ec2.describe_route_tables(Filters=inside)["RouteTables"] for one in table["Routes"]]
        private = ec2.describe_subnets(SubnetIds=outputs["SubnetIds"].split(","))["Subnets"]
        services = ec2.describe_vpc_endpoints(Filters=inside)["VpcEndpoints"]
        assert len(ec2.describe_nat_gateways()["NatGateways"]) == gateways
        assert len({one["NatGatewayId"] for one in routes if "NatGatewayId" in one}) == ways_out
        assert {one["ServiceName"].rpartition(".")[2] for one in services} == endpoints
        assert len({one["AvailabilityZone"] for one in private}) == 3


def without_cidr(text):
    """moto does not know Fn::Cidr inside Fn::Select: the subnets worked out beforehand."""
    subnets = list(ip_network("10.20.0.0/16").subnets(new_prefix=20))
    return re.sub(r"!Select \[(\d), !Cidr \[!Ref Cidr, 6, 12\]\]", lambda match: str(subnets[int(match[1])]), text)


# ------------------------------------------------------------------ deploying


def test_sam_is_told_parameters_that_exist_and_to_bring_a_bucket():
    deploy = tomllib.loads((REPOSITORY / "samconfig.toml").read_text(encoding="utf-8"))["default"]["deploy"][
        "parameters"
    ]
    given = dict(one.split("=") for one in deploy["parameter_overrides"].split())
    assert given.keys() <= APPLICATION.parameters.keys()
    assert given["KafkaSecurity"] == "iam"
    assert deploy["resolve_s3"] is True  # the template is larger than a call takes
    assert deploy["capabilities"] == "CAPABILITY_IAM"


PARTS = ("stack_outputs.py", "dashboard.py")  # of some tools, and none themselves
TOOLS = [file for file in INFRA.glob("*.py") if file.name not in PARTS]


@pytest.mark.parametrize("name", [*APPLICATION.parameters, *(f"infra/{file.name}" for file in TOOLS)])
def test_the_page_for_operators_names_every_parameter_and_every_tool(name):
    if name == "infra/alarms.py":
        name = "infra/alarms.yaml"  # made by it
    assert name in (REPOSITORY / "docs" / "operations.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("tool", ["account", "cluster", "reconcile"])
def test_a_tool_of_the_operators_starts_as_the_page_says(tool):
    """As a script, where its own folder comes first among the places that modules are looked for."""
    done = subprocess.run(
        [sys.executable, f"infra/{tool}.py", "--help"],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": f".{os.pathsep}layers/core/python"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Usage:")


@pytest.mark.parametrize("file", sorted(INFRA.glob("*.yaml")), ids=lambda file: file.stem)
def test_the_page_for_operators_deploys_every_stack(file):
    page = (REPOSITORY / "docs" / "operations.md").read_text(encoding="utf-8")
    assert re.search(rf"^(# )?stack liangwang-\S+ +{file.stem}\b", page, re.MULTILINE)


@pytest.mark.parametrize("file", sorted(INFRA.glob("*.yaml")), ids=lambda file: file.name)
def test_nothing_is_tied_to_one_partition_of_aws(file):
    """China's ARNs begin with arn:aws-cn and its hosts end in amazonaws.com.cn."""
    text = file.read_text(encoding="utf-8")
    assert "arn:aws:" not in text and ".amazonaws.com" not in text


def test_an_output_that_a_stack_does_not_have_ends_the_tool_with_a_sentence():
    found = Outputs("liangwang-network", {"SubnetIds": "subnet-1"})
    assert found["SubnetIds"] == "subnet-1"
    with pytest.raises(click.ClickException, match="liangwang-network has no output 'AuditTableName'"):
        found["AuditTableName"]
