"""A year of supervision in seconds: the clock is set by hand, and somebody slow counts along, day by day.

The slow one knows nothing of moments, indexes and sweeps. It looks at every case at the end of every day, as a diligent
person would, and writes down what must have been said by then.
"""

import json
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from liangwang import working_calendar
from liangwang.aggregates import CASE, Key
from liangwang.catalogue import load_supervision
from liangwang.domain import acceptance, approval, procedures
from liangwang.domain import messages as m
from liangwang.domain.approval import CompleteStep
from liangwang.domain.case import StepAssigned
from liangwang.domain.catalogue import Catalogue, Step
from liangwang.domain.officers import Officer
from liangwang.domain.patience import Patience
from liangwang.domain.supervision_rule import Watch
from liangwang.fakes import FakeAws, Fault
from liangwang.processing import Command, perform
from liangwang.services.department import Department
from liangwang.services.supervision import PAGE, PAGES, Supervision, of_cases
from liangwang.store import Store

from tests.unit.samples import CITY, evaluate, item, submitted

CATALOGUE = Path(__file__).parents[2] / "layers" / "catalogue"
CALENDAR = working_calendar.load(CATALOGUE)
RULES = load_supervision(CATALOGUE)
BEGIN = datetime(2025, 1, 6, 2, 0, tzinfo=UTC)
END = BEGIN + timedelta(days=365)
TABLE = "department"
ITEM = item(
    task_code="licence", steps=(Step("handle", "clerk"), Step("approve", "clerk")), promised=item().promised, kind=2
)


class EasyRules:
    """Evaluates no CEL: the item has no rules."""

    evaluate = staticmethod(evaluate)


class Office:
    """One department's table, its sweep, and a clock that is set by hand."""

    def __init__(self):
        self.now = BEGIN
        self.known = {}  # cases as people left them
        self.aws = FakeAws()
        self.store = Store(self.aws, TABLE, patience=Patience(), writers=1)
        self.department = Department(Catalogue.of([ITEM], CITY), EasyRules(), CALENDAR)
        self.wakers = {CASE.name: of_cases(self.department, Watch(RULES, CITY))}

    def sweep(self, *, at=None):
        """One run of the schedule, by a machine whose clock says this."""
        when = at or self.now
        Supervision(self.store, self.wakers, clock=lambda: when).sweep({})

    def open(self, number):
        """A case that was accepted and waits for its first officer."""
        on = self.department.practice(submitted())
        wish = submitted(case_no=number)
        self.act(number, lambda state, now: acceptance.receive(state, wish, on=on, now=now))

    def act(self, number, decide):
        """Something happens to a case now."""
        command = Command(Key(CASE.name, number), f"{number}/{self.now}/{random.random()}", decide)
        self.known[number] = perform(self.store, [command], self.now)[0].stored().state

    def state(self, number):
        """The case as it is."""
        key = Key(CASE.name, number)
        return self.store.load([key])[key].state

    def said(self, number):
        """What supervision has said of a case."""
        return self.state(number).supervised


