"""Materials through the handler that is deployed: announced, sent, looked at, listed, fetched; and what remains of them."""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest
from liangwang.aggregates import MATERIAL, PERSON_KEY, Key
from liangwang.changes import Change
from liangwang.domain.history import Recorded
from liangwang.domain.person_key import PersonKey
from liangwang.objects import Link
from liangwang.processing import Command, perform
from liangwang.services.keeping import Keeping
from liangwang.services.materials import incoming_key, object_key
from liangwang.store import Stored
from msgspec.structs import replace

from tests.functional.functions import Functions, golden

PDF = b"%PDF-1.7 an invented certificate"
NAME = "张示例的身份证.pdf"


@pytest.fixture
def functions():
    return Functions()


def event(route, *, body=None, raw=None, subject="citizen", headers=None, query=None, **path):
    found = golden("http_apply")
    found |= {"routeKey": route, "pathParameters": path, "queryStringParameters": query or {}}
    found["requestContext"]["authorizer"]["lambda"] |= {"subject": subject}
    found["headers"] = {
        name: value for name, value in found["headers"].items() if name not in ("idempotency-key", "content-type")
    } | {"content-type": "application/json", **(headers or {})}
    if raw is not None:
        found |= {"body": base64.b64encode(raw).decode(), "isBase64Encoded": True}
        found["headers"]["content-type"] = "application/octet-stream"
    else:
        found["body"] = json.dumps(body) if body is not None else ""
    return found


def announcement(content=PDF, **changes):
    return {
        "name": NAME,
        "media_type": "application/pdf",
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        **changes,
    }


def announced(functions, content=PDF, *, subject="citizen", headers=None, **changes):
    body = announcement(content, **changes)
    status, view = functions.http(
        "materials", event("POST /api/materials", body=body, subject=subject, headers=headers)
    )
    assert status == 201, view
    return view


def complete(functions, material_id, *, subject="citizen"):
    route = "POST /api/materials/{material_id}/completion"
    return functions.http("materials", event(route, material_id=material_id, subject=subject))


def put(functions, material_id, content, *, subject="citizen"):
    route = "PUT /api/materials/{material_id}/content"
    return functions.http("materials", event(route, raw=content, material_id=material_id, subject=subject))


def fetch(functions, material_id, *, subject="citizen"):
    route = "GET /api/materials/{material_id}/content"
    return functions.http("materials", event(route, material_id=material_id, subject=subject))


def mine(functions, **query):
    return functions.http("materials", event("GET /api/materials", query=query))[1]["materials"]


def sent(functions, view, content=PDF, *, checked=True):
    functions.objects.send(Link(**{**view["upload"], "expires_at": datetime.now(UTC)}), content, checked=checked)


def stored(functions, content=PDF, **settings):
    view = announced(functions, content, **settings)
    status, view = put(functions, view["material_id"], content, subject=settings.get("subject", "citizen"))
    assert (status, view["state"]) == (200, "stored")
    return view


# ------------------------------------------------------------------ by a link


def test_a_file_is_announced_sent_by_the_link_and_kept_as_what_its_bytes_are(functions):
    view = announced(functions)
    assert (view["state"], view["upload"]["method"]) == ("awaiting", "PUT")
    sent(functions, view)
    status, view = complete(functions, view["material_id"])
    assert (status, view["state"], view["media_type"], view["name"]) == (200, "stored", "application/pdf", NAME)
    assert "upload" not in view or view["upload"] is None
    assert functions.objects.stored == {object_key(view["material_id"]): (PDF, "application/pdf")}


def test_the_type_that_was_found_is_kept_and_stands_beside_what_was_said(functions):
    view = announced(functions, media_type="image/png")
    status, view = put(functions, view["material_id"], PDF)
    assert (status, view["media_type"], view["declared"]) == (200, "application/pdf", "image/png")


def test_saying_so_before_the_file_has_come_is_told_what_to_do_first(functions):
    view = announced(functions)
    status, problem = complete(functions, view["material_id"])
    assert (status, problem["type"]) == (409, "urn:liangwang:problem:not_now")
    assert "upload.url" in problem["detail"]


