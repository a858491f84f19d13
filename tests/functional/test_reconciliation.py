"""Reconciliation: what differs between an intake and the centre is found, healed, and then gone from the list."""

import itertools
import json
from datetime import timedelta

import msgspec
import pytest
from liangwang.aggregates import APPLICATION, COLLABORATION, DIFFERENCE, LEDGER, RECONCILIATION
from liangwang.exchange import CasePage
from liangwang.fakes import Fault
from liangwang.services.reconciler import Reconciler

from tests.functional.citizens import Citizens
from tests.functional.city import CALENDAR, City
from tests.functional.test_several_intakes import Broken, Towns

PERMIT = "food-business-licence"


@pytest.fixture
def city():
    return City()


def newest(city):
    return city.state("governance", RECONCILIATION, "newest")


def found(city):
    """What is open, by case."""
    return {key.id: one for key, one in city.states("governance", DIFFERENCE) if one.healed_at is None}


def reconcile(city, *, later=61):
    city.later(minutes=later)
    city.sweep("reconciliation")
    return found(city)


def forget(city, system, kind, number):
    """An item is gone, as after a table was restored to a moment before."""
    return city.aws.dynamodb.tables[system].pop(f"{kind.name}#{number}")


def clerks_case(city):
    """A case that waits for a clerk, known everywhere."""
    number = city.apply(PERMIT, form={"area": 80})
    city.pump()
    return number


# ------------------------------------------------------------------ what is found, and what heals it


def test_what_is_as_it_should_be_is_looked_at_and_nothing_is_found(city):
    clerks_case(city)
    assert reconcile(city) == {}
    run = newest(city)
    assert (run.looked_at, run.found, run.by) == (1, 0, "schedule") and run.ended_at is not None


def test_what_has_only_just_happened_is_no_difference(city):
    city.apply(PERMIT)
    assert reconcile(city, later=1) == {}


def test_a_case_that_nobody_carried_is_carried(city):
    number = city.apply(PERMIT)
    city.stream("intake", lose=True)
    difference = reconcile(city)[number]
    assert (difference.kind, difference.remedy, difference.tries) == ("unpublished", "republish", 1)
    city.pump()
    assert city.state("governance", LEDGER, number).intake == "intake"
    assert reconcile(city) == {}


def test_a_case_that_the_ledger_lost_is_asked_about_until_the_ledger_has_all_of_it_again(city):
    number = clerks_case(city)
    before = city.state("governance", LEDGER, number)
    forget(city, "governance", LEDGER, number)
    assert reconcile(city)[number].kind == "lost"
    city.pump()
    after = city.state("governance", LEDGER, number)
    assert (after.state, after.sequence, after.intake) == (before.state, before.sequence, "intake")
    assert reconcile(city) == {}


def test_news_that_intake_lost_are_said_again_by_the_department(city):
    number = city.apply(PERMIT, form={"area": 80})
    city.stream("intake")
    before = city.aws.dynamodb.tables["intake"][f"application#{number}"]
    city.pump()
    city.aws.dynamodb.tables["intake"][f"application#{number}"] = before
    difference = reconcile(city)[number]
    assert (difference.kind, difference.remedy) == ("behind", "ask") and difference.sequences
    city.pump()
    assert city.state("intake", APPLICATION, number).status == "in_review"
    assert reconcile(city) == {}


def test_news_that_are_kept_for_an_intake_wait_to_be_delivered_and_are_not_asked_for(city):
    number = city.apply(PERMIT, form={"area": 80})
    city.stream("intake")
    city.exchange.faults = ["refused"] * 100
    city.pump()
    city.exchange.faults = []
    sent = len(city.producer.records("applications"))
    difference = reconcile(city)[number]
    assert (difference.kind, difference.remedy) == ("behind", "redeliver")
    assert len(city.producer.records("applications")) == sent
    city.sweep("redelivery")
    assert city.state("intake", APPLICATION, number).status == "in_review"
    assert reconcile(city) == {}


