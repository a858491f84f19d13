"""The mailbox 信箱 through its handler: what a department's own system fetches, acknowledges and says over HTTP alone."""

import json
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from liangwang.domain import messages as m
from liangwang.envelope import Outgoing, decode, wrap
from liangwang.fakes import FakeProducer, Fault, kafka_event
from msgspec import structs

from tests.functional.citizens import Citizens
from tests.functional.functions import golden
from tests.unit.samples import example

DEPARTMENT, OTHER = "D-990100-WEATHER", "D-990101-FIRE"
CASE = "20270301-990101001-AAAAAAAAAAAA-A"
SYSTEM = {"subject": "mailbox-990100-weather", "role": "system", "department": DEPARTMENT, "scope": "mailbox"}
FETCH = "GET /exchange/department/messages"
ACKNOWLEDGE = "POST /exchange/department/acknowledgements"
SAY = "POST /exchange/department/messages"
WATCH = "GET /api/mailboxes"
NOW = datetime.now(UTC)
EARLIER = (NOW - timedelta(minutes=1)).isoformat()


@pytest.fixture
def functions():
    return Citizens()


def task(number=1, *, department=DEPARTMENT, case_no=CASE):
    """A task dispatched to the department."""
    sent = example(m.TaskDispatched)
    name = f"{case_no}-check"
    return structs.replace(
        sent, case_no=case_no, department=department, task_id=f"{name}-T{number}", collaboration_id=name
    )


def recall(number=1):
    return m.TaskRecalled(case_no=CASE, task_id=f"{CASE}-check-T{number}", department=DEPARTMENT, reason="limit_passed")


def deliver(functions, *messages, id="", round=0):
    """Puts messages on their topics, one batch a topic, and hands them to the mailbox."""
    batches = {}
    for number, message in enumerate(messages, start=1):
        event = wrap(message, id=id or f"governance/{message.case_no}-check/{number}", time=NOW, round=round)
        batches.setdefault(m.TOPIC[type(message)], []).append(Outgoing(m.TOPIC[type(message)], message.case_no, event))
    for topic, batch in batches.items():
        bus = FakeProducer()
        bus.send(batch)
        answer = functions.call("mailbox", kafka_event(bus.records(topic)))
        assert answer == {"batchItemFailures": []}


def ask(functions, route, body=None, *, caller=SYSTEM, query=None):
    return functions.ask("mailbox", route, caller, body=body, query=query)


def waiting(functions, **query):
    status, page = ask(functions, FETCH, query=query)
    assert status == 200, page
    return page["messages"]


def take(functions, *letters):
    wish = [{name: one[name] for name in ("id", "case_no", "round")} for one in letters]
    return ask(functions, ACKNOWLEDGE, {"acknowledged": wish})


def report(number=1, *, case_no=CASE, department=DEPARTMENT, round=0, id="", **changes):
    """The department's report on its task."""
    data = {
        "case_no": case_no,
        "department": department,
        "task_id": f"{case_no}-check-T1",
        "collaboration_id": f"{case_no}-check",
        "by": "system",
        "opinion": "agree",
        "explanation": "seen",
        **changes,
    }
    identity = id or f"{DEPARTMENT}/{case_no}/{number}"
    return {"id": identity, "type": "task.reported", "time": EARLIER, "round": round, "data": data}


def say(functions, *messages):
    status, receipt = ask(functions, SAY, {"messages": messages})
    assert status == 200, receipt
    return receipt


def spoken(functions, topic="collaboration-reports"):
    """What the bus has heard after the stream has been read; streams are read from their beginning each time."""
    functions.producer.wipe()
    functions.call("publisher", functions.aws.dynamodb.event("governance"))
    return [decode(record.value) for record in functions.producer.records(topic)]


# ------------------------------------------------------------------ what comes in


