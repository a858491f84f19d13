"""Finding a person by an exact value, and erasing one: what goes, what stays, and who may do it."""

import copy
import json
from collections import Counter
from datetime import timedelta

import pytest
from liangwang.accesses import Accesses
from liangwang.aggregates import ACCESS, ACCOUNT, APPLICATION, CLAIM, MANDATE, PERSON_KEY, SESSION, Key
from liangwang.aws import AwsError
from liangwang.blind import BlindIndex
from liangwang.claims import Claims
from liangwang.domain.account import Account
from liangwang.domain.errors import Invalid, NotFound, NotNow
from liangwang.domain.mandate import Mandate
from liangwang.domain.retention import Periods
from liangwang.fakes import Fault
from liangwang.http import Caller, Request
from liangwang.processing import Command, perform
from liangwang.services.erasure import Erasure
from liangwang.services.followup import FollowUp
from liangwang.services.privacy import Privacy, Search
from liangwang.services.retention import Retention
from liangwang.sessions import Sessions
from liangwang.step_up import FreshLoginNeeded
from liangwang.vault import Erased, Vault

from tests.functional.city import City
from tests.functional.functions import Functions, golden

PERSONAL = {"name": "张示例", "identity_no": "990101195001010000", "phone": "13800000000"}
AUDITOR = Caller(subject="auditor-1", role="auditor")


class Register:
    """The city's people: their accounts, and what is done with them."""

    def __init__(self):
        self.city = City()
        self.store = self.city.stores["intake"]
        self.vault = self.environment()
        self.claims = Claims(self.store, self.vault.blind)
        self.sessions = Sessions(self.store)
        self.privacy = Privacy(self.store, self.vault, self.claims, Accesses(self.store))
        erasure = Erasure(self.store, self.vault, self.sessions)
        self.follow_up = FollowUp([Retention(self.store, Periods()), erasure], clock=self.city.clock)

    def environment(self):
        """A vault with a memory of its own."""
        index = BlindIndex(lambda: "a key")
        return Vault(self.store, self.city.aws, key="alias/personal", index=index, clock=self.city.clock)

    def enrol(self, name, **personal):
        """An account with personal data and its claims."""
        values = {**PERSONAL, **personal}
        claims = tuple(self.claims.name(field, values[field]) for field in ("identity_no", "phone"))
        self.claims.hold(claims, name, self.city.now)
        account = Account(role="citizen", password="x", level=2, claims=claims, personal=self.vault.seal(name, values))
        perform(self.store, [Command(Key(ACCOUNT.name, name), "register", lambda s, n: [account])], self.city.now)
        return self.sessions.open(name, self.city.now).id

    def search(self, field, value, *, reason="a complaint", caller=AUDITOR):
        """What somebody finds."""
        return self.privacy.search(self._request(caller, Search(field=field, value=value, reason=reason))).users

    def erase(self, name, session, *, by=None):
        """A citizen has themselves erased."""
        caller = Caller(subject=by or name, role="citizen", session=session)
        return self.privacy.erase(self._request(caller, None, userId=name))

    def _request(self, caller, body, **path):
        return Request(route="x", caller=caller, path=path, query={}, headers={}, body=body, now=self.city.now)

    def followed(self, *, start=0):
        """All that the stream holds, given to what follows."""
        self.follow_up.handle(self.city.aws.dynamodb.event("intake", start=start))

    def state(self, kind, name):
        """The state of an aggregate of intake's."""
        key = Key(kind.name, name)
        return self.store.load([key])[key].state

    def accesses(self):
        """What was recorded."""
        return [state for _, state in self.city.states("intake", ACCESS)]

    def statistics(self):
        """What is counted of cases, in intake."""
        states = [state for _, state in self.city.states("intake", APPLICATION)]
        return Counter(
            (one.status, one.submitted.task_code, one.submitted.department, one.submitted.place, one.spoken_at)
            for one in states
        )


@pytest.fixture
def register():
    return Register()


# ------------------------------------------------------------------ finding


@pytest.mark.parametrize(
    ("field", "value"),
    [("phone", "+86 138-0000-0000"), ("identity_no", "990101 19500101 0000"), ("phone", "13800000000")],
)
def test_a_person_is_found_by_an_exact_value_and_shown_masked(register, field, value):
    register.enrol("zhang")
    (found,) = register.search(field, value)
    assert (found.user_id, found.level) == ("zhang", 2)
    assert found.personal == {"name": "张**", "identity_no": "990****00", "phone": "138****0000"}


@pytest.mark.parametrize("value", ["1380000000", "138", "%", "13800000001", "zhang"])
def test_a_part_of_a_value_finds_nobody(register, value):
    register.enrol("zhang")
    assert register.search("phone", value) == ()


