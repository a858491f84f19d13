"""Who speaks for a department, as far as a message's source tells."""

import pytest
from liangwang.domain import messages as m
from liangwang.domain.errors import DomainError, Invalid
from liangwang.domain.speakers import check
from liangwang.envelope import wrap
from liangwang.services.handback import Handback
from msgspec import structs

from tests.unit.samples import CASE_NO, CITY, NOON, example


def city(way):
    offices = tuple(structs.replace(one, connected=way) if one.code == "EAST-FIRE" else one for one in CITY.departments)
    return structs.replace(CITY, departments=offices)


@pytest.mark.parametrize(
    ("way", "source", "holds"),
    [
        ("here", "/liangwang/department", True),
        ("here", "/liangwang/EAST-FIRE", True),
        ("here", "/liangwang/WEST-ROADS", False),
        ("kafka", "/theirs/EAST-FIRE", True),
        ("kafka", "/theirs", False),
        ("kafka", "/liangwang/department", False),
        ("kafka", "/theirs/WEST-ROADS", False),
        ("http", "/liangwang/EAST-FIRE", True),
        ("http", "/liangwang/department", False),
        ("link", "/liangwang/link", True),
        ("link", "/liangwang/EAST-FIRE", False),
    ],
)
def test_a_source_is_that_of_the_department_it_speaks_for(way, source, holds):
    if holds:
        check(city(way), source=source, department="EAST-FIRE")
        return
    with pytest.raises(Invalid) as caught:
        check(city(way), source=source, department="EAST-FIRE")
    assert caught.value.violations[0].field == "source"


def test_a_centre_that_asks_by_itself_has_no_department():
    check(CITY, source="/liangwang/governance", department="")


def test_the_ledger_does_not_take_what_another_says_in_a_department_s_name():
    message = structs.replace(example(m.CaseDecided), case_no=CASE_NO, department="EAST-FIRE")
    handback = Handback(None, None, organisation=city("kafka"))
    assert handback.route(wrap(message, id=f"EAST-FIRE/{CASE_NO}/1", time=NOON))
    with pytest.raises(DomainError):
        handback.route(wrap(message, id=f"WEST-ROADS/{CASE_NO}/1", time=NOON))
