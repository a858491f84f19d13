"""Every change that concerns a citizen stands in their inbox, once, in both languages, and names nobody."""

import json
import random
from datetime import UTC, datetime, timedelta

import pytest
from liangwang.aggregates import NOTIFICATION, Key
from liangwang.fakes import Fault

from tests.functional.citizens import ACCEPTED, CITIZEN, GRANTED, STRANGER, Citizens
from tests.functional.functions import golden

STEP = ("approval.step_completed", {"step": "handle", "opinion": "agree", "by": "clerk-001"})
NOTICE = (
    "case.supplement_requested",
    {"notice_no": "N-1", "points": [{"field": "photo", "reason": {"zh": "请上传照片", "en": "Upload a photograph"}}]},
)
REFUSED = ("case.refused", {"refusal_doc_no": "R-1", "reasons": [{"zh": "不属于本机关职权", "en": "not ours"}]})


def decided(outcome):
    return ("case.decided", {"outcome": outcome})


@pytest.fixture
def functions():
    return Citizens()


@pytest.mark.parametrize(
    ("message", "kind", "legal"),
    [
        (ACCEPTED, "accepted", True),
        (NOTICE, "supplement_requested", True),
        (REFUSED, "refused", True),
        (STEP, "step_completed", False),
        (decided("granted"), "granted", True),
        (decided("denied"), "denied", True),
        (decided("withdrawn"), "withdrawn", True),
    ],
)
def test_every_word_of_the_department_is_one_notification_of_its_kind(functions, message, kind, legal):
    number = functions.apply()
    functions.tell(number, message)
    functions.follow_all()
    newest, oldest = functions.inbox()["notifications"]
    assert (oldest["kind"], newest["kind"], newest["legal"]) == ("received", kind, legal)
    for language in ("zh", "en"):
        assert number in newest["title"][language] and number in newest["body"][language]
        assert "{" not in newest["title"][language] + newest["body"][language]
        assert "example" not in newest["body"][language]


def test_what_the_citizen_does_is_confirmed(functions):
    number = functions.apply()
    functions.tell(number, NOTICE)
    answer = {"form": {}, "materials": ["photo"]}
    assert functions.ask("intake", "POST /api/applications/{case_no}/supplement", CITIZEN, body=answer, case_no=number)[
        0
    ] in (200, 422)
    functions.ask("intake", "POST /api/applications/{case_no}/withdrawal", CITIZEN, body={}, case_no=number)
    functions.follow_all()
    assert functions.kinds()[-1] == "withdrawal_requested"


def test_a_supplement_notice_names_its_points_and_a_refusal_its_remedy(functions):
    number, other = functions.apply(), functions.apply()
    functions.tell(number, NOTICE)
    functions.tell(other, REFUSED)
    functions.follow_all()
    found = {one["kind"]: one["body"] for one in functions.inbox()["notifications"]}
    assert "1. 请上传照片" in found["supplement_requested"]["zh"]
    assert "1. Upload a photograph" in found["supplement_requested"]["en"]
    assert "行政复议" in found["refused"]["zh"] and "reconsideration" in found["refused"]["en"]


def test_a_granted_case_names_its_certificate(functions):
    number = functions.apply()
    certificate = {
        "certificate_no": "C-1",
        "certificate_name": {"zh": "示例证", "en": "Example card"},
        "valid_until": "2030-01-31T16:30:00Z",
    }
    functions.tell(number, ("case.decided", {"outcome": "granted", **certificate}))
    functions.follow_all()
    body = functions.inbox()["notifications"][0]["body"]
    assert "示例证，编号C-1，有效期至2030年2月1日" in body["zh"]
    assert "Example card, number C-1, valid until 2030-02-01" in body["en"]


def test_nothing_that_the_citizen_filled_in_gets_into_a_notification(functions):
    number = functions.apply()
    functions.tell(number, ACCEPTED, STEP, GRANTED)
    functions.follow_all()
    stored = functions.store("intake")
    keys = [Key(NOTIFICATION.name, f"{number}.{version}") for version in (2, 3, 4, 5)]
    kept = str([stored.load(keys)[key].state for key in keys]) + json.dumps(functions.inbox(), ensure_ascii=False)
    for value in json.loads(golden("http_apply")["body"])["form"].values():
        assert str(value) not in kept.replace(number, "")


