"""Logging in through the deployed functions: by password, by a system's secret, by another identity service."""

import base64
import copy
import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from urllib.parse import urlencode

import pytest
from liangwang import passwords
from liangwang.aggregates import ACCOUNT, MANDATE, SESSION, Key
from liangwang.domain.account import Account
from liangwang.domain.guessing import OF_AN_ACCOUNT
from liangwang.domain.mandate import Mandate
from liangwang.fakes import Fault
from msgspec import structs

from tests.functional.functions import golden
from tests.functional.people import PASSWORD, PERSON, People, code, fields


@pytest.fixture
def people():
    return People()


# ------------------------------------------------------------------ log-in, refresh, log-out


def test_the_answer_to_a_log_in_has_what_it_always_had_and_what_keeps_it_up(people):
    people.register()
    _, token = people.login()
    assert token["expires_in"] == 900 and token["refresh_expires_in"] == 7200
    assert people.user(token["token"])[0] == 200


def test_a_refresh_says_what_the_account_is_now(people):
    people.register()
    _, token = people.login()
    people.put(ACCOUNT.name, "zhang-san", structs.replace(people.account(), level=2))
    status, following = people.refresh(token["refresh_token"])
    assert (status, following["level"]) == (200, 2)
    assert following["refresh_token"] != token["refresh_token"]


def test_a_refresh_token_opens_no_route(people):
    people.register()
    _, token = people.login()
    assert people.user(token["refresh_token"])[0] == 401


def test_after_logging_out_neither_token_holds(people):
    people.register()
    _, token = people.login()
    assert people.ask("identity", "POST /api/logout", token=token["token"])[0] == 200
    assert code(people.refresh(token["refresh_token"])) == (401, "session_over")
    people._handlers.pop(("authorizer", "intake"))  # another environment, which does not remember
    assert people.user(token["token"])[0] == 401


def test_a_new_password_ends_all_other_sessions(people):
    people.register()
    mine, other = people.login()[1], people.login()[1]
    new = {"old": PASSWORD, "new": "another long example"}
    assert people.ask("identity", "POST /api/password", new, token=mine["token"])[0] == 200
    assert people.refresh(mine["refresh_token"])[0] == 200
    assert people.refresh(other["refresh_token"])[0] == 401
    assert people.login()[0] == 401 and people.login(password="another long example")[0] == 200


def test_sessions_that_the_index_does_not_show_yet_end_with_the_password_too(people):
    people.register()
    mine, other = people.login()[1], people.login()[1]
    hidden = Key(SESSION.name, other["refresh_token"].partition(".")[0])
    item = people.aws.dynamodb.tables["intake"][str(hidden)]
    holder = item.pop("holder")
    new = {"old": PASSWORD, "new": "another long example"}
    people.ask("identity", "POST /api/password", new, token=mine["token"])
    item["holder"] = holder
    assert people.refresh(other["refresh_token"])[0] == 401


def test_a_new_password_needs_the_old_one_and_has_to_be_good(people):
    people.register()
    token = people.login()[1]["token"]

    def ask(old, new):
        return people.ask("identity", "POST /api/password", {"old": old, "new": new}, token=token)

    assert code(ask("wrong", "another long example")) == (401, "wrong_credentials")
    assert fields(ask(PASSWORD, "12345678")) == {"new"}
    assert people.login()[0] == 200


def test_a_blocked_account_gets_no_token_and_strangers_do_not_learn_of_it(people):
    people.register()
    _, token = people.login()
    people.put(ACCOUNT.name, "zhang-san", structs.replace(people.account(), status="blocked"))
    assert code(people.login()) == (401, "account_blocked")
    assert code(people.login(password="wrong")) == (401, "wrong_credentials")
    assert people.refresh(token["refresh_token"])[0] == 401


def test_guessing_is_slowed_and_the_owner_s_device_is_not(people):
    people.register()
    device = people.login()[1]["device"]
    for _ in range(OF_AN_ACCOUNT.free):
        assert people.login(password="wrong")[0] == 401
    answer = people.ask("identity", "POST /api/login", {"username": "zhang-san", "password": PASSWORD}, raw=True)
    assert answer["statusCode"] == 429 and int(answer["headers"]["retry-after"]) >= 1
    status, token = people.login(device=device)
    assert (status, token["device"]) == (200, device)


def test_guessing_at_a_name_that_nobody_has_is_answered_alike(people):
    people.register()
    told = {
        username: [people.login(username, "wrong")[0] for _ in range(OF_AN_ACCOUNT.free + 2)]
        for username in ("zhang-san", "nobody")
    }
    assert told["zhang-san"] == told["nobody"]
    assert told["nobody"][-1] == 429


# ------------------------------------------------------------------ systems


@pytest.fixture
def system(people):
    account = Account(role="system", name="示例", password=passwords.digest("s3cret:+ %"), scopes=("exchange",))
    people.put(ACCOUNT.name, "partner", account)
    return people


def granted(people, *, basic=None, raw=False, **form):
    headers = {"content-type": "application/x-www-form-urlencoded"}
    if basic:
        headers["authorization"] = "Basic " + base64.b64encode(basic.encode()).decode()
    return people.ask("identity", "POST /oauth/token", urlencode(form), headers=headers, raw=raw)


