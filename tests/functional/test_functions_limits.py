"""Who asks too often is told to wait, at public routes and at those that need a token, through the deployed handlers."""

import json
from unittest import mock

import pytest
from liangwang.fakes import Fault
from liangwang.tokens import KmsSigner

from local import template
from local.config import REPOSITORY
from tests.functional import functions as deployed
from tests.functional.functions import Functions, golden
from tests.functional.test_functions_http import changed

TEMPLATE = template.load(REPOSITORY / "template.yaml")
PUBLIC = [
    pytest.param(TEMPLATE.functions[route.function].folder.rpartition("/")[2], route, id=route.key)
    for route in TEMPLATE.routes
    if route.authorizer is None
]


@pytest.fixture
def functions():
    """Functions that let one request a minute pass."""
    names = ("SOURCE_REQUESTS_PER_MINUTE", "ACCOUNT_REQUESTS_PER_MINUTE", "SYSTEM_REQUESTS_PER_MINUTE")
    with mock.patch.dict(deployed.ENVIRONMENT, dict.fromkeys(names, "1")):
        yield Functions()


def asked(functions, name, event):
    answer = functions.call(name, event)
    return answer["statusCode"], answer["headers"], json.loads(answer["body"])


def from_address(event, source):
    event = changed(event)
    event["requestContext"]["http"]["sourceIp"] = source
    return event


@pytest.mark.parametrize(("name", "route"), PUBLIC)
def test_a_public_route_counts_its_clients(functions, name, route):
    event = changed(golden("http_items"), routeKey=route.key, pathParameters={"task_code": "x"}, body={})
    assert functions.call(name, event)["statusCode"] != 429  # some answer with a page
    status, headers, problem = asked(functions, name, event)
    assert (status, problem["type"]) == (429, "urn:liangwang:problem:too_many_requests")
    assert 1 <= int(headers["retry-after"]) <= 60
    assert headers["ratelimit-policy"] == '"source";q=1;w=60' and headers["ratelimit"].startswith('"source";r=0;t=')
    elsewhere = functions.call(name, from_address(event, "192.0.2.99"))
    assert elsewhere["statusCode"] != 429, "another client is another quota"


def test_what_one_function_let_pass_counts_at_the_next(functions):
    assert asked(functions, "items", golden("http_items"))[0] == 200
    assert asked(functions, "identity", golden("http_keys"))[0] == 429


def judged(functions, event):
    """What the route answers when API Gateway has asked the authorizer first."""
    context = functions.call("authorizer", event)["context"]
    route = golden("http_collaboration")
    route["requestContext"]["authorizer"]["lambda"] = context
    return asked(functions, "collaboration", route)


def authorized(functions, source="192.0.2.7", **claims):
    signer = KmsSigner(functions.aws, key="alias/liangwang/token", issuer="https://liangwang.example")
    token = signer.sign({"sub": "zhang", "role": "citizen", **claims})
    return changed(from_address(golden("authorizer"), source), headers={"authorization": f"Bearer {token}"})


def test_an_account_is_counted_wherever_it_asks_from(functions):
    assert judged(functions, authorized(functions))[0] == 403
    status, headers, problem = judged(functions, authorized(functions, "192.0.2.8"))
    assert (status, problem["type"]) == (429, "urn:liangwang:problem:too_many_requests")
    assert headers["ratelimit-policy"] == '"account";q=1;w=60'


def test_who_shows_no_good_token_is_counted_by_the_address(functions):
    nobody = changed(golden("authorizer"), headers={"authorization": "Bearer nonsense"})
    assert judged(functions, nobody)[0] == 401
    assert judged(functions, nobody)[0] == 429


def test_a_table_that_does_not_answer_keeps_nobody_out(functions):
    functions.aws.faults += [Fault("UpdateItem"), Fault("UpdateItem")]
    assert [judged(functions, authorized(functions))[0] for _ in range(5)] == [403] * 5
    assert [asked(functions, "items", golden("http_items"))[0] for _ in range(5)] == [200] * 5