@pytest.mark.parametrize(
    ("content", "field"), [(PDF + b"more", "size"), (b"%PDF-1.7 an invented certificatE", "sha256")]
)
def test_bytes_that_were_not_announced_are_refused_whatever_the_storage_let_through(functions, content, field):
    view = announced(functions)
    sent(functions, view, content, checked=False)
    status, problem = complete(functions, view["material_id"])
    assert (status, field in {one["field"] for one in problem["errors"]}) == (422, True)
    sent(functions, view)
    assert complete(functions, view["material_id"])[0] == 200, "sending the right ones mends it"


def test_a_page_that_calls_itself_a_document_is_refused_and_removed(functions):
    page = b"<!DOCTYPE html><script>alert(1)</script>"
    view = announced(functions, page)
    sent(functions, view, page)
    status, problem = complete(functions, view["material_id"])
    assert (status, problem["errors"][0]["field"]) == (422, "content")
    assert functions.objects.stored == {}
    assert complete(functions, view["material_id"])[0] == 409
    assert fetch(functions, view["material_id"])[0] == 409


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"size": 0}, "size"),
        ({"size": 50 * 1024 * 1024 + 1}, "size"),
        ({"sha256": "ABC"}, "sha256"),
        ({"media_type": "text/html"}, "media_type"),
        ({"name": " "}, "name"),
        ({"name": "x" * 256}, "name"),
    ],
)
def test_an_announcement_that_cannot_be_is_refused_by_its_field(functions, changes, field):
    status, problem = functions.http("materials", event("POST /api/materials", body=announcement(**changes)))
    assert (status, [one["field"] for one in problem["errors"]]) == (422, [field])


def test_the_same_key_gives_the_same_material_and_another_file_a_refusal(functions):
    key = {"idempotency-key": "one"}
    first, second = announced(functions, headers=key), announced(functions, headers=key)
    assert first["material_id"] == second["material_id"]
    body = announcement(b"%PDF-another")
    status, problem = functions.http("materials", event("POST /api/materials", body=body, headers=key))
    assert (status, problem["type"]) == (422, "urn:liangwang:problem:idempotency_key_reused")
    assert announced(functions, headers=key, subject="li")["material_id"] != first["material_id"]


def test_there_is_a_most_of_files_a_day(functions):
    for _ in range(100):
        announced(functions)
    status, problem = functions.http("materials", event("POST /api/materials", body=announcement()))
    assert (status, problem["type"]) == (409, "urn:liangwang:problem:not_now")
    announced(functions, subject="li")


# ------------------------------------------------------------------ through the API


def test_a_small_file_goes_through_the_api(functions):
    view = stored(functions)
    assert functions.objects.stored[object_key(view["material_id"])] == (PDF, "application/pdf")
    assert put(functions, view["material_id"], PDF)[0] == 200, "a second time changes nothing"
    assert put(functions, view["material_id"], b"%PDF-other")[0] == 422


def test_a_big_one_does_not(functions):
    view = announced(functions)
    status, problem = put(functions, view["material_id"], b"x" * (4 * 1024 * 1024 + 1))
    assert (status, problem["type"]) == (413, "urn:liangwang:problem:too_large")


# ------------------------------------------------------------------ dying in between


@pytest.mark.parametrize("fault", ["read", "write", "delete"])
def test_where_the_storage_fails_another_try_ends_it(functions, fault):
    view = announced(functions)
    sent(functions, view)
    functions.objects.faults.append(fault)
    assert complete(functions, view["material_id"])[0] == 500
    assert complete(functions, view["material_id"])[1]["state"] == "stored"
    assert object_key(view["material_id"]) in functions.objects.stored


# ------------------------------------------------------------------ who sees them


