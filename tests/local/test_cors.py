"""Pages of other origins: who may call, as API Gateway decides it from the template's CorsConfiguration."""

import pytest
from msgspec import structs

from local import template
from local.cors import Cors
from local.gateway import create_app
from local.mappings import TemplateError
from local.template import HttpRoute
from tests.local.test_gateway import Recorder
from tests.local.test_gateway import template as sample

PAGE = "https://a.example"
CORS = Cors(
    origins=(PAGE, "http://localhost:5173"),
    methods=("GET", "POST"),
    headers=("authorization",),
    exposed=("retry-after",),
    max_age=600,
)


def function():
    headers = {"Content-Type": "application/json", "Access-Control-Allow-Origin": "*"}
    return Recorder({"statusCode": 200, "headers": headers, "body": "{}"})


def client(cors, echo=None):
    routes = (HttpRoute(function="Echo", method="ANY", path="/open", authorizer=None),)
    parsed = structs.replace(sample(), cors=cors, routes=routes, authorizers={})
    return create_app(parsed, {"Echo": echo or function()}).test_client()


def told(answer):
    """What an answer says about CORS, by the rest of the header's name."""
    start = "access-control-"
    return {name.lower().removeprefix(start): value for name, value in answer.headers if name.lower().startswith(start)}


def preflight(cors, origin=PAGE, *, path="/open", echo=None):
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    return client(cors, echo).options(path, headers=headers)


def test_a_preflight_is_answered_without_a_function_or_a_route():
    echo = function()
    for path in ("/open", "/nowhere"):
        answer = preflight(CORS, path=path, echo=echo)
        assert (answer.status_code, answer.data) == (204, b"")
        assert told(answer) == {
            "allow-origin": PAGE,
            "allow-methods": "GET,POST",
            "allow-headers": "authorization",
            "max-age": "600",
        }
    assert echo.events == []


@pytest.mark.parametrize("origin", ["https://b.example", "http://a.example", "https://a.example.evil", "null", ""])
def test_another_origin_is_told_nothing(origin):
    assert told(preflight(CORS, origin)) == {}
    assert told(client(CORS).get("/open", headers={"Origin": origin})) == {}


def test_an_answer_says_who_may_read_it_whatever_the_function_says():
    answer = client(CORS).get("/open", headers={"Origin": PAGE})
    assert told(answer) == {"allow-origin": PAGE, "expose-headers": "retry-after"}
    assert told(client(CORS).get("/open")) == {}


def test_the_gateway_s_own_answers_say_so_too_and_are_protected():
    answer = client(CORS).get("/nowhere", headers={"Origin": PAGE})
    assert answer.status_code == 404 and told(answer)["allow-origin"] == PAGE
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_an_options_request_that_is_no_preflight_goes_its_way():
    echo = function()
    assert client(CORS, echo).options("/open", headers={"Origin": PAGE}).status_code == 200
    assert len(echo.events) == 1


def test_without_a_configuration_the_function_speaks_for_itself():
    assert told(client(None).get("/open", headers={"Origin": PAGE})) == {"allow-origin": "*"}


@pytest.mark.parametrize(("origins", "allowed"), [(("*",), "*"), (("https://*",), PAGE), (("http://*",), None)])
def test_origins_may_be_all_or_all_of_a_scheme(origins, allowed):
    assert told(preflight(structs.replace(CORS, origins=origins))).get("allow-origin") == allowed


def test_credentials_are_allowed_only_where_declared():
    assert told(preflight(structs.replace(CORS, credentials=True)))["allow-credentials"] == "true"


# ------------------------------------------------------------------ read from the template


def declared(**properties):
    api = {"Type": "AWS::Serverless::HttpApi", "Properties": {"CorsConfiguration": properties}}
    parameters = {"Origins": {"Type": "CommaDelimitedList", "Default": f"{PAGE}, https://b.example"}}
    return template.parse({"Parameters": parameters, "Resources": {"Api": api}})


def test_the_configuration_is_read_with_its_parameters():
    cors = declared(AllowOrigins={"Ref": "Origins"}, AllowMethods=["GET"], MaxAge=60).cors
    assert cors == Cors(origins=(PAGE, "https://b.example"), methods=("GET",), max_age=60)


@pytest.mark.parametrize(
    ("properties", "named"),
    [
        ({"AllowOrigins": ["*"], "AllowCredentials": True}, "AllowCredentials"),
        ({"AllowOrigins": "https://a.example"}, "AllowOrigins"),
        ({"AllowEverything": True}, "AllowEverything"),
        ({"AllowOrigins": {"Ref": "Nothing"}}, "AllowOrigins"),
    ],
)
def test_what_cannot_be_served_is_refused_by_name(properties, named):
    with pytest.raises(TemplateError, match=named):
        declared(**properties)


def test_another_property_of_the_api_is_refused_by_name():
    api = {"Type": "AWS::Serverless::HttpApi", "Properties": {"Domain": {}}}
    with pytest.raises(TemplateError, match="Domain"):
        template.parse({"Resources": {"Api": api}})