def test_news_that_the_ledger_lost_but_intake_has_are_said_again(city):
    number = city.apply(PERMIT, form={"area": 80})
    city.stream("intake")
    before = city.aws.dynamodb.tables["governance"][f"ledger#{number}"]
    city.pump()
    city.aws.dynamodb.tables["governance"][f"ledger#{number}"] = before
    assert reconcile(city)[number].kind == "ahead"
    city.pump()
    assert city.state("governance", LEDGER, number).state == "in_review"
    assert reconcile(city) == {}


def test_a_department_that_never_says_a_word_is_silent_only_after_the_days_that_it_has(city):
    number = city.apply(PERMIT)
    city.stream("intake")
    city.wipe_broker()
    assert reconcile(city) == {}
    silent_from = CALENDAR.limit(city.now, 5) + timedelta(minutes=16)
    city.now = max(city.now, silent_from)
    assert reconcile(city)[number].kind == "silent"
    city.pump()
    assert city.state("governance", LEDGER, number).state != "carried"
    assert reconcile(city) == {}


def collaborating(city):
    number = city.apply(PERMIT, form={"area": 150, "gas_kitchen": False})
    city.pump()
    assert city.state("governance", LEDGER, number).state == "collaborating"
    return number


def test_a_conclusion_that_the_requester_never_heard_is_said_again(city):
    number = collaborating(city)
    for task in city.open_tasks():
        city.do_task(task, "agree")
    city.stream("department")
    for partition in range(4):
        city.kafka("collaboration-reports", partition)
    city.stream("governance", lose=True)  # the conclusion
    city.pump()
    assert all(state.conclusion for _, state in city.states("governance", COLLABORATION))
    assert city.state("governance", LEDGER, number).state == "collaborating"
    difference = reconcile(city)[number]
    assert (difference.kind, difference.remedy) == ("stuck", "republish")
    city.pump()
    assert city.state("governance", LEDGER, number).state != "collaborating"
    assert reconcile(city) == {}


def test_a_collaboration_that_the_centre_lost_is_asked_for_again(city):
    number = collaborating(city)
    ((key, _),) = city.states("governance", COLLABORATION)
    forget(city, "governance", COLLABORATION, key.id)
    difference = reconcile(city)[number]
    assert (difference.kind, difference.remedy) == ("stuck", "ask")
    city.pump()
    assert [one.id for one, _ in city.states("governance", COLLABORATION)] == [key.id]


def test_a_collaboration_within_its_limit_is_no_difference(city):
    collaborating(city)
    assert reconcile(city) == {}


# ------------------------------------------------------------------ until it is healed


def test_what_does_not_heal_is_tried_at_growing_intervals_and_stays_listed(city):
    number = clerks_case(city)
    forget(city, "governance", LEDGER, number)
    tries = []
    for _ in range(8):
        reconcile(city)  # and Kafka never gets anything
        city.wipe_broker()
        city.aws.dynamodb.tables["governance"].pop(f"ledger#{number}", None)
        tries.append(found(city)[number].tries)
    assert tries[0] == 1 and tries == sorted(tries) and tries[-1] < 8
    assert len({found(city)[number].since}) == 1


def test_a_case_that_ended_meanwhile_is_taken_off_the_list(city):
    number = city.apply("elderly-card")
    city.stream("intake", lose=True)
    assert reconcile(city)[number].kind == "unpublished"
    city.pump()
    assert city.state("intake", APPLICATION, number).is_terminal
    assert reconcile(city) == {}


# ------------------------------------------------------------------ a run


def page_of_one(city):
    for name in city.gates.names:
        city.gates.exchange(name).page = 1


