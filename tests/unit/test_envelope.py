"""CloudEvents: every message there and back, and everything that is none is named as such."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liangwang.domain.messages import ASKS, TOPIC, CaseAccepted, type_of
from liangwang.envelope import NotAMessage, decode, encode, wrap

from tests.unit.samples import CASE_NO, NOON, example, submitted


def wire(**changes):
    """The bytes of a good message, some attributes changed; None takes one away."""
    good = json.loads(encode(wrap(submitted(), id=f"intake/{CASE_NO}/2", time=NOON)))
    return json.dumps({name: value for name, value in {**good, **changes}.items() if value is not None}).encode()


@pytest.mark.parametrize("kind", TOPIC, ids=lambda kind: type_of(kind))
def test_every_message_comes_back_as_it_was(kind):
    sent = wrap(example(kind), id="department/X/7", time=NOON, round=7)
    came = decode(encode(sent))
    assert (came.id, came.type, came.subject, came.time, came.round) == (
        sent.id,
        sent.type,
        sent.subject,
        sent.time,
        7,
    )
    assert came.data == sent.data


def test_the_envelope_is_structured_cloudevents_1_0():
    seen = json.loads(wire())
    assert seen["specversion"] == "1.0"
    assert seen["source"] == "/liangwang/intake"
    assert seen["type"] == "application.submitted"
    assert seen["subject"] == CASE_NO
    assert seen["datacontenttype"] == "application/json"


def test_all_messages_of_a_case_are_one_trace_and_each_a_span_of_its_own():
    first, second = (wrap(submitted(), id=f"intake/{CASE_NO}/{n}", time=NOON).traceparent.split("-") for n in (2, 3))
    assert first[1] == second[1] and first[2] != second[2]


def test_an_attribute_or_field_of_a_later_release_does_no_harm():
    data = {**json.loads(wire())["data"], "later": 1}
    assert decode(wire(later="x", data=data)).data == submitted()


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "tombstone"),
        (b"", "truncated"),
        (b"not json", "JSON"),
        (b"[]", "Expected `object`"),
        (b"\xff\xfe", ""),
        (wire(type="case.lost"), "unknown type 'case.lost'; known: application.rated"),
        (wire(type=None), "missing required field `type`"),
        (wire(id=None), "missing required field `id`"),
        (wire(id=5), "Expected `str`"),
        (wire(data={}), "missing required field"),
        (wire(data="text"), "Expected `object`"),
        (wire(time="yesterday"), "RFC3339"),
        (wire(time="2027-03-01T04:00:00"), "timezone"),
        (b'{"data":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "recursion"),
    ],
)
def test_what_is_no_message_is_refused_with_the_reason(value, reason):
    with pytest.raises(NotAMessage) as refused:
        decode(value)
    assert reason in refused.value.detail


@given(st.binary(max_size=200))
def test_no_bytes_whatever_do_more_than_be_refused(value):
    with pytest.raises(NotAMessage):
        decode(value)


def test_only_a_question_asked_again_wants_everything_again():
    def asks_again(message, round):
        return wrap(message, id="x/y/1", time=NOON, round=round).asks_again

    assert not asks_again(submitted(), 0)
    assert not asks_again(example(CaseAccepted), 7)
    assert all(asks_again(example(kind), 7) == 7 for kind in ASKS)