class Plan:
    """What happens to one case in the year, drawn by lot: claimed, stopped for a while, finished or left lying."""

    def __init__(self, chance, number):
        self.number = number
        self.opened = BEGIN + timedelta(days=chance.randrange(300), hours=chance.randrange(7))
        self.claimed = chance.choice([None, self.opened + timedelta(days=1)])
        self.stopped = chance.choice([None, None, self.opened + timedelta(days=chance.randrange(1, 12), minutes=7)])
        self.resumed = self.stopped and self.stopped + timedelta(days=chance.randrange(1, 25))
        self.done = chance.choice([None, self.opened + timedelta(days=chance.randrange(1, 45), minutes=11)])
        self.answered = chance.choice([None, self.opened + timedelta(days=32, minutes=13)])

    def acts(self, office):
        """(when, what) in order."""
        on = office.department.practice(submitted())
        number = self.number
        told = {"cause": "hearing", "basis": "45", "approver": "head", "until": None, "reason": "", "on": on}

        def complete(step, clerk):
            wish = CompleteStep(step=step, opinion="agree")
            officer = Officer(name=clerk, role="clerk")
            return lambda state, now: approval.complete_step(state, wish, officer=officer, on=on, now=now)

        found = [(self.opened, lambda: office.open(number))]
        if self.claimed:
            given = StepAssigned(step="handle", officer="officer-1", by="officer-1")
            found.append((self.claimed, lambda: office.act(number, lambda state, now: [given])))
        if self.stopped and (not self.done or self.resumed < self.done):
            stop = lambda state, now: [procedures.stop(state, stop_id="1", now=now, **told)]  # noqa: E731
            go_on = lambda state, now: [procedures.resume(state, "1", "held", on, now)]  # noqa: E731
            found += [
                (self.stopped, lambda: office.act(number, stop)),
                (self.resumed, lambda: office.act(number, go_on)),
            ]
        if self.done:
            found.append((self.done, lambda: office.act(number, complete("handle", "officer-1"))))
            found.append((self.done, lambda: office.act(number, complete("approve", "officer-2"))))
        if self.answered and not self.done:
            answer = m.OrderAnswered(case_no=number, department="EAST-MARKET", order="JD-06", by="head", result="soon")
            found.append((self.answered, lambda: office.act(number, lambda state, now: [answer])))
        return found


class Diligent:
    """Looks at one case at the end of every day, and writes down what must have been said by then."""

    LINE = ("EAST-MARKET", "D1", "C")

    def __init__(self):
        self.said = []
        self.light = ""
        self.next = {}

    def look(self, day, state):
        """``state`` is the case as it was when the offices closed."""
        if state is None or state.clock is None:
            return
        closing = CALENDAR.end_of(day)
        if state.is_terminal:
            return
        due, runs = state.clock.due, state.clock.standing_since is None
        if runs:
            self._lights(closing, due)
        self._repeat(day, closing, runs, answered=bool(state.answered))

    def _lights(self, closing, due):
        order = ["", "yellow", "red", "overdue", "over the law"]
        lit = None  # of several lights on one day the last one counts
        for light, at in (
            ("yellow", due.yellow_at),
            ("red", due.red_at),
            ("overdue", due.promised_at),
            ("over the law", due.statutory_at),
        ):
            if at <= closing and order.index(self.light) < order.index(light):
                self.light = light
                day = at.astimezone(UTC).date()
                number = {"yellow": "JD-01", "red": "JD-02", "overdue": "JD-04"}.get(light)
                lit = (number, "light", day) if number else lit
                begun = {"red": "JD-03", "overdue": "JD-05", "over the law": "JD-06"}.get(light)
                if begun:
                    self.next[begun] = (day, 0)
        self.said += [lit] if lit else []

    def _repeat(self, day, closing, runs, *, answered):
        every = {"JD-03": 2, "JD-05": 2, "JD-06": 3}
        for rule, (following, times) in list(self.next.items()):
            goes_on = (runs or rule == "JD-06") and not (rule == "JD-06" and times and answered)
            if not goes_on or CALENDAR.end_of(following) > closing:
                continue
            if rule == "JD-03":  # an urge that fell into a stop comes once, for the last time it was due
                while (later := CALENDAR.after(following, 2)) and CALENDAR.end_of(later) <= closing:
                    following = later
                self.said.append((rule, "urge", following))
            else:
                stage = "order" if rule == "JD-06" and times == 0 else "escalate"
                self.said.append((rule, stage, self.LINE[times], following))
            if times == (9 if rule == "JD-03" else 2):
                del self.next[rule]
            else:
                self.next[rule] = (CALENDAR.after(following, every[rule]), times + 1)
                if rule != "JD-03" and CALENDAR.end_of(self.next[rule][0]) <= closing:
                    self._repeat(day, closing, runs, answered=answered)