def test_earlier_ones_are_listed_newest_first_a_page_at_a_time(functions):
    views = [stored(functions, b"%PDF-" + bytes([48 + number])) for number in range(3)]
    listed = [one["material_id"] for one in mine(functions)]
    assert sorted(listed) == sorted(view["material_id"] for view in views)
    first = functions.http("materials", event("GET /api/materials", query={"limit": "2"}))[1]
    rest = functions.http("materials", event("GET /api/materials", query={"limit": "2", "cursor": first["cursor"]}))[1]
    assert [one["material_id"] for one in (*first["materials"], *rest["materials"])] == listed


def test_the_owner_fetches_a_file_by_a_link_that_holds_five_minutes_and_names_nobody(functions):
    view = stored(functions)
    status, link = fetch(functions, view["material_id"])
    assert (status, functions.objects.fetch(link["url"])) == (200, PDF)
    assert "张示例" not in link["url"] and "citizen" not in link["url"]
    expires = datetime.fromisoformat(link["expires_at"])
    assert timedelta(minutes=4) < expires - datetime.now(UTC) <= timedelta(minutes=5)


@pytest.mark.parametrize("act", [complete, fetch, lambda *args, **more: put(*args, PDF, **more)])
def test_another_s_material_is_not_found(functions, act):
    view = announced(functions)
    status, problem = act(functions, view["material_id"], subject="li")
    assert (status, problem["type"]) == (404, "urn:liangwang:problem:not_found")
    assert act(functions, "0" * 32)[0] == act(functions, "../" * 50)[0] == 404


def test_the_name_of_a_file_is_encrypted_at_rest(functions):
    view = stored(functions)
    item = functions.aws.dynamodb.tables["intake"][f"material#{view['material_id']}"]
    (recorded,) = functions.store("intake").load([Key.parse(item["pk"]["S"])]).popitem()[1].history
    assert "张示例" not in str(recorded) and recorded.event.name.startswith("AES-256-GCM.")


# ------------------------------------------------------------------ what remains


def keeping(functions):
    return Keeping(functions.store("intake"), functions.objects)


def state(functions, material_id):
    return functions.store("intake").load([Key(MATERIAL.name, material_id)]).popitem()[1].state


def test_what_was_sent_and_never_completed_goes_after_a_day(functions):
    view, kept = announced(functions), stored(functions)
    sent(functions, view)
    keeping(functions).sweep(datetime.now(UTC) + timedelta(hours=23))
    assert incoming_key(view["material_id"]) in functions.objects.stored
    for _ in range(2):
        keeping(functions).sweep(datetime.now(UTC) + timedelta(hours=25))
    assert set(functions.objects.stored) == {object_key(kept["material_id"])}
    assert state(functions, view["material_id"]).state == "refused"
    assert state(functions, kept["material_id"]).state == "stored"


def test_what_is_about_to_be_removed_is_not_taken_any_more(functions):
    view = announced(functions)
    sent(functions, view)
    key = Key(MATERIAL.name, view["material_id"])
    before = datetime.now(UTC) - timedelta(hours=23, minutes=5)
    older = Command(key, "older", lambda state, now: [replace(state, announced_at=before)])
    perform(functions.store("intake"), [older], before)[0].stored()
    for answer in (complete(functions, view["material_id"]), put(functions, view["material_id"], PDF)):
        assert (answer[0], "announce it again" in answer[1]["detail"]) == (409, True)
    assert state(functions, view["material_id"]).state == "awaiting"


def test_the_files_of_a_person_who_was_erased_go_and_others_stay(functions):
    gone, other = stored(functions), stored(functions, subject="li")
    key = Key(PERSON_KEY.name, "citizen")
    destroyed = Recorded(datetime.now(UTC), "erase", PersonKey(destroyed_at=datetime.now(UTC)))
    change = Change(Stored(key), Stored(key, (destroyed,)), (destroyed,))
    for _ in range(2):
        keeping(functions).take([change], datetime.now(UTC))
    assert set(functions.objects.stored) == {object_key(other["material_id"])}
    assert (state(functions, gone["material_id"]).state, state(functions, gone["material_id"]).name) == ("erased", "")
