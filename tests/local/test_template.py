"""template.yaml is read as it stands, and what cannot be served is refused by name."""

from pathlib import Path

import pytest
import yaml

from local import deployable, template
from local.config import REPOSITORY
from local.intrinsics import Resolver
from local.template import TemplateError

from .conftest import SAMPLE


def test_the_sample_has_one_trigger_of_each_kind():
    sample = template.load(SAMPLE)
    assert {route.key for route in sample.routes} == {"POST /notes/{id}", "GET /ledger/{id}", "GET /who"}
    assert {route.path: route.authorizer for route in sample.routes}["/who"] == "Gate"
    assert [mapping.name for mapping in sample.kafka] == ["LedgerFunction.Notes"]
    assert sample.kafka[0].destination == "kafka://dead-letters"
    assert [mapping.name for mapping in sample.streams] == ["OutboxFunction.Notes"]
    assert [mapping.payload for mapping in sample.schedules] == ["{}"]
    assert sample.functions["DoorFunction"].folder == "functions/door"
    assert sample.functions["DoorFunction"].timeout == 10


def test_the_product_s_own_template_can_be_served():
    product = template.load(REPOSITORY / "template.yaml")
    assert product.routes and product.kafka and product.streams and product.schedules


def orders(**function):
    """A template with one Kafka source, whose settings are parameters."""
    properties = {
        "SourceAccessConfigurations": [{"Type": "BASIC_AUTH", "URI": "arn"}],
        "KafkaBootstrapServers": {"Ref": "Brokers"},
        "Topics": ["t"],
        "StartingPosition": "TRIM_HORIZON",
    }
    events = {"E": {"Type": "SelfManagedKafka", "Properties": properties}}
    return {
        "Parameters": {
            "Brokers": {"Type": "CommaDelimitedList", "Default": "a:9092, b:9092"},
            "Seconds": {"Type": "Number", "Default": "20"},
        },
        "Conditions": {"Never": {"Fn::Equals": ["a", "b"]}},
        "Resources": {
            "F": {
                "Type": "AWS::Serverless::Function",
                "Properties": {"CodeUri": "f", "Timeout": {"Ref": "Seconds"}, "Events": events},
                **function,
            }
        },
    }


def test_a_list_parameter_is_a_list_and_numbers_may_be_parameters():
    (mapping,) = template.parse(orders()).kafka
    assert mapping.bootstrap_servers == ("a:9092", "b:9092")
    assert template.parse(orders()).functions["F"].timeout == 20


def test_a_function_whose_condition_does_not_hold_has_no_event_sources():
    document = orders(Condition="Never")
    found, passed_by = template.kafka_mappings(document, template.resolver(document).value)
    assert found == []
    assert passed_by == ["F.E: the function's condition Never does not hold"]


def one_event(kind, **properties):
    return {
        "Resources": {
            "F": {
                "Type": "AWS::Serverless::Function",
                "Properties": {"CodeUri": "f", "Events": {"E": {"Type": kind, "Properties": properties}}},
            }
        }
    }


def filters(*patterns):
    return {"Filters": [{"Pattern": pattern} for pattern in patterns]}


@pytest.mark.parametrize(
    ("document", "named"),
    [
        (one_event("SQS", Queue="q"), "F.Events.E: event type SQS"),
        (
            one_event("DynamoDB", Stream="s", StartingPosition="LATEST", ParallelizationFactor=2),
            "ParallelizationFactor",
        ),
        (one_event("DynamoDB", Stream="s", StartingPosition="LATEST", TumblingWindowInSeconds=2), "TumblingWindow"),
        (one_event("DynamoDB", Stream="s", StartingPosition="AT_TIMESTAMP"), "StartingPosition: expected one of"),
        (
            one_event(
                "DynamoDB", Stream="s", StartingPosition="LATEST", FilterCriteria=filters('{"a": [{"cidr": "x"}]}')
            ),
            r"F\.Events\.E\.FilterCriteria\.Filters\[0\]\.Pattern\.a: cidr not served",
        ),
        (one_event("HttpApi", Path="/", Method="get", PayloadFormatVersion="1.0"), "PayloadFormatVersion"),
        (one_event("ScheduleV2", ScheduleExpression="rate(1 minute)", State="DISABLED"), "State"),
    ],
)
def test_what_cannot_be_served_is_refused_by_name(document, named):
    with pytest.raises(TemplateError, match=named):
        template.parse(document)


def test_anchors_and_short_tags_become_plain_json(tmp_path: Path):
    (tmp_path / "t.yaml").write_text(
        "Resources:\n  A: &a {Type: X, P: !Sub '${B}-x'}\n  B: *a\n  C: {Type: Y, P: !GetAtt A.Arn, Q: !If [Live, 1, 2]}\n"
    )
    resources = template.read(tmp_path / "t.yaml")["Resources"]
    assert resources["A"] == resources["B"] == {"Type": "X", "P": {"Fn::Sub": "${B}-x"}}
    assert resources["C"]["P"] == {"Fn::GetAtt": ["A", "Arn"]}
    assert resources["C"]["Q"] == {"Fn::If": ["Live", 1, 2]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("!Ref Table", "table-1"),
        ("!GetAtt Table.Arn", "arn:table-1"),
        ("!Sub '${Table}/${Table.Arn}/${!literal}'", "table-1/arn:table-1/${literal}"),
        ("!Sub ['${X}-${Table}', {X: !Select [1, !Split [',', 'a,b']]}]", "b-table-1"),
        ("!If [Live, !Ref Table, none]", "none"),
        ("!If [Trial, !Ref Table, none]", "table-1"),
        ("!Join ['+', [a, !Ref Table]]", "a+table-1"),
        ("{a: [!Ref Table]}", {"a": ["table-1"]}),
    ],
)
def test_intrinsics(text, expected):
    resolver = Resolver(
        references={"Table": "table-1", "Stage": "trial"},
        attributes={"Table": {"Arn": "arn:table-1"}},
        conditions={
            "Live": {"Fn::Equals": [{"Ref": "Stage"}, "live"]},
            "Trial": {"Fn::Not": [{"Condition": "Live"}]},
        },
    )
    assert resolver.value(yaml.load(text, Loader=template._Loader)) == expected


def test_an_unknown_reference_is_named():
    with pytest.raises(TemplateError, match="Nowhere"):
        Resolver(references={}, attributes={}).value({"Ref": "Nowhere"})


def test_only_what_the_emulator_creates_is_deployed():
    document = template.read(SAMPLE)
    document["Resources"]["Alarm"] = {"Type": "X::Alarm", "Properties": {"On": {"Fn::GetAtt": ["DoorFunction", "Arn"]}}}
    document["Resources"]["Board"] = {"Type": "X::Board", "DependsOn": ["Alarm"]}
    kept = deployable.reduced(document)
    assert set(kept["Resources"]) == {"NotesTable", "LedgerTable", "Lost"}
    assert "Parameters" not in kept