CREDENTIALS = {"client_id": "partner", "client_secret": "s3cret:+ %"}


@pytest.mark.parametrize("way", [{"basic": "partner:s3cret%3A%2B+%25"}, CREDENTIALS], ids=["basic", "post"])
def test_a_system_gets_a_token_for_its_scope_by_both_ways(system, way):
    status, token = granted(system, grant_type="client_credentials", **way)
    assert (status, token["token_type"], token["scope"]) == (200, "Bearer", "exchange")
    carried = system.ask("exchange", "GET /exchange/applications", token=token["access_token"])
    assert carried == (200, {"pending": []})


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({**CREDENTIALS}, 400, "invalid_request"),
        ({**CREDENTIALS, "grant_type": "password"}, 400, "unsupported_grant_type"),
        ({**CREDENTIALS, "grant_type": "client_credentials", "scope": "everything"}, 400, "invalid_scope"),
        ({**CREDENTIALS, "grant_type": "client_credentials", "client_secret": "wrong"}, 401, "invalid_client"),
        ({**CREDENTIALS, "grant_type": "client_credentials", "client_id": "nobody"}, 401, "invalid_client"),
        ({"grant_type": "client_credentials"}, 401, "invalid_client"),
        ({"grant_type": "client_credentials", "basic": "partner"}, 401, "invalid_client"),
        ({**CREDENTIALS, "grant_type": "client_credentials", "basic": "partner:x"}, 400, "invalid_request"),
    ],
)
def test_refusals_have_the_form_of_oauth(system, form, status, error):
    answer = granted(system, raw=True, **form)
    assert (answer["statusCode"], json.loads(answer["body"])["error"]) == (status, error)
    assert ("www-authenticate" in answer["headers"]) is (status == 401)
    assert answer["headers"]["cache-control"] == "no-store"


def test_a_citizen_is_no_client(system):
    system.register()
    form = {"grant_type": "client_credentials", "client_id": "zhang-san", "client_secret": PASSWORD}
    assert granted(system, **form)[0] == 401


def test_a_system_without_a_scope_gets_nothing(system):
    system.put(ACCOUNT.name, "partner", structs.replace(system.account("partner"), scopes=()))
    assert granted(system, grant_type="client_credentials", **CREDENTIALS)[1]["error"] == "invalid_scope"


def test_a_token_reaches_no_further_than_its_scope(system):
    system.put(ACCOUNT.name, "partner", structs.replace(system.account("partner"), scopes=("statistics",)))
    token = granted(system, grant_type="client_credentials", **CREDENTIALS)[1]["access_token"]
    answer = system.ask("exchange", "GET /exchange/applications", token=token, raw=True)
    assert answer["statusCode"] == 403 and "insufficient_scope" in answer["headers"]["www-authenticate"]


# ------------------------------------------------------------------ other identity services


def vouching(people, *, subject="u-1", level=2, **personal):
    """Replaces the check of the ID token, which tests/unit/test_issuers.py has; all else is as deployed."""
    from liangwang.issuers import Vouched

    if ("identity", "intake") not in people._handlers:
        people.ask("identity", "GET /.well-known/jwks.json")
    external = people._handlers["identity", "intake"].__globals__["external"]
    who = Vouched(issuer="https://id.example", subject=subject, level=level, personal=personal)
    external._issuers = SimpleNamespace(vouched=lambda *_, **__: who)
    body = {"issuer": "https://id.example", "id_token": "x"}
    return people.ask("identity", "POST /api/login/external", body)


def subject_of(people, token):
    asking = copy.deepcopy(golden("authorizer"))
    asking["headers"]["authorization"] = f"Bearer {token['token']}"
    return people.call("authorizer", asking)["context"]["subject"]


def test_an_unknown_issuer_is_refused(people):
    body = {"issuer": "https://id.example", "id_token": "x.y.z"}
    assert code(people.ask("identity", "POST /api/login/external", body)) == (401, "not_vouched")


def test_the_first_external_log_in_makes_an_account_and_the_next_finds_it(people):
    status, token = vouching(people, name="张示例")
    assert (status, token["level"]) == (200, 2)
    username = subject_of(people, token)
    assert subject_of(people, vouching(people)[1]) == username
    assert subject_of(people, vouching(people, subject="u-2")[1]) != username
    assert people.user(token["token"], username)[1]["name"] == "张示例"


def test_the_level_rises_and_never_falls(people):
    assert vouching(people, level=1)[1]["level"] == 1
    assert vouching(people, level=3)[1]["level"] == 3
    assert vouching(people, level=1)[1]["level"] == 3


def test_a_first_external_log_in_that_died_is_completed_by_the_next(people):
    vouching(people)
    functions = People()
    functions.ask("identity", "GET /.well-known/jwks.json")
    functions.aws.faults.append(Fault("PutItem", "lost"))
    assert vouching(functions)[0] == 500
    assert vouching(functions)[0] == 200


