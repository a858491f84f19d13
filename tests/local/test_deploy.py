"""The template as it is deployed with its functions: code in a bucket, local places, and nothing that triggers them."""

import pytest

from local import deployable, template
from tests.conftest import REPOSITORY

PLACES = {"CATALOGUE_DIR": "../layer_2", "EXCHANGE_URL": "http://127.0.0.1:18080", "NOBODY": "asks"}


@pytest.fixture(scope="module")
def document():
    return template.read(REPOSITORY / "template.yaml")


@pytest.fixture(scope="module")
def deployed(document):
    coded = [name for name, one in document["Resources"].items() if one["Type"].startswith("AWS::Serverless::")]
    code = {name: f"s3://packages/{name}.zip" for name in coded}
    return deployable.with_functions(document, code=code, variables=PLACES)


def of_type(document, kind):
    return {name: one["Properties"] for name, one in document["Resources"].items() if one["Type"] == kind}


def test_every_function_and_layer_is_deployed_from_the_bucket(document, deployed):
    functions = of_type(deployed, "AWS::Serverless::Function")
    layers = of_type(deployed, "AWS::Serverless::LayerVersion")
    assert functions.keys() == of_type(document, "AWS::Serverless::Function").keys()
    assert layers.keys() == of_type(document, "AWS::Serverless::LayerVersion").keys()
    assert all(one["CodeUri"] == f"s3://packages/{name}.zip" for name, one in functions.items())
    assert all(one["ContentUri"] == f"s3://packages/{name}.zip" for name, one in layers.items())


def test_nothing_triggers_them_but_the_stack_s_own_gateway_and_runner(deployed):
    kinds = {resource["Type"] for resource in deployed["Resources"].values()}
    assert "AWS::Serverless::HttpApi" not in kinds
    assert not any("Events" in one for one in of_type(deployed, "AWS::Serverless::Function").values())


def test_what_they_need_stays_tables_roles_and_settings(document, deployed):
    assert of_type(deployed, "AWS::DynamoDB::Table") == of_type(document, "AWS::DynamoDB::Table")
    before, after = of_type(document, "AWS::Serverless::Function"), of_type(deployed, "AWS::Serverless::Function")
    assert all(after[name]["Policies"] == one["Policies"] for name, one in before.items() if "Policies" in one)
    assert deployed["Globals"]["Function"]["Layers"] == document["Globals"]["Function"]["Layers"]
    assert deployed["Globals"]["Function"]["Runtime"] == document["Globals"]["Function"]["Runtime"]
    assert deployed["Parameters"] == document["Parameters"]


def test_a_variable_is_replaced_where_it_is_declared_and_never_added(deployed):
    assert deployed["Globals"]["Function"]["Environment"]["Variables"]["CATALOGUE_DIR"] == "../layer_2"
    relay = of_type(deployed, "AWS::Serverless::Function")["RelayFunction"]
    assert relay["Environment"]["Variables"]["EXCHANGE_URL"] == "http://127.0.0.1:18080"
    assert "NOBODY" not in str(deployed)


def test_the_document_itself_is_left_as_it_was(document, deployed):
    assert document == template.read(REPOSITORY / "template.yaml")


def test_tables_that_live_elsewhere_are_values_to_those_who_refer_to_them():
    document = {
        "Resources": {
            "Notes": {"Type": "AWS::DynamoDB::Table", "Properties": {}},
            "Reader": {
                "Type": "AWS::Serverless::Function",
                "Properties": {
                    "Table": {"Ref": "Notes"},
                    "Other": {"Ref": "NotesKey"},
                    "Read": [
                        {"Fn::GetAtt": ["Notes", "Arn"]},
                        {"Fn::Sub": "${Notes.Arn}/index/${AWS::Region} of ${Notes}"},
                    ],
                },
            },
        }
    }
    settled = deployable.without_tables(document, {"Notes": "n-1"}, {"Notes": {"Arn": "arn:n-1", "StreamArn": "arn:s"}})
    assert settled["Resources"].keys() == {"Reader"}
    assert settled["Resources"]["Reader"]["Properties"] == {
        "Table": "n-1",
        "Other": {"Ref": "NotesKey"},
        "Read": ["arn:n-1", {"Fn::Sub": "arn:n-1/index/${AWS::Region} of n-1"}],
    }
