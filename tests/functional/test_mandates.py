"""An agent acts for somebody else: within the mandate, as long as it holds, and looked at again at every act."""

import copy
import json
from datetime import UTC, datetime, timedelta

import pytest
from liangwang.aggregates import ACCOUNT, APPLICATION, MANDATE, Key
from liangwang.domain.account import Account
from liangwang.domain.history import Recorded
from liangwang.fakes import Fault
from liangwang.store import Stored

from tests.functional.functions import Functions, golden
from tests.unit.samples import NOON

AGENT, PRINCIPAL, STRANGER = "li", "zhang", "wang"
ALL = ["submit", "read", "supplement", "withdraw"]


@pytest.fixture
def functions():
    found = Functions()
    for name, role in ((AGENT, "citizen"), (PRINCIPAL, "citizen"), (STRANGER, "citizen"), ("clerk", "clerk")):
        key = Key(ACCOUNT.name, name)
        account = Account(role=role, name="示例", password="-")
        assert found.store("intake").save([(Stored(key), Stored(key, (Recorded(NOON, "seed", account),)))]) == [None]
    return found


def asked(functions, function, route, who, *, body=None, query=None, headers=None, kind="1", level="", **path):
    event = copy.deepcopy(golden("http_apply"))
    event |= {"routeKey": route, "pathParameters": path, "queryStringParameters": query or {}}
    event["requestContext"]["authorizer"]["lambda"] = {"subject": who, "role": "citizen", "applicant_type": kind}
    if level:
        event["requestContext"]["authorizer"]["lambda"]["level"] = level
    event["headers"] = {"host": "api.example", **(headers or {})}
    event["body"] = json.dumps(body) if body is not None else ""
    return functions.http(function, event)


def soon(**ahead):
    return (datetime.now(UTC) + timedelta(**(ahead or {"days": 1}))).isoformat()


def gives(functions, *, acts=ALL, agent=AGENT, until=None, who=PRINCIPAL, **more):
    body = {"agent": agent, "acts": acts, "expires_at": until or soon(), **more}
    return asked(functions, "mandates", "POST /api/mandates", who, body=body)


def given(functions, **settings):
    status, view = gives(functions, **settings)
    assert (status, view.get("state")) == (201, "holds"), view
    return view


def revoked(functions, *, who=PRINCIPAL, mandate=f"{PRINCIPAL}.{AGENT}"):
    return asked(functions, "mandates", "DELETE /api/mandates/{mandate_id}", who, mandate_id=mandate)


def applies(functions, *, who=AGENT, **changes):
    body = {**json.loads(golden("http_apply")["body"]), "on_behalf_of": PRINCIPAL, **changes}
    return asked(functions, "intake", "POST /api/applications", who, body=body)


def applied(functions, **settings):
    status, view = applies(functions, **settings)
    assert status == 201, view
    return view["case_no"]


def follows(functions, case_no, *, who=AGENT):
    return asked(functions, "intake", "GET /api/applications/{case_no}", who, case_no=case_no)


def withdraws(functions, case_no, *, who=AGENT):
    route = "POST /api/applications/{case_no}/withdrawal"
    return asked(functions, "intake", route, who, body={"reason": ""}, case_no=case_no)


def expired(functions, moment):
    """The mandate as if it ended at another moment: what is stored is the truth, whoever wrote it."""
    key = Key(MANDATE.name, f"{PRINCIPAL}.{AGENT}")
    stored = functions.store("intake").load([key])[key]
    import msgspec

    event = msgspec.structs.replace(stored.state, expires_at=moment)
    after = Stored(key, (Recorded(NOON, "test", event),), dropped=stored.version)
    assert functions.store("intake").save([(stored, after)]) == [None]


# ------------------------------------------------------------------ acting for somebody


def test_an_agent_applies_and_the_case_is_the_principal_s(functions):
    given(functions)
    number = applied(functions)
    state = functions.store("intake").load([Key(APPLICATION.name, number)])[Key(APPLICATION.name, number)]
    opened = state.history[0].event
    assert (opened.applicant, opened.agent, opened.mandate) == (PRINCIPAL, AGENT, f"{PRINCIPAL}.{AGENT}")
    status, view = follows(functions, number, who=PRINCIPAL)
    assert (status, view["agent"], view["timeline"][0]["agent"]) == (200, AGENT, AGENT)
    listed = asked(functions, "intake", "GET /api/applications", PRINCIPAL)[1]
    assert [case["case_no"] for case in listed["cases"]] == [number]