def test_a_run_that_died_is_gone_on_with_where_it_was(city):
    numbers = [city.apply(PERMIT, form={"area": 80}, key=str(number)) for number in range(5)]
    city.pump()
    page_of_one(city)
    asked = []
    honest = city.exchange.cases

    def cases(names=(), *, cursor=""):
        if len(asked) == 4:
            asked.append("death")
            raise SystemExit
        asked.append(cursor)
        return honest(names, cursor=cursor)

    city.exchange.cases = cases
    city.later(minutes=61)
    with pytest.raises(SystemExit):
        city.reconciler.run({"reconcile": True})
    cursors = newest(city).cursors
    city.sweep("reconciliation")
    assert newest(city).lease, "whoever died has it in hand for a while"
    city.later(minutes=3)
    city.sweep("reconciliation")
    assert asked[5] == cursors["intake"], "nothing is looked at from the beginning"
    assert newest(city).ended_at is not None
    assert newest(city).looked_at == len(numbers)


def test_two_runs_never_go_on_at_once(city):
    clerks_case(city)
    city.later(minutes=61)
    honest, entered = city.exchange.cases, []

    def cases(names=(), *, cursor=""):
        if not entered:
            entered.append(True)
            city.reconciler.run({"reconcile": True})  # another invocation, meanwhile
            assert newest(city).looked_at == 0
        return honest(names, cursor=cursor)

    city.exchange.cases = cases
    city.sweep("reconciliation")
    assert entered and newest(city).looked_at == 1 and newest(city).ended_at is not None


def test_it_begins_no_other_before_it_is_time(city):
    reconcile(city)
    first = newest(city).run
    reconcile(city, later=30)
    assert newest(city).run == first
    reconcile(city, later=31)
    assert newest(city).run > first


def test_what_cannot_be_written_is_found_again(city):
    number = city.apply(PERMIT)
    city.stream("intake", lose=True)
    city.later(minutes=61)
    for _ in range(6):
        city.aws.faults.append(Fault("PutItem"))
        city.sweep("reconciliation")
        city.later(minutes=3)
    city.aws.faults.clear()
    for _ in range(2):
        city.sweep("reconciliation")
        city.later(minutes=61)
    city.pump()
    assert city.state("governance", LEDGER, number).intake == "intake" and reconcile(city) == {}


# ------------------------------------------------------------------ several intakes


def test_an_intake_that_cannot_be_read_is_said_to_be_so_and_the_others_are_read():
    city = Towns(town=Broken(b"<html>"))
    reads_again(city)
    number = city.apply(PERMIT)
    city.stream("intake", lose=True)
    assert list(reconcile(city)) == [number]
    assert list(newest(city).unread) == ["town"]


def test_an_intake_whose_pages_never_end_has_its_turn_and_no_more():
    pages = itertools.count()

    def endless(method, target, body):
        return json.dumps({"cases": [], "cursor": str(next(pages))}).encode()

    city = Towns(town=Broken(endless))
    reads_again(city, ticks=iter(range(0, 1000, 2)).__next__)
    number = city.apply(PERMIT)
    city.stream("intake", lose=True)
    city.later(minutes=61)
    for _ in range(6):
        city.sweep("reconciliation")
    assert list(found(city)) == [number], "our own intake's cases were looked at"
    assert newest(city).ended_at is None and newest(city).intakes == ("town",)


def reads_again(city, **settings):
    """The city's reconciliation over the gates that the test has put in place."""
    city.reconciler = Reconciler(
        city.stores["governance"],
        city.gates,
        city.relay,
        CALENDAR,
        tolerance=timedelta(minutes=15),
        clock=city.clock,
        **settings,
    )


# ------------------------------------------------------------------ over HTTP

ABOVE = {"subject": "operator-990100", "role": "operator", "region": "990100"}
DISTRICT = {**ABOVE, "region": "990101"}
ELSEWHERE = {**ABOVE, "region": "990102"}


@pytest.fixture(scope="module")
def functions():
    return Citizens()


