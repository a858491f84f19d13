"""Who answers for a capability at a place, and the way there through the centres."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liangwang.domain.catalogue import Department, Organisation, Region
from liangwang.domain.routing import common_centre, path, responsible

from tests.unit.samples import CITY, text


@st.composite
def organisations(draw):
    """A city with some districts and towns, and departments with some capabilities anywhere."""
    regions = [Region("C", text("C"), 3)]
    for district in range(draw(st.integers(1, 3))):
        regions.append(Region(f"D{district}", text("D"), 4, "C"))
        for town in range(draw(st.integers(0, 3))):
            regions.append(Region(f"D{district}T{town}", text("T"), 5, f"D{district}"))
    codes = [region.code for region in regions]
    places = draw(st.lists(st.tuples(st.sampled_from(codes), st.sampled_from(("fire", "water"))), max_size=6))
    departments = [Department(f"X{n}", text("X"), region, (can,)) for n, (region, can) in enumerate(places)]
    return Organisation(tuple(regions), tuple(departments))


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


@given(TREES)
def test_the_responsible_department_is_the_nearest_up_the_tree(drawn):
    tree, place, _ = drawn
    found = responsible(tree, capability="fire", place=place)
    able = [one for one in tree.departments if "fire" in one.capabilities and one.region in tree.lineage(place)]
    if found is None:
        assert not able
    else:
        assert tree.region[found.region].level == max(tree.region[one.region].level for one in able)


def test_a_town_asks_its_district_before_the_city():
    assert responsible(CITY, capability="fire", place="T1").code == "EAST-FIRE"


def test_a_place_without_a_department_of_its_own_is_the_citys():
    assert responsible(CITY, capability="fire", place="T2").code == "CITY-FIRE"


def test_departments_that_declined_are_passed_over():
    besides = {"EAST-FIRE", "EAST-FIRE-2"}
    assert responsible(CITY, capability="fire", place="T1", besides=besides).code == "CITY-FIRE"


def test_nobody_may_be_responsible():
    assert responsible(CITY, capability="roads", place="T1") is None


def test_an_unknown_place_is_an_error_of_the_caller():
    with pytest.raises(KeyError):
        responsible(CITY, capability="fire", place="nowhere")


def test_from_one_district_to_the_town_of_another_the_way_goes_through_the_city():
    hops = path(CITY, origin="D1", target="T2")
    assert [(hop.region, hop.level, hop.reason) for hop in hops] == [
        ("D1", 4, "registered"),
        ("C", 3, "common_centre"),
        ("D2", 4, "down"),
        ("T2", 5, "target"),
    ]
