"""template.yaml deploys, and every function may do what it needs and no more."""

import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from cfnlint.api import lint_file
from liangwang.kafka_security import PROTOCOLS
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from local import template
from local.config import REPOSITORY

FILE = REPOSITORY / "template.yaml"
DOCUMENT = template.read(FILE)
TEMPLATE = template.parse(DOCUMENT)
FUNCTIONS = {name: DOCUMENT["Resources"][name]["Properties"] for name in TEMPLATE.functions}

TABLE = {
    "IdentityFunction": "IntakeTable",
    "AuthorizerFunction": "IntakeTable",
    "UsersFunction": "IntakeTable",
    "ItemsFunction": None,
    "PrivacyFunction": "IntakeTable",
    "MandatesFunction": "IntakeTable",
    "IntakeFunction": "IntakeTable",
    "DocumentsFunction": "IntakeTable",
    "VerificationFunction": "IntakeTable",
    "JointFunction": "IntakeTable",
    "InboxFunction": "IntakeTable",
    "FeedbackFunction": "IntakeTable",
    "DraftsFunction": "IntakeTable",
    "MaterialsFunction": "IntakeTable",
    "ExchangeFunction": "IntakeTable",
    "RelayFunction": "GovernanceTable",
    "AcceptanceFunction": "DepartmentTable",
    "CollaborationFunction": "GovernanceTable",
    "RoutingFunction": "GovernanceTable",
    "CoordinationFunction": "GovernanceTable",
    "AssistanceFunction": "DepartmentTable",
    "ApprovalFunction": "DepartmentTable",
    "ExaminationFunction": "DepartmentTable",
    "DecisionsFunction": "DepartmentTable",
    "ProceduresFunction": "DepartmentTable",
    "StepsFunction": "DepartmentTable",
    "StatisticsFunction": "DepartmentTable",
    "ConsoleFunction": None,
    "OrdersFunction": "DepartmentTable",
    "ReconciliationFunction": "GovernanceTable",
    "HandbackFunction": "GovernanceTable",
    "MailboxFunction": "GovernanceTable",
    "OutsideFunction": "GovernanceTable",
    "GridFunction": "GovernanceTable",
    "GovernanceSupervisionFunction": "GovernanceTable",
    "DepartmentSupervisionFunction": "DepartmentTable",
    "GovernancePublisherFunction": None,
    "DepartmentPublisherFunction": None,
    "FollowUpFunction": "IntakeTable",
    "NotifierFunction": "IntakeTable",
    "AuditFunction": None,
}
"""The one table that a function may read and write. Items reads the catalogue only, the publishers see streams."""

STREAM = {
    "IntakeTable": ["RelayFunction", "FollowUpFunction"],
    "GovernanceTable": ["GovernancePublisherFunction", "AuditFunction"],
    "DepartmentTable": ["DepartmentPublisherFunction", "AuditFunction"],
}
PRODUCERS = {"RelayFunction", "GovernancePublisherFunction", "DepartmentPublisherFunction"}
PUBLIC = {
    "POST /api/register",
    "POST /api/login",
    "POST /api/login/external",
    "POST /api/token/refresh",
    "POST /oauth/token",
    "GET /.well-known/jwks.json",
    "GET /api/items",
    "GET /api/items/{task_code}",
    "GET /api/scenarios",
    "GET /verify/{certificate_no}",
    "GET /api/items/{task_code}/guidance",
    "POST /api/items/{task_code}/guidance",
    "GET /api/joint-items",
    "GET /api/joint-items/{joint_code}",
    "GET /outside",
    "POST /outside/task",
    "POST /outside/report",
}


def statements(name):
    """A function's own rights, those on a condition included: they are what it may have at most."""
    declared = [statement for policy in FUNCTIONS[name].get("Policies", []) for statement in policy["Statement"]]
    return [statement["Fn::If"][1] if "Fn::If" in statement else statement for statement in declared]


def actions(name):
    return {action for statement in statements(name) for action in aslist(statement["Action"])}


def aslist(value):
    return value if isinstance(value, list) else [value]


