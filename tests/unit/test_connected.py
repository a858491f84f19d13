"""Departments with systems of their own, and outside parties: what this deployment leaves to them."""

import pytest
from liangwang.domain import messages as m
from liangwang.domain.catalogue import Catalogue
from liangwang.domain.validity import day_of
from liangwang.domain.working_days import Calendar
from liangwang.envelope import wrap
from liangwang.rules import Rules
from liangwang.services.assistance import Assistance
from liangwang.services.department import Department
from liangwang.services.own_tasks import OwnTasks
from msgspec import structs

from tests.unit.samples import CITY, NOON, example, item, submitted
from tests.unit.test_routing import reformed


def connected(way):
    """The city, with its market office joined in some way."""
    offices = tuple(
        structs.replace(one, connected=way) if one.code == "EAST-MARKET" else one for one in CITY.departments
    )
    return structs.replace(CITY, departments=offices)


@pytest.mark.parametrize(("way", "is_ours"), [("here", True), ("kafka", False), ("http", False), ("link", False)])
@pytest.mark.parametrize(
    "message",
    [
        submitted(),
        structs.replace(example(m.CollaborationConcluded), department="EAST-MARKET"),
        structs.replace(example(m.TaskDispatched), department="EAST-MARKET"),
    ],
    ids=lambda one: type(one).__name__,
)
def test_what_is_for_a_department_with_another_connection_is_passed_over_here(way, is_ours, message):
    organisation = connected(way)
    department = Department(Catalogue.of([item()], organisation), Rules(), None)
    assistance = Assistance(OwnTasks(None, organisation, Calendar()))
    event = wrap(message, id="governance/1/1", time=NOON)
    routed = [one for one in (department.route(event), assistance.route(event)) if one is not None]
    assert bool(routed) == is_ours


def test_what_a_department_has_in_hand_when_it_ends_reaches_its_officers_still():
    organisation = reformed(**{"EAST-MARKET": {"until": day_of(NOON)}})
    department = Department(Catalogue.of([item()], organisation), Rules(), None)
    concluded = structs.replace(example(m.CollaborationConcluded), department="EAST-MARKET")
    assert department.route(wrap(concluded, id="governance/1/1", time=NOON)) is not None


def test_nobody_is_here_whom_the_organisation_does_not_know():
    assert not CITY.is_here("NOBODY")
