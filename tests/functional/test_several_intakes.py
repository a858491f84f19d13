"""Several intake systems at one centre: each has its own cases, and one that fails keeps the others from nothing."""

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from liangwang.aggregates import APPLICATION, BREAKER, DEAD_LETTER, DELIVERY, LEDGER
from liangwang.domain.patience import Patience
from liangwang.envelope import decode
from liangwang.exchange import Exchange, ExchangeError
from liangwang.fakes import FakeExchange, Fault
from liangwang.http_client import Response
from liangwang.intakes import Credentials, IntakeSystem
from liangwang.services.exchange import ExchangeApi
from liangwang.services.handback import Handback
from liangwang.services.intake import Intake
from liangwang.services.intake_gates import Gate, Gates
from liangwang.services.redelivery import Redelivery
from liangwang.services.relay import Relay
from liangwang.store import Store

from tests.functional.city import City

TOWN = IntakeSystem(name="town", url="https://intake.town.example", credentials=Credentials(kind="oauth"))


class Towns(City):
    """A city with a second intake system, ``town``, whose exchange a test may put another in the place of."""

    def __init__(self, *, town=None):
        super().__init__()
        self.stores["town"] = Store(self.aws, "town", patience=Patience(), writers=1)
        self.town_intake = Intake(self.stores["town"], self.catalogue, self.sealing)
        self.town = town or FakeExchange(ExchangeApi(self.stores["town"]), clock=self.clock)
        self.ticked = 0.0
        self.gates = Gates(
            self.stores["governance"],
            [Gate(IntakeSystem(name="intake"), self.exchange), Gate(TOWN, self.town)],
            clock=self.clock,
            chance=lambda: 0.5,
            ticks=lambda: self.ticked,
        )
        governance = self.stores["governance"]
        self.relay = Relay(governance, self.gates, self.producer, clock=self.clock)
        self.handback = Handback(governance, self.gates, clock=self.clock)
        self.redelivery = Redelivery(governance, self.gates, clock=self.clock)
        for topic in ("acceptances", "approvals"):
            self.consumers[topic] = ("governance", self.handback.route, self.handback.deliver)

    def apply_in_town(self, task_code="elderly-card", **wish):
        own, self.intake = self.intake, self.town_intake
        try:
            return self.apply(task_code, subject="town-citizen", **wish)
        finally:
            self.intake = own

    def carry(self):
        """What citizens said becomes due, and the schedule carries it."""
        self.later(minutes=6)
        self.sweep("relay")

    def status(self, system, number):
        return self.state(system, APPLICATION, number).status

    def missed(self):
        return {key.id: state for key, state in self.states("governance", DELIVERY) if state.entries}

    def breaker(self, name="town"):
        return self.state("governance", BREAKER, name)

    def carried(self):
        return {decode(one.value).subject for one in self.producer.records("applications")}


@pytest.fixture
def city():
    return Towns()


class Broken(Exchange):
    """A system that answers what it likes, over the real client."""

    def __init__(self, answer):
        super().__init__("http://town.example", token=lambda: "a token")
        self.answer, self.calls = answer, 0

    def _call(self, method, target, body=b""):
        self.calls += 1
        return self.answer(method, target, body) if callable(self.answer) else self.answer


# ------------------------------------------------------------------ each has its own


def test_a_case_goes_back_to_the_intake_that_it_is_from(city):
    here, there = city.apply("elderly-card"), city.apply_in_town()
    city.carry()
    city.pump()
    assert (city.status("intake", here), city.status("town", there)) == ("granted", "granted")
    assert city.state("governance", LEDGER, there).intake == "town"
    assert city.state("intake", APPLICATION, there) is None and city.missed() == {}


