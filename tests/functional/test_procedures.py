"""特别程序 and 延长 in all three systems: what a case's limit stands for, and what its applicant is told of it."""

import json

import pytest
from liangwang.aggregates import APPLICATION, CASE
from liangwang.consuming import consume
from liangwang.domain import messages as m
from liangwang.domain.case_no import SHANGHAI
from liangwang.domain.errors import Forbidden, NotFound, NotNow
from liangwang.domain.history import Noted
from liangwang.fakes import Fault, kafka_event

from tests.functional.city import CALENDAR, OUTAGE, City


@pytest.fixture
def city():
    return City()


@pytest.fixture
def at_desk(city):
    """A food business licence that waits for a clerk; nobody else is asked."""
    number = city.apply("food-business-licence")
    city.pump()
    return number


def due(city, number, name="promised_at"):
    """What the applicant was told last, as intake knows it."""
    told = [
        one.message.due for one in city.state("intake", APPLICATION, number).progress if hasattr(one.message, "due")
    ]
    return getattr(told[-1], name).astimezone(SHANGHAI).date()


def moved(city, number, before, name="promised_at"):
    return CALENDAR.between(before, due(city, number, name))


def sentences(city, number):
    return [entry.text.zh for entry in city.follow(number).timeline]


def suspended(city, number, **settings):
    city.procedure("ask", number, **settings)
    ledger = city.procedure("approve", number)
    city.pump()
    return ledger


def working_days(city, count):
    """Lets so many working days pass, to the same time of day."""
    last = CALENDAR.after(city.now.astimezone(SHANGHAI).date(), count)
    city.later(days=(last - city.now.astimezone(SHANGHAI).date()).days)


def test_suspended_for_seven_working_days_it_is_due_exactly_seven_later_and_that_it_was_suspended_stays_visible(
    city, at_desk
):
    before = {name: due(city, at_desk, name) for name in ("promised_at", "statutory_at")}
    city.later(days=1)
    suspended(city, at_desk, words="现场核查")
    assert city.follow(at_desk).status == "suspended"
    working_days(city, 7)
    ledger = city.procedure("end", at_desk, words="符合条件")
    city.pump()
    assert [moved(city, at_desk, day, name) for name, day in before.items()] == [7, 7]
    assert city.follow(at_desk).status == "in_review"
    assert [(one.kind, one.state, one.lasted, one.result) for one in ledger.entries] == [
        ("inspection", "ended", 7, "符合条件")
    ]
    assert "（第四十五条）" in ledger.explanation.zh
    told = sentences(city, at_desk)
    assert any("时限中止：勘验" in one and "第四十五条" in one and "现场核查" in one for one in told)
    assert any("顺延7个工作日" in one and str(due(city, at_desk).day) in one for one in told)
    city.settle()
    assert city.endings(at_desk) == ("granted",) * 3
    assert any("时限中止：勘验" in one for one in sentences(city, at_desk))


def test_what_another_person_has_to_approve_waits_and_says_so(city, at_desk):
    ledger = city.procedure("ask", at_desk, subject="wang")
    assert (ledger.status, ledger.waiting) == ("in_review", (f"{at_desk}-T1",))
    with pytest.raises(Forbidden, match="yourself"):
        city.procedure("approve", at_desk, subject="wang")
    ledger = city.procedure("reject", at_desk, words="材料已足够")
    assert (ledger.status, ledger.waiting, ledger.entries[0].answer) == ("in_review", (), "材料已足够")


def test_the_same_request_again_makes_no_second_procedure(city, at_desk):
    city.aws.faults.append(Fault("PutItem", "lost"))
    with pytest.raises(OUTAGE):
        city.procedure("ask", at_desk, key="one")
    for _ in range(2):
        ledger = city.procedure("ask", at_desk, key="one")
    assert [one.procedure_id for one in ledger.entries] == [f"{at_desk}-T1"]
    for _ in range(2):
        ledger = city.procedure("approve", at_desk, key="two")
    assert [one.state for one in ledger.entries] == ["in_progress"]


def test_an_extension_moves_what_is_due_and_its_reasons_are_told(city, at_desk):
    before = due(city, at_desk, "statutory_at")
    city.procedure("ask", at_desk, kind="extension", days=6, words="案情复杂")
    city.procedure("approve", at_desk)
    city.pump()
    assert moved(city, at_desk, before, "statutory_at") == 6
    assert any("延长6个工作日" in one and "案情复杂" in one for one in sentences(city, at_desk))
    with pytest.raises(NotNow, match="extended already"):
        city.procedure("ask", at_desk, kind="extension")


