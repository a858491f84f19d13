"""The configuration of several intake systems: what it means, and what is said about one that is wrong."""

import json

import pytest
from liangwang.intakes import IntakeSystem, parse

TOWN = {
    "name": "town",
    "url": "https://intake.town.example/api",
    "credentials": {
        "kind": "oauth",
        "token_url": "https://intake.town.example/oauth/token",
        "client_id": "governance",
        "secret": "liangwang/intakes/town",
    },
}


def configured(*systems):
    return parse(json.dumps(systems))


def test_nothing_configured_is_our_own_intake_alone():
    assert parse("") == parse(" \n") == (IntakeSystem(name="intake"),)


def test_several_are_told_apart_by_name_and_have_their_own_patience():
    own, town = configured({"name": "intake"}, {**TOWN, "page": 20, "failures": 5, "first_seconds": 30})
    assert (own.url, own.credentials.kind, own.page) == ("", "own", 100)
    assert (town.page, town.credentials.client_id, town.breaker.failures) == (20, "governance", 5)
    assert town.breaker.first.total_seconds() == 30


def without(field):
    return {**TOWN, "credentials": {name: value for name, value in TOWN["credentials"].items() if name != field}}


@pytest.mark.parametrize(
    ("systems", "complaint"),
    [
        ([], "empty array"),
        ([{"url": "https://x.example"}], "name"),
        ([{"name": "Town Hall"}], "small letters, digits and dashes"),
        ([{"name": "unknown"}], "not 'unknown'"),
        (
            [{"name": "a"}, {"name": "a", **{"url": TOWN["url"], "credentials": TOWN["credentials"]}}],
            "two have this name",
        ),
        ([{"name": "a"}, {"name": "b"}], "only one intake can be this stack's own"),
        ([{"name": "a"}, {"name": "b", "url": "https://b.example"}], "would open the other intakes"),
        ([{**TOWN, "url": "http://intake.town.example"}], "url 'http://intake.town.example' is no https address"),
        ([{**TOWN, "url": "https://x.example/?a=b"}], "more than a host and a path"),
        ([{"name": "a", "credentials": TOWN["credentials"]}], "leave credentials out"),
        ([without("token_url")], "credentials.token_url '' is no https address"),
        ([without("client_id")], "credentials.client_id is missing"),
        ([without("secret")], "credentials.secret is missing"),
        ([{**TOWN, "credentials": {**TOWN["credentials"], "secret": "blind-index"}}], "begins with liangwang/intakes/"),
        ([{**TOWN, "page": 1000}], "page"),
        ([{**TOWN, "pages": 10}], "pages"),
        ([{**TOWN, "slow_seconds": 20, "timeout_seconds": 5}], "slow_seconds is above timeout_seconds"),
        ([{**TOWN, "first_seconds": 600}], "longest_seconds is below first_seconds"),
    ],
)
def test_what_is_wrong_is_said_with_the_field_and_the_fix(systems, complaint):
    with pytest.raises(ValueError, match="intake") as raised:
        configured(*systems)
    assert complaint in str(raised.value)


def test_text_that_is_no_json_is_said_to_be_none():
    with pytest.raises(ValueError, match="no JSON array"):
        parse("town, intake")