@pytest.mark.parametrize("seed", range(5))
def test_records_that_come_twice_late_or_in_another_order_make_no_second_notification(functions, seed):
    number = functions.apply()
    functions.tell(number, ACCEPTED)
    functions.tell(number, STEP, first=2)
    functions.tell(number, GRANTED, first=3)
    records = functions.aws.dynamodb.event("intake")["Records"]
    shuffled = [record for record in records * 3 if record["dynamodb"]["Keys"]["pk"]["S"].startswith("application")]
    random.Random(seed).shuffle(shuffled)
    for start in range(0, len(shuffled), 2):
        functions.call("followup", {"Records": shuffled[start : start + 2]})
    assert sorted(functions.kinds()) == ["accepted", "granted", "received", "step_completed"]


def test_what_the_stream_lost_is_told_when_the_case_ends(functions):
    number = functions.apply()
    functions.tell(number, ACCEPTED)
    functions.followed = len(functions.aws.dynamodb.streams["intake"])  # nobody ever sees these records
    functions.tell(number, GRANTED, first=2)
    functions.follow_all()
    assert sorted(functions.kinds()) == ["accepted", "granted", "received"]


@pytest.mark.parametrize("kind", ["refused", "lost"])
def test_a_write_that_fails_comes_again_with_the_stream(functions, kind):
    functions.apply()
    functions.aws.faults.append(Fault("PutItem", kind))
    with pytest.raises(Exception, match="as the test wishes"):
        functions.follow()
    functions.follow(again=5)
    assert functions.kinds() == ["received"]


# ------------------------------------------------------------------ reading


def test_the_inbox_is_paged_newest_first_and_counts_what_is_unread(functions):
    numbers = {functions.apply() for _ in range(5)}
    functions.follow_all()
    page = functions.inbox(limit="3")
    assert page["unread"] == 5
    rest = functions.inbox(limit="3", cursor=page["cursor"])
    shown = page["notifications"] + rest["notifications"]
    assert {one["case_no"] for one in shown} == numbers and len(shown) == 5
    milliseconds = [one["at"][:23] for one in shown]
    assert milliseconds == sorted(milliseconds, reverse=True)


def read(functions, identity, caller=CITIZEN, **more):
    return functions.ask(
        "inbox", "POST /api/notifications/{notification_id}/read", caller, notification_id=identity, **more
    )


def test_the_first_reading_of_a_legal_notice_proves_its_delivery(functions):
    number = functions.apply()
    functions.tell(number, ACCEPTED)
    functions.follow_all()
    notice = functions.inbox()["notifications"][0]
    assert notice["legal"] and "delivered_at" not in {k: v for k, v in notice.items() if v is not None}
    status, seen = read(functions, notice["id"])
    assert status == 200 and seen["read_at"] == seen["delivered_at"] is not None
    again = read(functions, notice["id"])[1]
    assert again["read_at"] == seen["read_at"], "a later reading changes nothing"
    assert functions.inbox()["unread"] == 1


def test_what_the_department_told_at_one_moment_stands_in_its_own_order_however_it_arrived(functions):
    number, moment = functions.apply(), datetime.now(UTC)
    functions.tell(number, GRANTED, first=3, at=moment)
    functions.follow_all()
    functions.tell(number, ACCEPTED, STEP, at=moment)
    functions.follow_all()
    found = [one["kind"] for one in functions.inbox()["notifications"] if one["kind"] != "received"]
    assert found == ["granted", "step_completed", "accepted"]


def test_a_department_whose_clock_is_ahead_is_heard_when_it_is_heard(functions):
    number = functions.apply()
    functions.tell(number, ACCEPTED, at=datetime.now(UTC) + timedelta(days=400))
    functions.follow_all()
    assert datetime.fromisoformat(functions.inbox()["notifications"][0]["at"]) <= datetime.now(UTC)


def test_reading_does_not_move_a_notification(functions):
    numbers = [functions.apply() for _ in range(3)]
    functions.follow_all()
    before = [one["id"] for one in functions.inbox()["notifications"]]
    read(functions, f"{numbers[0]}.2")
    assert [one["id"] for one in functions.inbox()["notifications"]] == before


