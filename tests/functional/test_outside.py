"""外部单位 through the handler: a party without an account answers a task by a link that works once."""

import base64
import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from liangwang.aggregates import COLLABORATION, LINK, Key
from liangwang.domain import messages as m
from liangwang.domain import outside_link
from liangwang.domain.catalogue import Ask, Join, Text
from liangwang.domain.collaboration import Reported, Signed
from liangwang.domain.errors import NotNow
from liangwang.domain.history import Recorded
from liangwang.envelope import Outgoing, wrap
from liangwang.fakes import FakeProducer, kafka_event
from liangwang.outside_page import SCRIPT
from msgspec import structs

from tests.functional.citizens import Citizens
from tests.functional.functions import golden

PARTY, REQUESTER = "P-990100-WATERWORKS", "D-990100-HOUSING"
CASE = "20270301-990100-AAAAAAAAAAAA-A"
EVENT, TASK = f"{CASE}-mains", f"{CASE}-mains-T1"
OPERATOR = {"subject": "zhou", "role": "operator", "region": "990100"}
ISSUE = "POST /api/collaborations/{collaboration_id}/tasks/{task_id}/link"
NOW = datetime.now(UTC)


def requested(capability="water-supply-line"):
    question = Text(zh="开挖是否影响供水管线？", en="Does the excavation touch the mains?")
    return m.CollaborationRequested(
        case_no=CASE,
        request_id=EVENT,
        department=REQUESTER,
        task_code="road-excavation-permit",
        place="990101001",
        asks=(Ask(capability, question, "990101001", fields=("depth",)),),
        join=Join(),
        days=5,
        on_timeout="proceed",
        form={"depth": 2, "length": 30},
    )


class Town(Citizens):
    """The deployed functions, with one task for the waterworks."""

    def __init__(self, capability="water-supply-line"):
        super().__init__()
        self.centre(requested(capability), 1)

    def centre(self, message, number):
        """The centre hears a message of a department."""
        topic, bus = m.TOPIC[type(message)], FakeProducer()
        bus.send([Outgoing(topic, CASE, wrap(message, id=f"department/{CASE}/{number}", time=NOW))])
        assert self.call("collaboration", kafka_event(bus.records(topic))) == {"batchItemFailures": []}

    def issue(self, caller=OPERATOR, *, key="", task=TASK):
        headers = {"idempotency-key": key} if key else {}
        path = {"collaboration_id": EVENT, "task_id": task}
        return self.ask("outside", ISSUE, caller, headers=headers, **path)

    def link(self, **how):
        """The token of a new link."""
        status, view = self.issue(**how)
        assert status == 201, view
        page, _, token = view["link"].partition("#")
        assert (page, view["party"]) == ("/outside", PARTY)
        return token

    def opened(self, token):
        return self.ask("outside", "POST /outside/task", {}, body={"token": token})

    def report(self, token, opinion="agree", explanation="no mains there"):
        body = {"token": token, "opinion": opinion, "explanation": explanation}
        return self.ask("outside", "POST /outside/report", {}, body=body)

    @property
    def event(self):
        key = Key(COLLABORATION.name, EVENT)
        return self.store("governance").load([key])[key]

    def writes(self):
        return len(self.aws.dynamodb.streams["governance"])


@pytest.fixture
def town():
    return Town()


# ------------------------------------------------------------------ the way


def test_the_party_sees_the_question_with_the_fields_that_the_ask_names_and_nothing_else(town):
    status, task = town.opened(town.link())
    assert status == 200
    assert task["question"]["zh"] == "开挖是否影响供水管线？"
    assert [(one["name"], one["value"]) for one in task["form"]] == [("depth", 2)]
    assert task["requester"]["zh"] == "云川市住房和城乡建设局"
    assert not {CASE, "length"} & set(re.findall(r"[\w-]+", json.dumps(task)))


def test_whoever_opens_the_link_first_has_signed_for_the_task(town):
    token = town.link()
    for _ in range(2):
        town.opened(token)
    signed = [one.event for one in town.event.history if isinstance(one.event, Signed)]
    assert [one.by.partition("/")[0] for one in signed] == ["link"]


