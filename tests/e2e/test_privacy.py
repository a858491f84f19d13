"""Personal data on the running system: not on the bus, not in the logs, and sealed to one department only."""

import json
import uuid

import confluent_kafka
import pytest
from cryptography.exceptions import InvalidTag
from liangwang.aws import AwsError, SignedAws
from liangwang.domain.identifiers import identity_check_digit
from liangwang.domain.messages import Sealed
from liangwang.http_client import HttpClient
from liangwang.sealing import Sealing
from msgspec import convert

from local import demo
from tests.city import city as start
from tests.waiting import eventually

PREFIX = "alias/liangwang/department/"


def personal_values(catalogue):
    """The personal values that the demo's citizens apply with, and how the demo's citizens are called."""
    return {"示例市民"} | {
        str(value)
        for item in catalogue.items.values()
        for name, value in item.example.form.items()
        if name in item.personal and len(str(value)) > 1
    }


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    """A city of its own: everything on its bus and in its logs is looked at, and others' tests send nonsense."""
    with start(tmp_path_factory.mktemp("private")) as running:
        yield running


@pytest.fixture(scope="module")
def played(city):
    """A demo run of every kind of application, all ended."""
    report = demo.play(city.stack, city.lot(40))
    assert report.is_clean, report
    return report


@pytest.fixture(scope="module")
def bus(city, played):
    """Everything that lies in any topic, as a plain consumer without any right of ours reads it."""
    settings = {"bootstrap.servers": city.stack.bootstrap_servers, "group.id": str(uuid.uuid4()), "log_level": 2}
    reader = confluent_kafka.Consumer({**settings, "auto.offset.reset": "earliest", "enable.auto.commit": False})
    found = []
    for topic in reader.list_topics(timeout=10).topics.values():
        for partition in topic.partitions:
            place = confluent_kafka.TopicPartition(topic.topic, partition)
            low, high = reader.get_watermark_offsets(place, timeout=10)
            if high <= low or topic.topic.startswith("__"):
                continue
            reader.assign([confluent_kafka.TopicPartition(topic.topic, partition, low)])
            got: list = []
            eventually(
                lambda got=got, high=high, low=low: (
                    got.extend(reader.consume(high - low, timeout=1)) or (got and got[-1].offset() >= high - 1)
                ),
                what=f"all of {topic.topic}-{partition}",
            )
            found += got
    reader.close()
    return found


@pytest.fixture(scope="module")
def submissions(bus):
    """The applications on the bus that carry sealed data."""
    found = [json.loads(one.value())["data"] for one in bus if one.topic() == "applications"]
    return [one for one in found if one.get("type") == "application.submitted" and one.get("sealed")]


@pytest.fixture(scope="module")
def sealing(city):
    config = city.stack.config
    aws = SignedAws(region=config.region, credentials=config.credentials, endpoint=config.endpoint_url, attempts=1)
    return Sealing(aws, key_prefix=PREFIX)


def test_no_personal_value_is_in_any_byte_of_any_topic(city, bus):
    assert {one.topic() for one in bus} >= {"applications", "acceptances", "approvals"}
    values = personal_values(city.catalogue)
    assert "13800000000" in values
    for one in bus:
        raw = (one.key() or b"") + one.value() + repr(one.headers()).encode()
        readable = raw.decode(errors="replace") + json.dumps(json.loads(one.value()), ensure_ascii=False)
        assert [value for value in values if value.encode() in raw or value in readable] == []


def test_the_department_it_was_sealed_to_opens_it(submissions, sealing, city):
    assert submissions
    for one in submissions[:5]:
        opened = sealing.open(convert(one["sealed"], Sealed), department=one["department"], case_no=one["case_no"])
        assert opened and set(opened) <= set(city.catalogue.items[one["task_code"]].personal)


def test_a_consumer_that_holds_another_department_s_key_cannot_open_it(submissions, sealing, city):
    """KMS refuses a data key under another key or context; were a context forged too, the tag would not hold."""
    one = submissions[0]
    sealed = convert(one["sealed"], Sealed)
    others = [code for code in city.catalogue.organisation.department if code != one["department"]]
    for other in others[:5]:
        with pytest.raises((AwsError, InvalidTag)):
            sealing.open(sealed, department=other, case_no=one["case_no"])


