"""Every function that a topic, a stream or a schedule triggers, through the handler that is deployed, from golden events."""

from collections import Counter

import pytest
from liangwang.aggregates import APPLICATION, CASE, COLLABORATION, DELIVERY, LEDGER, TASK, Key
from liangwang.audit_chain import read_anchor, read_block
from liangwang.domain import messages as m
from liangwang.domain.acceptance import withdraw
from liangwang.domain.history import Recorded
from liangwang.envelope import decode
from liangwang.fakes import Fault, kafka_event
from liangwang.store import Stored, read_item

from tests.functional.functions import Functions, golden
from tests.unit.samples import practice

NOTHING = {"batchItemFailures": []}


@pytest.fixture
def functions():
    return Functions()


def keys(functions, table, kind):
    names = [Key.parse(name) for name in functions.aws.dynamodb.tables.get(table, {})]
    return [key for key in names if key.kind == kind.name]


def states(functions, table, kind):
    return [stored.state for stored in functions.store(table).load(keys(functions, table, kind)).values()]


def types(functions, topic):
    return [decode(record.value).type for record in functions.producer.records(topic)]


def intake_knows(functions):
    """Fills intake's table with the items of its golden stream; what a real table holds when the stream tells of it."""
    items = functions.aws.dynamodb.tables.setdefault("intake", {})
    for record in golden("stream_intake")["Records"]:
        items[record["dynamodb"]["Keys"]["pk"]["S"]] = record["dynamodb"]["NewImage"]


# ------------------------------------------------------------------ topics


@pytest.mark.parametrize(
    ("name", "topic", "table", "kind", "count"),
    [
        ("acceptance", "applications", "department", CASE, 2),
        ("collaboration", "collaboration_requests", "governance", COLLABORATION, 1),
        ("assistance", "collaboration_tasks", "department", TASK, 2),
    ],
)
def test_a_batch_creates_what_it_is_about_once_however_often_it_comes(functions, name, topic, table, kind, count):
    for _ in range(3):
        assert functions.call(name, golden(f"kafka_{topic}")) == NOTHING
    assert len(keys(functions, table, kind)) == count
    assert len(functions.aws.dynamodb.streams[table]) == count, "nothing was written twice"


def test_reports_conclude_the_collaboration(functions):
    functions.call("collaboration", golden("kafka_collaboration_requests"))
    assert functions.call("collaboration", golden("kafka_collaboration_reports")) == NOTHING
    (event,) = states(functions, "governance", COLLABORATION)
    assert event.conclusion.conclusion == "agree"


def test_a_conclusion_lets_approval_go_on(functions):
    functions.call("acceptance", golden("kafka_applications"))
    assert {state.status for state in states(functions, "department", CASE)} == {"granted", "collaborating"}
    assert functions.call("approval", golden("kafka_collaboration_results")) == NOTHING
    assert {state.status for state in states(functions, "department", CASE)} == {"granted", "in_review"}


@pytest.mark.parametrize("topics", [("acceptances", "approvals"), ("approvals", "acceptances")])
def test_handback_tells_ledger_and_citizen_in_either_order(functions, topics):
    intake_knows(functions)
    for topic in topics:
        assert functions.call("handback", golden(f"kafka_{topic}")) == NOTHING
    assert {state.state for state in states(functions, "governance", LEDGER)} == {"granted", "in_review"}
    assert {state.status for state in states(functions, "intake", APPLICATION)} == {"granted", "in_review"}


def test_one_lost_call_to_intake_is_made_again_at_once(functions):
    intake_knows(functions)
    functions.outside.exchange().faults.append("refused")
    assert functions.call("handback", golden("kafka_acceptances")) == NOTHING
    assert "submitted" not in {state.status for state in states(functions, "intake", APPLICATION)}


def test_no_batch_waits_for_an_intake_that_cannot_be_reached(functions):
    intake_knows(functions)
    functions.outside.exchange().faults += ["refused"] * 3
    assert functions.call("handback", golden("kafka_acceptances")) == NOTHING
    assert {state.status for state in states(functions, "intake", APPLICATION)} == {"submitted"}
    kept = states(functions, "governance", DELIVERY)
    assert len(kept) == 2 and all(one.intake == "intake" and one.entries for one in kept)
    assert functions.call("handback", golden("schedule")) is None, "it is left alone for a while"
    assert [len(one.entries) for one in states(functions, "governance", DELIVERY)] == [len(one.entries) for one in kept]


def test_handback_sets_aside_what_intake_does_not_know(functions):
    assert functions.call("handback", golden("kafka_acceptances")) == NOTHING
    letters = [name for name in functions.aws.dynamodb.tables["governance"] if name.startswith("dead-letter#")]
    assert len(letters) == 2


