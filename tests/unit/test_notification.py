"""What a citizen is told, and how long a channel is tried."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liangwang.domain import application, notification
from liangwang.domain import messages as m
from liangwang.domain.notification import RETRIES, UNSURE, Settings, class_of

from tests.unit.samples import CASE_NO, NOON, example, submitted, supplemented, text, withdrawn

MINUTE = timedelta(minutes=1)


def told(message):
    """The kind of notification for something the department said."""
    return notification.of_application(submitted(), application.Progressed(sequence=3, at=NOON, message=message))


def opened(*channels):
    facts = notification.Facts(case_no=CASE_NO)
    return notification.opened(owner="zhang", kind="accepted", facts=facts, at=NOON, channels=channels)


DECISIONS = [
    (example(m.CaseAccepted), "accepted"),
    (example(m.SupplementRequested), "supplement_requested"),
    (example(m.CaseRefused), "refused"),
    (example(m.StepCompleted), "step_completed"),
    *[
        (m.CaseDecided(case_no=CASE_NO, department="D", outcome=outcome), outcome)
        for outcome in ("granted", "denied", "withdrawn")
    ],
]


@pytest.mark.parametrize(("message", "kind"), DECISIONS)
def test_everything_the_department_tells_is_told_to_the_applicant(message, kind):
    assert told(message)[0] == kind


@pytest.mark.parametrize(
    ("event", "kind"),
    [(submitted(), "received"), (supplemented(), "supplemented"), (withdrawn(), "withdrawal_requested")],
)
def test_what_arrives_from_the_applicant_is_confirmed(event, kind):
    found, facts = notification.of_application(submitted(), event)
    assert (found, facts.case_no, facts.task_code, facts.department) == (kind, CASE_NO, "licence", "EAST-MARKET")


def test_what_the_systems_say_among_themselves_is_told_to_nobody():
    assert notification.of_application(submitted(), application.Relayed(version=2)) is None
    assert notification.of_application(submitted(), application.Opened(applicant="zhang", digest="")) is None


def test_a_receipt_a_notice_and_a_decision_name_their_numbers():
    assert told(m.CaseAccepted(case_no=CASE_NO, department="D", accept_doc_no="A-1"))[1].number == "A-1"
    points = (m.Point("plan", text("hand in the plan")),)
    notice = m.SupplementRequested(case_no=CASE_NO, department="D", notice_no="N-1", points=points)
    assert (told(notice)[1].number, told(notice)[1].points) == ("N-1", points)
    decision = m.CaseDecided(
        case_no=CASE_NO,
        department="D",
        outcome="granted",
        certificate_no="C-1",
        certificate_name=text("Licence"),
        valid_until=NOON,
    )
    facts = told(decision)[1]
    assert (facts.number, facts.certificate, facts.until) == ("C-1", text("Licence"), NOON)


def test_legal_notices_are_the_receipt_the_supplement_notice_the_refusal_and_the_decision():
    legal = {kind for _, kind in DECISIONS if class_of(kind) == "legal"}
    assert legal == {kind for _, kind in DECISIONS} - {"step_completed"}


def test_a_person_chooses_channels_for_each_class_among_those_there_are():
    settings = Settings(legal=("sms",), progress=("mail", "sms"), service=())
    assert settings.channels("accepted", {"mail", "sms"}) == ("sms",)
    assert settings.channels("received", {"mail"}) == ("mail",)
    assert settings.channels("mandate_given", {"mail", "sms"}) == ()
    assert Settings().channels("accepted", frozenset()) == ()


# ------------------------------------------------------------------ one channel's way


def test_a_channel_is_claimed_sent_and_done():
    taken = notification.claim(opened("mail"), "mail", claim="a", now=NOON)
    done = notification.sent(taken, "mail", claim="a", proof="provider-1", now=NOON + MINUTE)
    delivery = done.delivery("mail")
    assert (delivery.state, delivery.proof, delivery.at, delivery.attempts) == ("sent", "provider-1", NOON + MINUTE, 1)
    assert notification.wake_at(done) is None and done.delivered_at == NOON + MINUTE


def test_nobody_claims_what_another_is_sending():
    taken = notification.claim(opened("mail"), "mail", claim="a", now=NOON)
    assert notification.claim(taken, "mail", claim="b", now=NOON + UNSURE - MINUTE) is None
    assert notification.sent(taken, "mail", claim="b", proof="p", now=NOON) is None


def test_a_channel_that_was_not_wanted_is_never_tried():
    assert notification.claim(opened("mail"), "sms", claim="a", now=NOON) is None


def test_a_failing_channel_is_tried_at_growing_intervals_and_then_given_up():
    state, now, waits = opened("mail"), NOON, []
    while (due := notification.wake_at(state)) is not None:
        waits.append(due - now)
        now = due
        state = notification.claim(state, "mail", claim="a", now=now)
        state = notification.failed(state, "mail", claim="a", reason="down", now=now)
    assert tuple(waits) == (timedelta(0), *RETRIES)
    delivery = state.delivery("mail")
    assert (delivery.state, delivery.reason, delivery.attempts) == ("given_up", "down", len(RETRIES) + 1)
    assert state.delivered_at is None


def test_one_channel_s_failure_leaves_the_other_alone():
    taken = notification.claim(opened("mail", "sms"), "mail", claim="a", now=NOON)
    state = notification.failed(taken, "mail", claim="a", reason="down", now=NOON)
    assert notification.wake_at(state) == NOON, "the text message is still due"
    assert state.delivery("sms").state == "pending"


def unsure(channel):
    """How often a message goes out when no try ever says how it ended."""
    state, now, tries = opened(channel), NOON, 0
    while (due := notification.wake_at(state)) is not None:
        now = due
        state = notification.claim(state, channel, claim=f"c{tries}", now=now)
        tries += state.delivery(channel).state == "sending"
    return tries, state.delivery(channel)


def test_a_text_message_of_unknown_fate_is_sent_once_more_and_never_again():
    tries, delivery = unsure("sms")
    assert (tries, delivery.state, delivery.reason) == (2, "given_up", "unknown_fate")


def test_a_mail_of_unknown_fate_is_sent_until_the_tries_are_used_up():
    tries, delivery = unsure("mail")
    assert (tries, delivery.state) == (len(RETRIES) + 1, "given_up")


def test_the_first_reading_counts_and_proves_delivery():
    first = notification.read(opened(), NOON + MINUTE)
    assert first.delivered_at == NOON + MINUTE
    assert notification.read(first, NOON + 2 * MINUTE) is None


@given(st.lists(st.sampled_from(["claim", "sent", "failed", "skipped", "wait", "read"]), max_size=40))
def test_whatever_happens_a_channel_ends_and_no_proof_is_ever_lost(steps):
    state, now, proof = opened("mail", "sms"), NOON, None
    for number, step in enumerate(steps):
        changed = None
        match step:
            case "wait":
                now += timedelta(minutes=7)
            case "claim":
                changed = notification.claim(state, "sms", claim="a", now=now)
            case "sent":
                changed = notification.sent(state, "sms", claim="a", proof=f"p{number}", now=now)
            case "failed":
                changed = notification.failed(state, "sms", claim="a", reason="down", now=now)
            case "skipped":
                changed = notification.skipped(state, "sms", claim="a", reason="no_address", now=now)
            case "read":
                changed = notification.read(state, now)
        state = changed or state
        if state.delivery("sms").state == "sent":
            proof = proof or state.delivery("sms").proof
            assert state.delivery("sms").proof == proof
        assert state.delivery("sms").attempts <= len(RETRIES) + 1
    assert proof is None or state.delivery("sms").state == "sent"
