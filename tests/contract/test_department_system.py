"""What docs/messages.md asks of a department system of somebody else's, rule by rule, from outside.

It runs against the examples. Against a system of your own:

    DEPARTMENT_SYSTEM='kafka D-990100-HERITAGE java -jar theirs.jar' .venv/bin/python -m pytest tests/contract

The first word is how it joins (kafka, http), the second the department that it speaks for, the rest the command that starts it.
"""

import itertools
import json
import os
import sys
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cache

import jsonschema_rs
import pytest
from liangwang.domain import messages as m
from liangwang.envelope import wrap
from msgspec import structs

from tests.conftest import REPOSITORY
from tests.contract.wires import HttpWire, KafkaWire
from tests.local.kafka_broker import broker_for_tests
from tests.unit.samples import example
from tests.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

EXAMPLES = REPOSITORY / "docs" / "examples"
SYSTEMS = [os.environ["DEPARTMENT_SYSTEM"]] if "DEPARTMENT_SYSTEM" in os.environ else [
    f"kafka D-990100-HERITAGE {sys.executable} {EXAMPLES / 'department.py'}",
    f"http D-990100-WEATHER {sys.executable} {EXAMPLES / 'department_http.py'}",
]  # fmt: skip
NUMBERS = itertools.count(1)
RUN = uuid.uuid4().hex[:6].upper()
PATIENCE = 90
"""Seconds: a group of consumers waits for a member that was killed."""
ENDS = {"case.decided", "case.refused", "case.returned"}


class System:
    """The system under test, and the city around it."""

    def __init__(self, wire):
        self.wire, self.department = wire, wire.department

    def case(self):
        """The number of a new case."""
        return f"20270301-990101001-{RUN}{next(NUMBERS):06d}-A"

    def application(self, case_no, **changes):
        sent = structs.replace(
            example(m.ApplicationSubmitted), case_no=case_no, department=self.department, materials=(), sealed=None
        )
        return wrap(structs.replace(sent, **changes), id=f"intake/{case_no}/2", time=datetime.now(UTC))

    def about_task(self, kind, case_no, number, **changes):
        """A message of the centre about the one task of a case."""
        fields = {
            "case_no": case_no,
            "task_id": f"{case_no}-check-T1",
            "collaboration_id": f"{case_no}-check",
            "department": self.department,
            **changes,
        }
        known = {name: value for name, value in fields.items() if name in kind.__struct_fields__}
        message = structs.replace(example(kind), **known)
        return wrap(message, id=f"governance/{case_no}-check/{number}", time=datetime.now(UTC))

    def task(self, case_no, **changes):
        return self.about_task(m.TaskDispatched, case_no, 2, **changes)

    def tell(self, *events, round=0):
        self.wire.tell(*(structs.replace(event, round=round) for event in events))

    def of(self, case_no, *types):
        """What it has said of a case, of these types if any are named."""
        return [
            one
            for one in self.wire.heard()
            if one.event["subject"] == case_no and (not types or one.event["type"] in types)
        ]

    def says(self, case_no, kind, count=1):
        """Waits until it has said something so often; all that it has said of the case."""
        eventually(lambda: len(self.of(case_no, kind)) >= count, seconds=PATIENCE, what=f"{count} {kind}")
        return self.of(case_no)

    def is_through(self):
        """Waits until it has heard everything that it was told before: what it was told last, it has answered."""
        case_no = self.case()
        offered = example(m.EvidenceOffered)
        offered = structs.replace(offered, case_no=case_no, department=self.department, evidence_id=case_no)
        self.tell(
            self.application(case_no),
            self.task(case_no),
            wrap(offered, id=f"governance/{case_no}-grid/1", time=datetime.now(UTC)),
        )
        for kind in ("case.accepted", "task.reported", "case.evidence_taken"):
            self.says(case_no, kind)


@pytest.fixture(scope="module", params=SYSTEMS, ids=lambda one: one.split()[0])
def system(request, tmp_path_factory):
    way, department, command = request.param.split(" ", 2)
    folder = tmp_path_factory.mktemp(way)
    with broker_for_tests(folder) if way == "kafka" else _nothing() as broker:
        wire = KafkaWire(command, department, folder, broker) if broker else HttpWire(command, department, folder)
        wire.start()
        try:
            yield System(wire)
        finally:
            wire.stop()


class _nothing:
    def __enter__(self):
        return None

    def __exit__(self, *_):
        return None


@pytest.fixture
def case_no(system):
    return system.case()


def ids(found):
    return [one.event["id"] for one in found]


# ------------------------------------------------------------------ rule 1


def test_rule_1_it_takes_what_names_its_department_and_passes_over_the_rest(system, case_no):
    theirs = system.case()
    system.tell(
        system.application(theirs, department="D-990101-FIRE"), system.task(system.case(), department="D-990101-FIRE")
    )
    system.tell(system.application(case_no))
    system.says(case_no, "case.accepted")
    system.is_through()
    assert system.of(theirs) == []


# ------------------------------------------------------------------ rule 2