def test_a_consumer_cannot_open_one_case_s_data_in_the_name_of_another(submissions, sealing):
    first = submissions[0]
    second = next(one for one in submissions if one["case_no"] != first["case_no"])
    with pytest.raises((AwsError, InvalidTag)):
        sealing.open(convert(first["sealed"], Sealed), department=first["department"], case_no=second["case_no"])


def test_no_personal_value_is_in_any_log_of_the_machine(city, played):
    logs = [file for file in city.stack.config.log("x").parent.rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in logs) > 10_000
    values = personal_values(city.catalogue)
    for file in logs:
        raw = file.read_bytes()
        assert [value for value in values if value.encode() in raw] == [], file
        assert [value for value in values if json.dumps(value).strip('"').encode() in raw] == [], file


def test_the_log_lines_of_a_demo_name_cases_and_their_traces(city, played):
    named = 0
    for file in city.stack.config.log("x").parent.rglob("*.log"):
        for raw in file.read_bytes().splitlines():
            if not raw.startswith(b'{"function"'):
                continue
            line = json.loads(raw)
            carries = line["function"] in ("relay", "publisher") and (line.get("carried") or line.get("sent"))
            consumes = "/" in line["function"] and line.get("records", 0) > line.get("skipped", 0)
            if carries or consumes:
                assert "case_no" in line and "trace" in line, line
                named += 1
    assert named > 20


# ------------------------------------------------------------------ a person goes


PASSWORD = f"示例-{uuid.uuid4()}"


def letters():
    """A name that nobody has yet: a userId has no long run of digits."""
    return "".join(chr(ord("a") + byte % 26) for byte in uuid.uuid4().bytes)


def ask(city, method, path, body=None, *, token=""):
    """The status and the document that anybody gets."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    client = HttpClient(city.stack.gateway_url, timeout=60)
    raw = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
    answer = client.request(method, path, body=raw, headers={**headers, "content-type": "application/json"})
    return answer.status, json.loads(answer.body)


def registered(city):
    """A new citizen who has just logged in: the username, the token and the personal data."""
    name, digits = f"leaver-{letters()}", f"{uuid.uuid4().int % 10_000:04}"
    first = f"99010119500101{digits[1:]}"
    person = {"name": "李示例", "identity_no": first + identity_check_digit(first), "phone": f"1380000{digits}"}
    status, answer = ask(city, "POST", "/api/register", {"username": name, "password": PASSWORD, "person": person})
    assert status == 201, answer
    return name, login(city, name)[1]["token"], person


def login(city, name):
    """What a log-in gives."""
    return ask(city, "POST", "/api/login", {"username": name, "password": PASSWORD})


def found(city, phone):
    """Who an auditor finds by a phone number."""
    wish = {"field": "phone", "value": phone, "reason": "an example"}
    return city.api.post("auditor-1", "/api/users/search", wish)["users"]


def test_a_person_is_erased_and_the_case_still_counts(city):
    name, token, person = registered(city)
    phone = person["phone"]
    status, view = ask(city, "POST", "/api/applications", city.wish("elderly-card"), token=token)
    assert status == 201, view
    case_no = view["case_no"]
    (shown,) = found(city, phone)
    assert shown["userId"] == name and shown["personal"]["name"] == "李**"

    def erased():
        status, answer = ask(city, "DELETE", f"/api/user/{name}", token=token)
        assert status in (200, 409), answer
        return status == 200

    eventually(erased, seconds=30, what="the case to come to its end and the person to be erased")
    state = eventually(
        lambda: (one := city.tables.case(case_no).application.state).redacted and one, what="the case to be redacted"
    )
    assert state.status == "granted" and state.submitted.sealed is None
    assert city.tables.case(case_no).outcome == "granted"
    assert login(city, name)[0] == 401
    assert found(city, phone) == []
    assert ask(city, "GET", f"/api/user/{name}", token=token)[0] in (401, 404)
    logs = b"".join(file.read_bytes() for file in city.stack.config.log("x").parent.rglob("*") if file.is_file())
    assert [value for value in person.values() if value.encode() in logs] == []
