"""After a reform of the organisation, the past is explained and replayed by the departments of its own day."""

from datetime import timedelta

from liangwang import catalogue
from liangwang.domain.responsibilities import Responsibilities
from liangwang.domain.routing import responsible
from liangwang.domain.validity import day_of
from liangwang.services.event_month import Month
from liangwang.services.routing import ExplainRouting, Routing
from liangwang.services.routing_trial import RoutingTrial
from msgspec.structs import replace

from tests.conftest import REPOSITORY
from tests.functional.functions import Functions
from tests.functional.test_routing import MARCH, RESPONSIBILITIES, happened

CATALOGUE = catalogue.load(REPOSITORY / "layers" / "catalogue")
TOWN = "990101001"
NOW = MARCH + timedelta(days=100)
REFORM = day_of(MARCH + timedelta(days=40))
TREE = RESPONSIBILITIES.organisation
OLD = responsible(TREE, capability="fire-inspection", place=TOWN, day=day_of(MARCH))
NEW = replace(OLD, code="D-990101-RESCUE", since=REFORM)


def reformed():
    """The city's responsibilities after one department took the place of another."""
    departments = (replace(one, until=REFORM) if one == OLD else one for one in TREE.departments)
    return Responsibilities(replace(TREE, departments=(*departments, NEW)), RESPONSIBILITIES.editions)


def explained(at):
    wish = ExplainRouting(capability="fire-inspection", place=TOWN, at=at)
    found = Routing(reformed(), lambda: CATALOGUE).explained(wish, NOW)
    return [found.taker.department, *(one.department for one in found.next)]


def test_a_question_of_the_past_is_explained_by_the_organisation_of_its_day():
    assert OLD.code in explained(MARCH)[:1] and NEW.code not in explained(MARCH)


def test_a_question_without_a_moment_is_of_today():
    assert NEW.code in explained(None)[:1] and OLD.code not in explained(None)


def test_a_month_before_the_reform_is_replayed_on_who_was_there_in_it():
    functions = Functions()
    happened(functions, 1, ("fire-inspection", TOWN))
    trial = RoutingTrial(functions.store("governance"), reformed(), lambda: CATALOGUE)
    base = trial.base("", NOW)
    same = trial.simulated(base, Month.of("2027-03"), base=base, limit=10)
    assert (same.questions, same.different) == (1, 0)
    other = replace(base.rules[0], id="TRIED", item="", area="", to=("D-990100-FIRE",), capability="fire-inspection")
    tried = trial.simulated(replace(base, rules=(other,)), Month.of("2027-03"), base=base, limit=10)
    assert [(one.before.department, one.took) for one in tried.differences] == [(OLD.code, OLD.code)]


def test_a_rule_that_names_a_department_of_after_the_reform_takes_nothing_from_before():
    functions = Functions()
    happened(functions, 1, ("fire-inspection", TOWN))
    trial = RoutingTrial(functions.store("governance"), reformed(), lambda: CATALOGUE)
    base = trial.base("", NOW)
    to_new = replace(base.rules[0], id="TRIED", item="", area="", to=(NEW.code,), capability="fire-inspection")
    tried = trial.simulated(replace(base, rules=(to_new,)), Month.of("2027-03"), base=base, limit=10)
    assert (tried.questions, tried.different) == (1, 0)