def test_rule_2_what_comes_twice_is_answered_once(system, case_no):
    system.tell(*[system.task(case_no)] * 3)
    before = len(system.says(case_no, "task.reported"))
    system.is_through()
    assert len(system.of(case_no)) == before


def test_rule_2_a_question_in_a_new_round_brings_everything_said_of_it_again_with_the_same_ids(system, case_no):
    round = int(datetime.now(UTC).timestamp())
    system.tell(system.task(case_no))
    first = set(ids(system.says(case_no, "task.reported")))
    system.tell(*[system.task(case_no)] * 2, round=round)
    eventually(lambda: len(system.of(case_no)) >= 2 * len(first), seconds=PATIENCE, what="the second answer")
    system.is_through()
    assert Counter(ids(system.of(case_no))) == dict.fromkeys(first, 2), "once a round"
    assert {one.event["round"] for one in system.of(case_no)} == {0, round}


def test_rule_2_a_question_that_is_heard_for_the_first_time_in_a_later_round_is_answered(system, case_no):
    system.tell(system.application(case_no), round=int(datetime.now(UTC).timestamp()))
    system.says(case_no, "case.accepted")


def test_rule_2_what_was_heard_and_said_outlives_the_process(system, case_no):
    system.tell(system.task(case_no), system.application(case_no))
    system.says(case_no, "task.reported")
    system.says(case_no, "case.accepted")
    system.is_through()
    before = Counter(ids(system.of(case_no)))
    system.wire.kill()
    system.tell(system.task(case_no), system.application(case_no))
    system.wire.start()
    system.is_through()
    assert Counter(ids(system.of(case_no))) == before
    system.tell(system.task(case_no), round=int(datetime.now(UTC).timestamp()))
    eventually(lambda: set(Counter(ids(system.of(case_no))).values()) == {2}, seconds=PATIENCE, what="all of it again")


def test_rule_2_what_was_told_while_it_was_away_is_answered(system, case_no):
    system.wire.kill()
    system.tell(system.application(case_no))
    system.wire.start()
    system.says(case_no, "case.accepted")


# ------------------------------------------------------------------ rules 3, 4 and 8


@pytest.fixture(scope="module")
def everything(system):
    """All that it says when it is told everything there is."""
    case_no = system.case()
    offered = structs.replace(
        example(m.EvidenceOffered), case_no=case_no, department=system.department, evidence_id=case_no
    )
    system.tell(
        system.application(case_no),
        system.task(case_no),
        system.about_task(m.TaskReturned, case_no, 3),
        system.about_task(m.TaskRecalled, case_no, 4),
        wrap(offered, id=f"governance/{case_no}-grid/1", time=datetime.now(UTC)),
        system.about_task(m.DisclosureRequested, case_no, 5, request_id=f"{case_no}-check"),
    )
    for kind in ("case.accepted", "task.stopped", "case.evidence_taken", "collaboration.disclosed"):
        system.says(case_no, kind)
    system.is_through()
    return system.of(case_no)


def test_rule_3_numbers_of_a_case_are_its_own_and_none_stands_for_two_messages(everything):
    contents = {}
    for one in everything:
        name, case_no, number = one.event["id"].split("/")
        assert case_no == one.event["subject"] and int(number) >= 1 and name
        assert contents.setdefault(int(number), one.event["data"]) == one.event["data"]
    assert len(set(ids(everything))) == len(contents)


def test_rule_3_numbers_rise_in_the_order_in_which_things_happened(everything):
    shown = sorted({(int(one.event["id"].rpartition("/")[2]), one.event["time"]) for one in everything})
    assert [time for _, time in shown] == sorted(time for _, time in shown)


def test_rule_4_the_key_is_the_case_number(everything):
    assert {one.key for one in everything} == {one.event["subject"] for one in everything}


def test_rule_4_a_message_stands_on_the_topic_of_its_type(everything):
    assert all(one.topic == m.TOPIC[m.BY_TYPE[one.event["type"]]] for one in everything)


def test_rule_8_everything_in_a_message_is_about_one_case_and_one_department(system, everything):
    for one in everything:
        data = one.event["data"]
        assert data["case_no"] == one.event["subject"] == one.event["id"].split("/")[1]
        assert data["department"] == system.department
        assert one.event["source"].rpartition("/")[2] == system.department
        assert data.get("type", one.event["type"]) == one.event["type"]


@cache
def validator(kind):
    return jsonschema_rs.validator_for(
        json.loads((REPOSITORY / "docs" / "api" / "schemas" / f"{kind}.json").read_text("utf-8"))
    )


def test_every_message_follows_its_schema(system, everything):
    for one in system.wire.heard():
        validator(one.event["type"]).validate(one.event)


# ------------------------------------------------------------------ rules 5, 9 and 10


def test_rule_5_an_application_gets_one_word_on_acceptance_and_one_end(system, case_no):
    system.tell(system.application(case_no))
    system.says(case_no, "case.accepted")
    system.is_through()
    counted = Counter(one.event["type"] for one in system.of(case_no))
    assert counted["case.accepted"] == 1
    assert sum(counted[kind] for kind in ENDS) <= 1