def shown(said):
    """What was said, as the diligent one writes it."""
    return sorted(
        str(
            (one.rule, one.stage, one.unit, one.at.date())
            if one.stage in ("order", "escalate")
            else (one.rule, one.stage, one.at.date())
        )
        for one in said
    )


def year(office, plans, *, sweeps=1, look=None):
    """Lives through the year: what people do when they do it, the sweep when offices have closed."""
    todo = sorted(
        ((when, number, act) for plan in plans for number, (when, act) in enumerate(plan.acts(office))),
        key=lambda one: (one[0], one[1]),
    )
    day = BEGIN.date()
    while day < END.date():
        closing = CALENDAR.end_of(day)
        while todo and todo[0][0] < closing:
            when, _, act = todo.pop(0)
            office.now = when
            act()
        office.now = closing + timedelta(seconds=1)
        if look:
            look(day)
        for _ in range(sweeps):
            office.sweep()
        day += timedelta(days=1)


def drawn(count, seed=7):
    """Cases with their plans."""
    chance = random.Random(seed)
    return [Plan(chance, f"20250106-{number:06d}-AAAAAAAAAAAA-A") for number in range(count)]


def test_a_year_of_three_hundred_cases_is_what_somebody_diligent_would_have_written_down():
    office, plans = Office(), drawn(300)
    diligent = {plan.number: Diligent() for plan in plans}

    def look(day):
        for number, state in office.known.items():
            diligent[number].look(day, state)

    year(office, plans, sweeps=2, look=look)
    stages = Counter()
    for plan in plans:
        said = office.said(plan.number)
        assert shown(said) == sorted(str(one) for one in diligent[plan.number].said), plan.number
        stages.update(one.stage for one in said)
    assert all(stages[stage] > 20 for stage in ("light", "urge", "escalate", "order")), stages


def test_reads_and_writes_go_with_what_happens_and_not_with_time():
    office, plans = Office(), drawn(40)
    year(office, plans)
    calls = Counter(operation for _, operation, _ in office.aws.calls)
    acts = sum(len(plan.acts(office)) for plan in plans)
    woken = calls["PutItem"] - acts
    assert woken <= sum(len(office.said(plan.number)) for plan in plans)
    quiet = Office()
    year(quiet, [])
    nothing = Counter(operation for _, operation, _ in quiet.aws.calls)
    assert nothing == {"Query": 365 * 8}, "eight shards a sweep, and nothing else"
    assert calls["Query"] == nothing["Query"]
    assert calls["BatchGetItem"] <= acts + woken


# ------------------------------------------------------------------ sweeps that meet, die, come late, or have a wrong clock


def late_case(office, number="20250106-000001-AAAAAAAAAAAA-A", days=60):
    """A case that nobody has touched for so long."""
    office.now = BEGIN
    office.open(number)
    office.now = BEGIN + timedelta(days=days)
    return number


def test_two_sweeps_at_the_same_time_say_everything_once():
    alone, together = Office(), Office()
    late_case(alone)
    alone.sweep()
    number = late_case(together)
    key = Key(CASE.name, number)
    inner, interrupted = together.aws.call, []

    def other_first(service, operation, request):
        if operation == "PutItem" and not interrupted:
            interrupted.append(True)
            together.sweep(at=together.now + timedelta(milliseconds=3))
        return inner(service, operation, request)

    together.aws.call = other_first
    together.sweep()
    assert interrupted
    assert shown(together.said(number)) == shown(alone.said(number))
    assert together.store.load([key])[key].round == 0, "nothing is said again because somebody else was faster"


def test_many_machines_sweeping_at_once_say_everything_once():
    alone, together = Office(), Office()
    numbers = [f"20250106-{number:06d}-AAAAAAAAAAAA-A" for number in range(25)]
    for office in (alone, together):
        for number in numbers:
            late_case(office, number)
    alone.sweep()
    with ThreadPoolExecutor(4) as machines:
        list(machines.map(lambda late: together.sweep(at=together.now + timedelta(seconds=late)), range(8)))
    for number in numbers:
        assert shown(together.said(number)) == shown(alone.said(number))