def test_an_agent_follows_lists_and_withdraws_and_the_view_says_who_did_it(functions):
    number = applied(functions, who=PRINCIPAL, on_behalf_of="")
    given(functions)
    assert follows(functions, number)[0] == 200
    listed = asked(functions, "intake", "GET /api/applications", AGENT, query={"on_behalf_of": PRINCIPAL})[1]
    assert [case["case_no"] for case in listed["cases"]] == [number]
    assert withdraws(functions, number)[1]["status"] == "withdrawing"
    lines = follows(functions, number, who=PRINCIPAL)[1]["timeline"]
    assert [(line["event"], line["agent"]) for line in lines] == [
        ("application.submitted", ""),
        ("application.withdrawn", AGENT),
    ]


def test_the_agent_applies_as_what_the_principal_is(functions):
    body = {"agent": AGENT, "acts": ALL, "expires_at": soon()}
    assert asked(functions, "mandates", "POST /api/mandates", PRINCIPAL, body=body, kind="2")[0] == 201
    status, problem = applies(functions)
    assert status == 422 and "type 2" in json.dumps(problem), "the elderly card is not for enterprises"


def test_an_agent_s_own_list_does_not_hold_the_principal_s_cases(functions):
    given(functions)
    applied(functions)
    assert asked(functions, "intake", "GET /api/applications", AGENT)[1]["cases"] == []


def test_a_repeated_application_with_its_key_is_one_case_and_another_s_key_is_not_mixed_up(functions):
    given(functions)
    body = {**json.loads(golden("http_apply")["body"]), "on_behalf_of": PRINCIPAL}
    first, again = (
        asked(functions, "intake", "POST /api/applications", AGENT, body=body, headers={"idempotency-key": "k"})
        for _ in range(2)
    )
    assert first == again
    body["on_behalf_of"] = ""
    other = asked(functions, "intake", "POST /api/applications", AGENT, body=body, headers={"idempotency-key": "k"})
    assert other[0] == 422 and other[1]["type"].endswith("idempotency_key_reused")


# ------------------------------------------------------------------ where it ends


def every_act(functions, number):
    """What an agent may try about a case and a person: the statuses."""
    supplement = "POST /api/applications/{case_no}/supplement"
    return {
        "read": follows(functions, number)[0],
        "list": asked(functions, "intake", "GET /api/applications", AGENT, query={"on_behalf_of": PRINCIPAL})[0],
        "supplement": asked(functions, "intake", supplement, AGENT, body={"materials": ["photo"]}, case_no=number)[0],
        "withdraw": withdraws(functions, number)[0],
        "submit": applies(functions)[0],
    }


NOTHING = dict.fromkeys(("read", "list", "supplement", "withdraw", "submit"), 404)


def test_without_a_mandate_everything_is_as_for_a_stranger(functions):
    number = applied(functions, who=PRINCIPAL, on_behalf_of="")
    assert every_act(functions, number) == NOTHING


def test_from_the_act_after_the_revocation_on_nothing_is_allowed(functions):
    given(functions)
    number = applied(functions)
    assert follows(functions, number)[0] == 200
    assert revoked(functions)[1]["state"] == "revoked"
    assert every_act(functions, number) == NOTHING
    given(functions)
    assert follows(functions, number)[0] == 200, "given anew, it holds anew"


def test_an_expired_mandate_allows_nothing(functions):
    given(functions)
    number = applied(functions)
    expired(functions, datetime.now(UTC) - timedelta(seconds=1))
    assert every_act(functions, number) == NOTHING
    assert asked(functions, "mandates", "GET /api/mandates", AGENT)[1]["received"][0]["state"] == "expired"


def test_a_mandate_given_anew_with_a_narrower_scope_takes_the_place_of_the_wider_one(functions):
    given(functions)
    number = applied(functions)
    given(functions, acts=["read"])
    assert every_act(functions, number) == {**NOTHING, "read": 200, "list": 200}
    given(functions, task_codes=["residence-permit"])
    assert every_act(functions, number) == {**NOTHING, "list": 200}
    listed = asked(functions, "intake", "GET /api/applications", AGENT, query={"on_behalf_of": PRINCIPAL})[1]
    assert listed["cases"] == [], "cases of other items are not shown"


def test_a_mandate_goes_no_further_than_from_one_to_the_other(functions):
    given(functions)
    given(functions, who=AGENT, agent=STRANGER)
    number = applied(functions)
    assert follows(functions, number, who=STRANGER)[0] == 404, "no chains"
    own = applied(functions, on_behalf_of="")
    assert follows(functions, own, who=PRINCIPAL)[0] == 404, "no way back"


# ------------------------------------------------------------------ giving, seeing and taking back


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"agent": "nobody"}, "agent"),
        ({"agent": "clerk"}, "agent"),
        ({"agent": PRINCIPAL}, "agent"),
        ({"agent": "x" * 3000}, "agent"),
        ({"acts": []}, "acts"),
        ({"until": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"task_codes": ["elderly-card", "moon-licence"]}, "task_codes[1]"),
    ],
)
def test_what_is_wrong_with_a_mandate_is_named_and_nothing_is_kept(functions, changes, field):
    before = set(functions.aws.dynamodb.tables["intake"])
    status, problem = gives(functions, **changes)
    assert status == 422 and field in [one["field"] for one in problem["errors"]]
    assert set(functions.aws.dynamodb.tables["intake"]) == before