@pytest.mark.parametrize("name", ["acceptance", "approval", "assistance", "collaboration", "handback"])
@pytest.mark.parametrize("topic", ["applications", "acceptances", "collaboration_tasks", "collaboration_results"])
def test_messages_that_concern_somebody_else_are_passed_over_without_harm(functions, name, topic):
    intake_knows(functions)
    assert functions.call(name, golden(f"kafka_{topic}")) == NOTHING


@pytest.mark.parametrize("name", ["acceptance", "approval", "assistance", "collaboration", "handback"])
def test_poison_is_set_aside_as_a_dead_letter_that_the_outbox_sends(functions, name):
    event = golden("kafka_applications")
    record = next(iter(event["records"].values()))[0]
    record["value"] = "bm90IGpzb24="
    assert functions.call(name, event) == NOTHING
    table = "governance" if name in ("collaboration", "handback") else "department"
    functions.call("publisher", functions.aws.dynamodb.event(table))
    (letter,) = functions.producer.records("dead-letters")
    assert decode(letter.value).data.value == record["value"]


# ------------------------------------------------------------------ streams and schedules


def test_the_stream_makes_the_relay_carry_the_cases_it_names(functions):
    intake_knows(functions)
    assert functions.call("relay", golden("stream_intake")) == NOTHING
    assert types(functions, "applications") == ["application.submitted"] * 2
    assert all(state.relayed for state in states(functions, "intake", APPLICATION))
    assert functions.call("relay", golden("stream_intake")) == NOTHING
    assert len(types(functions, "applications")) == 2, "what was acknowledged is not carried again"


def test_what_kafka_does_not_hold_stays_with_intake(functions):
    intake_knows(functions)
    functions.producer.faults += ["", "refused"]
    with pytest.raises(Exception, match="refused"):
        functions.call("relay", golden("stream_intake"))
    assert sorted(state.relayed for state in states(functions, "intake", APPLICATION)) == [0, 2]
    functions.call("relay", golden("stream_intake"))
    assert len(types(functions, "applications")) == 2


def test_an_acknowledgement_that_is_lost_only_makes_the_message_come_twice(functions):
    intake_knows(functions)
    functions.outside.exchange().faults += ["", "refused"]
    with pytest.raises(Exception, match="not reached"):
        functions.call("relay", golden("stream_intake"))
    functions.call("relay", golden("stream_intake"))
    sent = [decode(record.value).id for record in functions.producer.records("applications")]
    assert len(sent) == 4 and len(set(sent)) == 2


def test_the_schedule_makes_the_relay_carry_what_is_due(functions):
    intake_knows(functions)
    assert functions.call("relay", golden("schedule")) == NOTHING
    assert len(types(functions, "applications")) == 2


def test_the_ledger_knows_from_which_intake_a_case_is_before_kafka_holds_it(functions):
    intake_knows(functions)
    functions.producer.faults += ["refused", "refused"]
    with pytest.raises(Exception, match="refused"):
        functions.call("relay", golden("stream_intake"))
    entries = states(functions, "governance", LEDGER)
    assert [(one.state, one.intake) for one in entries] == [("carried", "intake")] * 2
    assert all(one.department and one.task_code and one.place for one in entries)
    functions.call("relay", golden("stream_intake"))
    assert len(types(functions, "applications")) == 2
    assert [one.version for one in states(functions, "governance", LEDGER)] == [1, 1], "carried again, entered once"


@pytest.mark.parametrize("kind", ["refused", "lost"])
def test_what_the_ledger_is_not_known_to_hold_is_not_sent_and_stops_no_other_case(functions, kind):
    intake_knows(functions)
    functions.aws.faults.append(Fault("PutItem", kind))
    with pytest.raises(Exception, match="as the test wishes"):
        functions.call("relay", golden("stream_intake"))
    assert len(types(functions, "applications")) == 1
    functions.call("relay", golden("stream_intake"))
    assert len(types(functions, "applications")) == 2
    assert [one.version for one in states(functions, "governance", LEDGER)] == [1, 1]


def test_the_publisher_sends_what_the_stream_tells(functions):
    assert functions.call("publisher", golden("stream_department")) == NOTHING
    assert sorted(types(functions, "acceptances")) == ["case.accepted"] * 2
    assert types(functions, "collaboration-requests") == ["collaboration.requested"]


def test_the_publisher_names_the_first_record_that_kafka_does_not_hold(functions):
    event = golden("stream_department")
    functions.producer.faults.append("refused")
    first = event["Records"][0]["dynamodb"]["SequenceNumber"]
    assert functions.call("publisher", event) == {"batchItemFailures": [{"itemIdentifier": first}]}


