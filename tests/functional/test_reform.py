"""On the day of a reform new cases go to the new department; the cases of the one that ended stay with it."""

from datetime import timedelta

from liangwang.aggregates import APPLICATION
from liangwang.domain.routing import responsible
from liangwang.domain.validity import day_of
from liangwang.services.intake import Intake
from msgspec.structs import replace

from tests.functional.city import City


def test_intake_gives_a_case_to_the_department_of_its_day_and_leaves_it_there():
    city = City()
    tree, tomorrow = city.catalogue.organisation, day_of(city.now + timedelta(days=1))
    item = city.catalogue.items["food-business-licence"]
    old = responsible(tree, capability=item.capability, place="990101001", day=day_of(city.now))
    ended = tuple(replace(one, until=tomorrow) if one == old else one for one in tree.departments)
    new = replace(old, code="D-990101-NEW", since=tomorrow)
    reformed = replace(city.catalogue, organisation=replace(tree, departments=(*ended, new)))
    city.intake = Intake(city.stores["intake"], reformed, city.sealing)
    before = city.apply("food-business-licence", subject="first")
    city.later(days=1)
    after = city.apply("food-business-licence", subject="second", key="second")
    submitted = [city.state("intake", APPLICATION, number).submitted for number in (before, after)]
    assert [one.department for one in submitted] == [old.code, new.code]
