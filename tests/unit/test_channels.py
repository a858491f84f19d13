"""What the adapters make of a provider's answer: taken, never, not now, or nobody knows."""

import socket
from urllib.parse import parse_qs

import pytest
from liangwang.channels import Message, NotSent, Refused, SesMail, SignedPost, SnsSms, Unsure, international
from liangwang.signing import Credentials
from msgspec import json

from tests.unit.test_http_client import Service

MESSAGE = Message(to="138-0000-0000", title="标题", body="正文", reference="case.3")
NS = 'xmlns="http://sns.amazonaws.com/doc/2010-03-31/"'
TAKEN = f"<PublishResponse {NS}><PublishResult><MessageId>m-1</MessageId></PublishResult></PublishResponse>"


def answer(status, body):
    content = body.encode()
    return f"HTTP/1.1 {status} x\r\ncontent-length: {len(content)}\r\n\r\n".encode() + content


def error(code):
    return f"<ErrorResponse {NS}><Error><Code>{code}</Code><Message>+8613800000000</Message></Error></ErrorResponse>"


@pytest.fixture
def serve():
    running = []

    def start(service, *script):
        running.append(Service([*script]))
        origin = f"http://127.0.0.1:{running[-1].port}"
        post = SignedPost(
            service=service, region="r", origin=origin, credentials=lambda: Credentials("k", "s"), seconds=0.2
        )
        return post, running[-1]

    yield start
    for one in running:
        one.close()


def test_a_mail_names_its_sender_address_words_and_reference(serve):
    post, service = serve("ses", answer(200, '{"MessageId":"m-1"}'))
    assert SesMail(post, sender="no-reply@liangwang.example").send(MESSAGE) == "m-1"
    ((head, body),) = service.requests
    request = json.decode(body)
    assert head.startswith("POST /v2/email/outbound-emails HTTP/1.1") and "/r/ses/aws4_request" in head
    assert request["FromEmailAddress"] == "no-reply@liangwang.example"
    assert request["Content"]["Simple"]["Headers"] == [{"Name": "X-Liangwang-Reference", "Value": "case.3"}]


def test_a_text_message_is_its_title_to_an_international_number(serve):
    post, service = serve("sns", answer(200, TAKEN))
    assert SnsSms(post).send(MESSAGE) == "m-1"
    request = parse_qs(service.requests[0][1].decode())
    assert (request["Action"], request["PhoneNumber"], request["Message"]) == (
        ["Publish"],
        ["+8613800000000"],
        ["标题"],
    )


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (400, error("InvalidParameter"), Refused, "InvalidParameter"),
        (400, error("OptedOut"), Refused, "OptedOut"),
        (400, error("Throttling"), NotSent, "Throttling"),
        (403, "no xml", NotSent, "Http403"),
        (503, error("ServiceUnavailable"), NotSent, "ServiceUnavailable"),
        (500, error("InternalFailure"), Unsure, "InternalFailure"),
        (502, "", Unsure, "Http502"),
    ],
)
def test_a_failure_is_told_by_its_code_and_names_no_number(serve, status, body, kind, code):
    post, _ = serve("sns", answer(status, body))
    with pytest.raises(kind) as failure:
        SnsSms(post).send(MESSAGE)
    assert str(failure.value) == code


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (400, '{"message":"x","name":"BadRequestException"}', Refused, "BadRequestException"),
        (400, '{"message":"x"}', NotSent, "Http400"),
        (429, "[]", NotSent, "Http429"),
    ],
)
def test_mail_that_is_not_taken_is_tried_again_unless_ses_names_the_address_as_wrong(serve, status, body, kind, code):
    post, _ = serve("ses", answer(status, body))
    with pytest.raises(kind, match=code):
        SesMail(post, sender="no-reply@liangwang.example").send(MESSAGE)


def test_a_good_answer_that_cannot_be_read_is_a_good_answer(serve):
    post, _ = serve("sns", answer(200, "what?"))
    assert SnsSms(post).send(MESSAGE) == "unread"


@pytest.mark.parametrize("script", [[b""], [None]], ids=["silence", "hangs up"])
def test_without_an_answer_nobody_knows(serve, script):
    post, service = serve("sns", *script)
    with pytest.raises(Unsure):
        SnsSms(post).send(MESSAGE)
    assert len(service.requests) == 1, "it is never sent a second time by itself"


def test_who_was_never_reached_has_taken_nothing():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    post = SignedPost(
        service="sns", region="r", origin=f"http://127.0.0.1:{port}", credentials=lambda: Credentials("k", "s")
    )
    with pytest.raises(NotSent, match="ConnectionRefusedError"):
        SnsSms(post).send(MESSAGE)


@pytest.mark.parametrize(
    ("written", "number"),
    [("138-0000-0000", "+8613800000000"), (" +852 5000 0000", "+85250000000"), ("13800000000", "+8613800000000")],
)
def test_a_number_is_written_as_e164(written, number):
    assert international(written) == number