@pytest.fixture(scope="module")
def number(functions):
    number = functions.apply()
    functions.call("relay", functions.aws.dynamodb.event("intake"))
    return number


def test_the_city_s_operators_ask_for_a_run_see_it_under_way_and_what_it_found(functions, number):
    status, asked = functions.ask("reconciliation", "POST /api/reconciliation", ABOVE)
    assert (status, asked["by"], asked["intakes_left"]) == (202, "operator-990100", ["intake"])
    status, again = functions.ask("reconciliation", "POST /api/reconciliation", {**ABOVE, "subject": "another"})
    assert again == asked, "one at a time"
    assert functions.call("relay", {"reconcile": True}) is None
    status, view = functions.ask("reconciliation", "GET /api/reconciliation", ABOVE)
    assert status == 200 and view["run"]["ended_at"] and view["run"]["looked_at"] >= 1
    assert view["differences"] == []


def test_only_the_city_s_centre_reconciles(functions):
    for caller in (DISTRICT, ELSEWHERE):
        for route in ("POST /api/reconciliation", "GET /api/reconciliation"):
            assert functions.ask("reconciliation", route, caller)[0] == 404


def test_operators_of_the_place_see_where_a_case_is_and_what_it_waits_for(functions, number):
    route = "GET /api/ledger/{case_no}"
    for caller in (ABOVE, DISTRICT):
        status, view = functions.ask("reconciliation", route, caller, case_no=number)
        assert status == 200, view
        assert (view["intake"], view["state"], view["undelivered"]) == ("intake", "carried", 0)
        assert [one["waits"] for one in view["waits_for"]] == ["acceptance"]
        assert view["waits_for"][0]["departments"] == [view["department"]]
        assert view["waits_for"][0]["text"]["en"].startswith("waits for")
        assert view["timeline"][0]["event"] == "ledger.carried"
    status, problem = functions.ask("reconciliation", route, ELSEWHERE, case_no=number)
    assert status == 404
    unknown = functions.ask("reconciliation", route, ELSEWHERE, case_no="20270301-990101001-000000000000-0")
    assert unknown[0] == 404 and unknown[1]["type"] == problem["type"]


SYSTEM = {"subject": "governance", "role": "system"}


def test_intake_s_open_cases_come_in_pages_each_case_once(functions):
    expected = {functions.apply() for _ in range(7)}
    cursor, seen = "", []
    for _ in range(60):
        query = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        status, page = functions.ask("exchange", "GET /exchange/cases", SYSTEM, query=query)
        assert status == 200 and len(page["cases"]) <= 2
        seen += [one["case_no"] for one in page["cases"]]
        cursor = page["cursor"]
        if not cursor:
            break
    assert len(seen) == len(set(seen)) and expected <= set(seen)


def test_named_cases_come_whether_open_or_ended_and_unknown_ones_do_not(functions):
    ended = functions.closed()
    query = {"case_no": f"{ended},20270301-990101001-000000000000-0"}
    status, page = functions.ask("exchange", "GET /exchange/cases", SYSTEM, query=query)
    ((one,), cursor) = page["cases"], page["cursor"]
    assert (status, cursor, one["case_no"], one["status"]) == (200, "", ended, "granted")
    assert one["heard"] == [1, 2] and one["said"] >= 2


@pytest.mark.parametrize("cursor", ["9.", "x", "-1.", "0.nonsense", "12345."])
def test_a_cursor_that_was_not_given_is_refused(functions, cursor):
    status, problem = functions.ask("exchange", "GET /exchange/cases", SYSTEM, query={"cursor": cursor})
    assert (status, problem["errors"][0]["field"]) == (422, "cursor")


def test_the_centre_reads_a_page_as_intake_writes_it(functions):
    answer = functions.ask("exchange", "GET /exchange/cases", SYSTEM, query={"limit": "1"})[1]
    assert msgspec.convert(answer, CasePage).cases