@pytest.mark.parametrize("looks_first", [True, False])
def test_the_answer_is_the_party_s_report_and_concludes_the_event(town, looks_first):
    token = town.link()
    if looks_first:
        town.opened(token)
    status, receipt = town.report(token)
    assert (status, receipt["opinion"]) == (200, "agree")
    (reported,) = [one.event for one in town.event.history if isinstance(one.event, Reported)]
    assert (reported.opinion, reported.explanation, reported.by[:5]) == ("agree", "no mains there", "link/")
    assert town.event.state.conclusion.conclusion == "agree"


def test_a_disagreement_says_why(town):
    token = town.link()
    status, problem = town.report(token, "disagree", " ")
    assert (status, problem["errors"][0]["field"]) == (422, "explanation")
    assert town.report(token, "disagree", "the mains are there")[0] == 200


# ------------------------------------------------------------------ once


def test_the_same_answer_sent_twice_is_taken_once_and_another_not_at_all(town):
    token = town.link()
    assert [town.report(token)[0] for _ in range(2)] == [200, 200]
    before = town.writes()
    status, problem = town.report(token, "disagree", "after all")
    assert (status, problem["type"].rpartition(":")[2]) == (410, "link_answered")
    assert problem["title"] and problem["title_en"]
    assert town.opened(token)[0] == 410
    assert town.writes() == before


def test_a_newer_link_makes_the_one_before_worthless(town):
    first = town.link()
    second = town.link()
    for answer in (town.opened(first), town.report(first)):
        assert (answer[0], answer[1]["type"].rpartition(":")[2]) == (410, "link_replaced")
    assert town.report(second)[0] == 200


def test_a_request_for_a_link_that_is_repeated_brings_the_same_link(town):
    first, second = (town.link(key="once") for _ in range(2))
    payloads = [json.loads(base64.urlsafe_b64decode(one.split(".")[1] + "==")) for one in (first, second)]
    assert payloads[0] == payloads[1]
    assert town.report(first)[0] == 200


def test_a_recalled_task_needs_no_answer(town):
    token = town.link()
    town.centre(m.CollaborationCancelled(case_no=CASE, request_id=EVENT, department=REQUESTER, reason="withdrawn"), 2)
    for answer in (town.opened(token), town.report(token)):
        assert (answer[0], answer[1]["type"].rpartition(":")[2]) == (410, "link_recalled")
    assert not [one for one in town.event.history if isinstance(one.event, Reported)]


def test_a_recall_is_confirmed_for_the_party_so_that_nobody_repeats_it_for_ever(town):
    before = town.writes()
    town.centre(m.CollaborationCancelled(case_no=CASE, request_id=EVENT, department=REQUESTER, reason="withdrawn"), 2)
    town.call("publisher", town.aws.dynamodb.event("governance", start=before))
    for _ in range(2):
        batch = kafka_event(town.producer.records("collaboration-tasks"))
        assert town.call("mailbox", batch) == {"batchItemFailures": []}
    assert town.event.state.task(TASK).status == "stopped"
    assert town.writes() == before + 2


def test_nothing_personal_is_asked_for_on_behalf_of_a_party(town):
    ask = structs.replace(requested().asks[0], personal=("phone",))
    wish = structs.replace(requested(), request_id=f"{CASE}-again", asks=(ask,))
    town.centre(wish, 3)
    key = Key(COLLABORATION.name, f"{CASE}-again")
    events = [one.event for one in town.store("governance").load([key])[key].history]
    assert not [one for one in events if isinstance(one, m.DisclosureRequested)]


def test_after_an_answer_no_link_is_issued_any_more(town):
    town.report(town.link())
    assert town.issue()[0] == 409


# ------------------------------------------------------------------ forged, stolen, mistaken


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token: "",
        lambda token: "nonsense",
        lambda token: token[:-4] + "AAAA",
        lambda token: ".".join((token.split(".")[0], token.split(".")[1][:-4] + "AAAA", token.split(".")[2])),
        lambda token: token.split(".")[0] + "." + token.split(".")[1] + ".",
    ],
)
def test_a_damaged_token_opens_nothing(town, spoil):
    token = town.link()
    before = town.writes()
    for status, problem in (town.opened(spoil(token)), town.report(spoil(token))):
        assert (status, problem["type"].rpartition(":")[2]) == (404, "link_worthless")
    assert town.writes() == before