def test_a_department_fetches_what_is_addressed_to_it_and_nothing_else(functions):
    deliver(functions, task(1), task(2, department=OTHER), example(m.CaseAccepted))
    (letter,) = waiting(functions)
    assert (letter["type"], letter["case_no"], letter["round"]) == ("task.dispatched", CASE, 0)
    assert letter["data"]["task_id"] == f"{CASE}-check-T1"


def test_what_is_for_others_is_passed_over_without_a_write(functions):
    deliver(functions, task(2, department=OTHER), structs.replace(example(m.ApplicationSubmitted), department=OTHER))
    assert "governance" not in functions.aws.dynamodb.tables


def test_a_message_that_comes_twice_is_one_letter_and_is_gone_once_it_is_acknowledged(functions):
    for _ in range(3):
        deliver(functions, task())
    (letter,) = waiting(functions)
    assert take(functions, letter) == (200, {"taken": 1, "refused": []})
    assert take(functions, letter) == (200, {"taken": 1, "refused": []})
    deliver(functions, task())
    assert waiting(functions) == []


def test_a_question_that_is_asked_again_is_shown_again_in_its_round(functions):
    deliver(functions, task())
    take(functions, *waiting(functions))
    deliver(functions, task(), round=int(NOW.timestamp()))
    (letter,) = waiting(functions)
    assert letter["round"] == int(NOW.timestamp())
    assert take(functions, {**letter, "round": 0})[0] == 200
    assert waiting(functions) == [letter], "an acknowledgement of the first time is none of the second"


def test_news_that_comes_again_with_a_question_is_not_shown_again(functions):
    urged = m.TaskUrged(case_no=CASE, task_id=f"{CASE}-check-T1", department=DEPARTMENT, reason="limit_passed")
    deliver(functions, urged)
    take(functions, *waiting(functions))
    deliver(functions, urged, round=int(NOW.timestamp()))
    assert waiting(functions) == []


def test_messages_of_a_case_stand_in_the_order_in_which_they_came(functions):
    deliver(functions, task(), recall())
    assert [one["type"] for one in waiting(functions)] == ["task.dispatched", "task.recalled"]


def test_pages_hold_as_many_cases_as_asked_for_and_lead_to_the_next(functions):
    for number in range(3):
        deliver(functions, task(case_no=f"{CASE[:-1]}{number}"))
    status, page = ask(functions, FETCH, query={"limit": "2"})
    assert (status, len(page["messages"])) == (200, 2)
    _, last = ask(functions, FETCH, query={"limit": "2", "cursor": page["cursor"]})
    assert len({one["case_no"] for one in (*page["messages"], *last["messages"])}) == 3


def test_long_messages_make_a_page_shorter_and_the_next_goes_on_behind_them(functions):
    """An answer that is too large to leave the function would be asked for again for ever."""
    for number in range(3):
        long = structs.replace(task(case_no=f"{CASE[:-1]}{number}"), form={"plan": "…" * 300_000})
        deliver(functions, long)
    found, cursor = [], ""
    while cursor is not None:
        status, page = ask(functions, FETCH, query={"cursor": cursor} if cursor else {})
        assert status == 200 and len(json.dumps(page["messages"], ensure_ascii=False).encode()) < 2_100_000
        found += [one["case_no"] for one in page["messages"]]
        cursor = page.get("cursor")
    assert sorted(found) == [f"{CASE[:-1]}{number}" for number in range(3)]


def test_what_nobody_can_read_is_set_aside_by_acceptance_alone(functions):
    functions.producer.append("applications", CASE, b"no message")
    batch = kafka_event(functions.producer.records("applications"))
    for name in ("acceptance", "mailbox"):
        assert functions.call(name, batch) == {"batchItemFailures": []}
    assert "governance" not in functions.aws.dynamodb.tables
    assert len(functions.aws.dynamodb.tables["department"]) == 1


