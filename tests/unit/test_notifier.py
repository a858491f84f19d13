"""Notifications on their way out: once where that can be had, never lost without a word, and no channel holds another."""

from datetime import timedelta
from itertools import count

import pytest
from liangwang.accesses import Accesses
from liangwang.aggregates import ACCESS, ACCOUNT, NOTIFICATION, NOTIFICATION_SETTINGS, Key
from liangwang.blind import BlindIndex
from liangwang.domain import notification
from liangwang.domain.account import Account
from liangwang.domain.catalogue import Catalogue
from liangwang.domain.notification import PAUSE, RETRIES, UNSURE, Facts, Settings
from liangwang.domain.patience import Patience
from liangwang.fakes import FakeAws, FakeSender, Fault
from liangwang.fakes.channels import Died
from liangwang.notices import Notices
from liangwang.processing import Command, perform
from liangwang.secret import Secret
from liangwang.services.notifier import Notifier
from liangwang.store import Store
from liangwang.vault import Vault

from tests.unit.samples import CASE_NO, CITY, NOON, item

MINUTE = timedelta(minutes=1)
EMAIL, PHONE = "zhang@example.com", "138-0000-0000"


CATALOGUE = Catalogue(organisation=CITY, items={"licence": item()}, versions={("licence", 1): item()})


class Office:
    """The notifier over one table, with a clock that is moved and providers that fail as they are told."""

    def __init__(self, **senders):
        self.aws = FakeAws()
        self.now = NOON
        self.mail, self.sms = FakeSender(), FakeSender()
        self.store = Store(self.aws, "intake", patience=Patience(), writers=1)
        self.vault = Vault(
            self.store,
            self.aws,
            key="alias/liangwang/personal",
            index=BlindIndex(Secret(self.aws, "blind-index")),
            clock=self.clock,
        )
        self.senders = senders or {"mail": self.mail, "sms": self.sms}
        self._numbers = count(1)

    def clock(self):
        return self.now

    def write(self, kind, identity, content):
        command = Command(Key(kind.name, identity), f"seed/{next(self._numbers)}", lambda state, now: [content])
        perform(self.store, [command], self.now)[0].stored()

    def register(self, person="zhang", **personal):
        personal = personal or {"email": EMAIL, "phone": PHONE}
        sealed = self.vault.seal(person, personal)
        self.write(ACCOUNT, person, Account(role="citizen", password="-", personal=sealed))

    def tell(self, identity="1", *, owner="zhang", channels=("mail", "sms"), kind="accepted"):
        facts = Facts(case_no=CASE_NO, task_code="licence", task_version=1, department="EAST-MARKET", number="A-1")
        told = notification.opened(owner=owner, kind=kind, facts=facts, at=self.now, channels=channels)
        self.write(NOTIFICATION, identity, told)

    def sweep(self, **after):
        """A run, ``after`` so much time; each is an execution environment of its own."""
        self.now += timedelta(**after)
        notices = Notices(CATALOGUE)
        Notifier(self.store, self.vault, Accesses(self.store), notices, self.senders, clock=self.clock).sweep({})

    def told(self, identity="1"):
        key = Key(NOTIFICATION.name, identity)
        return self.store.load([key])[key].state

    def states(self, identity="1"):
        return [one.state for one in self.told(identity).deliveries]


@pytest.fixture
def office():
    found = Office()
    found.register()
    return found


def test_a_notification_goes_out_once_over_each_channel_with_its_proof(office):
    office.tell()
    office.sweep()
    office.sweep(days=2)
    (mail,), (text,) = office.mail.sent, office.sms.sent
    assert (mail.to, text.to, mail.reference) == (EMAIL, PHONE, "1")
    assert CASE_NO in mail.title and "A-1" in mail.body and CASE_NO in text.title
    assert [(one.state, one.proof, one.at) for one in office.told().deliveries] == [("sent", "provider-1", NOON)] * 2
    assert office.told().delivered_at == NOON


def test_what_is_sent_is_in_the_language_that_the_person_chose(office):
    office.tell("1")
    office.sweep()
    office.write(NOTIFICATION_SETTINGS, "zhang", Settings(language="en"))
    office.tell("2")
    office.sweep()
    assert [one.title.startswith("受理通知") for one in office.mail.sent] == [True, False]
    assert "accepted your application" in office.mail.sent[1].body


def test_neither_address_nor_number_is_kept_or_logged(office, capsys):
    office.mail.faults.append("down")
    office.tell()
    office.sweep()
    kept = str(office.told()) + capsys.readouterr().out
    assert EMAIL not in kept and "0000" not in kept.replace("00:00", "")
    assert '"proof":"provider-1"' in kept, "the log knows what went out"


def test_each_look_at_an_address_is_recorded_before_it_is_taken(office):
    office.tell(channels=("mail",))
    office.sweep()
    (record,) = [key for key in office.aws.dynamodb.tables["intake"] if key.startswith(f"{ACCESS.name}#")]
    state = office.store.load([Key.parse(record)])[Key.parse(record)].state
    assert (state.caller, state.subject, state.fields, state.reason) == ("notifier", "zhang", ("email",), "1")