@pytest.mark.parametrize("fault", [Fault("PutItem", "lost"), Fault("PutItem"), Fault("BatchGetItem"), Fault("Query")])
def test_a_sweep_that_dies_half_way_is_finished_by_the_next(fault):
    office, untouched = Office(), Office()
    numbers = [f"20250106-{number:06d}-AAAAAAAAAAAA-A" for number in range(5)]
    for one in (office, untouched):
        for number in numbers:
            late_case(one, number)
    untouched.sweep()
    office.aws.faults.append(fault)
    try:
        office.sweep()
    except Exception as error:  # the schedule tries again
        assert "Conflict" not in repr(error)
    office.sweep()
    for number in numbers:
        assert shown(office.said(number)) == shown(untouched.said(number))


def test_what_a_clock_that_ran_ahead_has_said_stays_said_and_is_not_said_again():
    office = Office()
    number = late_case(office, days=0)
    yellow = office.state(number).clock.due.yellow_at
    office.sweep(at=yellow + timedelta(hours=1))
    early = office.said(number)
    assert [one.light for one in early] == ["yellow"]
    office.sweep(at=BEGIN)
    assert office.said(number) == early
    office.sweep(at=yellow + timedelta(hours=2))
    assert office.said(number) == early


def test_a_case_that_cannot_be_written_keeps_nobody_behind_it_from_its_turn():
    office = Office()
    broken = [f"20250106-9{number:05d}-AAAAAAAAAAAA-A" for number in range(2 * PAGE)]
    for number in broken:
        office.now = BEGIN
        wish = submitted(case_no=number, task_code="gone")
        on = office.department.practice(submitted())
        office.act(number, lambda state, now, wish=wish, on=on: acceptance.receive(state, wish, on=on, now=now))
    number = "20250106-000001-AAAAAAAAAAAA-A"
    office.now = BEGIN + timedelta(days=1)
    office.open(number)
    office.now = BEGIN + timedelta(days=30)
    office.sweep()
    assert office.said(number)
    assert not office.said(broken[0])


def test_a_case_that_this_release_cannot_read_keeps_nobody_beside_it_from_its_turn(capsys):
    office = Office()
    good, broken = (f"20250106-{number:06d}-AAAAAAAAAAAA-A" for number in (1, 2))
    for number in (good, broken):
        office.open(number)
    office.aws.dynamodb.tables[TABLE][f"case#{broken}"]["body"] = {"B": "AAAA"}
    office.now += timedelta(days=30)
    office.sweep()
    assert office.said(good)
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["failed"] == 1


def test_a_backlog_is_worked_off_page_by_page_within_the_bounds_of_a_run():
    office = Office()
    pages = list(office.store.waiting(BEGIN, page=PAGE))
    assert pages == [] and PAGES * PAGE >= 2000
    numbers = [f"20250106-{number:06d}-AAAAAAAAAAAA-A" for number in range(450)]
    for number in numbers:
        late_case(office, number)
    found = list(office.store.waiting(office.now, page=PAGE))
    keys = [due.key for page in found for due in page]
    assert sorted(key.id for key in keys) == numbers and len(keys) == len(set(keys))
    assert all(len(page) <= PAGE for page in found)
    office.sweep()
    assert list(office.store.waiting(office.now, page=PAGE)) == []


def test_a_month_without_any_schedule_is_caught_up_in_one_run_with_the_true_moments():
    daily, paused = Office(), Office()
    number = late_case(daily, days=0)
    for days in range(61):
        daily.sweep(at=BEGIN + timedelta(days=days))
    assert late_case(paused, days=60) == number
    paused.sweep()
    raised = [
        shown(one for one in office.said(number) if one.stage in ("escalate", "order")) for office in (daily, paused)
    ]
    assert raised[0] == raised[1]
    assert date(2025, 1, 13) <= paused.said(number)[0].at.date()