def test_a_letter_that_cannot_be_written_comes_again(functions):
    functions.aws.faults = [Fault("PutItem", "ThrottlingException")]
    functions.producer.send([Outgoing("collaboration-tasks", CASE, wrap(task(), id="governance/1/1", time=NOW))])
    batch = kafka_event(functions.producer.records("collaboration-tasks"))
    assert functions.call("mailbox", batch)["batchItemFailures"]
    assert functions.call("mailbox", batch) == {"batchItemFailures": []}
    assert len(waiting(functions)) == 1


def test_an_acknowledgement_of_what_never_came_is_refused_by_name(functions):
    deliver(functions, task())
    status, receipt = ask(functions, ACKNOWLEDGE, {"acknowledged": [{"id": "governance/x/1", "case_no": CASE}]})
    assert (status, receipt["taken"], receipt["refused"][0]["id"]) == (200, 0, "governance/x/1")


# ------------------------------------------------------------------ what goes out


def test_what_the_department_says_is_on_the_bus_once_with_its_own_id_and_time(functions):
    deliver(functions, task())
    for _ in range(2):
        assert say(functions, report()) == {"taken": 1, "refused": []}
    (event,) = spoken(functions)
    assert (event.id, event.source) == (f"{DEPARTMENT}/{CASE}/1", f"/liangwang/{DEPARTMENT}")
    assert (event.time.isoformat(), event.data.opinion) == (EARLIER, "agree")


def test_a_question_asked_again_and_answered_again_is_on_the_bus_again_in_its_round(functions):
    deliver(functions, task())
    say(functions, report(1), report(2, opinion="disagree"))
    round = int(NOW.timestamp())
    for _ in range(2):
        say(functions, report(1, round=round), report(2, opinion="disagree", round=round))
    assert sorted((event.id[-1], event.round) for event in spoken(functions)) == [
        ("1", 0),
        ("1", round),
        ("2", 0),
        ("2", round),
    ]


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        (report(department=OTHER), "data.department"),
        (report(case_no=f"{CASE[:-1]}B"), "data.case_no"),
        (report(id=f"somebody/{CASE}/1"), "id"),
        (report(id=f"{DEPARTMENT}/{CASE}/0"), "id"),
        (report(id=f"{DEPARTMENT}/another/1"), "id"),
        (report(opinion="perhaps"), "data.opinion"),
        ({**report(), "data": {"case_no": CASE}}, "data.task_id"),
        ({**report(), "type": "task.dispatched"}, "type"),
        ({**report(), "type": "case.transferred"}, "type"),
        ({**report(), "time": (NOW + timedelta(days=1)).isoformat()}, "time"),
    ],
)
def test_what_may_not_be_said_is_refused_with_its_field_and_the_rest_is_taken(functions, wish, field):
    deliver(functions, task())
    receipt = say(functions, wish, report(9))
    (refused,) = receipt["refused"]
    assert (receipt["taken"], refused["id"], refused["field"]) == (1, wish["id"], field)
    assert refused["reason"] and refused["fix"]
    assert [event.id[-1] for event in spoken(functions)] == ["9"]


def decided(number=2):
    """The department's word that the case itself is over."""
    data = {"case_no": CASE, "department": DEPARTMENT, "outcome": "withdrawn", "told": 1}
    return {"id": f"{DEPARTMENT}/{CASE}/{number}", "type": "case.decided", "time": EARLIER, "data": data}


def asking(request_id, number=3):
    """The department's question to others."""
    message = structs.replace(
        example(m.CollaborationRequested), case_no=CASE, department=DEPARTMENT, request_id=request_id
    )
    data = {name: one for name, one in json.loads(msgspec.json.encode(message)).items() if name != "type"}
    return {"id": f"{DEPARTMENT}/{CASE}/{number}", "type": "collaboration.requested", "time": EARLIER, "data": data}