def test_another_s_notification_is_not_found(functions):
    number = functions.apply()
    functions.follow_all()
    assert functions.inbox(STRANGER)["notifications"] == []
    missing, foreign = read(functions, "nothing", STRANGER), read(functions, f"{number}.2", STRANGER)
    assert (missing[0], foreign[0]) == (404, 404)
    key = Key(NOTIFICATION.name, f"{number}.2")
    assert functions.store("intake").load([key])[key].state.read_at is None


def test_officials_have_no_inbox(functions):
    clerk = {"subject": "clerk-001", "role": "clerk", "department": "D-990101-MARKET"}
    assert functions.ask("inbox", "GET /api/notifications", clerk)[0] == 403


# ------------------------------------------------------------------ settings


def settings(functions, body=None, caller=CITIZEN):
    route = "GET /api/notifications/settings" if body is None else "PUT /api/notifications/settings"
    return functions.ask("inbox", route, caller, body=body)


def test_settings_have_a_beginning_and_are_everybody_s_own(functions):
    before = settings(functions)[1]
    assert before == {"legal": ["mail", "sms"], "progress": [], "service": ["mail"], "language": "zh"}
    wanted = {"legal": ["sms"], "progress": ["mail"], "service": [], "language": "en"}
    assert settings(functions, wanted) == (200, wanted)
    assert settings(functions)[1] == wanted
    assert settings(functions, caller=STRANGER)[1] == before


def test_a_channel_that_there_is_not_is_refused(functions):
    status, problem = settings(functions, {"legal": ["pigeon"]})
    assert status == 400 and problem["errors"][0]["field"].startswith("legal")


def test_both_sides_hear_of_a_mandate_given_and_taken_back(functions):
    functions.register("zhang")
    functions.register("li")
    body = {"agent": "li", "acts": ["read"], "expires_at": "2099-01-01T00:00:00Z"}
    assert functions.ask("mandates", "POST /api/mandates", CITIZEN, body=body)[0] == 201
    functions.follow_all()
    assert functions.ask("mandates", "DELETE /api/mandates/{mandate_id}", CITIZEN, mandate_id="zhang.li")[0] == 200
    functions.follow_all()
    for caller in (CITIZEN, STRANGER):
        assert sorted(functions.kinds(caller)) == ["mandate_given", "mandate_revoked"]
    assert "2099年1月1日" in str(functions.inbox())


# ------------------------------------------------------------------ mail and text messages


def test_a_legal_notice_goes_out_by_mail_and_text_message_and_progress_stays_in_the_inbox():
    functions = Citizens(MAIL_SENDER="no-reply@liangwang.example", TEXT_MESSAGES="on")
    functions.register("zhang", email="zhang@example.com", phone="138-0000-0000")
    number = functions.apply()
    functions.tell(number, ACCEPTED)
    functions.follow_all()
    (mail,), (text,) = functions.send()
    assert (mail.to, text.to) == ("zhang@example.com", "138-0000-0000")
    assert number in mail.title and number in text.title
    accepted, received = functions.inbox()["notifications"]
    assert [(one["channel"], one["state"]) for one in accepted["deliveries"]] == [("mail", "sent"), ("sms", "sent")]
    assert accepted["delivered_at"] and received["deliveries"] == []


def test_chosen_channels_hold_from_then_on():
    functions = Citizens(MAIL_SENDER="no-reply@liangwang.example", TEXT_MESSAGES="on")
    functions.register("zhang", email="zhang@example.com", phone="138-0000-0000")
    assert settings(functions, {"legal": [], "progress": ["mail"], "language": "en"})[0] == 200
    number = functions.apply()
    functions.tell(number, ACCEPTED)
    functions.follow_all()
    (mail,), texts = functions.send()
    assert mail.title.endswith(f"was received: case {number}") and texts == []


def test_a_system_without_channels_sends_nothing_and_misses_nothing(functions):
    number = functions.apply()
    functions.tell(number, ACCEPTED)
    functions.follow_all()
    assert functions.send() == [[], []]
    assert functions.kinds() == ["received", "accepted"]
