"""Bad input gets a problem document that names the field and the fix, or becomes a dead letter; neighbours are unharmed."""

import http.client
import json
from urllib.parse import urlsplit

import pytest
from kafka import KafkaConsumer, KafkaProducer
from liangwang.aggregates import DEAD_LETTER, Key

from tests.waiting import eventually


def raw(city, method, path, body=b"", **headers):
    """A request as a stranger makes it: status, content type, JSON."""
    connection = http.client.HTTPConnection(urlsplit(city.stack.gateway_url).netloc, timeout=30)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    content = json.loads(answer.read())
    connection.close()
    return answer.status, answer.headers["content-type"], content


def token(city, who="citizen-001"):
    return f"Bearer {city.api.login(who)}"


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (b"{not json", 400, "body"),
        (b"[]", 400, "body"),
        (b'{"task_code": 7, "place": "990101001", "form": {}}', 400, "task_code"),
        (b'{"task_code": "elderly-card", "place": "990101001"}', 400, "form"),
        (b'{"task_code": "elderly-card", "place": "990101001", "form": {}, "colour": "red"}', 400, "colour"),
        (b'{"task_code": "no-such-item", "place": "990101001", "form": {}}', 422, "task_code"),
        (b'{"task_code": "elderly-card", "place": "990100", "form": {}}', 422, "place"),
        (b'{"task_code": "elderly-card", "place": "990101001", "form": {}}', 422, "form.name"),
        (b'{"task_code": "elderly-card", "place": "990101001", "form": {}, "materials": ["x"]}', 422, "materials[0]"),
        (b'{"task_code": "elderly-card", "form": "' + b"x" * 300_000 + b'"}', 413, None),
    ],
)
def test_a_bad_application_is_a_problem_that_names_the_field(city, body, status, field):
    answer = raw(city, "POST", "/api/applications", body, authorization=token(city))
    assert answer[:2] == (status, "application/problem+json")
    assert answer[2]["title"] and answer[2]["title_en"]
    assert field is None or field in [one["field"] for one in answer[2]["errors"]]


@pytest.mark.parametrize("authorization", [None, "Bearer", "Bearer not.a.token", "Basic YTpi"])
def test_a_missing_or_wrong_token_is_a_problem(city, authorization):
    headers = {"authorization": authorization} if authorization else {}
    status, kind, problem = raw(city, "GET", "/api/applications", **headers)
    assert (status, kind) == (401, "application/problem+json")
    assert "log in" in problem["detail"]


def test_wrong_credentials_do_not_say_which_of_the_two_is_wrong(city):
    known = raw(city, "POST", "/api/login", b'{"username": "citizen-001", "password": "wrong"}')
    unknown = raw(city, "POST", "/api/login", b'{"username": "nobody", "password": "wrong"}')
    assert known == unknown
    assert known[0] == 401


def test_another_citizens_case_is_not_found(city):
    case_no = city.apply(city.wish("elderly-card"))
    path = f"/api/applications/{case_no}"
    assert city.refused("citizen-002", path)["status"] == 404
    assert city.refused("citizen-002", f"{path}/withdrawal", {"reason": ""})["status"] == 404
    assert city.refused("citizen-002", "/api/applications/no-such-case")["status"] == 404


@pytest.mark.parametrize(
    ("who", "path"),
    [("citizen-001", "/api/cases"), ("citizen-001", "/exchange/applications"), ("partner", "/api/applications")],
)
def test_a_role_stays_within_its_routes(city, who, path):
    assert city.refused(who, path)["status"] == 403


def test_an_idempotency_key_is_not_taken_for_another_application(city):
    city.apply(city.wish("elderly-card"), key="k-once")
    refused = city.refused("citizen-001", "/api/applications", city.wish("elderly-card", birth_year=1940), key="k-once")
    assert (refused["status"], refused["type"]) == (422, "urn:liangwang:problem:idempotency_key_reused")


POISON = [
    (b"\xff\xfe not json", "not_utf8"),
    (b'{"specversion": "1.0"}', "no_fields"),
    (
        b'{"id": "intake/x/1", "source": "s", "type": "application.flown", "subject": "x", '
        b'"time": "2031-01-01T00:00:00Z", "data": {}}',
        "unknown_type",
    ),
]


@pytest.mark.parametrize(("value", "name"), POISON, ids=[name for _, name in POISON])
def test_a_poison_record_becomes_a_dead_letter_and_its_neighbours_go_on(city, value, name):
    producer = KafkaProducer(bootstrap_servers=city.stack.bootstrap_servers, api_version=(2, 3))
    sent = producer.send("applications", key=name.encode(), value=value, partition=0).get(timeout=20)
    producer.close()
    cases = [city.apply(city.wish("elderly-card")) for _ in range(8)]
    for case_no in cases:
        city.await_status(case_no, "granted")
    letter = eventually(lambda: dead_letter(city, sent.partition, sent.offset), what="the dead letter on its topic")
    assert letter["data"]["consumer"] == "acceptance"
    assert letter["data"]["reason"]
    key = Key(DEAD_LETTER.name, letter["id"].removeprefix("any/").rpartition("/")[0])
    assert city.tables.department.load([key])[key].history


def dead_letter(city, partition, offset):
    """The dead letter of one record, from the topic that operators read."""
    consumer = KafkaConsumer(
        "dead-letters",
        bootstrap_servers=city.stack.bootstrap_servers,
        api_version=(2, 3),
        auto_offset_reset="earliest",
        group_id=None,
        consumer_timeout_ms=1500,
    )
    letters = [json.loads(record.value) for record in consumer]
    consumer.close()
    wanted = ("applications", partition, offset)
    found = [
        one for one in letters if (one["data"]["topic"], one["data"]["partition"], one["data"]["offset"]) == wanted
    ]
    return found[0] if found else None