def test_a_number_that_two_intakes_use_stays_the_first_one_s_and_the_second_is_told_in_the_dead_letters(city):
    here = city.apply("elderly-card")
    city.carry()
    stolen = city.aws.dynamodb.tables["intake"][f"application#{here}"]
    city.aws.dynamodb.tables["town"] = {f"application#{here}": stolen}
    city.later(hours=1)
    before = len(city.producer.records("applications"))
    city.carry()
    (letter,) = [state for _, state in city.states("governance", DEAD_LETTER)]
    assert (letter.consumer, letter.topic) == ("relay", "exchange-town")
    assert letter.reason == "this case number is in use by intake intake; town has to give another one"
    assert city.state("governance", LEDGER, here).intake == "intake"
    again = [decode(one.value) for one in city.producer.records("applications")[before:]]
    assert len(again) <= 1, "only our own asks again"
    city.pump()
    assert city.status("intake", here) == "granted" and city.state("town", APPLICATION, here).progress == ()


def test_news_of_a_case_that_the_ledger_cannot_place_wait_until_it_can(city):
    there = city.apply_in_town()
    city.carry()
    entry = city.aws.dynamodb.tables["governance"].pop(f"ledger#{there}")
    city.pump()
    assert city.missed()[there].intake == "unknown" and city.status("town", there) == "submitted"
    del entry
    city.later(hours=1)
    city.sweep("relay")  # intake asks again, and with it the ledger learns whose the case is
    city.sweep("redelivery")
    assert city.status("town", there) == "granted" and city.missed() == {}


# ------------------------------------------------------------------ one that is down


def test_what_an_intake_misses_while_it_is_down_arrives_when_it_is_back_and_the_batch_goes_on(city):
    here, there = city.apply("elderly-card"), city.apply_in_town()
    city.carry()
    city.town.faults = ["refused"] * 100
    city.pump()
    assert city.status("intake", here) == "granted", "the other is told at once"
    assert city.status("town", there) == "submitted"
    missed = city.missed()[there]
    kinds = [one.type for one in missed.entries]
    assert (missed.intake, kinds[0], kinds[-1]) == ("town", "case.accepted", "case.decided")
    assert not city.breaker().is_closed
    city.town.faults = []
    city.sweep("redelivery")
    assert city.status("town", there) == "submitted", "it is left alone for a while"
    city.later(minutes=10)
    city.sweep("redelivery")
    assert city.status("town", there) == "granted"
    assert city.missed() == {} and city.breaker().is_closed


def test_a_system_that_is_left_alone_is_asked_by_one_call_only_when_its_time_has_come():
    town = Broken(lambda *_: (_ for _ in ()).throw(ExchangeError("down")))
    city = Towns(town=town)
    for _ in range(5):
        city.sweep("relay")
    assert town.calls == 3
    city.later(minutes=10)
    for _ in range(5):
        city.sweep("relay")
    assert town.calls == 4


def test_a_nudge_while_our_own_intake_is_left_alone_is_no_error_and_the_schedule_carries_it_later(city):
    number = city.apply("elderly-card")
    city.exchange.faults = ["refused"] * 3
    for _ in range(3):
        city.sweep("relay")
    assert city.stream("intake") == 1
    assert city.carried() == set()
    city.later(minutes=10)
    city.carry()
    assert city.carried() == {number}


# ------------------------------------------------------------------ one that is slow, or answers nonsense


def test_one_that_does_not_answer_keeps_the_others_from_nothing():
    carried = threading.Event()

    def waits(method, target, body):
        assert carried.wait(20), "our own intake's case was kept waiting"
        return b'{"pending": []}'

    city = Towns(town=Broken(waits))
    acknowledge = city.exchange.acknowledge
    city.exchange.acknowledge = lambda done: (acknowledge(done), carried.set())[0]
    number = city.apply("elderly-card")
    city.carry()
    assert city.carried() == {number}


def test_answers_that_take_too_long_count_as_failures():
    def slowly(method, target, body):
        city.ticked += 11
        return b'{"pending": []}'

    city = Towns(town=Broken(slowly))
    for _ in range(5):
        city.sweep("relay")
    assert city.town.calls == 3 and "an answer took 11 s" in city.breaker().reason


