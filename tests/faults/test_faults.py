"""Promise 1 under faults: every application that was acknowledged ends once, in all three systems alike.

Each test has a city of its own, because it breaks it. Systems ask again after two seconds here, after minutes on AWS.
"""

import threading
from datetime import UTC, datetime

import pytest

from local import audit, audit_evidence, demo
from tests.city import city
from tests.waiting import eventually

LINES = (
    ("elderly-card", {}),
    ("individual-business-registration", {"premises_kind": "home"}),
    ("food-business-licence", {"area": 300}),
)


@pytest.fixture
def fragile(tmp_path):
    with city(tmp_path, ask_again_seconds=2, schedule_seconds=0.5) as running:
        yield running
        running.await_reconciled()


def applied(city):
    """The applications that intake holds, by the citizens' own lists."""
    people = {wish.citizen for wish in city.lot(60, *LINES)}
    return [case["case_no"] for one in people for case in city.api.get(one, "/api/applications", limit=100)["cases"]]


def unaudited(city):
    """The events of all cases that the audit trail does not have."""
    office = audit.office_of(city.stack)
    known = {record.id for record in audit_evidence.read_table(office.aws, office.table).records}
    held = {"intake": [], "governance": [], "department": []}
    for one in city.tables.cases(applied(city)):
        held["intake"] += [one.application]
        held["governance"] += [one.ledger, *one.collaborations]
        held["department"] += [one.case, *one.tasks]
    return [
        name
        for system, items in held.items()
        for stored in items
        for version in range(1, stored.version + 1)
        if (name := f"{system}/{stored.key.kind}/{stored.key.id}/{version}") not in known
    ]


def audit_findings(city):
    office = audit.office_of(city.stack)
    evidence = audit_evidence.read_table(office.aws, office.table)
    report = audit.check(evidence, audit.key_of(office), now=datetime.now(UTC))
    return report.findings + audit_evidence.compare(evidence, office.stores).findings


@pytest.mark.timeout(180)
@pytest.mark.parametrize("victim", ["broker", "runner", "gateway"])
def test_cases_in_flight_finish_after_a_process_is_killed(fragile, victim):
    reports = []
    lot = fragile.lot(60, *LINES)
    play = threading.Thread(target=lambda: reports.append(demo.play(fragile.stack, lot, moods=False)))
    play.start()
    eventually(lambda: len(applied(fragile)) >= 15, what="some cases to be in flight")
    dead = fragile.stack.kill(victim)
    fragile.stack.await_restart(victim, dead)
    play.join()
    (report,) = reports
    assert report.is_clean, report
    assert sum(report.outcomes.values()) == 60
    eventually(lambda: not unaudited(fragile), what="every event to be in the audit trail")
    assert audit_findings(fragile) == ()


@pytest.mark.timeout(180)
def test_messages_that_died_with_the_broker_are_said_again(fragile):
    """Nobody consumes while the runner is held; what Kafka acknowledged is gone when the broker comes back empty."""
    wish = fragile.wish("elderly-card")
    first = [fragile.apply(wish) for _ in range(5)]
    for case_no in first:
        fragile.await_status(case_no, "granted")
    dead = fragile.stack.kill("broker")
    second = [fragile.apply(wish) for _ in range(5)]
    fragile.stack.await_restart("broker", dead)
    for case_no in second:
        fragile.await_status(case_no, "granted")
    eventually(
        lambda: all(one.outcome == "granted" and not one.doubles() for one in fragile.tables.cases(first + second)),
        what="all three systems to agree",
    )
