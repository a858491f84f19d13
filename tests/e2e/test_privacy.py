"""Personal data on the running system: not on the bus, not in the logs, and sealed to one department only."""

import json
import uuid

import confluent_kafka
import pytest
from cryptography.exceptions import InvalidTag
from liangwang.aws import AwsError, SignedAws
from liangwang.domain.messages import Sealed
from liangwang.sealing import Sealing
from msgspec import convert

from local import demo
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
    second = next(one for one in submissions if one["department"] == first["department"] and one is not first)
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
            if line.get("records", 0) > line.get("skipped", 0) or line.get("carried") or line.get("sent"):
                assert "case_no" in line and "trace" in line, line
                named += 1
    assert named > 20