def events(kind):
    return [
        pytest.param(event["Properties"], id=f"{name}.{key}")
        for name, function in FUNCTIONS.items()
        for key, event in function.get("Events", {}).items()
        if event["Type"] == kind
    ]


# ------------------------------------------------------------------ it deploys


@pytest.mark.parametrize("file", [FILE, *sorted((REPOSITORY / "infra").glob("*.yaml"))], ids=lambda file: file.name)
def test_cfn_lint_finds_nothing(file: Path):
    assert [str(match) for match in lint_file(file)] == []


@cache
def transformed():
    """The template's resources after the SAM transform."""
    packaged = template.read(FILE)
    for resource in packaged["Resources"].values():
        for key in {"CodeUri", "ContentUri"} & resource.get("Properties", {}).keys():
            resource["Properties"][key] = "s3://bucket/key"  # what `sam package` does
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "cn-north-1")
        return Translator({}, Parser()).translate(packaged, {})["Resources"]


def test_the_sam_transform_makes_every_resource():
    made = transformed()
    counted = Counter(resource["Type"] for resource in made.values())
    assert counted["AWS::Lambda::Function"] == len(TABLE)
    assert counted["AWS::Lambda::EventSourceMapping"] == len(TEMPLATE.kafka) + len(TEMPLATE.streams)
    assert counted["AWS::Scheduler::Schedule"] == len(TEMPLATE.schedules)
    assert counted["AWS::DynamoDB::Table"] == 6
    assert counted["AWS::Lambda::LayerVersion"] == 5
    assert counted["AWS::ApiGatewayV2::Api"] == 1
    api = next(resource for resource in made.values() if resource["Type"] == "AWS::ApiGatewayV2::Api")
    routes = {f"{m.upper()} {path}" for path, item in api["Properties"]["Body"]["paths"].items() for m in item}
    assert routes == {route.key for route in TEMPLATE.routes}


# ------------------------------------------------------------------ tables


def test_every_function_is_in_the_table_above():
    assert set(FUNCTIONS) == set(TABLE)


@pytest.mark.parametrize("name", TABLE)
def test_a_function_reaches_its_own_system_s_table_only(name):
    reached = {
        table
        for statement in statements(name)
        if any(action.startswith("dynamodb:") for action in aslist(statement["Action"]))
        for resource in aslist(statement["Resource"])
        for table in ("IntakeTable", "GovernanceTable", "DepartmentTable")
        if table in str(resource)
    }
    given = TEMPLATE.functions[name].environment.get("TABLE", {"Ref": None})
    assert reached == ({TABLE[name]} if TABLE[name] else set())
    assert given == {"Ref": TABLE[name]}


def test_each_stream_has_its_two_readers():
    """More than two are throttled: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html"""
    readers: dict[str, list[str]] = {}
    for mapping in TEMPLATE.streams:
        readers.setdefault(mapping.stream_arn["Fn::GetAtt"][0], []).append(mapping.function)
    assert readers == STREAM