def test_every_search_is_recorded_with_its_reason_whether_it_found_somebody_or_not(register):
    register.enrol("zhang")
    register.search("phone", "13800000000", reason="complaint 7")
    register.search("phone", "13900000000", reason="complaint 8")
    found, missed = register.accesses()
    assert (found.caller, found.action, found.subject, found.reason) == (
        "auditor-1",
        "user.search",
        "zhang",
        "complaint 7",
    )
    assert set(found.fields) == {"name", "identity_no", "phone"}
    assert (missed.subject, missed.reason, missed.fields) == ("", "complaint 8", ("phone",))
    assert "138" not in repr(register.accesses()) and "139" not in repr(register.accesses())


def test_without_a_reason_nothing_is_looked_for(register):
    register.enrol("zhang")
    with pytest.raises(Invalid):
        register.search("phone", "13800000000", reason="  ")
    assert register.accesses() == []


def test_what_cannot_be_recorded_is_not_shown(register):
    register.enrol("zhang")
    register.city.aws.faults.append(Fault("PutItem"))
    with pytest.raises(AwsError):
        register.search("phone", "13800000000")


@pytest.mark.parametrize("role", ["citizen", "clerk", "reviewer", "supervisor", "system"])
def test_others_find_nobody(register, role):
    register.enrol("zhang")
    with pytest.raises(NotFound):
        register.search("phone", "13800000000", caller=Caller(subject="x", role=role))


# ------------------------------------------------------------------ erasing


def ended(register, *items):
    """Cases of zhang's that have come to their end."""
    numbers = [register.city.apply(item, subject="zhang", key=item) for item in items]
    assert register.city.settle()
    return numbers


def test_statistics_before_and_after_are_the_same_and_nothing_sealed_is_left(register):
    register.enrol("zhang")
    mine = ended(register, "elderly-card", "food-business-licence", "outdoor-advertisement")
    other = register.city.apply("elderly-card", subject="li", key="other")
    assert register.city.settle()
    before, views = register.statistics(), [register.city.follow(one, subject="zhang").status for one in mine]
    register.erase("zhang", register.sessions.open("zhang", register.city.now).id)
    register.followed()
    assert register.statistics() == before
    assert [register.city.follow(one, subject="zhang").status for one in mine] == views
    for number in mine:
        state = register.state(APPLICATION, number)
        assert state.redacted and state.submitted.sealed is None
        assert all(register.city.endings(number))
    assert not register.state(APPLICATION, other).redacted


def test_after_it_nobody_reads_what_was_kept_of_the_person(register):
    session = register.enrol("zhang")
    tokens = register.state(ACCOUNT, "zhang").personal
    register.erase("zhang", session)
    with pytest.raises(Erased):
        register.environment().open("zhang", tokens)
    assert register.state(PERSON_KEY, "zhang").generations == ()
    account = register.state(ACCOUNT, "zhang")
    assert (account.status, account.personal, account.claims, account.password) == ("closed", {}, (), "")
    assert register.search("phone", "13800000000") == ()


def test_all_sessions_end(register):
    session = register.enrol("zhang")
    another = register.sessions.open("zhang", register.city.now).id
    register.erase("zhang", session)
    register.followed()
    assert all(register.state(SESSION, one).ended_at for one in (session, another))


def test_nobody_acts_for_whoever_is_gone(register):
    session, now = register.enrol("zhang"), register.city.now
    given = Mandate(
        principal="zhang", agent="li", acts=("submit",), task_codes=(), given_at=now, expires_at=now + timedelta(days=9)
    )
    key = Key(MANDATE.name, "zhang.li")
    perform(register.store, [Command(key, "give", lambda state, at: [given])], now)
    register.erase("zhang", session)
    register.followed()
    assert register.state(MANDATE, "zhang.li").state(now) == "revoked"


def test_the_phone_can_be_registered_by_somebody_else_afterwards(register):
    register.erase("zhang", register.enrol("zhang"))
    register.city.later(hours=1)
    register.enrol("wang")
    assert [found.user_id for found in register.search("phone", "13800000000")] == ["wang"]


def test_nothing_tells_afterwards_whose_phone_it_was(register):
    session = register.enrol("zhang")
    claims = register.state(ACCOUNT, "zhang").claims
    register.erase("zhang", session)
    register.followed()
    assert [register.state(CLAIM, one).account for one in claims] == ["", ""]
    register.enrol("wang")
    register.followed()
    assert [register.state(CLAIM, one).account for one in claims] == ["wang", "wang"]


def test_open_cases_are_named_and_nothing_happens(register):
    session = register.enrol("zhang")
    number = register.city.apply("food-business-licence", subject="zhang")
    register.city.pump()
    with pytest.raises(NotNow) as refused:
        register.erase("zhang", session)
    assert number in refused.value.violations[0].message
    assert register.state(ACCOUNT, "zhang").status == "active"
    assert register.search("phone", "13800000000")


