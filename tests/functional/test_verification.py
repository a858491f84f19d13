"""Anybody checks a certificate by its number; the applicant's next application takes only one that holds."""

import copy
import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.functional.citizens import CITIZEN, Citizens
from tests.functional.functions import golden

ROUTE = "GET /verify/{certificate_no}"
ACT = {"by": "head", "reason": "张三申请", "basis": "《行政许可法》第七十条"}
NAME = {"zh": "示例证", "en": "Example certificate"}


def granted(number, **changes):
    until = (datetime.now(UTC) + timedelta(days=30)).isoformat()
    certificate = {"certificate_no": f"{number}-Z", "certificate_name": NAME, "valid_until": until}
    return "case.decided", {"outcome": "granted", **certificate, **changes}


def revoked(number):
    return "certificate.revoked", {"certificate_no": f"{number}-Z", **ACT}


def reissued(number):
    return "certificate.reissued", {"certificate_no": f"{number}-Z2", "replaces": f"{number}-Z", **ACT}


@pytest.fixture
def city():
    return Citizens()


def check(city, number, *, accept="application/json"):
    """What anybody is told, without a token."""
    event = copy.deepcopy(golden("http_follow"))
    event |= {"routeKey": ROUTE, "pathParameters": {"certificate_no": number}, "rawPath": f"/verify/{number}"}
    event["requestContext"].pop("authorizer", None)
    event["headers"] |= {"accept": accept}
    return city.call("verification", event)


def standing(city, number):
    answer = check(city, number)
    assert answer["statusCode"] == 200, answer
    return json.loads(answer["body"])["standing"]


def test_a_certificate_that_holds_is_valid(city):
    number = city.apply()
    city.tell(number, granted(number))
    document = json.loads(check(city, f"{number}-Z")["body"])
    assert (document["standing"], document["certificate_name"]) == ("valid", NAME)
    assert document["standing_text"] == {"zh": "有效", "en": "valid"}


def test_nothing_of_whose_it_is_or_why_it_ended_is_told(city):
    number = city.apply()
    city.tell(number, granted(number), revoked(number))
    told = check(city, f"{number}-Z")["body"]
    for private in (CITIZEN["subject"], ACT["reason"], "13900000000"):
        assert private not in told


def test_expired_revoked_and_replaced_certificates_say_so(city):
    numbers = [city.apply(allow_duplicate=True) for _ in range(4)]
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    city.tell(numbers[0], granted(numbers[0], valid_until=past))
    city.tell(numbers[1], granted(numbers[1]), revoked(numbers[1]))
    city.tell(numbers[2], granted(numbers[2]), reissued(numbers[2]))
    city.tell(numbers[3], granted(numbers[3]), ("case.decision_revoked", ACT))
    found = [standing(city, f"{number}-Z") for number in numbers]
    assert found == ["expired", "revoked", "replaced", "revoked"]
    document = json.loads(check(city, f"{numbers[2]}-Z")["body"])
    assert document["replaced_by"] == f"{numbers[2]}-Z2"
    assert standing(city, f"{numbers[2]}-Z2") == "valid"


@pytest.mark.parametrize("suffix", ["", "-Z", "-Z2", "-S"])
def test_an_open_case_and_a_made_up_number_have_no_certificate(city, suffix):
    answer = check(city, f"{city.apply()}{suffix}")
    assert answer["statusCode"] == 404
    assert json.loads(answer["body"])["type"] == "urn:liangwang:problem:not_found"


def test_a_phone_gets_a_page_with_every_value_escaped(city):
    number = city.apply()
    city.tell(number, granted(number, certificate_name={"zh": "<b>证</b>", "en": "x"}))
    answer = check(city, f"{number}-Z", accept="text/html,application/xhtml+xml")
    assert answer["headers"]["content-type"] == "text/html; charset=utf-8"
    assert "&lt;b&gt;证" in answer["body"] and "<b>" not in answer["body"]
    answer = check(city, "<script>", accept="text/html")
    assert (answer["statusCode"], "<script>" in answer["body"]) == (404, False)


def hand_in(city, number):
    """An application that hands the certificate of another in; the status."""
    wish = json.loads(golden("http_apply")["body"]) | {"allow_duplicate": True}
    wish["materials"] = [{"code": "photo", "certificate_no": number}, "identity-card"]
    return city.ask("intake", "POST /api/applications", CITIZEN, body=wish)[0]


def test_only_a_certificate_that_holds_is_taken_for_a_material(city):
    number = city.apply()
    city.tell(number, granted(number))
    assert hand_in(city, f"{number}-Z") == 201
    city.tell(number, reissued(number), first=2)
    assert (hand_in(city, f"{number}-Z"), hand_in(city, f"{number}-Z2")) == (422, 201)
    city.tell(number, ("case.decision_revoked", ACT), first=3)
    assert hand_in(city, f"{number}-Z2") == 422


def test_the_result_says_what_holds_now(city):
    number = city.apply()
    city.tell(number, granted(number), reissued(number))
    route = "GET /api/applications/{case_no}/result"
    _, result = city.ask("intake", route, CITIZEN, case_no=number)
    assert (result["certificate_no"], result["certificate_standing"]) == (f"{number}-Z2", "valid")
    city.tell(number, ("case.decision_revoked", ACT), first=3)
    _, result = city.ask("intake", route, CITIZEN, case_no=number)
    assert (result["outcome"], result["certificate_standing"]) == ("voided", "revoked")
