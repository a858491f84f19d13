"""What takes more than one question: a supporter that asks others for its task, and personal data for one that was found.

Whatever is lost or comes twice on the way, everything ends and everybody knows.
"""

import pytest
from liangwang.aggregates import CASE, COLLABORATION, TASK
from liangwang.aws import AwsError
from liangwang.domain import messages as m
from liangwang.domain.question import AskOthers, HandAsk, Wording
from msgspec import structs

from tests.functional.city import QUESTION, QUESTION_WITHIN, City


def asking(fates=(), *, question=QUESTION_WITHIN):
    """A city in which one department answers a case, and has asked another for it. ``fates`` meet what follows."""
    city = City()
    case_no = city.apply("food-business-licence", form={"area": 150, "gas_kitchen": False})
    city.pump()
    (task_id,) = city.open_tasks()
    city.do_task(task_id, "task", question=question)
    city.flow(fates)
    return city, case_no, task_id


def schedules_run(city, *, until):
    """Nobody does anything but the schedules, until it is so."""
    for _ in range(12):
        if until():
            return
        city.later(minutes=20)
        for what in ("relay", "governance", "department"):
            city.sweep(what)
        city.pump()
    raise AssertionError("it never came to be so")


def inner(city, task_id):
    """The tasks that came of what the task's department asked."""
    return [name for name in city.open_tasks() if name.startswith(f"{task_id}-R")]


def test_the_answer_to_a_question_within_a_question_comes_back_to_who_asked():
    city, case_no, task_id = asking()
    (asked,) = inner(city, task_id)
    city.do_task(asked, "disagree")
    city.pump()
    state = city.state("department", TASK, task_id)
    assert [one.conclusion for one in state.conclusions] == ["disagree"] and state.is_open
    assert city.state("department", CASE, case_no).status == "collaborating", "only its own answer counts for the case"
    city.do_task(task_id, "agree")
    city.pump()
    assert city.state("department", CASE, case_no).status == "in_review"


def test_a_question_that_would_come_back_to_who_asks_is_refused_and_said_so():
    city, _, task_id = asking(question=QUESTION)
    city.pump()
    state = city.state("department", TASK, task_id)
    assert [(one.conclusion, one.because) for one in state.conclusions] == [("disagree", "cycle")]
    assert not state.awaited and state.is_open


@pytest.mark.parametrize("fate", ["lose", "keep"])
@pytest.mark.parametrize("place", range(4))
def test_a_question_that_is_lost_on_the_way_is_asked_again_in_the_case_s_own_rounds(place, fate):
    city, _, task_id = asking(["deliver"] * place + [fate])
    schedules_run(city, until=lambda: inner(city, task_id))
    (asked,) = inner(city, task_id)
    city.do_task(asked, "agree")
    city.flow(["deliver"] * place + [fate])
    assert city.settle()
    assert not city.state("department", TASK, task_id).awaited


@pytest.mark.parametrize("fate", ["lose", "keep"])
@pytest.mark.parametrize("place", range(6))
def test_a_case_that_is_withdrawn_stops_what_was_asked_within_it(place, fate):
    city, case_no, task_id = asking()
    city.withdraw(case_no)
    city.flow(["deliver"] * place + [fate])
    schedules_run(city, until=city.is_settled)
    assert city.state("department", TASK, task_id).status == "stopped"
    conclusions = [state.conclusion.conclusion for _, state in city.states("governance", COLLABORATION)]
    assert conclusions == ["cancelled", "cancelled"]
    told = [one.event for one in city.history("department", TASK, task_id)]
    assert sum(isinstance(one, m.CollaborationCancelled) for one in told) == 1


# ------------------------------------------------------------------ one request of the item after another


def in_turn():
    """A city in which the fire brigade is asked first about a large gas station, and the others only if it agrees."""
    city = City()
    catalogue, code = city.department.catalogue, "gas-business"
    item = catalogue.items[code]
    first, second = item.collaborations
    agreed = 'collaboration.opinions["fire-inspection"] == "agree"'
    later = structs.replace(second, after=(first.id,), when=f"form.storage > 50 && {agreed}")
    item = structs.replace(item, collaborations=(later, first))
    versions = {**catalogue.versions, (code, item.task_version): item}
    city.department.catalogue = structs.replace(catalogue, items={**catalogue.items, code: item}, versions=versions)
    case_no = city.apply(code, form={"storage": 60})
    city.pump()
    return city, case_no


@pytest.mark.parametrize("fate", ["lose", "keep"])
@pytest.mark.parametrize("place", range(5))
def test_what_stands_after_another_is_asked_once_that_is_answered(place, fate):
    city, case_no = in_turn()
    (first,) = city.open_tasks()
    city.do_task(first, "agree")
    city.flow(["deliver"] * place + [fate])
    schedules_run(city, until=lambda: len(city.open_tasks()) == 2)
    assert city.state("department", CASE, case_no).clock.standing_since is not None
    assert city.settle()
    assert city.endings(case_no) == ("granted",) * 3
    assert len(city.states("governance", COLLABORATION)) == 2


def test_what_stands_after_a_refusal_is_not_asked_at_all():
    city, case_no = in_turn()
    city.do_task(city.open_tasks()[0], "disagree")
    city.pump()
    assert city.endings(case_no) == ("denied",) * 3 and len(city.states("governance", COLLABORATION)) == 1


# ------------------------------------------------------------------ personal data for a supporter that the centre has found

WHO = AskOthers(
    asks=(HandAsk(capability="fire-inspection", question=Wording(zh="示例：经营者是谁？"), personal=("operator",)),),
    days=3,
)


@pytest.mark.parametrize("fate", ["lose", "keep"])
@pytest.mark.parametrize("place", range(7))
def test_a_supporter_is_given_what_its_part_needs_and_can_open_it_alone(place, fate):
    city = City()
    case_no = city.apply("food-business-licence")
    city.pump()
    city.ask_others(case_no, question=WHO)
    city.flow(["deliver"] * place + [fate])
    schedules_run(city, until=lambda: any(city.state("department", TASK, one).supplied for one in city.open_tasks()))
    (task_id,) = city.open_tasks()
    state = city.state("department", TASK, task_id)
    operator = city.catalogue.items["food-business-licence"].example.form["operator"]
    opened = city.sealing.open(state.supplied.sealed, department=state.task.department, case_no=case_no)
    assert opened == {"operator": operator}
    with pytest.raises(AwsError):
        city.sealing.open(state.supplied.sealed, department=state.task.requester, case_no=case_no)
    told = [one.event for one in city.history("department", CASE, case_no)]
    assert sum(isinstance(one, m.CollaborationDisclosed) for one in told) == 1
    assert city.settle()
