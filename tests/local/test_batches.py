"""What a function is given of a DynamoDB stream, and what its answer means."""

import json

import pytest

from local import stream_batch
from local.config import REPOSITORY


def golden(name):
    return json.loads((REPOSITORY / "tests" / "events" / f"{name}.json").read_text())


CHANGES = [{"dynamodb": {"SequenceNumber": str(number)}} for number in (101, 102, 103)]


def checkpoints(*numbers):
    return {"batchItemFailures": [{"itemIdentifier": number} for number in numbers]}


@pytest.mark.parametrize(
    ("answer", "done", "whole"),
    [
        (None, 3, False),
        ({"batchItemFailures": []}, 3, False),
        (checkpoints("102"), 1, False),
        (checkpoints("103", "102"), 1, False),
        (checkpoints("101"), 0, False),
        (checkpoints(""), 0, True),
        (checkpoints(None), 0, True),
        (checkpoints("999"), 0, True),
        ({"batchItemFailures": [{"wrong": 1}]}, 0, True),
        ([], 0, True),
    ],
)
def test_how_many_changes_of_a_stream_are_done(answer, done, whole):
    outcome = stream_batch.interpret(CHANGES, answer, report_failures=True)
    assert (outcome.done, outcome.whole) == (done, whole)


def test_a_stream_event_is_lambda_s():
    expected = golden("dynamodb_stream")
    arn = expected["Records"][0]["eventSourceARN"]
    read = [{key: value for key, value in change.items() if key != "eventSourceARN"} for change in expected["Records"]]
    assert stream_batch.event(read, stream_arn=arn) == expected


def test_any_of_several_filters_is_enough():
    assert stream_batch.wanted([{"a": [1]}, {"b": [2]}], {"b": 2})
    assert stream_batch.wanted([], {"b": 2})
    assert not stream_batch.wanted([{"a": [1]}], {"b": 2})