NONSENSE = [
    b"",
    b"<html>Welcome</html>",
    b"[]",
    b"{}",
    b'{"pending": 1}',
    b'{"pending": [{}]}',
    b'{"pending": [{"id": 1}]}',
    b"[" * 100_000,
    b"\xff\xfe",
]


@pytest.mark.parametrize("answer", NONSENSE, ids=range(len(NONSENSE)))
def test_nonsense_in_the_place_of_applications_is_a_failure_of_that_intake_alone(answer):
    city = Towns(town=Broken(answer))
    number = city.apply("elderly-card")
    city.carry()
    assert city.carried() == {number} and city.breaker().failures == 1


class Complaining:
    """A client whose system answers with an error that tells too much."""

    def request(self, method, target, *, body=b"", headers):
        return Response(500, b"cannot store phone 13900000000 of the applicant")


def test_what_an_intake_says_in_an_error_is_kept_without_what_looks_personal():
    exchange = Exchange("http://town.example", token=lambda: "a token")
    exchange._client = Complaining()
    with pytest.raises(ExchangeError, match=r"status 500: cannot store phone \*\*\*\* of"):
        exchange.pending()


def test_a_200_without_a_receipt_is_no_receipt():
    city = Towns()
    there = city.apply_in_town()
    city.carry()
    honest = city.town._call
    city.town._call = lambda method, target, body=b"": b"thank you"
    city.pump()
    assert list(city.missed()) == [there]
    city.town._call = honest
    city.later(minutes=10)
    city.sweep("redelivery")
    assert city.status("town", there) == "granted"


def page(*pending):
    def answer(method, target, body):
        if "applications" in target:
            import json

            return json.dumps({"pending": pending}).encode()
        return b'{"taken": 1, "refused": []}'

    return answer


BAD = "20270301-990101001-000000000000-0"


def pending(number="20270301-990101001-4K7Q2M9XW3TC-M", **changes):
    data = {
        "case_no": number,
        "department": "D-990101-MARKET",
        "task_code": "elderly-card",
        "task_version": 1,
        "place": "990101001",
        "applicant_type": 1,
        "channel": "pc",
        "form": {},
        "materials": [],
    }
    return {
        "id": f"town/{number}/1",
        "type": "application.submitted",
        "case_no": number,
        "time": "2027-03-01T01:00:00Z",
        "round": 0,
        "data": data,
        **changes,
    }


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (pending(id="town/another/1"), "do not belong to case"),
        (pending(BAD, case_no="another"), "do not belong to case"),
        (pending(id="1"), "no message id"),
        (pending(BAD, type="case.decided"), "an intake does not say 'case.decided'"),
        (pending(BAD, type="application.lost"), "an intake does not say 'application.lost'"),
        (pending(BAD, data={"case_no": "x"}), "missing required field"),
        (pending(number="9" * 60), "1 to 50 characters"),
        (pending(number=""), "1 to 50 characters"),
    ],
)
def test_what_is_no_citizen_s_word_about_its_case_is_set_aside_once_and_acknowledged(given, reason):
    town = Broken(page(given, pending()))
    city = Towns(town=town)
    city.carry()
    city.later(hours=1)
    city.carry()
    (letter,) = [state for _, state in city.states("governance", DEAD_LETTER)]
    assert reason in letter.reason
    assert city.carried() == {pending()["case_no"]}, "what stands behind it is carried"


def test_a_system_that_gives_the_same_for_ever_is_asked_for_two_pages_a_run():
    town = Broken(page(pending()))
    city = Towns(town=town)
    city.carry()
    assert town.calls == 4, "two pages, two acknowledgements"


# ------------------------------------------------------------------ what was missed


