"""People's accounts through the deployed functions: made, seen, changed, verified, and what their level opens."""

import copy
import json
from datetime import UTC, datetime, timedelta

import pytest
from liangwang.aggregates import ACCESS, ACCOUNT, CLAIM
from liangwang.claims import YOUNG
from liangwang.domain.account import Account, Claim
from liangwang.fakes import Fault
from msgspec import structs

from tests.functional.functions import golden
from tests.functional.people import ENTERPRISE, PASSWORD, PERSON, People, fields, numbered

NUMBERS = ("identity_no", "phone")


@pytest.fixture
def people():
    return People()


# ------------------------------------------------------------------ registration


def test_a_person_registers_and_logs_in_at_level_one(people):
    assert people.register() == (201, {"userId": "zhang-san", "role": "citizen", "level": 1})
    status, token = people.login()
    assert (status, token["role"], token["level"]) == (200, "citizen", 1)


def test_an_enterprise_registers_through_its_agent(people):
    assert people.register("example-trading", enterprise=ENTERPRISE)[0] == 201
    account = people.account("example-trading")
    assert account.applicant_type == 2
    assert {"name", "credit_code", "agent_name", "identity_no", "phone"} <= account.personal.keys()


def test_an_agent_may_have_an_account_of_their_own_with_the_same_phone(people):
    agent = ENTERPRISE["agent"]
    assert people.register("example-trading", enterprise=ENTERPRISE)[0] == 201
    assert people.register("li-shi", person={**agent})[0] == 201


def test_nothing_personal_is_readable_at_rest(people):
    people.register()
    at_rest = json.dumps(
        [[key, str(people.stored(*key.split("#", 1)))] for key in people.aws.dynamodb.tables["intake"]]
    )
    for value in ("张示例", PERSON["identity_no"], "13800000099", "zhang@example.com", PASSWORD):
        assert value not in at_rest


def test_everything_wrong_is_told_at_once_and_nothing_is_kept(people):
    wrong = {"name": "张示例", "identity_no": "990101199001010124", "phone": "12345", "email": "x", "bank_account": "1"}
    answer = people.register("Zhang", password="12345678", person=wrong)
    assert fields(answer) == {
        "username",
        "password",
        *(f"person.{name}" for name in ("identity_no", "phone", "email", "bank_account")),
    }
    assert "intake" not in people.aws.dynamodb.tables


def test_either_a_person_or_an_enterprise_registers(people):
    assert people.register(person=PERSON, enterprise=ENTERPRISE)[0] == 422
    assert people.ask("users", "POST /api/register", {"username": "zhang-san", "password": PASSWORD})[0] == 422


@pytest.mark.parametrize(
    ("username", "changes", "named"),
    [
        ("zhang-san", {"identity_no": numbered("99010119900101014"), "phone": "13800000001"}, {"username"}),
        ("other", {"phone": "13800000001"}, {"identity_no"}),
        ("other", {"identity_no": numbered("99010119900101014")}, {"phone"}),
        ("other", {"phone": "+86 138 0000 0099"}, {"identity_no", "phone"}),
    ],
)
def test_what_another_account_has_is_refused_by_name(people, username, changes, named):
    people.register()
    before = people.account()
    assert fields(people.register(username, person={**PERSON, **changes})) == named
    assert people.account() == before


def test_a_registration_sent_again_with_its_key_is_answered_alike(people):
    key = {"idempotency-key": "once"}
    assert people.register(headers=key) == people.register(headers=key)
    assert people.register()[0] == 409


def test_a_registration_that_died_before_the_account_was_written_is_completed_by_the_next(people):
    for fault in range(1, 5):  # person-key and claims are written first, the account last
        functions = People()
        functions.aws.faults += [Fault("PutItem", "lost")] * fault
        functions.register()
        functions.aws.faults.clear()
        assert functions.register()[0] in (201, 409)
        assert functions.login()[0] == 200


