"""Who answers for a capability at a place, and the way there through the centres."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liangwang.domain.catalogue import Department, Organisation, Region
from liangwang.domain.routing import common_centre, is_there, path, responsible
from liangwang.domain.validity import Held, day_of
from msgspec.structs import replace

from tests.unit.samples import CITY, text

DAY = date(2027, 3, 1)
DAYS = st.sampled_from([None, *(DAY + timedelta(days=number) for number in range(-2, 3))])


@st.composite
def departments(draw, codes, *, least=0, most=6):
    """Departments anywhere, with days of their own and of their capabilities; each stands once for a capability."""
    found = []
    for number in range(draw(st.integers(least, most))):
        can = draw(st.lists(st.sampled_from(("fire", "water")), min_size=1, max_size=2, unique=True))
        held = tuple(one if draw(st.booleans()) else Held(code=one, since=draw(DAYS), until=draw(DAYS)) for one in can)
        since, until = (draw(DAYS), draw(DAYS)) if draw(st.booleans()) else (None, None)
        found.append(Department(f"X{number}", text("X"), draw(codes), held, since=since, until=until))
    return tuple(found)


def on_its_day(one, capability, day):
    """Whether a department answers for a capability on a day, by all the days that are written of both."""
    dates = [(one.since, one.until)]
    dates += [
        (held.since, held.until) for held in one.capabilities if isinstance(held, Held) and held.code == capability
    ]
    can = any(capability == (held.code if isinstance(held, Held) else held) for held in one.capabilities)
    return can and all((since is None or since <= day) and (until is None or day < until) for since, until in dates)


@st.composite
def organisations(draw):
    """A city with some districts and towns, and departments with some capabilities anywhere."""
    regions = [Region("C", text("C"), 3)]
    for district in range(draw(st.integers(1, 3))):
        regions.append(Region(f"D{district}", text("D"), 4, "C"))
        for town in range(draw(st.integers(0, 3))):
            regions.append(Region(f"D{district}T{town}", text("T"), 5, f"D{district}"))
    codes = [region.code for region in regions]
    return Organisation(tuple(regions), draw(departments(st.sampled_from(codes))))


TREES = organisations().flatmap(
    lambda tree: st.tuples(st.just(tree), *[st.sampled_from([one.code for one in tree.regions])] * 2)
)


@st.composite
def any_trees(draw):
    """A tree of regions of any shape, and two of them."""
    parents = [None, *(draw(st.integers(0, number)) for number in range(draw(st.integers(0, 11))))]
    depths: list[int] = []
    for parent in parents:
        depths.append(3 if parent is None else depths[parent] + 1)
    regions = [
        Region(str(number), text("R"), depths[number], None if parent is None else str(parent))
        for number, parent in enumerate(parents)
    ]
    ends = st.integers(0, len(parents) - 1).map(str)
    return Organisation(tuple(regions), ()), draw(ends), draw(ends)


def walked(tree, origin, target):
    """The way between two regions, found without knowing what is above: every way is tried, as in any graph."""
    next_to = {region.code: set() for region in tree.regions}
    for region in tree.regions:
        if region.parent is not None:
            next_to[region.code].add(region.parent)
            next_to[region.parent].add(region.code)
    ways = [[origin]]
    while ways:
        way = ways.pop()
        if way[-1] == target:
            return way
        ways += [[*way, code] for code in next_to[way[-1]] - set(way)]
    raise AssertionError("no tree")


@given(any_trees())
def test_the_way_is_the_only_one_that_the_tree_has_and_turns_at_the_lowest_common_centre(drawn):
    tree, origin, target = drawn
    hops = path(tree, origin=origin, target=target)
    assert [hop.region for hop in hops] == walked(tree, origin, target)
    highest = min(hops, key=lambda hop: hop.level)
    assert highest.region == common_centre(tree, origin, target)


@given(TREES)
def test_the_way_leads_from_the_requester_to_the_target(drawn):
    tree, origin, target = drawn
    way = [hop.region for hop in path(tree, origin=origin, target=target)]
    assert (way[0], way[-1]) == (origin, target)


@given(TREES)
def test_the_way_passes_the_lowest_common_centre_and_no_region_twice(drawn):
    tree, origin, target = drawn
    way = [hop.region for hop in path(tree, origin=origin, target=target)]
    assert common_centre(tree, origin, target) in way
    assert len(way) == len(set(way))


@given(TREES)
def test_each_hop_goes_one_level_up_or_down_and_never_up_after_down(drawn):
    tree, origin, target = drawn
    hops = path(tree, origin=origin, target=target)
    steps = [after.level - before.level for before, after in pairwise(hops)]
    assert set(steps) <= {-1, 1} and steps == sorted(steps)


@given(TREES)
def test_each_hop_says_why_it_is_there(drawn):
    tree, origin, target = drawn
    hops = path(tree, origin=origin, target=target)
    assert hops[0].reason == "registered"
    assert {hop.reason for hop in hops} <= {"registered", "up", "common_centre", "down", "target"}
    assert origin == target or hops[-1].reason == "target"


@given(TREES)
def test_the_common_centre_is_the_same_from_both_sides_and_the_lowest(drawn):
    tree, first, second = drawn
    centre = common_centre(tree, first, second)
    shared = set(tree.lineage(first)) & set(tree.lineage(second))
    assert centre == common_centre(tree, second, first)
    assert tree.region[centre].level == max(tree.region[region].level for region in shared)


@given(TREES, DAYS.filter(bool))
def test_the_responsible_department_is_the_nearest_up_the_tree_of_those_that_are_there(drawn, day):
    tree, place, _ = drawn
    found = responsible(tree, capability="fire", place=place, day=day)
    above = tree.lineage(place)
    able = [one for one in tree.departments if on_its_day(one, "fire", day) and one.region in above]
    if found is None:
        assert not able
    else:
        assert found in able
        assert tree.region[found.region].level == max(tree.region[one.region].level for one in able)


def test_a_town_asks_its_district_before_the_city():
    assert responsible(CITY, capability="fire", place="T1", day=DAY).code == "EAST-FIRE"


def test_a_place_without_a_department_of_its_own_is_the_citys():
    assert responsible(CITY, capability="fire", place="T2", day=DAY).code == "CITY-FIRE"


def test_departments_that_declined_are_passed_over():
    besides = {"EAST-FIRE", "EAST-FIRE-2"}
    assert responsible(CITY, capability="fire", place="T1", day=DAY, besides=besides).code == "CITY-FIRE"


def test_nobody_may_be_responsible():
    assert responsible(CITY, capability="roads", place="T1", day=DAY) is None


def test_an_unknown_place_is_an_error_of_the_caller():
    with pytest.raises(KeyError):
        responsible(CITY, capability="fire", place="nowhere", day=DAY)


def reformed(**days):
    """The city with days written of some departments."""
    return replace(CITY, departments=tuple(replace(one, **days.get(one.code, {})) for one in CITY.departments))


def test_a_department_answers_from_its_first_day_until_the_day_that_it_ends():
    tree = reformed(**{"EAST-FIRE": {"until": DAY}, "EAST-FIRE-2": {"since": DAY}})
    before, after = (responsible(tree, capability="fire", place="T1", day=day) for day in (DAY - timedelta(1), DAY))
    assert (before.code, after.code) == ("EAST-FIRE", "EAST-FIRE-2")


def test_a_capability_moves_from_one_department_to_another_on_a_day():
    tree = reformed(
        **{
            "EAST-MARKET": {"capabilities": ("licence", Held(code="site", since=DAY))},
            "TOWN-SITE": {"capabilities": (Held(code="site", until=DAY), "advice")},
        }
    )
    before, after = (responsible(tree, capability="site", place="T1", day=day) for day in (DAY - timedelta(1), DAY))
    assert (before.code, after.code) == ("TOWN-SITE", "EAST-MARKET")
    assert responsible(tree, capability="advice", place="T1", day=DAY).code == "TOWN-SITE"


def test_days_are_china_s():
    tree = reformed(**{"EAST-FIRE": {"until": DAY}})
    midnight = datetime(2027, 2, 28, 16, 0, tzinfo=UTC)
    moments = (midnight - timedelta(seconds=1), midnight)
    assert [is_there(tree, "EAST-FIRE", day_of(moment)) for moment in moments] == [True, False]


def test_a_question_without_a_moment_is_about_the_newest_organisation():
    tree = reformed(**{"EAST-FIRE": {"until": date(2999, 1, 1)}, "EAST-FIRE-2": {"since": date(2999, 1, 1)}})
    assert responsible(tree, capability="fire", place="T1", day=day_of(None)).code == "EAST-FIRE-2"


def test_a_department_that_has_ended_is_known_by_its_name_and_works_on_here():
    tree = reformed(**{"EAST-FIRE": {"until": DAY}})
    assert tree.department["EAST-FIRE"].name == text("East fire")
    assert tree.is_here("EAST-FIRE") and not is_there(tree, "EAST-FIRE", DAY) and not is_there(tree, "NOBODY", DAY)


def test_from_one_district_to_the_town_of_another_the_way_goes_through_the_city():
    hops = path(CITY, origin="D1", target="T2")
    assert [(hop.region, hop.level, hop.reason) for hop in hops] == [
        ("D1", 4, "registered"),
        ("C", 3, "common_centre"),
        ("D2", 4, "down"),
        ("T2", 5, "target"),
    ]
