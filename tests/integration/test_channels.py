"""Mail by SES and text messages by SNS, as the emulated services take them."""

import json
import urllib.request

import boto3
import pytest
from liangwang.channels import Message, NotSent, SesMail, SignedPost, SnsSms

SENDER = "no-reply@liangwang.example"


def post(machine, service, origin):
    return SignedPost(service=service, region=machine.region, origin=origin, credentials=machine.credentials)


def looked_at(ministack, path):
    """What MiniStack shows of the messages that it took."""
    with urllib.request.urlopen(ministack + path, timeout=5) as answer:
        return json.loads(answer.read())


def message(to):
    return Message(to=to, title="受理通知：办件已受理", body="正文\n", reference="20270301-R1-AAAAAAAAAAAA-A.3")


def test_a_mail_arrives_with_its_words_and_is_proved(machine, ministack):
    credentials = machine.credentials()
    boto3.client(
        "sesv2",
        endpoint_url=ministack,
        region_name=machine.region,
        aws_access_key_id=credentials.access_key,
        aws_secret_access_key=credentials.secret_key,
    ).create_email_identity(EmailIdentity=SENDER)
    proof = SesMail(post(machine, "ses", ministack), sender=SENDER).send(message("zhang@example.com"))
    boxes = looked_at(ministack, "/_ministack/ses/messages")["messages"]
    (one,) = [one for box in boxes.values() for one in box if one["MessageId"] == proof]
    assert (one["To"], one["Subject"], one["BodyText"]) == (["zhang@example.com"], "受理通知：办件已受理", "正文\n")


def test_a_sender_that_ses_does_not_know_sends_nothing_and_may_later(machine, ministack):
    with pytest.raises(NotSent, match="MessageRejected"):
        SesMail(post(machine, "ses", ministack), sender="nobody@liangwang.example").send(message("zhang@example.com"))


def test_a_text_message_arrives_at_the_international_number(machine, ministack):
    proof = SnsSms(post(machine, "sns", ministack)).send(message("138-0000-0000"))
    found = json.dumps(looked_at(ministack, "/_ministack/sns/sms-messages?phoneNumber=%2B8613800000000"))
    assert proof in found