@pytest.mark.parametrize("changes", [{"acts": ["marry"]}, {"until": "2099-01-01T00:00:00"}, {"until": "tomorrow"}])
def test_a_mandate_of_the_wrong_form_is_malformed(functions, changes):
    assert gives(functions, **changes)[0] == 400


def test_both_sides_see_the_mandate_and_nobody_else(functions):
    view = given(functions)
    lists = {who: asked(functions, "mandates", "GET /api/mandates", who)[1] for who in (PRINCIPAL, AGENT, STRANGER)}
    assert lists[PRINCIPAL]["given"] == lists[AGENT]["received"] == [view]
    assert lists[PRINCIPAL]["received"] == lists[AGENT]["given"] == []
    assert lists[STRANGER]["given"] == lists[STRANGER]["received"] == []
    assert "name" not in view, "account names, and nothing else about the two"


def test_principal_and_agent_may_end_it_and_others_do_not_find_it(functions):
    given(functions)
    assert revoked(functions, who=STRANGER)[0] == 404
    assert revoked(functions, mandate="nobody.else")[0] == 404
    assert revoked(functions, mandate="x" * 3000)[0] == 404
    assert revoked(functions, who=AGENT)[1]["state"] == "revoked"
    assert revoked(functions)[0] == 409


def test_a_mandate_whose_writing_broke_off_gives_no_right_and_is_mended_by_the_same_request(functions):
    functions.aws.faults.append(Fault("PutItem", "lost"))
    assert gives(functions)[0] == 500
    assert asked(functions, "mandates", "GET /api/mandates", AGENT)[1]["received"] == []
    assert applies(functions)[0] == 404
    given(functions)
    assert len(asked(functions, "mandates", "GET /api/mandates", AGENT)[1]["received"]) == 1


def test_a_mandate_whose_answer_was_lost_is_the_same_when_it_is_given_again(functions):
    until = soon()
    given(functions, until=until)
    written = len(functions.aws.dynamodb.streams["intake"])
    given(functions, until=until)
    assert len(functions.aws.dynamodb.streams["intake"]) == written


def test_what_an_agent_reads_of_a_draft_is_on_record_before_it_is_shown(functions):
    given(functions, acts=["draft"])
    content = {"task_code": "elderly-card", "form": {"name": "张示例", "birth_year": 1950}}
    code = asked(functions, "drafts", "POST /api/drafts", PRINCIPAL, body=content)[1]["code"]

    def reads(who):
        return asked(functions, "drafts", "GET /api/drafts/{code}", who, code=code)

    assert reads(PRINCIPAL)[0] == 200 and not recorded(functions)
    assert reads(AGENT)[1]["content"]["form"] == content["form"]
    (access,) = recorded(functions)
    assert (access.caller, access.subject, access.action) == (AGENT, PRINCIPAL, "draft.keep")
    assert access.fields == ("birth_year", "name")
    functions.aws.faults.append(Fault("PutItem"))
    assert reads(AGENT)[0] == 500


def test_an_agent_s_papers_do_not_vouch_for_the_principal(functions, catalogue):
    """Or whoever types another's number into an account of level 1 would apply in their name with papers of their own."""
    item = catalogue.items["residence-permit"]
    wish = {"form": item.example.form, "materials": [one.code for one in item.materials]}

    def applies_at(principal, agent):
        until = {"agent": AGENT, "acts": ALL, "expires_at": soon()}
        asked(functions, "mandates", "POST /api/mandates", PRINCIPAL, body=until, level=principal)
        body = {**json.loads(golden("http_apply")["body"]), **wish, "task_code": "residence-permit"}
        return asked(
            functions, "intake", "POST /api/applications", AGENT, body={**body, "on_behalf_of": PRINCIPAL}, level=agent
        )

    assert applies_at("1", "2")[1]["errors"][0]["field"] == "on_behalf_of"
    assert applies_at("2", "1")[0] == 403
    assert applies_at("2", "2")[0] == 201


def test_nobody_gives_a_mandate_to_whoever_is_gone(functions):
    key = Key(ACCOUNT.name, AGENT)
    before = functions.store("intake").load([key])[key]
    closed = Recorded(NOON, "closed", Account(role="citizen", status="closed"))
    assert functions.store("intake").save([(before, Stored(key, (closed,), dropped=before.version))]) == [None]
    assert gives(functions)[0] == 422


def recorded(functions):
    keys = [Key.parse(name) for name in functions.aws.dynamodb.tables["intake"] if name.startswith("access#")]
    return [stored.state for stored in functions.store("intake").load(keys).values()]