def test_an_orphan_claim_is_taken_over_when_it_is_no_longer_young(people):
    people.register()
    (phone,) = (claim for claim in people.account().claims if claim.startswith("phone/"))
    functions = People()
    functions.aws.secrets.values = people.aws.secrets.values
    now = datetime.now(UTC)
    functions.put(CLAIM.name, phone, Claim(account="died", at=now))
    assert fields(functions.register()) == {"phone"}
    functions.put(CLAIM.name, phone, Claim(account="died", at=now - YOUNG - timedelta(seconds=1)))
    assert functions.register()[0] == 201
    assert functions.stored(CLAIM.name, phone).state.account == "zhang-san"


# ------------------------------------------------------------------ one's own record, and others'


def test_people_see_their_own_record_in_json_or_xml(people):
    people.register()
    token = people.login()[1]["token"]
    record = {"userId": "zhang-san", "name": "张示例", "email": "zhang@example.com", "phone": "13800000099"}
    assert people.user(token) == (200, record)
    answer = people.user(token, headers={"accept": "application/xml"}, raw=True)
    assert answer["headers"]["content-type"].startswith("application/xml") and "<phone>13800000099" in answer["body"]


def test_others_records_and_records_that_are_none_are_told_alike(people):
    people.register()
    people.register("li-shi", person=ENTERPRISE["agent"])
    token = people.login()[1]["token"]
    theirs, none = people.user(token, "li-shi"), people.user(token, "nobody")
    assert theirs[0] == none[0] == 404
    assert json.dumps(theirs).replace("li-shi", "nobody") == json.dumps(none)
    assert people.change(token, "li-shi", email="x@example.com")[0] == 404


def test_an_auditor_sees_it_masked_and_every_look_leaves_a_record(people):
    people.register()
    auditor = people.official("auditor-1", "auditor")
    _, shown = people.user(auditor)
    assert shown["phone"] == "138****0099" and shown["name"] == "张**"
    (access,) = (key for key in people.aws.dynamodb.tables["intake"] if key.startswith(f"{ACCESS.name}#"))
    recorded = people.stored(*access.split("#", 1)).state
    assert (recorded.caller, recorded.subject, recorded.fields) == (
        "auditor-1",
        "zhang-san",
        ("email", "name", "phone"),
    )


def test_what_cannot_be_recorded_is_not_shown(people):
    people.register()
    token = people.login()[1]["token"]
    people.aws.faults.append(Fault("PutItem"))
    status, answer = people.user(token)
    assert status == 500 and "张示例" not in json.dumps(answer, ensure_ascii=False)


def test_officials_see_their_own_public_name(people):
    token = people.official("clerk-1", "clerk", department="D-990101-MARKET")
    assert people.user(token, "clerk-1") == (200, {"userId": "clerk-1", "name": "示例官员", "email": "", "phone": ""})


def test_a_phone_moves_with_its_claim_and_the_old_one_becomes_free(people):
    people.register()
    token = people.login()[1]["token"]
    assert people.change(token, phone="139 0000 0001", email="")[1]["phone"] == "13900000001"
    assert people.user(token)[1]["email"] == ""
    assert fields(people.register("wang", person={**PERSON, "identity_no": numbered("99010119700101014")})) == {"phone"}
    for key in [key for key in people.aws.dynamodb.tables["intake"] if key.startswith("claim#phone/")]:
        claim = people.stored(*key.split("#", 1)).state
        people.put("claim", key.partition("#")[2], structs.replace(claim, at=claim.at - YOUNG))
    assert people.register("wang", person={**PERSON, "identity_no": numbered("99010119700101014")})[0] == 201
    assert fields(people.change(token, phone="13800000099")) == {"phone"}


def test_a_change_sent_again_with_its_key_has_one_effect(people):
    people.register()
    token = people.login()[1]["token"]
    key = {"idempotency-key": "once"}
    assert people.change(token, headers=key, email="new@example.com")[0] == 200
    version = people.stored(ACCOUNT.name, "zhang-san").version
    assert people.change(token, headers=key, email="new@example.com")[0] == 200
    assert people.stored(ACCOUNT.name, "zhang-san").version == version


@pytest.mark.parametrize("wrong", [{"phone": "123"}, {"phone": ""}, {"email": "x"}, {"bank_account": "a"}])
def test_a_change_that_cannot_be_right_is_refused_by_its_field(people, wrong):
    people.register()
    assert fields(people.change(people.login()[1]["token"], **wrong)) == set(wrong)


# ------------------------------------------------------------------ the real-name level


