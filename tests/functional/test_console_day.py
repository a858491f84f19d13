"""Some days of a city are played, and every figure of the console is computed once more, from the events, in another way."""

import random
from collections import Counter, defaultdict
from contextlib import suppress
from itertools import pairwise

import pytest
from liangwang.aggregates import COLLABORATION
from liangwang.changes import changes
from liangwang.domain import collaboration as c
from liangwang.domain import messages as m
from liangwang.domain.case_no import SHANGHAI
from liangwang.domain.errors import DomainError
from liangwang.domain.open_events import SHARDS
from liangwang.domain.patience import Patience
from liangwang.http import Caller, Request
from liangwang.services.console import Console
from liangwang.services.console_changes import ConsoleChanges
from liangwang.services.console_cursor import Cursor
from liangwang.services.console_figures import ConsoleFigures
from liangwang.services.event_counting import EventCounting
from liangwang.store import Store

from tests.functional.city import City

CITY = "990100"
ASKING = (
    ("food-business-licence", {"area": 150, "gas_kitchen": False}),
    ("food-business-licence", {"area": 150, "gas_kitchen": True}),
    ("outdoor-advertisement", {"area": 30}),
    ("public-place-hygiene", {"kind": "hotel"}),
)
ACTS = ("sign", "sign", "agree", "agree", "disagree", "decline")
CLOSED = (c.Declined, c.Disputed, c.Reported, m.TaskRecalled, c.Stopped)


class Played:
    """The city, and what its console shows; the governance stream comes in pieces, some of them twice."""

    def __init__(self, seed, *, days=6, steps=90):
        self.city, self.chance = City(), random.Random(seed)
        self.tallies = Store(self.city.aws, "statistics", patience=Patience(), writers=1)
        self.counting, self.counted = EventCounting(self.tallies), 0
        self.began = self.city.now
        for step in range(steps):
            if step % 4 == 0 or step > steps - 5:
                task_code, form = self.chance.choice(ASKING)
                self.city.apply(task_code, form=form, key=str(step))
            self.city.pump()
            self._somebody_acts()
            self.city.later(hours=days * 24 / steps)
            self.city.sweep("governance")
            self._count()
        self.city.pump()
        self._count()

    def _somebody_acts(self):
        for task_id in self.chance.sample(tasks := self.city.open_tasks(), min(1, len(tasks))):
            with suppress(DomainError):
                self.city.do_task(task_id, self.chance.choice(ACTS))

    def _count(self):
        records = self.city.aws.dynamodb.event("governance")["Records"]
        while self.counted < len(records):
            start = max(0, self.counted - self.chance.randrange(3))
            stop = self.counted + self.chance.randrange(1, 6)
            self.counting.take(changes({"Records": records[start:stop]}), self.city.now)
            self.counted = min(stop, len(records))

    def histories(self):
        """Of every collaboration event what was recorded, and when."""
        for key, _ in self.city.states("governance", COLLABORATION):
            yield key.id, [(one.at, one.event) for one in self.city.history("governance", COLLABORATION, key.id)]

    def asked(self, **query):
        """An auditor's request for the whole city and the days that were played."""
        first, last = (str(moment.astimezone(SHANGHAI).date()) for moment in (self.began, self.city.now))
        caller = Caller(subject="auditor", role="auditor")
        known = {"region": CITY, "from": first, "to": last, "limit": "100", **query}
        return Request(
            route="", caller=caller, path={}, query=known, headers={}, body=None, now=self.city.now, source="", wants=""
        )._replace(wants="application/json")


@pytest.fixture(scope="module", params=[1, 2])
def played(request):
    return Played(request.param)


def test_a_played_day_has_something_of_everything(played):
    kinds = {type(event) for _, history in played.histories() for _, event in history}
    assert {c.Raised, m.TaskDispatched, c.Signed, c.Reported, c.Declined, m.CollaborationConcluded} <= kinds
    ended = [
        any(isinstance(event, m.CollaborationConcluded) for _, event in history) for _, history in played.histories()
    ]
    assert 0 < sum(ended) < len(ended)