def test_the_audit_trail_is_only_ever_added_to_and_by_two_functions():
    touching = {
        name: aslist(statement["Action"])
        for name in TABLE
        for statement in statements(name)
        if "AuditTable" in str(statement["Resource"])
    }
    assert set(touching) == {"FollowUpFunction", "AuditFunction"}
    assert all(actions == ["dynamodb:PutItem", "dynamodb:Query"] for actions in touching.values())
    table = DOCUMENT["Resources"]["AuditTable"]
    assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert table["Properties"]["DeletionProtectionEnabled"] is True
    assert table["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


@pytest.mark.parametrize("table", ["IntakeTable", "GovernanceTable", "DepartmentTable"])
def test_a_table_can_be_restored_outlives_the_stack_is_encrypted_and_streams_both_images(table):
    assert DOCUMENT["Resources"][table]["DeletionPolicy"] == "Retain"
    assert DOCUMENT["Resources"][table]["UpdateReplacePolicy"] == "Retain"
    properties = DOCUMENT["Resources"][table]["Properties"]
    assert properties["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert properties["SSESpecification"] == {"SSEEnabled": True}
    for index in properties["GlobalSecondaryIndexes"]:
        more = {
            "ProjectionType": "INCLUDE",
            "NonKeyAttributes": ["shown"],
        }  # nothing of the applicant's: domain/worklist.py
        assert index["Projection"] == (more if index["IndexName"] == "desk" else {"ProjectionType": "KEYS_ONLY"})


# ------------------------------------------------------------------ least privilege


@pytest.mark.parametrize("name", TABLE)
def test_no_function_may_do_everything_of_a_service(name):
    assert [action for action in actions(name) if "*" in action] == []


@pytest.mark.parametrize("name", TABLE)
def test_a_statement_on_any_resource_is_bound_to_keys_by_alias(name):
    for statement in statements(name):
        if "*" in aslist(statement["Resource"]):
            if statement["Action"] == ["sns:Publish"]:  # a phone number has no ARN; topics are denied
                continue
            assert all(action.startswith("kms:") for action in aslist(statement["Action"]))
            assert list(statement["Condition"]) == ["ForAnyValue:StringLike"]
            assert list(statement["Condition"]["ForAnyValue:StringLike"]) == ["kms:ResourceAliases"]


@pytest.mark.parametrize("name", TABLE)
def test_a_function_never_deletes_or_scans(name):
    assert actions(name) & {"dynamodb:Scan", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem"} == set()


def test_who_opens_the_door_counts_and_nobody_else_updates_in_place():
    counted = {
        name: statement["Resource"]
        for name in TABLE
        for statement in statements(name)
        if "dynamodb:UpdateItem" in aslist(statement["Action"])
    }
    opens = {route.function for route in TEMPLATE.routes if route.authorizer is None}
    assert counted == {name: {"Fn::GetAtt": ["LimitsTable", "Arn"]} for name in (*opens, "AuthorizerFunction")}


def test_only_the_notifier_sends_and_only_in_the_one_sender_s_name_and_to_no_topic():
    senders = {name for name in TABLE if {"ses:SendEmail", "sns:Publish"} & actions(name)}
    assert senders == {"NotifierFunction"}
    mail, text, topics = [one for one in statements("NotifierFunction") if str(one["Action"][0])[:3] in ("ses", "sns")]
    assert mail["Condition"] == {"StringEquals": {"ses:FromAddress": {"Ref": "MailSender"}}}
    assert (text["Effect"], topics["Effect"], topics["Resource"]["Fn::Sub"].endswith(":sns:*:*:*")) == (
        "Allow",
        "Deny",
        True,
    )


def test_only_identity_the_centre_and_the_audit_sign_and_only_with_their_own_key():
    signers = {
        name: statement["Condition"]["ForAnyValue:StringLike"]["kms:ResourceAliases"]
        for name in TABLE
        for statement in statements(name)
        if "kms:Sign" in statement["Action"]
    }
    assert signers == {
        "IdentityFunction": "alias/liangwang/token",
        "IntakeFunction": "alias/liangwang/certificate",
        "DocumentsFunction": ["alias/liangwang/document", "alias/liangwang/document-sm2"],
        "RelayFunction": "alias/liangwang/governance",
        "HandbackFunction": "alias/liangwang/governance",
        "AuditFunction": "alias/liangwang/audit",
        "OutsideFunction": "alias/liangwang/outside",
    }


def may(action, alias):
    """The functions that may do something with the KMS keys of an alias."""
    return [
        name
        for name in TABLE
        for statement in statements(name)
        if action in aslist(statement["Action"])
        and statement["Condition"]["ForAnyValue:StringLike"]["kms:ResourceAliases"] == alias
    ]


def test_intake_seals_to_departments_and_only_their_officers_functions_open():
    assert may("kms:GenerateDataKey", "alias/liangwang/department/*") == [
        "IntakeFunction",
        "JointFunction",
        "DraftsFunction",
        "ApprovalFunction",  # seals what a supporter's part needs for the supporter
        "ExaminationFunction",  # seals anew for another department
        "FollowUpFunction",
    ]
    assert may("kms:Decrypt", "alias/liangwang/department/*") == [
        "AssistanceFunction",  # what requesters sealed to supporters
        "ApprovalFunction",
        "ExaminationFunction",
    ]


def test_who_opens_what_persons_left_at_rest_belongs_to_intake():
    opens = may("kms:Decrypt", "alias/liangwang/personal")
    assert set(opens) == {
        *may("kms:GenerateDataKey", "alias/liangwang/personal"),
        "NotifierFunction",
        "DocumentsFunction",
    }
    assert {TABLE[name] for name in opens} == {"IntakeTable"}


def test_the_keys_of_persons_rotate_and_outlive_the_stack():
    for name in ("PersonalKey", "BlindIndexSecret"):
        assert DOCUMENT["Resources"][name]["DeletionPolicy"] == "Retain"
    assert DOCUMENT["Resources"]["PersonalKey"]["Properties"]["EnableKeyRotation"] is True


def test_a_secret_is_made_at_random_and_written_nowhere():
    for resource in DOCUMENT["Resources"].values():
        if resource["Type"] == "AWS::SecretsManager::Secret":
            assert resource["Properties"]["GenerateSecretString"]["PasswordLength"] >= 32
            assert "SecretString" not in resource["Properties"]


# ------------------------------------------------------------------ Kafka


@pytest.mark.parametrize("name", TABLE)
def test_only_producers_write_to_kafka(name):
    """Dead letters apart: Lambda's poller writes them with the role of the function it polls for."""
    writes = [
        statement
        for statement in statements(name)
        if any(action.startswith("kafka-cluster:WriteData") for action in aslist(statement["Action"]))
    ]
    assert bool(writes) == (name in PRODUCERS) or all("dead-letters" in str(one["Resource"]) for one in writes)
    assert ("KAFKA_BOOTSTRAP_SERVERS" in TEMPLATE.functions[name].environment) == (name in PRODUCERS)


@pytest.mark.parametrize("name", TABLE)
def test_only_consumers_read_from_kafka(name):
    consumers = {mapping.function for mapping in TEMPLATE.kafka}
    assert ("kafka-cluster:ReadData" in actions(name)) == (name in consumers)


@pytest.mark.parametrize("name", sorted(PRODUCERS))
def test_a_producer_is_told_how_the_cluster_knows_it_and_reaches_it_through_the_vpc(name):
    environment = TEMPLATE.functions[name].environment
    assert environment["KAFKA_SECURITY"] == {"Ref": "KafkaSecurity"}
    assert {"KAFKA_USERNAME", "KAFKA_PASSWORD"} <= environment.keys()
    condition, inside, outside = FUNCTIONS[name]["VpcConfig"]["Fn::If"]
    assert (condition, outside) == ("InVpc", {"Ref": "AWS::NoValue"})
    assert inside == {"SubnetIds": {"Ref": "SubnetIds"}, "SecurityGroupIds": {"Ref": "SecurityGroupIds"}}


def test_only_what_produces_is_in_the_vpc():
    """Everything else reaches its services directly: their pollers, not they, are in the cluster's subnets."""
    assert {name for name, properties in FUNCTIONS.items() if "VpcConfig" in properties} == PRODUCERS


def test_the_template_offers_the_ways_that_the_producer_knows():
    assert set(DOCUMENT["Parameters"]["KafkaSecurity"]["AllowedValues"]) == set(PROTOCOLS)


@pytest.mark.parametrize("properties", events("MSK"))
def test_a_poller_signs_in_with_the_secret_when_the_cluster_wants_scram_and_needs_none_else(properties):
    with_secret = [{"Type": "SASL_SCRAM_512_AUTH", "URI": {"Ref": "KafkaSecret"}}]
    assert properties["SourceAccessConfigurations"] == {"Fn::If": ["WithScram", with_secret, {"Ref": "AWS::NoValue"}]}


@pytest.mark.parametrize("properties", events("MSK"))
def test_a_kafka_source_reports_single_failures_and_sets_aside_what_never_works(properties):
    assert properties["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert properties["DestinationConfig"] == {"OnFailure": {"Destination": "kafka://dead-letters"}}
    assert properties["BisectBatchOnFunctionError"] is True
    assert properties["StartingPosition"] == "TRIM_HORIZON"
    assert properties["ProvisionedPollerConfig"]["MinimumPollers"] >= 1  # the two lines above need provisioned pollers


@pytest.mark.parametrize("properties", events("DynamoDB"))
def test_a_stream_source_reports_single_failures_and_sets_aside_what_never_works(properties):
    assert properties["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert properties["DestinationConfig"]["OnFailure"]["Type"] == "SQS"
    assert properties["StartingPosition"] == "TRIM_HORIZON"
    assert properties["FilterCriteria"]["Filters"]


def test_kafka_sources_share_their_pollers():
    """Ten pollers fit one event poller unit: without a group each source pays for a unit of its own. We pay for two."""
    configs = [event.values[0]["ProvisionedPollerConfig"] for event in events("MSK")]
    assert {str(one["PollerGroupName"]) for one in configs} == {str({"Ref": "AWS::StackName"})}
    assert sum(one["MinimumPollers"] for one in configs) <= 20


def test_consumer_groups_are_named_and_not_shared():
    groups = [mapping.group for mapping in TEMPLATE.kafka]
    assert len(set(groups)) == len(groups)
    assert all(group.startswith("liangwang-") for group in groups)


# ------------------------------------------------------------------ the door


def test_nobody_is_turned_away_before_the_authorizer_is_asked():
    """With an identity source API Gateway refuses by itself, and cannot say why in a problem document."""
    (authorizer,) = TEMPLATE.authorizers.values()
    assert authorizer.headers == () and authorizer.cache_seconds == 0
    schemes = transformed()["Api"]["Properties"]["Body"]["components"]["securitySchemes"]
    declared = schemes["Token"]["x-amazon-apigateway-authorizer"]
    assert not declared.get("identitySource") and declared["enableSimpleResponses"] is True


@pytest.mark.parametrize("route", TEMPLATE.routes, ids=lambda route: route.key)
def test_every_route_asks_the_authorizer_except_the_public_ones(route):
    assert route.authorizer == (None if route.key in PUBLIC else "Token")


@pytest.mark.parametrize("name", TABLE)
def test_a_function_is_named_after_the_stack_and_logs_where_lines_expire(name):
    """Alarms and operators know it by that name; without a group of ours Lambda keeps every line for ever."""
    words = "-".join(re.findall("[A-Z][a-z]+", name.removesuffix("Function"))).lower()
    assert FUNCTIONS[name]["FunctionName"] == {"Fn::Sub": "${AWS::StackName}-" + words}
    assert transformed()[name]["Properties"]["LoggingConfig"] == {"LogGroup": {"Ref": "Logs"}}
    assert DOCUMENT["Resources"]["Logs"]["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}


def test_the_centre_calls_this_stack_s_own_intake_unless_it_is_told_another():
    """Only functions without routes may point at the API: the API cannot be made before those that it calls."""
    pointing = {name for name in TABLE if "EXCHANGE_URL" in TEMPLATE.functions[name].environment}
    assert pointing == {"RelayFunction", "HandbackFunction"}
    assert pointing & {route.function for route in TEMPLATE.routes} == set()
    for name in pointing:
        condition, own, _ = TEMPLATE.functions[name].environment["EXCHANGE_URL"]["Fn::If"]
        assert condition == "OwnIntake" and "${AWS::URLSuffix}" in own["Fn::Sub"]  # amazonaws.com.cn in China


def test_every_folder_of_functions_is_deployed():
    folders = {f"functions/{file.parent.name}" for file in (REPOSITORY / "functions").glob("*/app.py")}
    assert folders == {function.folder for function in TEMPLATE.functions.values()}


def test_pages_of_other_origins_may_read_the_headers_that_answers_carry_for_them():
    """The next page of an export, a file's name, how long to wait, and how to log in."""
    assert {"link", "content-disposition", "retry-after", "www-authenticate"} <= set(TEMPLATE.cors.exposed)
