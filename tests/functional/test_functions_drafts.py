"""Drafts through the handler that is deployed: begun on one channel, gone on with on another, submitted once."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liangwang.aggregates import APPLICATION, DRAFT, Key
from liangwang.domain import draft
from liangwang.fakes import Fault

from tests.functional.functions import Functions
from tests.functional.test_functions_intake import apply, fields, submitted, wish
from tests.functional.test_functions_materials import event


@pytest.fixture
def functions():
    return Functions()


def asked(functions, route, **settings):
    return functions.http("drafts", event(route, **settings))


def begun(functions, *, subject="citizen", headers=None, **content):
    content = {"task_code": "elderly-card", "form": {"name": "张示例"}, "channel": "app", **content}
    status, view = asked(functions, "POST /api/drafts", body=content, subject=subject, headers=headers)
    assert status == 201, view
    return view


def read(functions, code, *, subject="citizen"):
    return asked(functions, "GET /api/drafts/{code}", code=code, subject=subject)


def save(functions, view, *, subject="citizen", version=None, headers=None, **content):
    content = {"task_code": "elderly-card", "channel": "kiosk", **content}
    content["version"] = view["version"] if version is None else version
    return asked(functions, "PUT /api/drafts/{code}", body=content, code=view["code"], subject=subject, headers=headers)


def submit(functions, code, *, subject="citizen", **body):
    return asked(functions, "POST /api/drafts/{code}/application", body=body, code=code, subject=subject)


def whole():
    """All of an application that can be granted."""
    return {name: value for name, value in wish().items() if name in ("place", "form", "materials")}


# ------------------------------------------------------------------ kept


def test_a_draft_begun_on_one_channel_is_gone_on_with_on_another(functions):
    view = begun(functions)
    assert (len(view["code"]), view["version"], view["channels"]) == (8, 1, ["app"])
    status, later = save(functions, view, place="990101001", form={"name": "张示例", "birth_year": 1950})
    assert (status, later["version"], later["channels"]) == (200, 2, ["app", "kiosk"])
    assert read(functions, view["code"])[1]["content"]["form"] == {"name": "张示例", "birth_year": 1950}


def test_a_code_is_read_as_people_write_it(functions):
    view = begun(functions)
    code = view["code"]
    for written in (code.lower(), f"{code[:4]}-{code[4:]}", code.replace("1", "l").replace("0", "o")):
        assert read(functions, written)[1]["code"] == code


@given(st.binary(min_size=5, max_size=5))
def test_every_code_is_read_back_with_its_look_alikes(entropy):
    code = draft.code_of(entropy)
    assert draft.read_code(code) == draft.read_code(code.lower().replace("1", "i").replace("0", "o")) == code


@pytest.mark.parametrize("text", ["", "SHORT", "UUUUUUUU", "0123456789", "../../..", "张示例张示例张示"])
def test_what_is_no_code_is_not_found(functions, text):
    assert draft.read_code(text) is None
    assert read(functions, text)[0] == 404


def test_what_lacks_may_lack_and_what_cannot_be_is_told(functions):
    begun(functions, form={})
    begun(functions, form={"phone": "138"}, materials=["photo"])
    content = {
        "task_code": "elderly-card",
        "form": {"birth_year": "x", "colour": "red"},
        "materials": ["moon-rock"],
        "place": "?",
    }
    status, problem = asked(functions, "POST /api/drafts", body=content)
    assert (status, set(fields(problem))) == (422, {"form.birth_year", "form.colour", "materials[0]", "place"})


def test_a_save_over_what_another_channel_saved_is_refused(functions):
    view = begun(functions)
    assert save(functions, view, form={"name": "李示例"})[0] == 200
    status, problem = save(functions, view, form={"name": "王示例"})
    assert (status, problem["type"], fields(problem)) == (409, "urn:liangwang:problem:draft_changed", ["version"])
    assert read(functions, view["code"])[1]["content"]["form"] == {"name": "李示例"}


def test_a_save_whose_answer_was_lost_is_found_by_its_key(functions):
    view, key = begun(functions), {"idempotency-key": "save"}
    functions.aws.faults.append(Fault("PutItem", "lost"))
    assert save(functions, view, headers=key)[0] == 500
    status, later = save(functions, view, headers=key)
    assert (status, later["version"]) == (200, 2)


def test_the_same_key_gives_the_same_draft_and_another_content_a_refusal(functions):
    key = {"idempotency-key": "one"}
    first, second = begun(functions, headers=key), begun(functions, headers=key)
    assert first["code"] == second["code"]
    content = {"task_code": "elderly-card", "form": {"name": "李示例"}}
    status, problem = asked(functions, "POST /api/drafts", body=content, headers=key)
    assert (status, problem["type"]) == (422, "urn:liangwang:problem:idempotency_key_reused")


def test_another_s_draft_is_not_found(functions):
    view = begun(functions)
    assert read(functions, view["code"], subject="li")[0] == 404
    assert save(functions, view, subject="li")[0] == 404
    assert submit(functions, view["code"], subject="li")[0] == 404
    assert asked(functions, "DELETE /api/drafts/{code}", code=view["code"], subject="li")[0] == 404
    assert asked(functions, "GET /api/drafts", subject="li")[1]["drafts"] == []


def test_drafts_are_listed_newest_first_without_what_was_filled_in(functions):
    codes = [begun(functions)["code"] for _ in range(3)]
    listed = asked(functions, "GET /api/drafts")[1]["drafts"]
    assert sorted(one["code"] for one in listed) == sorted(codes)
    assert "content" not in listed[0] or listed[0]["content"] is None


def test_what_was_filled_in_is_encrypted_at_rest_and_gone_when_it_is_thrown_away(functions):
    view = begun(functions)
    key = Key(DRAFT.name, view["code"])
    assert functions.store("intake").load([key])[key].state.content.startswith("AES-256-GCM.")
    assert asked(functions, "DELETE /api/drafts/{code}", code=view["code"])[0] == 200
    assert functions.store("intake").load([key])[key].state.content == ""
    assert read(functions, view["code"])[0] == 404


def test_a_draft_is_forgotten_after_thirty_days(functions):
    view = begun(functions)
    item = functions.aws.dynamodb.tables["intake"][f"draft#{view['code']}"]
    kept = datetime.fromisoformat(view["expires_at"]) - datetime.fromisoformat(view["saved_at"])
    assert kept.days == 30 and any("30" not in name and value.get("N") for name, value in item.items())
    state = functions.store("intake").load([Key(DRAFT.name, view["code"])]).popitem()[1].state
    assert not draft.is_there(state, datetime.now(UTC) + draft.LIFETIME)


# ------------------------------------------------------------------ submitted


def test_a_whole_draft_becomes_a_case_and_twice_the_same(functions):
    view = begun(functions, **whole())
    status, case = submit(functions, view["code"], channel="window")
    assert (status, case["status"]) == (201, "submitted")
    assert submitted(functions, case["case_no"]).channel == "window"
    assert submit(functions, view["code"])[1]["case_no"] == case["case_no"]
    kept = read(functions, view["code"])[1]
    assert (kept["case_no"], kept.get("content")) == (case["case_no"], None)
    assert save(functions, kept)[0] == 409
    assert asked(functions, "GET /api/drafts")[1]["drafts"] == []


def test_what_lacks_is_told_when_it_is_submitted_and_the_draft_stays(functions):
    view = begun(functions)
    status, problem = submit(functions, view["code"])
    assert status == 422 and {"place", "form.phone"} <= set(fields(problem))
    assert save(functions, view, **whole())[0] == 200
    assert submit(functions, view["code"])[0] == 201


@pytest.mark.parametrize("writes", [0, 1, 2])
@pytest.mark.parametrize("kind", ["refused", "lost"])
def test_wherever_a_submission_dies_the_next_gives_one_case(functions, writes, kind):
    view = begun(functions, **whole())
    functions.aws.faults += [Fault("PutItem", kind)] if not writes else []
    if writes:
        broken = functions.aws.call
        count = iter(range(100))

        def call(service, operation, request):
            if operation == "PutItem" and next(count) == writes:
                functions.aws.faults.append(Fault("PutItem", kind))
            return broken(service, operation, request)

        functions.aws.call = call
    assert submit(functions, view["code"])[0] in (500, 201)
    status, case = submit(functions, view["code"])
    assert status == 201
    cases = [name for name in functions.aws.dynamodb.tables["intake"] if name.startswith(f"{APPLICATION.name}#")]
    assert cases == [f"application#{case['case_no']}"]


def test_a_draft_submitted_on_two_channels_at_once_is_one_case_and_both_are_told_its_number(functions):
    view, first = begun(functions, **whole()), []
    beneath, waiting = functions.aws.call, [True]

    def call(service, operation, request):
        if operation == "Query" and waiting:
            waiting.pop()
            first.append(submit(functions, view["code"], channel="kiosk"))
        return beneath(service, operation, request)

    functions.aws.call = call
    second = submit(functions, view["code"], channel="app")
    assert (first[0][0], second[0]) == (201, 201)
    assert first[0][1]["case_no"] == second[1]["case_no"]


def test_a_draft_whose_case_was_made_is_not_thrown_away_though_it_was_not_noted(functions):
    view = begun(functions, **whole())
    beneath, count = functions.aws.call, iter(range(100))

    def call(service, operation, request):
        if operation == "PutItem" and next(count) == 2:
            functions.aws.faults.append(Fault("PutItem", "refused"))
        return beneath(service, operation, request)

    functions.aws.call = call
    assert submit(functions, view["code"])[0] == 500
    assert asked(functions, "DELETE /api/drafts/{code}", code=view["code"])[0] == 409
    assert submit(functions, view["code"])[0] == 201


def test_an_open_case_of_the_same_is_shown_for_a_draft_too(functions):
    apply(functions)
    view = begun(functions, **whole())
    assert submit(functions, view["code"])[1]["type"] == "urn:liangwang:problem:duplicate_application"
    assert submit(functions, view["code"], allow_duplicate=True)[0] == 201