def test_rule_5_a_withdrawn_case_ends_once(system, case_no):
    gone = m.ApplicationWithdrawn(case_no=case_no, department=system.department)
    system.tell(system.application(case_no), wrap(gone, id=f"intake/{case_no}/3", time=datetime.now(UTC)))
    eventually(lambda: system.of(case_no, *ENDS), seconds=PATIENCE, what="the end")
    system.is_through()
    assert len(system.of(case_no, *ENDS)) == 1


def test_rule_9_stops_come_in_pairs_and_moments_have_their_zone(system, everything):
    stops = Counter(one.event["data"]["stop_id"] for one in system.wire.heard() if "stop_id" in one.event["data"])
    assert set(stops.values()) <= {1, 2}
    assert all(datetime.fromisoformat(one.event["time"]).tzinfo for one in everything)
    assert all(datetime.fromisoformat(one.event["time"]) < datetime.now(UTC) + timedelta(minutes=10) for one in everything)  # fmt: skip


def test_rule_10_a_rating_is_noted_and_nothing_is_said(system, case_no):
    rated = m.ApplicationRated(case_no=case_no, department=system.department, code=5)
    system.tell(system.application(case_no))
    eventually(lambda: system.of(case_no, *ENDS), seconds=PATIENCE, what="the end")
    before = ids(system.of(case_no))
    system.tell(wrap(rated, id=f"intake/{case_no}/9", time=datetime.now(UTC)))
    system.is_through()
    assert ids(system.of(case_no)) == before


# ------------------------------------------------------------------ rules 6 and 7


def test_rule_6_what_it_asks_of_others_has_an_id_of_its_own(system, everything):
    asked = {one.event["data"]["request_id"] for one in system.wire.heard() if one.event["type"] == "collaboration.requested"}  # fmt: skip
    wanted = {one.event["id"] for one in system.wire.heard() if one.event["type"] == "collaboration.requested"}
    assert len(asked) == len(wanted)


def test_rule_7_a_task_is_reported_or_declined_for_a_reason(system, case_no):
    system.tell(system.task(case_no))
    eventually(lambda: system.of(case_no, "task.reported", "task.declined"), seconds=PATIENCE, what="the answer")
    (answer,) = system.of(case_no, "task.reported", "task.declined")
    data = answer.event["data"]
    assert (data["task_id"], data["collaboration_id"]) == (f"{case_no}-check-T1", f"{case_no}-check")
    assert data.get("opinion") or data["reason"]


def test_rule_7_a_forced_task_is_not_declined(system, case_no):
    system.tell(system.task(case_no, forced=True))
    system.says(case_no, "task.reported")
    assert not system.of(case_no, "task.declined")


def test_rule_7_a_recall_is_answered_with_having_stopped_even_after_a_report(system, case_no):
    system.tell(system.task(case_no), system.about_task(m.TaskRecalled, case_no, 3))
    stopped = system.says(case_no, "task.stopped")[-1]
    assert stopped.event["data"]["collaboration_id"] == f"{case_no}-check"


def test_rule_7_a_report_that_did_not_pass_is_made_again(system, case_no):
    system.tell(system.task(case_no), system.about_task(m.TaskReturned, case_no, 3))
    system.says(case_no, "task.reported", count=2)


@pytest.mark.parametrize("kind", [m.TaskUrged, m.TaskExtended, m.TaskSupplied], ids=m.type_of)
def test_rule_7_news_of_a_task_needs_no_answer(system, case_no, kind):
    system.tell(system.task(case_no), system.about_task(kind, case_no, 3))
    before = len(system.says(case_no, "task.reported"))
    system.is_through()
    assert len(system.of(case_no)) == before


# ------------------------------------------------------------------ rules 12 and 13


def test_rule_12_a_question_for_personal_fields_is_answered_with_them_sealed_or_with_why_not(system, case_no):
    system.tell(system.about_task(m.DisclosureRequested, case_no, 3, request_id=f"{case_no}-check"))
    (answer,) = system.says(case_no, "collaboration.disclosed")
    data = answer.event["data"]
    assert (data["request_id"], data["task_id"]) == (f"{case_no}-check", f"{case_no}-check-T1")
    assert data.get("sealed") or data["reason"]


def test_rule_13_evidence_is_taken_or_not_for_a_reason(system, case_no):
    offered = structs.replace(example(m.EvidenceOffered), case_no=case_no, department=system.department)
    system.tell(wrap(offered, id=f"governance/{case_no}-grid/1", time=datetime.now(UTC)))
    (answer,) = system.says(case_no, "case.evidence_taken")
    assert answer.event["data"]["evidence_id"] == offered.evidence_id
    assert answer.event["data"].get("taken", True) or answer.event["data"]["reason"]


# ------------------------------------------------------------------ rule 11


def test_rule_11_what_it_cannot_read_stops_nothing_and_is_set_aside(system, case_no):
    if not isinstance(system.wire, KafkaWire):
        pytest.skip("the mailbox keeps messages only")
    system.wire.tell_bytes("collaboration-tasks", b"no message")
    system.tell(system.task(case_no))
    system.says(case_no, "task.reported")
    eventually(lambda: [one for one in system.wire.heard() if one.topic == "dead-letters"], what="a dead letter")
