"""What an operator of a centre does reaches department and requester, though the words that say so were lost on the way."""

import pytest
from liangwang.aggregates import CASE, COLLABORATION, TASK, Key
from liangwang.catalogue import load_responsibilities
from liangwang.domain.centre_rules import Governance
from liangwang.http import Caller, Request
from liangwang.services.coordination import Coordination, ExtendEvent, RecallTask

from tests.functional.city import CALENDAR, CATALOGUE, City


class Hall(City):
    """A city with an operator at the district's centre."""

    def operate(self, act, body, **path):
        on = Governance(load_responsibilities(CATALOGUE), CALENDAR)
        caller = Caller(subject="zhao", role="operator", region="990101")
        getattr(Coordination(self.stores["governance"], on), act)(
            Request(act, caller, path, {}, {"idempotency-key": act}, body, self.now)
        )

    def schedules_run(self, *, until):
        for _ in range(12):
            if until():
                return
            self.later(minutes=20)
            for what in ("relay", "governance", "department"):
                self.sweep(what)
            self.pump()
        raise AssertionError("it never came to be so")


@pytest.fixture
def asked():
    city = Hall()
    case_no = city.apply("food-business-licence", form={"area": 150, "gas_kitchen": False})
    city.pump()
    (task_id,) = city.open_tasks()
    return city, case_no, task_id, task_id.rpartition("-T")[0]


def test_more_time_is_known_to_department_and_requester_in_the_end(asked):
    city, _, task_id, event = asked
    due = city.state("department", TASK, task_id).due_at
    city.operate("extend", ExtendEvent(days=1, reason="survey"), collaboration_id=event)
    city.stream("governance", lose=True)
    assert city.state("department", TASK, task_id).due_at == due
    city.schedules_run(until=lambda: city.state("department", TASK, task_id).due_at > due)


@pytest.mark.parametrize("lost", ["the recall", "its confirmation"])
def test_a_recalled_department_stops_and_is_asked_no_more_once_it_said_so(asked, lost):
    city, _, task_id, event = asked
    wish = RecallTask(reason="another's", elsewhere=False)
    city.operate("recall", wish, collaboration_id=event, task_id=task_id)
    if lost == "the recall":
        city.stream("governance", lose=True)
    else:
        city.stream("governance")
        for topic, partition in list(city.read):
            city.kafka(topic, partition)
        city.stream("department", lose=True)
    city.schedules_run(until=lambda: city.state("governance", COLLABORATION, event).tasks[0].status == "stopped")
    assert city.state("department", TASK, task_id).status == "stopped"


def test_a_report_that_crosses_its_recall_is_a_note_and_the_recall_is_confirmed_all_the_same(asked):
    city, case_no, task_id, event = asked
    city.do_task(task_id, "agree")
    city.operate("recall", RecallTask(reason="another's", elsewhere=False), collaboration_id=event, task_id=task_id)
    city.schedules_run(until=lambda: city.state("governance", COLLABORATION, event).tasks[0].status == "stopped")
    state = city.state("governance", COLLABORATION, event)
    assert state.conclusion is None and len(state.unrouted) == 1
    assert city.state("department", CASE, case_no).status == "collaborating"


def test_two_sweeps_at_the_same_time_say_nothing_a_second_time(asked):
    city, _, _, event = asked
    city.now = city.state("governance", COLLABORATION, event).due_at
    call = city.aws.call

    def other_first(service, operation, request):
        if operation == "PutItem" and city.aws.call is other_first:
            city.aws.call = call
            city.later(seconds=1)
            city.sweep("governance")
        return call(service, operation, request)

    city.aws.call = other_first
    city.sweep("governance")
    key = Key(COLLABORATION.name, event)
    stored = city.stores["governance"].load([key])[key]
    assert stored.state.conclusion is not None
    assert stored.round == 0, "nothing is said again because somebody else was faster"