@pytest.mark.parametrize("table", ["governance", "department"])
def test_supervision_has_nothing_to_do_where_nobody_waits(functions, table):
    assert functions.call("supervision", golden("schedule"), table=table) is None


def test_a_withdrawn_case_is_cancelled_again_until_the_centre_confirms(functions):
    images = [record["dynamodb"]["NewImage"] for record in golden("stream_department")["Records"]]
    for stored in (read_item(image) for image in images if image["pk"]["S"].startswith("case#")):
        wish = m.ApplicationWithdrawn(case_no=stored.key.id, department=stored.state.department)
        at = stored.history[-1].at
        ending = [Recorded(at, "withdrawn", one) for one in withdraw(stored.state, wish, on=practice(), now=at)]
        ended = Stored(stored.key, (*stored.history, *ending))
        assert functions.store("department").save([(Stored(stored.key), ended)]) == [None]
    written = len(functions.aws.dynamodb.streams["department"])
    functions.call("supervision", golden("schedule"), table="department")
    functions.call("publisher", functions.aws.dynamodb.event("department", start=written))
    assert types(functions, "collaboration-requests") == ["collaboration.requested", "collaboration.cancelled"]
    assert decode(functions.producer.records("collaboration-requests")[-1].value).round > 0


def test_a_write_that_fails_is_reported_record_by_record(functions):
    functions.aws.faults += [Fault("PutItem")] * 2
    event = golden("kafka_applications")
    failures = functions.call("acceptance", event)["batchItemFailures"]
    reported = {(one["itemIdentifier"]["partition"], one["itemIdentifier"]["offset"]) for one in failures}
    assert reported == {(place, one["offset"]) for place, records in event["records"].items() for one in records}


def test_the_fakes_make_kafka_events_of_the_golden_shape(functions):
    functions.producer.append("applications", "key", b"value")
    ((place, (record,)),) = kafka_event(functions.producer.records("applications"))["records"].items()
    ((_, (first, *_)), *_) = golden("kafka_applications")["records"].items()
    assert place.startswith("applications-") and record.keys() == first.keys()


# ------------------------------------------------------------------ the audit trail


def audited(functions):
    """How many records the trail has, by what happened."""
    found = Counter()
    for item in functions.aws.dynamodb.tables.get("audit", {}).values():
        if item["pk"]["S"] != "anchor":
            found.update(record.type for record in read_block(item).records)
    return found


def test_what_departments_write_is_in_the_trail_once_however_often_the_stream_brings_it(functions):
    for _ in range(2):
        assert functions.call("audit", golden("stream_department")) == NOTHING
    assert audited(functions)["case.accepted"] == 2
    assert max(audited(functions).values()) == 2


def test_what_happens_in_intake_is_in_the_trail_once(functions):
    for _ in range(2):
        assert functions.call("followup", golden("stream_intake")) == NOTHING
    assert audited(functions)["application.submitted"] == 2


def test_a_dead_letter_that_is_played_again_has_no_second_record(functions):
    event = golden("kafka_applications")
    record = next(iter(event["records"].values()))[0]
    record["value"] = "bm90IGpzb24="
    for _ in range(2):
        functions.call("acceptance", event)
    functions.call("audit", functions.aws.dynamodb.event("department"))
    before = audited(functions)
    assert before["dead_letter"] == 1
    functions.call("publisher", functions.aws.dynamodb.event("department"))
    for letter in functions.producer.records("dead-letters"):  # an operator mends it and sends it once more
        record["value"] = decode(letter.value).data.value
    functions.call("acceptance", event)
    functions.call("audit", functions.aws.dynamodb.event("department"))
    assert audited(functions) == before


def test_the_schedule_signs_where_the_trail_stands(functions):
    functions.call("audit", golden("stream_department"))
    for _ in range(2):
        assert functions.call("audit", golden("schedule")) == NOTHING
    anchors = [item for item in functions.aws.dynamodb.tables["audit"].values() if item["pk"]["S"] == "anchor"]
    assert len(anchors) == 1
    assert read_anchor(anchors[0]["token"]["S"]).heads


def test_what_no_function_does_to_an_item_rings(functions, capfd):
    event = golden("stream_department")
    event["Records"][0]["dynamodb"]["NewImage"]["body"]["B"] = "bm8gYm9keQ=="
    functions.call("audit", event)
    assert '"anomalies":1' in capfd.readouterr().out
    assert audited(functions)["unreadable"] == 1


def test_no_function_on_a_case_s_way_waits_for_the_trail(functions):
    functions.call("acceptance", golden("kafka_applications"))
    assert "audit" not in functions.aws.dynamodb.tables
