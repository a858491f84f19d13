"""环节: officers over HTTP: who has a step in hand, who stands in, what goes back."""

import copy
import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest
from liangwang.aggregates import ACCESS, CASE, Key
from liangwang.fakes import Fault

from tests.functional.functions import Functions, golden
from tests.functional.test_department_access import OTHER, OWN, applied, carried

COMPLETE = "POST /api/cases/{case_no}/steps"
GIVE = "POST /api/cases/{case_no}/steps/{step}/officer"
RETURN = "POST /api/cases/{case_no}/steps/{step}/return"
TODAY = datetime.now(UTC).date()


@pytest.fixture
def functions():
    return Functions()


@pytest.fixture
def number(functions):
    """A case that stands before review, then approve."""
    found = applied(functions)
    carried(functions)
    return found


def asked(functions, route, body=None, *, subject="wang", role="clerk", department=OWN, key="", query=None, **path):
    event = copy.deepcopy(golden("http_step"))
    event |= {"routeKey": route, "pathParameters": path, "queryStringParameters": query or {}}
    event["requestContext"]["authorizer"]["lambda"] = {"subject": subject, "role": role, "department": department}
    event["headers"] = {"host": "api.example", **({"idempotency-key": key} if key else {})}
    event["body"] = json.dumps(body) if body is not None else ""
    answer = functions.call("approval" if route == COMPLETE else "steps", event)
    return answer["statusCode"], json.loads(answer["body"])


def completed(functions, number, step="review", **who):
    return asked(functions, COMPLETE, {"step": step, "opinion": "agree"}, case_no=number, **who)


def given(functions, number, body=None, step="review", **who):
    return asked(functions, GIVE, body or {}, case_no=number, step=step, **who)


def away(functions, subject="wang", delegate="li", **changes):
    body = {"since": str(TODAY - timedelta(days=1)), "until": str(TODAY + timedelta(days=2)), "delegate": delegate}
    return asked(functions, "PUT /api/absence", {**body, **changes}, subject=subject)


def state(functions, number):
    key = Key(CASE.name, number)
    return functions.store("department").load([key])[key].state


def test_a_claimed_step_is_done_by_its_officer_and_by_nobody_else_of_the_department(functions, number):
    assert given(functions, number)[0] == 200
    assert state(functions, number).officers == {"review": "wang"}
    assert completed(functions, number, subject="li")[0] == 403
    assert completed(functions, number, subject="li", department=OTHER)[0] == 404
    assert completed(functions, number)[0] == 200


def test_a_clerk_of_another_department_finds_no_step_to_claim_or_return(functions, number):
    for route, body in ((GIVE, {}), (RETURN, {"reason": "?"})):
        assert asked(functions, route, body, case_no=number, step="review", department=OTHER)[0] == 404


def test_a_supervisor_assigns_and_a_clerk_may_not(functions, number):
    assert given(functions, number, {"officer": "li"})[0] == 403
    assert given(functions, number, {"officer": "li"}, subject="head", role="supervisor")[0] == 200
    assert state(functions, number).officers == {"review": "li"}


def test_a_claim_that_is_sent_again_has_one_effect(functions, number):
    before = state(functions, number).version
    for _ in range(2):
        assert given(functions, number, key="once")[0] == 200
    assert state(functions, number).version == before + 1


def test_a_claim_whose_answer_was_lost_is_simply_made_again(functions, number):
    functions.aws.faults.append(Fault("PutItem", "lost"))
    given(functions, number)
    functions.aws.faults.clear()
    assert given(functions, number)[0] == 200
    assert state(functions, number).officers == {"review": "wang"}