def test_dying_between_the_delivery_and_the_note_of_it_makes_it_come_twice_which_intake_knows(city):
    there = city.apply_in_town()
    city.carry()
    city.town.faults = ["refused"] * 100
    city.pump()
    city.town.faults = []
    city.later(minutes=10)
    city.aws.faults += [Fault("PutItem"), Fault("PutItem"), Fault("PutItem")]
    city.sweep("redelivery")
    city.aws.faults.clear()
    city.later(minutes=10)
    city.sweep("redelivery")
    progress = city.state("town", APPLICATION, there).progress
    assert city.status("town", there) == "granted" and city.missed() == {}
    assert len({one.sequence for one in progress}) == len(progress)


def test_what_was_neither_delivered_nor_kept_comes_again(city):
    there = city.apply_in_town()
    city.carry()
    city.stream("department")
    for partition in range(4):
        city.kafka("applications", partition)
    city.stream("department")
    city.town.faults = ["refused"] * 100
    keep = city.handback._keep
    city.handback._keep = lambda missed: (_ for _ in ()).throw(ConnectionError("the table is throttled"))
    assert sum(city.kafka("acceptances", partition) for partition in range(4)) == 0
    city.handback._keep = keep
    city.pump()
    assert list(city.missed()) == [there]


def test_a_case_that_is_never_taken_goes_by_itself_and_keeps_nothing_back(city):
    sick, well = city.apply_in_town(key="1"), city.apply_in_town(key="2")
    city.carry()
    city.town.faults = ["refused"] * 100
    city.pump()
    city.town.faults = []
    honest = city.town._call

    def picky(method, target, body=b""):
        if sick.encode() in body:
            raise ExchangeError("status 500")
        return honest(method, target, body)

    city.town._call = picky
    for _ in range(6):
        city.later(minutes=10)
        city.sweep("redelivery")
    assert city.status("town", well) == "granted" and list(city.missed()) == [sick]
    city.town._call = honest
    city.later(minutes=10)
    city.sweep("redelivery")
    assert city.missed() == {}


def test_what_intake_refuses_for_good_when_it_is_back_becomes_a_dead_letter(city):
    there = city.apply_in_town()
    city.carry()
    city.town.faults = ["refused"] * 100
    city.pump()
    city.town.faults = []
    city.aws.dynamodb.tables["town"].clear()  # it has lost the case
    city.later(minutes=10)
    city.sweep("redelivery")
    letters = [state for _, state in city.states("governance", DEAD_LETTER)]
    assert letters and {one.consumer for one in letters} == {"redelivery"}
    assert all(f"no case {there}" in one.reason for one in letters) and city.missed() == {}


@settings(max_examples=25)
@given(
    st.lists(
        st.sampled_from(["down", "up", "relay", "pump", "redelivery", "later", "apply", "refused put"]), max_size=25
    )
)
def test_whatever_the_course_every_case_of_every_intake_ends_at_its_own(course):
    city = Towns()
    numbers = [city.apply_in_town(key="0")]
    own = [city.apply("elderly-card")]
    for number, step in enumerate(course, start=1):
        match step:
            case "down":
                city.town.faults = ["refused", "lost"] * 20
            case "up":
                city.town.faults = []
            case "relay" | "redelivery":
                city.sweep(step)
            case "pump":
                city.pump()
            case "later":
                city.later(minutes=7)
            case "apply":
                city.aws.faults.clear()
                numbers.append(city.apply_in_town(key=str(number)))
            case "refused put":
                city.aws.faults.append(Fault("PutItem"))
    city.town.faults = []
    city.aws.faults.clear()
    for _ in range(8):
        city.later(hours=7)
        for what in ("relay", "redelivery"):
            city.sweep(what)
        city.pump()
    assert {city.status("town", number) for number in numbers} == {"granted"}
    assert {city.status("intake", number) for number in own} == {"granted"}
    assert city.missed() == {} and not {city.state("intake", APPLICATION, one) for one in numbers} - {None}
    for number in numbers:
        progress = [one.sequence for one in city.state("town", APPLICATION, number).progress]
        assert len(set(progress)) == len(progress)