def test_what_is_open_is_what_the_events_say(played):
    organisation = played.city.catalogue.organisation
    own, total, lights, tasks = Counter(), Counter(), Counter(), Counter()
    for _, history in played.histories():
        if any(isinstance(event, m.CollaborationConcluded) for _, event in history):
            continue
        region = [event.region for _, event in history if isinstance(event, c.Raised | c.Lifted)][-1]
        light = (["green"] + [event.light for _, event in history if isinstance(event, c.Lit)])[-1]
        own[region] += 1
        lights[light] += 1
        total.update(organisation.lineage(region))
        open_tasks = {}
        for _, event in history:
            if isinstance(event, m.TaskDispatched):
                open_tasks[event.task_id] = event.department
            elif isinstance(event, CLOSED):
                open_tasks.pop(event.task_id, None)
            elif isinstance(event, m.TaskReturned):
                open_tasks[event.task_id] = event.department
        tasks.update(open_tasks.values())
    view = Console(played.tallies, organisation).now(played.asked())
    assert {one.region: one.own.total for one in view.centres if one.own.total} == own
    assert {one.region: one.events.total for one in view.centres if one.events.total} == total
    assert view.centres[0].events.light == lights
    assert {one.department: one.tasks.total for one in view.departments} == tasks
    assert view.centres[0].tasks.total == sum(tasks.values())
    assert Console(played.tallies, organisation).events(played.asked()).total == sum(own.values())


def test_the_departments_figures_are_what_the_events_say(played):
    counts, waits = defaultdict(Counter), defaultdict(list)
    declined, took = Counter(), {}
    for name, history in played.histories():
        of, due, since = {}, {}, {}
        for at, event in history:
            task = getattr(event, "task_id", "")
            match event:
                case m.TaskDispatched():
                    of[task], due[task], since[task] = event.department, event.due_at, at
                    counts[event.department]["dispatched"] += 1
                case c.Signed():
                    counts[of[task]]["signed"] += 1
                    waits[of[task], "signing"].append(at - since[task])
                    since[task] = at
                case c.Declined():
                    counts[of[task]]["declined"] += 1
                    declined[of[task]] += 1
                case c.Reported():
                    counts[of[task]]["reported"] += 1
                    counts[of[task]]["on_time" if at <= due[task] else "late"] += 1
                    waits[of[task], "handling"].append(at - since[task])
                case m.TaskExtended():
                    due[task] = event.due_at
                case m.TaskReturned():
                    due[task], since[task] = event.due_at, at
                case m.TaskUrged():
                    counts[of[task]]["urged"] += 1
                case m.CollaborationConcluded():
                    took[name] = int((at - history[0][0]).total_seconds())
    view = ConsoleFigures(played.tallies, played.city.catalogue.organisation).departments(played.asked())
    shown = {one.department: one for one in view.departments}
    for department, expected in counts.items():
        known = shown[department]
        for name in ("dispatched", "signed", "declined", "reported", "on_time", "urged"):
            assert getattr(known.counts, name) == expected[name], (department, name)
        assert known.counts.late - known.counts.unanswered == expected["late"]
        for stage in ("signing", "handling"):
            found = [one.total_seconds() for one in waits[department, stage]]
            times = getattr(known.times, stage)
            assert (times.count if times else 0) == len(found)
            if times and times.half_within:
                assert times.mean == int(sum(map(int, found)) / len(found))
                assert sum(one <= times.half_within for one in found) * 2 >= len(found)
                assert times.nine_tenths_within is None or times.half_within <= times.nine_tenths_within
    assert sum(row.declined for row in view.declined_most) == sum(declined.values())
    assert [one.seconds for one in view.slowest] == sorted(took.values(), reverse=True)[: len(view.slowest)]
    assert sum(one.counts.concluded for one in view.centres) == len(took)


def test_the_flow_is_what_the_tasks_ways_say(played):
    expected = Counter()
    for _, history in played.histories():
        for _, event in history:
            if isinstance(event, m.TaskDispatched):
                way = [hop.region for hop in event.path]
                way = [event.requester, *way, event.department]
                expected.update(pairwise(way))
    view = ConsoleFigures(played.tallies, played.city.catalogue.organisation).flow(played.asked())
    found = Counter()
    for link in view.links:
        found[link.source.partition("/")[2], link.target.partition("/")[2]] += link.tasks
    assert found == expected
    assert {end for link in view.links for end in (link.source, link.target)} == {node.id for node in view.nodes}


def test_the_changes_of_an_event_are_its_history_from_first_to_last(played):
    console = ConsoleChanges(played.tallies, played.city.catalogue.organisation)
    kept = defaultdict(list)
    page = console.changes(played.asked(since=Cursor((0,) * SHARDS).text(), limit="50"))
    assert not page.reset
    while True:
        for one in page.changes:
            kept[one.collaboration_id].append((one.id.rpartition("/")[2], one.kind))
        if page.retry_after:
            break
        page = console.changes(played.asked(since=page.since, limit="50"))
    for name, history in played.histories():
        tags = [str(event.__struct_config__.tag) for _, event in history]
        assert kept[name] == [(str(number), tag) for number, tag in enumerate(tags, start=1)]