def application():
    return structs.replace(example(m.ApplicationSubmitted), case_no=CASE, department=DEPARTMENT)


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        (decided(), "data.case_no"),
        (asking(f"{CASE}-police"), "data.request_id"),
        (asking(f"{CASE}-check-T2-R1"), "data.request_id"),
    ],
)
def test_who_was_given_a_task_does_not_speak_for_the_case(functions, wish, field):
    """Its numbers would stand for the other department's words, its requests for the other's."""
    deliver(functions, task())
    (refused,) = say(functions, wish)["refused"]
    assert refused["field"] == field
    assert not spoken(functions, "approvals") and not spoken(functions, "collaboration-requests")


def test_a_request_is_one_of_a_case_or_of_a_task_of_the_department_s_own(functions):
    deliver(functions, task())
    assert say(functions, asking(f"{CASE}-check-T1-R1"))["taken"] == 1
    deliver(functions, application(), id=f"intake/{CASE}/1")
    assert say(functions, asking(f"{CASE}-police", 4), decided(5)) == {"taken": 2, "refused": []}
    assert say(functions, asking("another-case-police", 6))["refused"][0]["field"] == "data.request_id"


def test_a_number_stands_for_one_message_only(functions):
    deliver(functions, task())
    receipt = say(functions, report(1), report(1, opinion="disagree"))
    assert (receipt["taken"], receipt["refused"][0]["field"]) == (1, "id")
    assert [event.data.opinion for event in spoken(functions)] == ["agree"]


def test_a_call_that_could_not_be_written_is_made_again_and_says_everything_once(functions):
    deliver(functions, task())
    functions.aws.faults = [Fault("PutItem", "ThrottlingException")]
    assert ask(functions, SAY, {"messages": [report()]})[0] == 500
    assert say(functions, report())["taken"] == 1
    assert len(spoken(functions)) == 1


def test_a_report_over_http_reaches_the_centre(functions):
    functions.call("collaboration", golden("kafka_collaboration_requests"))
    before = len(functions.aws.dynamodb.streams["governance"])
    deliver(functions, task())
    say(functions, report())
    functions.call("publisher", functions.aws.dynamodb.event("governance", start=before))
    batch = kafka_event(functions.producer.records("collaboration-reports"))
    assert functions.call("collaboration", batch) == {"batchItemFailures": []}


# ------------------------------------------------------------------ who may


@pytest.mark.parametrize(
    ("caller", "status"),
    [
        ({}, 401),
        ({**SYSTEM, "scope": "exchange"}, 403),
        ({**SYSTEM, "role": "clerk"}, 403),
        ({"subject": "partner", "role": "system"}, 404),
        ({**SYSTEM, "department": OTHER}, 404),
        ({**SYSTEM, "department": "D-990100-HERITAGE"}, 404),
        ({**SYSTEM, "department": "NOBODY"}, 404),
    ],
)
def test_only_a_system_that_is_bound_to_a_department_connected_by_http_has_a_mailbox(functions, caller, status):
    deliver(functions, task())
    for route, body in ((FETCH, None), (ACKNOWLEDGE, {"acknowledged": []}), (SAY, {"messages": []})):
        assert ask(functions, route, body, caller=caller)[0] == status


# ------------------------------------------------------------------ what if it never fetches


@pytest.mark.parametrize(("region", "seen"), [("990100", True), ("990101", False)])
def test_operators_of_its_centre_see_since_when_messages_wait(functions, region, seen):
    deliver(functions, task())
    operator = {"subject": "zhou", "role": "operator", "region": region}
    status, page = ask(functions, WATCH, caller=operator)
    assert status == 200
    assert [(one["department"], one["cases"]) for one in page["mailboxes"]] == ([(DEPARTMENT, 1)] if seen else [])
    assert all(one["waiting_since"] for one in page["mailboxes"])


def test_the_schedule_tells_how_long_the_oldest_has_waited(functions, capsys):
    assert functions.call("mailbox", {}) is None
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["oldest_letter"] == 0
    deliver(functions, task())
    capsys.readouterr()
    functions.call("mailbox", {})
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["oldest_letter"] >= 0
