"""The whole way with deployed functions: packaged as for AWS, invoked through the Lambda API by gateway and runner."""

import base64
import io
import zipfile

import boto3
import pytest
from liangwang.aggregates import Key

from local import accounts, deploy, package, template
from local.demo import play
from local.deployed import DeployedFunction, FunctionError
from tests.city import city as start

# Environments start as processes here, and the dependency layer comes from PyPI the first time.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    with start(tmp_path_factory.mktemp("deployed"), deployed=True) as running:
        yield running


@pytest.fixture(scope="module")
def aws(city):
    """A client of the stack's endpoint, by service."""
    session = boto3.Session("test", "test", region_name=city.stack.config.region)
    return lambda service: session.client(service, endpoint_url=city.stack.endpoint_url)


def test_twenty_mixed_cases_end_once_in_all_three_systems(city):
    report = play(city.stack, city.lot(20), api=city.api)
    assert (report.lost, report.stuck, report.duplicated) == (0, 0, 0)
    assert report.differences == report.problems == ()
    assert sum(report.outcomes.values()) == 20
    assert "open" not in report.outcomes


def test_every_function_of_the_template_is_deployed_with_its_layers(city, aws):
    found = {one["FunctionName"]: one for one in aws("lambda").list_functions()["Functions"]}
    declared = template.load(city.stack.config.template).functions
    assert set(found) == {city.stack.resources[name] for name in declared}
    layers = {name: len(found[city.stack.resources[name]]["Layers"]) for name in declared}
    assert layers == {**dict.fromkeys(declared, 3), "ItemsFunction": 4, "DocumentsFunction": 4}, "search and documents"
    assert {one["Handler"] for one in found.values()} == {"app.handler"}


def test_the_endpoint_triggers_none_of_them_itself(aws):
    assert aws("lambda").list_event_source_mappings()["EventSourceMappings"] == []
    assert aws("scheduler").list_schedules()["Schedules"] == []


def test_packages_are_within_their_limits(city):
    sizes = {one.path.name: (one.size, one.limit) for one in package.build(city.stack.config)}
    assert all(size < limit for size, limit in sizes.values()), sizes


def test_a_deployed_function_that_fails_says_so_and_serves_the_next_event(city, aws):
    function = DeployedFunction(city.stack.resources["ItemsFunction"], client=aws("lambda"))
    with pytest.raises(FunctionError, match="routeKey"):
        function.invoke({})
    asked = {"version": "2.0", "routeKey": "GET /api/items", "rawPath": "/api/items", "headers": {}}
    answer = function.invoke({**asked, "requestContext": {"http": {"method": "GET", "path": "/api/items"}}})
    assert answer["statusCode"] == 200


def test_the_deployed_search_finds_its_tokenizer_in_a_layer_of_its_own(city, aws):
    function = DeployedFunction(city.stack.resources["ItemsFunction"], client=aws("lambda"))
    asked = {"version": "2.0", "routeKey": "GET /api/items", "rawPath": "/api/items", "headers": {}}
    where = {"http": {"method": "GET", "path": "/api/items"}}
    answer = function.invoke({**asked, "queryStringParameters": {"q": "我想开餐饮店"}, "requestContext": where})
    assert '"food-business-licence"' in answer["body"]


def test_the_deployed_documents_find_what_draws_them_and_their_font_in_a_layer_of_their_own(city, aws):
    store = accounts.store(city.stack, "IntakeTable")
    pages = aws("dynamodb").get_paginator("scan").paginate(TableName=city.stack.resources["IntakeTable"])
    names = [item["pk"]["S"] for page in pages for item in page["Items"]]
    keys = [Key.parse(name) for name in names if name.startswith("application#")]
    state = next(one.state for one in store.load(keys).values() if one.state.status == "granted")
    function = DeployedFunction(city.stack.resources["DocumentsFunction"], client=aws("lambda"))
    route = "GET /api/applications/{case_no}/documents/{name}"
    caller = {"subject": state.applicant, "role": "citizen", "level": "2"}
    path = {"case_no": state.submitted.case_no, "name": "decision"}
    answer = function.invoke(
        {
            "version": "2.0",
            "routeKey": route,
            "rawPath": "/",
            "headers": {"accept": "application/pdf"},
            "pathParameters": path,
            "requestContext": {"http": {"method": "GET", "path": "/"}, "authorizer": {"lambda": caller}},
        }
    )
    assert answer["statusCode"] == 200, answer["body"]
    assert base64.b64decode(answer["body"]).startswith(b"%PDF")


def test_deploying_again_finds_what_is_there(city, monkeypatch):
    config = city.stack.config
    for name, value in config.environment().items():
        monkeypatch.setenv(name, value)
    assert deploy.deploy(config) == deploy.load(config)
    assert deploy.load(config).references == city.stack.resources


def test_a_function_finds_the_standard_library_its_layers_and_nothing_of_this_machine(city, aws):
    code = """
import importlib.util, os
def handler(event, context):
    return {"found": [name for name in event if importlib.util.find_spec(name)], "variables": sorted(os.environ)}
"""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("app.py", code)
    client = aws("lambda")
    known = client.get_function_configuration(FunctionName=city.stack.resources["IntakeFunction"])["Layers"]
    layers = [one["Arn"] for one in known if ":CoreLayer:" in one["Arn"]]
    client.create_function(
        FunctionName="looks-around",
        Runtime="python3.12",
        Handler="app.handler",
        Role="arn:aws:iam::000000000000:role/none",
        Code={"ZipFile": content.getvalue()},
        Layers=layers,
    )
    answer = DeployedFunction("looks-around", client=client).invoke(["json", "liangwang", "msgspec", "local", "flask"])
    client.delete_function(FunctionName="looks-around")
    assert answer["found"] == ["json", "liangwang"]
    assert "PYTHONPATH" not in answer["variables"]
    assert {"AWS_ENDPOINT_URL", "AWS_REGION", "AWS_ACCESS_KEY_ID"} <= set(answer["variables"])