def verify(people, token, number, reason="居民身份证，本人到场"):
    path, body = {"userId": "zhang-san"}, {"number": number, "reason": reason}
    return people.ask("users", "POST /api/user/{userId}/verification", body, token=token, path=path)


def test_an_officer_who_has_seen_the_papers_raises_the_level(people):
    people.register()
    clerk = people.official("clerk-1", "clerk", department="D-990101-MARKET")
    assert verify(people, clerk, PERSON["identity_no"]) == (200, {"userId": "zhang-san", "level": 2})
    assert people.login()[1]["level"] == 2


def test_papers_of_somebody_else_raise_nothing(people):
    people.register()
    clerk = people.official("clerk-1", "clerk", department="D-990101-MARKET")
    assert fields(verify(people, clerk, ENTERPRISE["agent"]["identity_no"])) == {"number"}
    assert fields(verify(people, clerk, PERSON["identity_no"], reason=" ")) == {"reason"}
    assert people.account().level == 1


def test_nobody_raises_their_own_level(people):
    people.register()
    assert verify(people, people.login()[1]["token"], PERSON["identity_no"])[0] == 403


def applying(level, **more):
    item = "residence-permit"
    form = json.loads(golden("http_apply")["body"])
    event = copy.deepcopy(golden("http_apply"))
    event["requestContext"]["authorizer"]["lambda"]["level"] = str(level)
    return event, {**form, "task_code": item, **more}


@pytest.mark.parametrize(("level", "status"), [(0, 403), (1, 403), (2, 201), (3, 201)])
def test_an_item_that_asks_for_a_level_says_so_to_whoever_has_less(people, catalogue, level, status):
    event, wish = applying(level)
    item = catalogue.items["residence-permit"]
    wish |= {"form": item.example.form, "materials": [one.code for one in item.materials]}
    answer = people.call("intake", {**event, "body": json.dumps(wish)})
    assert answer["statusCode"] == status, answer
    if status == 403:
        challenge = answer["headers"]["www-authenticate"]
        assert json.loads(answer["body"])["type"] == "urn:liangwang:problem:step_up_required"
        assert 'error="insufficient_user_authentication"' in challenge
        assert 'acr_values="urn:liangwang:level:2"' in challenge


def test_an_item_that_asks_for_none_takes_everybody(people):
    assert people.call("intake", golden("http_apply"))["statusCode"] == 201


def test_a_phone_of_other_digits_is_no_second_one(people):
    people.register()
    for digits in ("０１２３４５６７８９", "٠١٢٣٤٥٦٧٨٩"):
        other = str.maketrans("0123456789", digits)
        written = {name: PERSON[name][:2] + PERSON[name][2:-1].translate(other) + PERSON[name][-1] for name in NUMBERS}
        answer = people.register("li-si", person={**PERSON, **written})
        assert fields(answer) & {"identity_no", "person.identity_no"} and fields(answer) & {"phone", "person.phone"}


def test_an_agent_is_found_by_the_phone_and_a_firm_by_its_code_however_they_are_written(people):
    people.register("shi-li", enterprise=ENTERPRISE)
    auditor = people.official("auditor-1", "auditor")
    code = ENTERPRISE["credit_code"]
    for field, value in (("phone", "+86 138-0000-0088"), ("credit_code", f"{code[:8].lower()}-{code[8:]} ")):
        body = {"field": field, "value": value, "reason": "来电核实"}
        _, found = people.ask("privacy", "POST /api/users/search", body, token=auditor)
        assert [one["userId"] for one in found["users"]] == ["shi-li"]


def test_a_change_that_meets_an_erasure_leaves_nothing_behind(people):
    people.register()
    token = people.login()[1]["token"]
    call = people.aws.call

    def erased_meanwhile(service, operation, request):
        if operation == "GenerateDataKey" or (operation == "PutItem" and "claim#" in request["Item"]["pk"]["S"]):
            people.aws.call = call
            people.put(ACCOUNT.name, "zhang-san", Account(role="citizen", status="closed"))
        return call(service, operation, request)

    people.aws.call = erased_meanwhile
    assert people.change(token, phone="13900000099")[0] == 404
    assert people.account() == Account(role="citizen", status="closed")