def test_whoever_s_papers_were_seen_keeps_the_account_they_have(people):
    people.register()
    people.put(ACCOUNT.name, "zhang-san", structs.replace(people.account(), level=2))
    token = vouching(people, identity_no=PERSON["identity_no"], level=3)[1]
    assert (subject_of(people, token), token["level"]) == ("zhang-san", 3)
    assert people.login()[0] == 200


def test_an_account_that_somebody_made_in_wait_for_its_owner_is_given_up_to_the_owner(people):
    """Its number was right, but nobody had looked who typed it: password, sessions and contact data go."""
    people.register()
    waiting = people.login()[1]
    token = vouching(people, identity_no=PERSON["identity_no"], name="张示例")[1]
    assert (subject_of(people, token), token["level"]) == ("zhang-san", 2)
    assert people.login()[0] == 401 and people.refresh(waiting["refresh_token"])[0] == 401
    assert people.user(token["token"])[1]["phone"] == ""
    new = {"new": "another long example"}
    assert people.ask("identity", "POST /api/password", new, token=token["token"])[0] == 200
    assert people.login(password="another long example")[0] == 200


def test_what_an_issuer_was_merely_told_takes_no_account_over(people):
    people.register()
    people.put(ACCOUNT.name, "zhang-san", structs.replace(people.account(), level=2))
    token = vouching(people, identity_no=PERSON["identity_no"], level=1)[1]
    assert subject_of(people, token) != "zhang-san" and token["level"] == 1


def test_names_at_an_issuer_that_differ_in_case_only_are_two_people(people):
    """OpenID Connect Core 1.0, 2: ``sub`` is compared exactly."""
    tokens = [vouching(people, subject=subject)[1] for subject in ("aB-1", "Ab-1", "ab-1", "ab- 1")]
    assert len({subject_of(people, token) for token in tokens}) == 4


def test_an_identity_service_opens_no_account_that_was_blocked(people):
    people.register()
    people.put(ACCOUNT.name, "zhang-san", structs.replace(people.account(), status="blocked"))
    assert code(vouching(people, identity_no=PERSON["identity_no"])) == (401, "account_blocked")
    assert people.account().status == "blocked"


def test_whoever_was_erased_comes_again_under_another_name(people):
    token = vouching(people, identity_no=PERSON["identity_no"])[1]
    name = subject_of(people, token)
    path = {"userId": name}
    assert people.ask("privacy", "DELETE /api/user/{userId}", token=token["token"], path=path)[0] == 200
    people.call("followup", people.aws.dynamodb.event("intake"))
    again = subject_of(people, vouching(people, identity_no=PERSON["identity_no"])[1])
    assert again != name and people.account(name).status == "closed"
    assert subject_of(people, vouching(people)[1]) == again


def test_tokens_of_whoever_waited_in_an_account_end_when_its_owner_comes(people):
    people.register()
    waiting = people.login()[1]["token"]
    owner = vouching(people, identity_no=PERSON["identity_no"], name="张示例")[1]["token"]
    people._handlers.pop(("authorizer", "intake"), None)  # another environment, which does not remember
    assert people.user(waiting)[0] == 401
    assert people.user(owner)[0] == 200


def test_mandates_that_were_given_in_wait_for_the_owner_are_taken_back(people):
    people.register()
    now = datetime.now(UTC)
    given = Mandate(principal="zhang-san", agent="li", acts=("read",), given_at=now, expires_at=now + timedelta(days=9))
    people.put(MANDATE.name, given.id, given)
    vouching(people, identity_no=PERSON["identity_no"])
    later = structs.replace(given, agent="wang", given_at=datetime.now(UTC))
    people.put(MANDATE.name, later.id, later)
    for _ in range(2):
        people.call("followup", people.aws.dynamodb.event("intake"))
    states = [people.stored(MANDATE.name, one.id).state.state(now) for one in (given, later)]
    assert states == ["revoked", "holds"]


def test_a_log_in_that_looked_before_the_password_changed_holds_no_longer(people):
    """It began after the change began, so that its moment does not tell."""
    people.register()
    before = people.account()
    mine = people.login()[1]["token"]
    new = {"old": PASSWORD, "new": "another long example"}
    assert people.ask("identity", "POST /api/password", new, token=mine)[0] == 200
    changed = people.account()
    people.put(ACCOUNT.name, "zhang-san", before)
    other = people.login()[1]
    people.put(ACCOUNT.name, "zhang-san", changed)
    assert code(people.refresh(other["refresh_token"])) == (401, "session_over")


def test_a_first_password_needs_a_log_in_that_has_just_been(people):
    token = vouching(people)[1]
    session = people.stored(SESSION.name, token["refresh_token"].partition(".")[0])
    opened_at = session.state.opened_at - timedelta(minutes=11)
    people.put(SESSION.name, session.key.id, structs.replace(session.state, opened_at=opened_at))
    new = {"new": "another long example"}
    assert code(people.ask("identity", "POST /api/password", new, token=token["token"])) == (401, "fresh_login_needed")
    fresh = vouching(people)[1]["token"]
    assert people.ask("identity", "POST /api/password", new, token=fresh)[0] == 200