def test_where_departments_decide_together_the_government_s_head_extends_and_sees_the_case_only_for_that(city):
    number = city.apply("gas-business", form={"storage": 30})
    city.pump()
    state = city.state("department", CASE, number)
    region = city.catalogue.organisation.department[state.department].region
    city.procedure("ask", number, kind="extension", days=15)
    ask = city.ask("head", role="supervisor", case_no=number, department=state.department)
    with pytest.raises(Forbidden, match="head of the government"):
        city.procedures.approve(ask._replace(path={"case_no": number, "procedure_id": f"{number}-T1"}))
    ledger = city.procedure("approve", number)
    assert ledger.entries[0].state == "granted"
    operator = ask._replace(caller=ask.by.__class__(subject="operator", role="operator", region=region))
    with pytest.raises(NotFound):
        city.procedures.ledger(operator)


def test_withdrawn_while_it_is_suspended_a_case_ends_everywhere_and_its_ledger_is_complete(city, at_desk):
    suspended(city, at_desk)
    city.later(days=2)
    city.withdraw(at_desk)
    city.pump()
    assert city.endings(at_desk) == ("withdrawn",) * 3
    state = city.state("department", CASE, at_desk)
    assert not state.clock.open_stops and state.clock.stops[0].result == m.CASE_ENDED
    with pytest.raises(NotNow):
        city.procedure("end", at_desk)
    assert city.state("intake", APPLICATION, at_desk).has_heard_all


def test_an_answer_that_comes_while_the_case_is_suspended_is_taken_in_and_waits(city):
    number = city.apply("food-business-licence", form={"area": 150, "gas_kitchen": False})
    city.pump()
    (task,) = city.open_tasks()
    suspended(city, number)
    city.do_task(task, "agree")
    city.pump()
    state = city.state("department", CASE, number)
    assert (state.status, len(state.conclusions), city.open_cases()) == ("suspended", 1, [])
    city.procedure("end", number)
    assert city.open_cases() == [number]


def test_a_late_external_answer_in_a_wrong_state_is_kept_as_a_note_and_flagged(city):
    number = city.apply("food-business-licence", form={"area": 150, "gas_kitchen": False})
    city.pump()
    (task,) = city.open_tasks()
    city.do_task(task, "agree")
    city.pump()
    suspended(city, number)
    before = city.state("department", CASE, number)
    (answer,) = city.producer.records("collaboration-results")
    document = json.loads(answer.value)
    document["id"] = document["id"].rpartition("/")[0] + "/99"
    late = answer._replace(value=json.dumps(document).encode())
    consume(kafka_event([late]), consumer="approval", store=city.stores["department"], route=city.department.route)
    note = city.history("department", CASE, number)[-1].event
    assert isinstance(note, Noted) and "nobody waits" in note.reason
    after = city.state("department", CASE, number)
    assert (after.status, after.clock, after.conclusions) == (before.status, before.clock, before.conclusions)


def test_the_time_other_departments_need_does_not_count_where_an_article_says_so(city):
    number = city.apply("outdoor-advertisement", form={"area": 30}, more=["structure-drawing"])
    city.pump()
    before = due(city, number)
    assert city.state("department", CASE, number).clock.open_stops[0].cause == "collaboration"
    assert city.follow(number).status != "suspended"
    working_days(city, 3)
    for task in city.open_tasks():
        city.do_task(task, "agree")
    city.pump()
    state = city.state("department", CASE, number)
    assert (state.status, state.clock.open_stops, state.clock.stopped) == ("in_review", (), 3)
    assert moved(city, number, before) == 3
    assert city.open_cases() == [number]


def test_withdrawn_while_others_are_asked_nothing_of_the_clock_is_left_open(city):
    number = city.apply("outdoor-advertisement", form={"area": 30}, more=["structure-drawing"])
    city.pump()
    city.withdraw(number)
    assert city.settle()
    state = city.state("department", CASE, number)
    assert (state.status, state.clock.open_stops) == ("withdrawn", ())
    notes = [one.event for one in city.history("department", CASE, number) if isinstance(one.event, Noted)]
    assert all("nobody waits" in note.reason for note in notes)