def test_a_dead_channel_holds_neither_the_other_nor_other_people(office):
    office.register("li")
    for number in range(8):
        office.tell(str(number), owner="li" if number % 2 else "zhang")
    office.mail.faults = ["down"] * 100
    office.sweep()
    assert len(office.sms.sent) == 8
    mails = [office.told(str(number)).delivery("mail") for number in range(8)]
    assert sorted(one.attempts for one in mails) == [0] * 5 + [1] * 3, "three tries show that the provider is down"
    assert {one.next_at for one in mails if not one.attempts} == {NOON + PAUSE}
    office.mail.faults = []
    office.sweep(minutes=5)
    assert len(office.mail.sent) == 8 and len(office.sms.sent) == 8


def test_a_channel_that_stays_dead_is_given_up_and_says_why(office):
    office.tell(channels=("mail",))
    office.mail.faults = ["down"] * 100
    for wait in (timedelta(0), *RETRIES, timedelta(days=9)):
        office.now += wait
        office.sweep()
    delivery = office.told().delivery("mail")
    assert (delivery.state, delivery.reason, delivery.attempts) == ("given_up", "ServiceUnavailable", 7)
    assert len(office.mail.faults) == 100 - 7


def test_an_address_that_the_provider_finds_wrong_is_not_tried_again(office):
    office.tell(channels=("mail",))
    office.mail.faults = ["wrong"]
    office.sweep()
    office.sweep(days=1)
    assert office.states() == ["given_up"] and office.mail.sent == []


def test_who_has_no_address_is_told_in_the_inbox_only():
    office = Office()
    office.register(email=EMAIL)
    office.tell()
    office.tell("2", owner="nobody")
    office.sweep()
    assert office.states() == ["sent", "skipped"] and office.states("2") == ["skipped", "skipped"]
    assert office.told().delivery("sms").reason == "no_address"


def test_an_erased_person_is_left_alone(office):
    office.tell(channels=("mail",))
    office.vault.destroy("zhang")
    office.sweep()
    assert (office.states(), office.told().delivery("mail").reason) == (["skipped"], "erased")


def test_a_channel_that_was_switched_off_meanwhile_ends(office):
    office.tell()
    office.senders = {"mail": office.mail}
    office.sweep()
    assert office.states() == ["sent", "skipped"] and office.sms.sent == []


def test_without_any_channel_nothing_is_even_looked_for():
    office = Office()
    office.senders = {}
    office.sweep()
    assert office.aws.calls == []


# ------------------------------------------------------------------ what if it dies in between


@pytest.mark.parametrize(("fault", "sent"), [("dies", 1), ("dies_after", 2)])
def test_a_mail_whose_sender_died_goes_out_again_under_the_same_reference(office, fault, sent):
    office.tell(channels=("mail",))
    office.mail.faults = [fault]
    with pytest.raises(Died):
        office.sweep()
    office.sweep(minutes=1)
    assert office.states() == ["sending"], "it may still be on its way"
    office.sweep(minutes=10)
    assert (len(office.mail.sent), {one.reference for one in office.mail.sent}) == (sent, {"1"})
    assert office.states() == ["sent"]


def test_a_text_message_of_unknown_fate_goes_out_once_more_and_no_more(office):
    office.tell(channels=("sms",))
    office.sms.faults = ["lost", "silent", "", ""]
    for _ in range(6):
        office.sweep(minutes=11)
    delivery = office.told().delivery("sms")
    assert (len(office.sms.sent), delivery.state, delivery.reason) == (1, "given_up", "unknown_fate")


@pytest.mark.parametrize("kind", ["refused", "lost"])
@pytest.mark.parametrize(("number", "sent"), [(1, 1), (2, 2)], ids=["the claim", "the outcome"])
def test_a_write_that_fails_sends_no_message_more_than_once_more(office, kind, number, sent):
    office.tell(channels=("sms",))
    writes, plain = count(1), office.aws.call

    def call(service, operation, request):
        if operation == "PutItem" and request["Item"]["pk"]["S"].startswith("notification#") and next(writes) == number:
            office.aws.faults.append(Fault("PutItem", kind))
        return plain(service, operation, request)

    office.aws.call = call
    for _ in range(4):
        office.sweep(minutes=11)
    assert office.states() == ["sent"]
    assert len(office.sms.sent) <= sent


def test_two_notifiers_at_once_send_it_once(office):
    office.tell(channels=("mail",))
    inner = office.mail

    class Meanwhile:
        """While the first is sending, a second run comes."""

        def send(self, message):
            office.senders = {"mail": inner}
            office.sweep()
            return inner.send(message)

    office.senders = {"mail": Meanwhile()}
    office.sweep()
    assert len(inner.sent) == 1 and office.states() == ["sent"]


def test_the_run_ends_in_time_when_each_message_takes_long(office):
    for number in range(9):
        office.tell(str(number), channels=("mail",))
    inner = office.mail

    class Slow:
        def send(self, message):
            office.now += timedelta(seconds=5)
            return inner.send(message)

    office.senders = {"mail": Slow()}
    office.sweep()
    assert len(inner.sent) == 3
    for _ in range(2):
        office.sweep()
    assert len(inner.sent) == 9


def test_unknown_fate_counts_from_the_try(office):
    office.tell(channels=("mail",))
    office.mail.faults = ["silent"]
    office.sweep()
    assert notification.wake_at(office.told()) == NOON + UNSURE