def test_what_goes_back_is_done_again(functions, number):
    assert completed(functions, number)[0] == 200
    status, problem = asked(
        functions, RETURN, {"to": "review", "reason": ""}, case_no=number, step="approve", subject="li"
    )
    assert (status, problem["errors"][0]["field"]) == (422, "reason")
    body = {"to": "review", "reason": "图纸不清"}
    assert asked(functions, RETURN, body, case_no=number, step="approve", subject="li")[0] == 200
    assert completed(functions, number, "approve", subject="li")[0] == 409
    assert completed(functions, number)[0] == 200
    assert completed(functions, number, "approve", subject="li")[1]["status"] == "granted"


def test_an_opinion_is_taken_back_until_another_officer_has_acted(functions, number):
    assert completed(functions, number)[0] == 200
    take_back = {"reason": "看错了"}
    assert asked(functions, RETURN, take_back, case_no=number, step="review", subject="li")[0] == 403
    assert asked(functions, RETURN, take_back, case_no=number, step="review")[0] == 200
    assert completed(functions, number)[0] == 200
    assert completed(functions, number, "approve", subject="li")[0] == 200
    assert asked(functions, RETURN, take_back, case_no=number, step="review")[0] == 409


def test_a_delegate_acts_for_an_absent_officer_and_it_is_on_record(functions, number):
    given(functions, number)
    assert completed(functions, number, subject="li")[0] == 403
    assert away(functions)[0] == 200
    assert completed(functions, number, subject="li")[0] == 200
    done = state(functions, number).done["review"]
    assert (done.by, done.on_behalf_of) == ("li", "wang")
    for subject in ("li", "wang"):
        assert completed(functions, number, "approve", subject=subject)[0] == 403
    assert completed(functions, number, "approve", subject="zhao")[0] == 200


def test_a_delegate_of_another_department_finds_nothing(functions, number):
    given(functions, number)
    away(functions)
    assert completed(functions, number, subject="li", department=OTHER)[0] == 404


def test_an_absence_said_in_another_department_counts_nothing_here(functions, number):
    given(functions, number)
    body = {"since": str(TODAY), "until": str(TODAY), "delegate": "li", "officer": "wang"}
    who = {"subject": "head", "role": "supervisor", "department": OTHER}
    assert asked(functions, "PUT /api/absence", body, **who)[0] == 200
    assert completed(functions, number, subject="li")[0] == 403


def test_an_absence_is_shown_and_ended(functions):
    assert asked(functions, "GET /api/absence")[0] == 404
    assert away(functions)[0] == 200
    assert asked(functions, "GET /api/absence")[1]["delegate"] == "li"
    assert asked(functions, "GET /api/absence", query={"officer": "wang"}, subject="zhao")[0] == 404
    head = {"subject": "head", "role": "supervisor"}
    assert asked(functions, "GET /api/absence", query={"officer": "wang"}, **head)[0] == 200
    assert asked(functions, "DELETE /api/absence")[0] == 200
    assert asked(functions, "GET /api/absence")[0] == 404
    assert asked(functions, "DELETE /api/absence")[0] == 404


def test_an_absence_over_before_today_is_refused_by_field(functions):
    status, problem = away(functions, since=str(TODAY - timedelta(days=9)), until=str(TODAY - timedelta(days=8)))
    assert (status, problem["errors"][0]["field"]) == (422, "until")


def test_only_a_supervisor_says_that_another_officer_is_away(functions):
    assert away(functions, officer="zhao")[0] == 404
    body = {"since": str(TODAY), "until": str(TODAY), "delegate": "li", "officer": "zhao"}
    assert asked(functions, "PUT /api/absence", body, subject="head", role="supervisor")[0] == 200


# ------------------------------------------------------------------ files that officers add

ANNOUNCE = "POST /api/cases/{case_no}/attachments"
SENT = "POST /api/cases/{case_no}/attachments/{attachment_id}/completion"
OPEN = "POST /api/cases/{case_no}/attachments/{attachment_id}"
LIST = "GET /api/cases/{case_no}/attachments"
PDF = b"%PDF-1.7\n" + bytes(100)