@pytest.mark.parametrize("minutes", [10.1, 600])
def test_an_old_log_in_is_not_enough(register, minutes):
    session = register.enrol("zhang")
    register.city.later(minutes=minutes)
    with pytest.raises(FreshLoginNeeded):
        register.erase("zhang", session)


def test_no_session_an_ended_one_and_another_s_are_not_enough(register):
    session = register.enrol("zhang")
    theirs = register.sessions.open("li", register.city.now).id
    register.sessions.end(session, register.city.now)
    for one in ("", "never", theirs, session):
        with pytest.raises(FreshLoginNeeded):
            register.erase("zhang", one)
    assert register.state(ACCOUNT, "zhang").status == "active"


def test_nobody_erases_another(register):
    register.enrol("zhang")
    session = register.enrol("li", phone="13900000000", identity_no="990102198501010000")
    with pytest.raises(NotFound):
        register.erase("zhang", session, by="li")


def test_an_erasure_that_dies_after_its_first_write_is_finished_by_the_stream(register):
    register.enrol("zhang")
    tokens = register.state(ACCOUNT, "zhang").personal
    (number,) = ended(register, "elderly-card")
    session = register.sessions.open("zhang", register.city.now).id
    aws, calls = register.city.aws, []

    def dies(service, operation, request):
        calls.append(operation)
        if operation == "PutItem" and calls.count("PutItem") == 2:
            raise AwsError("Killed")
        return type(aws).call(aws, service, operation, request)

    aws.call = dies
    with pytest.raises(AwsError):
        register.erase("zhang", session)
    del aws.call
    register.followed()
    with pytest.raises(Erased):
        register.environment().open("zhang", tokens)
    assert register.state(APPLICATION, number).redacted


def test_the_stream_may_bring_it_as_often_as_it_likes(register):
    register.enrol("zhang")
    ended(register, "elderly-card")
    register.erase("zhang", register.sessions.open("zhang", register.city.now).id)
    for _ in range(3):
        register.followed()
    before = copy.deepcopy(register.city.aws.dynamodb.tables)
    register.followed()
    assert register.city.aws.dynamodb.tables == before


def test_a_part_that_fails_brings_the_erasure_again_and_the_rest_is_done(register):
    session = register.enrol("zhang")
    register.erase("zhang", session)
    start = len(register.city.aws.dynamodb.event("intake")["Records"]) - 2
    register.city.aws.faults.append(Fault("Query"))
    with pytest.raises(AwsError):
        register.followed(start=start)
    register.followed(start=start)
    assert register.state(SESSION, session).ended_at is not None


# ------------------------------------------------------------------ over HTTP


def event(method, path, key, caller, *, body=None, **parameters):
    """An API Gateway event for a route of this function."""
    made = golden("http_follow")
    made |= {"routeKey": f"{method} {key}", "rawPath": path, "pathParameters": parameters}
    made["requestContext"]["authorizer"] = {"lambda": caller}
    if body is not None:
        made["body"] = json.dumps(body)
    return made


def test_the_value_stands_in_the_body_and_the_answer_names_accounts():
    functions = Functions()
    body = {"field": "phone", "value": "13800000000", "reason": "a complaint"}
    caller = {"subject": "auditor-1", "role": "auditor"}
    status, found = functions.http(
        "privacy", event("POST", "/api/users/search", "/api/users/search", caller, body=body)
    )
    assert (status, found) == (200, {"users": []})


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"field": "phone", "value": "13800000000"}, 400),
        ({"field": "name", "value": "张示例", "reason": "x"}, 400),
        ({"field": "phone", "value": "", "reason": "x"}, 400),
        ({"field": "phone", "value": "13800000000", "reason": " "}, 422),
    ],
)
def test_a_search_that_says_too_little_gets_a_problem(body, status):
    caller = {"subject": "auditor-1", "role": "auditor"}
    made = event("POST", "/api/users/search", "/api/users/search", caller, body=body)
    assert Functions().http("privacy", made)[0] == status


def test_erasing_needs_a_fresh_log_in_and_says_so():
    functions = Functions()
    key, now = Key(ACCOUNT.name, "zhang"), City().now
    account = Account(role="citizen")
    perform(functions.store("intake"), [Command(key, "register", lambda s, n: [account])], now)
    caller = {"subject": "zhang", "role": "citizen", "session": "old"}
    status, problem = functions.http(
        "privacy", event("DELETE", "/api/user/zhang", "/api/user/{userId}", caller, userId="zhang")
    )
    assert (status, problem["type"]) == (401, "urn:liangwang:problem:fresh_login_needed")


def test_another_s_account_is_not_found():
    caller = {"subject": "li", "role": "citizen", "session": "s"}
    made = event("DELETE", "/api/user/zhang", "/api/user/{userId}", caller, userId="zhang")
    assert Functions().http("privacy", made)[0] == 404