def test_the_token_of_a_link_is_no_access_token_and_an_access_token_no_link(town):
    token = town.link()
    answer = town.call("authorizer", {"headers": {"authorization": f"Bearer {token}"}, "requestContext": {}})
    assert "subject" not in answer["context"]
    header = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert (header["typ"], claims["aud"]) == ("outside-link+jwt", "liangwang-outside")
    assert "role" not in claims


def test_only_an_operator_of_the_centre_in_charge_or_above_issues_links(town):
    for caller in ({**OPERATOR, "region": "990102"}, {**OPERATOR, "role": "clerk"}, {}):
        assert town.issue(caller)[0] in (401, 403, 404)
    assert LINK.name not in "".join(town.aws.dynamodb.tables["governance"])


def test_a_department_with_people_or_a_system_of_its_own_needs_no_link():
    status, problem = Town("fire-inspection").issue()
    assert (status, problem["type"].rpartition(":")[2]) == (409, "not_now")


def test_neither_log_nor_table_holds_the_token(town, capsys):
    token = town.link()
    town.opened(token)
    town.report(token)
    kept = repr(town.aws.dynamodb.tables) + capsys.readouterr().out
    assert token not in kept and token.split(".")[2] not in kept


# ------------------------------------------------------------------ the page


def test_the_page_runs_its_own_script_only_and_says_everything_in_both_languages(town):
    event = golden("http_follow") | {"routeKey": "GET /outside", "rawPath": "/outside"}
    event["requestContext"]["authorizer"] = {"lambda": {}}
    answer = town.call("outside", event)
    policy = answer["headers"]["content-security-policy"]
    assert answer["statusCode"] == 200 and "default-src 'none'" in policy and "unsafe" not in policy
    assert re.findall(r"<script>(.*?)</script>", answer["body"], re.DOTALL) == [SCRIPT]
    assert "同意" in answer["body"] and "Agree" in answer["body"]
    assert not re.search(r"\son\w+=|\sstyle=|src=|href=", answer["body"].replace(SCRIPT, ""))


# ------------------------------------------------------------------ its time


def known(town):
    state = town.event.state
    (link,) = outside_link.issue(None, state, TASK, by="zhou", jti="j", now=NOW)
    return state, link


def test_a_link_works_until_the_task_is_due_and_fourteen_days_at_most(town):
    state, link = known(town)
    assert link.expires_at == min(state.task(TASK).due_at, NOW + timedelta(days=14))
    long_ago = NOW - timedelta(days=60)
    (early,) = outside_link.issue(None, state, TASK, by="zhou", jti="j", now=long_ago)
    assert early.expires_at == long_ago + timedelta(days=14)
    overdue = state.task(TASK).due_at + timedelta(days=1)
    (late,) = outside_link.issue(None, state, TASK, by="zhou", jti="j", now=overdue)
    assert late.expires_at == overdue + timedelta(days=14)


def test_an_expired_link_says_so(town):
    state, link = known(town)
    assert outside_link.open_task(link, state, (), jti="j", now=link.expires_at - timedelta(seconds=1))
    with pytest.raises(outside_link.LinkExpired):
        outside_link.open_task(link, state, (), jti="j", now=link.expires_at)


def test_a_task_that_was_returned_needs_a_new_link(town):
    """The one that was answered is worthless, whatever became of the answer."""
    state, link = known(town)
    answer = Reported(task_id=TASK, by="link/j", opinion="agree", explanation="")
    history = [Recorded(NOW, "link/j", answer)]
    with pytest.raises(outside_link.LinkAnswered):
        outside_link.open_task(link, state, history, jti="j", now=NOW)


def test_nobody_issues_a_link_for_a_task_that_is_not_there(town):
    assert town.issue(task="nothing")[0] == 404
    with pytest.raises(NotNow):
        outside_link.issue(None, town.event.state, "nothing", by="zhou", jti="j", now=NOW)