def announced(functions, number, content=PDF, media_type="application/pdf", **who):
    body = {"media_type": media_type, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    return asked(functions, ANNOUNCE, body, case_no=number, **who)


def sent(functions, number, content=PDF, **who):
    """A file that has come by its link."""
    status, file = announced(functions, number, content, **who)
    assert status == 201, file
    functions.objects.write(f"incoming/department/{file['attachment_id']}", content, media_type="application/pdf")
    return file["attachment_id"]


def test_an_officer_s_file_is_sent_by_a_link_for_exactly_this_file_and_named_in_the_opinion(functions, number):
    status, file = announced(functions, number, key="photo")
    assert (status, file["state"], file["upload"]["method"]) == (201, "awaiting", "PUT")
    assert announced(functions, number, key="photo")[1]["attachment_id"] == file["attachment_id"]
    assert announced(functions, number, PDF + b"more", key="photo")[0] == 422
    path = {"case_no": number, "attachment_id": file["attachment_id"]}
    assert asked(functions, SENT, **path)[0] == 409
    functions.objects.write(f"incoming/department/{file['attachment_id']}", PDF, media_type="application/pdf")
    assert asked(functions, SENT, **path)[1]["state"] == "stored"
    assert asked(functions, SENT, **path)[1]["state"] == "stored", "a second time nothing changes"
    body = {"step": "review", "opinion": "agree", "attachments": [file["attachment_id"]]}
    assert asked(functions, COMPLETE, body, case_no=number)[0] == 200
    (listed,) = asked(functions, LIST, case_no=number)[1]["attachments"]
    assert (listed["steps"], listed["by"], listed["media_type"]) == (["review"], "wang", "application/pdf")


def test_an_opinion_names_only_files_of_its_case_that_have_come(functions, number):
    other = applied(functions)
    carried(functions)
    elsewhere = sent(functions, other)
    asked(functions, SENT, case_no=other, attachment_id=elsewhere)
    waiting = announced(functions, number)[1]["attachment_id"]
    body = {"step": "review", "opinion": "agree", "attachments": [waiting, elsewhere, "0" * 32]}
    status, problem = asked(functions, COMPLETE, body, case_no=number)
    assert status == 422
    assert [one["field"] for one in problem["errors"]] == ["attachments[0]", "attachments[1]", "attachments[2]"]


def test_a_file_that_is_something_else_than_it_says_is_refused_and_gone(functions, number):
    program = b"MZ" + bytes(100)
    path = {"case_no": number, "attachment_id": sent(functions, number, program)}
    assert asked(functions, SENT, **path)[0] == 422
    assert asked(functions, SENT, **path)[0] == 409
    assert functions.objects.read(f"kept/department/{path['attachment_id']}", most=10) is None
    assert asked(functions, LIST, case_no=number)[1]["attachments"] == []


def test_a_file_is_opened_for_a_reason_and_that_is_on_record(functions, number):
    path = {"case_no": number, "attachment_id": sent(functions, number)}
    assert asked(functions, OPEN, {"reason": "看"}, **path)[0] == 404
    asked(functions, SENT, **path)
    assert asked(functions, OPEN, {"reason": " "}, **path)[0] == 422
    assert asked(functions, OPEN, {"reason": "核对"}, subject="li", department=OTHER, **path)[0] == 404
    assert asked(functions, OPEN, {"reason": "核对"}, subject="li", **path)[1]["method"] == "GET"
    keys = [Key.parse(name) for name in functions.aws.dynamodb.tables["department"] if name.startswith(ACCESS.name)]
    (access,) = (stored.state for stored in functions.store("department").load(keys).values())
    assert (access.caller, access.reason, access.fields) == ("li", "核对", (f"attachment/{path['attachment_id']}",))


def test_nothing_is_added_to_a_case_that_is_decided(functions, number):
    completed(functions, number)
    completed(functions, number, "approve", subject="li")
    assert announced(functions, number)[0] == 409
