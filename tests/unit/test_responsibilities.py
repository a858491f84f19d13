"""Rules say who answers: by capability, item, area, time and load; the more specific rule first, then priority, then order."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liangwang.domain.case_no import SHANGHAI
from liangwang.domain.catalogue import Organisation, Region
from liangwang.domain.rerouting import Asked, considered, rerouted
from liangwang.domain.responsibilities import (
    Days,
    Edition,
    Hours,
    Load,
    Responsibilities,
    RoutingRule,
    RuleSet,
    Times,
)
from liangwang.domain.routing import Choice, Question, candidates, choose, idle
from msgspec.structs import replace

from tests.unit.samples import CITY, text
from tests.unit.test_routing import departments, on_its_day, reformed

MONDAY = datetime(2027, 3, 1, 4, 0, tzinfo=UTC)
"""Noon in China."""


def rule(rule_id, *to, **fields):
    return RoutingRule(id=rule_id, to=to, reason=text(rule_id), **fields)


def by(*rules, organisation=CITY):
    """Responsibilities with one version of rules."""
    return Responsibilities.of(organisation, RuleSet("1", date(2027, 1, 1), rules))


def taker(responsibilities, capability="fire", place="T1", *, item="", at=MONDAY, besides=(), load=None):
    """Who takes a question, and by which rule."""
    question = Question(capability, place, item, at, frozenset(besides))
    found = choose(responsibilities, question, load=load)
    return tuple(found) if found else None


# ------------------------------------------------------------------ what a rule is about


def test_without_a_rule_the_nearest_department_takes_it():
    assert taker(by()) == ("EAST-FIRE", "")


def test_a_rule_sends_a_capability_elsewhere():
    assert taker(by(rule("r", "CITY-FIRE", capability="fire"))) == ("CITY-FIRE", "r")
    assert taker(by(rule("r", "CITY-FIRE", capability="roads")), "fire") == ("EAST-FIRE", "")


def test_a_rule_for_an_area_holds_there_and_below():
    responsibilities = by(rule("r", "CITY-FIRE", capability="fire", area="D1"))
    assert [taker(responsibilities, place=place) for place in ("C", "D1", "T1")] == [
        ("CITY-FIRE", ""),
        ("CITY-FIRE", "r"),
        ("CITY-FIRE", "r"),
    ]


def test_a_rule_for_an_item_holds_for_that_item_only():
    responsibilities = by(rule("r", "CITY-FIRE", capability="fire", item="concert"))
    assert taker(responsibilities, item="concert") == ("CITY-FIRE", "r")
    assert taker(responsibilities, item="licence") == ("EAST-FIRE", "")


def test_a_rule_without_a_capability_is_about_all_of_them():
    responsibilities = by(rule("r", "TOWN-SITE", item="flood"))
    assert taker(responsibilities, "fire", item="flood") == taker(responsibilities, "roads", item="flood")


def test_a_rule_may_name_a_department_for_what_nobody_answers_for():
    assert taker(by(), "astronomy") is None
    assert taker(by(rule("r", "CITY-FIRE", capability="astronomy")), "astronomy") == ("CITY-FIRE", "r")


def test_nobody_is_responsible_at_an_unknown_place():
    assert taker(by(rule("r", "CITY-FIRE")), place="nowhere") is None


@pytest.mark.parametrize(
    ("times", "at", "holds"),
    [
        (Times(weekdays=(1,)), MONDAY, True),
        (Times(weekdays=(1,)), MONDAY + timedelta(hours=13), False),  # Tuesday, one o'clock in China
        (Times(hours=(Hours(time(8), time(18)),)), MONDAY, True),
        (Times(hours=(Hours(time(8), time(12)),)), MONDAY, False),
        (Times(hours=(Hours(time(18), time(8)),)), MONDAY + timedelta(hours=12), True),
        (Times(hours=(Hours(time(18), time(8)),)), MONDAY, False),
        (Times(days=(Days(date(2027, 3, 1), date(2027, 3, 1)),)), MONDAY, True),
        (Times(days=(Days(date(2027, 3, 2), date(2027, 3, 9)),)), MONDAY, False),
        (Times(weekdays=(1,), hours=(Hours(time(0), time(1)),)), MONDAY, False),
    ],
)
def test_a_rule_with_times_holds_at_these_times_in_china(times, at, holds):
    found = taker(by(rule("r", "CITY-FIRE", capability="fire", times=times)), at=at)
    assert found == (("CITY-FIRE", "r") if holds else ("EAST-FIRE", ""))


def test_a_question_of_no_time_is_not_for_rules_with_times():
    assert taker(by(rule("r", "CITY-FIRE", times=Times(weekdays=(1,)))), at=None) == ("EAST-FIRE", "")


# ------------------------------------------------------------------ who of a rule


def test_the_first_department_of_a_rule_that_is_not_ruled_out_takes_it():
    responsibilities = by(rule("r", "WEST-ROADS", "CITY-FIRE", capability="fire"))
    assert taker(responsibilities) == ("WEST-ROADS", "r")
    assert taker(responsibilities, besides=["WEST-ROADS"]) == ("CITY-FIRE", "r")
    assert taker(responsibilities, besides=["WEST-ROADS", "CITY-FIRE"]) == ("EAST-FIRE", "")


def test_a_department_takes_only_as_much_as_the_rule_says():
    responsibilities = by(rule("r", "CITY-FIRE", capability="fire", load=Load(at_most=3)))
    assert taker(responsibilities, load={"CITY-FIRE": 3}.__getitem__) == ("CITY-FIRE", "r")
    assert taker(responsibilities, load={"CITY-FIRE": 4}.__getitem__) == ("EAST-FIRE", "")


def test_of_several_the_least_busy_takes_it_and_of_equals_the_first():
    responsibilities = by(rule("r", "CITY-FIRE", "WEST-ROADS", capability="fire", load=Load(least=True)))
    assert taker(responsibilities, load={"CITY-FIRE": 2, "WEST-ROADS": 1}.__getitem__) == ("WEST-ROADS", "r")
    assert taker(responsibilities, load={"CITY-FIRE": 2, "WEST-ROADS": 2}.__getitem__) == ("CITY-FIRE", "r")


def test_where_nobody_counts_nobody_is_busy():
    assert taker(by(rule("r", "CITY-FIRE", capability="fire", load=Load(at_most=0)))) == ("CITY-FIRE", "r")


def test_load_is_read_only_where_a_rule_that_could_match_speaks_of_it():
    def never(code):
        raise AssertionError(f"the load of {code} was read")

    responsibilities = by(
        rule("1", "CITY-FIRE", capability="fire", area="D2", load=Load(at_most=1)),
        rule("2", "CITY-FIRE", capability="fire", times=Times(weekdays=(7,)), load=Load(at_most=1)),
        rule("3", "CITY-FIRE", capability="fire", area="D1", load=Load(at_most=1)),
        rule("4", "WEST-ROADS", capability="fire", area="T1"),
    )
    assert taker(responsibilities, load=never) == ("WEST-ROADS", "4")
    assert taker(responsibilities, "site", load=never) == ("TOWN-SITE", "")


# ------------------------------------------------------------------ which of several rules

MORE_SPECIFIC_FIRST = [
    {"item": "concert", "area": "T1"},
    {"item": "concert"},
    {"area": "T1", "capability": "fire", "times": Times(weekdays=(1,)), "load": Load(at_most=9)},
    {"area": "T1", "capability": "fire", "load": Load(at_most=9)},
    {"area": "T1", "capability": "fire"},
    {"area": "T1"},
    {"area": "D1", "capability": "fire"},
    {"area": "C", "capability": "fire"},
    {"capability": "fire", "times": Times(weekdays=(1,))},
    {"capability": "fire", "priority": 1},
    {"capability": "fire"},
    {},
]


def test_the_more_specific_rule_comes_first_then_the_higher_priority():
    rules = [rule(str(number), "WEST-ROADS", **fields) for number, fields in enumerate(MORE_SPECIFIC_FIRST)]
    while rules:
        assert taker(by(*reversed(rules)), item="concert") == ("WEST-ROADS", rules[0].id)
        rules.pop(0)


def test_of_equals_the_rule_that_stands_first_in_the_file():
    equal = [rule(name, "WEST-ROADS", capability="fire") for name in ("b", "a", "c")]
    assert taker(by(*equal)) == ("WEST-ROADS", "b")


# ------------------------------------------------------------------ versions


def test_a_question_is_routed_by_the_version_of_its_time():
    old, new = (
        RuleSet("old", date(2027, 1, 1), (rule("r", "CITY-FIRE", capability="fire"),)),
        RuleSet("new", date(2027, 3, 1), (rule("r", "WEST-ROADS", capability="fire"),)),
    )
    responsibilities = Responsibilities.of(CITY, new, old)
    midnight = datetime(2027, 2, 28, 16, 0, tzinfo=UTC)  # in China
    assert taker(responsibilities, at=midnight) == ("WEST-ROADS", "r")
    assert taker(responsibilities, at=midnight - timedelta(seconds=1)) == ("CITY-FIRE", "r")
    assert taker(responsibilities, at=datetime(2026, 12, 31, tzinfo=UTC)) == ("EAST-FIRE", "")
    assert [responsibilities.at(at).version for at in (None, MONDAY, MONDAY - timedelta(days=30))] == [
        "new",
        "new",
        "old",
    ]


def test_only_the_version_that_is_needed_is_read():
    def never():
        raise AssertionError("an old version was read")

    new = RuleSet("new", date(2027, 1, 1))
    responsibilities = Responsibilities(
        CITY, (Edition(date(2020, 1, 1), never), Edition(date(2027, 1, 1), lambda: new))
    )
    assert taker(responsibilities) == ("EAST-FIRE", "")


# ------------------------------------------------------------------ the organisation of the day


def test_a_rule_passes_over_who_is_not_there_on_the_day():
    today = MONDAY.date()
    tree = reformed(**{"EAST-FIRE-2": {"until": today}})
    responsibilities = by(rule("r", "EAST-FIRE-2", "CITY-FIRE", capability="fire"), organisation=tree)
    assert taker(responsibilities, at=MONDAY - timedelta(days=1)) == ("EAST-FIRE-2", "r")
    assert taker(responsibilities) == ("CITY-FIRE", "r")
    found = considered(responsibilities, Question("fire", "T1", at=MONDAY), load=idle)
    assert [one.verdict for one in found] == ["takes"]


def test_a_rule_whose_departments_are_all_not_there_is_no_rule_that_day():
    tree = reformed(**{"EAST-FIRE-2": {"since": MONDAY.date() + timedelta(days=1)}})
    responsibilities = by(rule("r", "EAST-FIRE-2", capability="fire"), organisation=tree)
    assert taker(responsibilities) == ("EAST-FIRE", "")
    found = considered(responsibilities, Question("fire", "T1", at=MONDAY), load=idle)
    assert [one.verdict for one in found] == ["ruled_out"]


def test_what_was_asked_before_a_reform_is_replayed_by_the_organisation_of_its_day():
    tree = reformed(**{"EAST-FIRE": {"until": MONDAY.date()}})
    responsibilities = by(organisation=tree)
    known = [Asked(Question("fire", "T1", at=at), "EAST-FIRE") for at in (MONDAY - timedelta(days=1), MONDAY)]
    assert [choose(responsibilities, one.question).department for one in known] == ["EAST-FIRE", "EAST-FIRE-2"]
    sent = by(rule("r", "EAST-FIRE", capability="fire"), organisation=tree)
    assert rerouted(known, before=responsibilities, after=sent) == []


# ------------------------------------------------------------------ any rules


@st.composite
def cities(draw):
    """A city with departments and rules anywhere, and a question; how busy each department is."""
    regions = [Region("C", text("C"), 3)]
    for district in range(draw(st.integers(1, 2))):
        regions.append(Region(f"D{district}", text("D"), 4, "C"))
        regions += [
            Region(f"D{district}T{town}", text("T"), 5, f"D{district}") for town in range(draw(st.integers(0, 2)))
        ]
    codes = st.sampled_from([region.code for region in regions])
    can = st.sampled_from(("fire", "water"))
    known = draw(departments(codes, least=1, most=5))
    names = st.sampled_from([one.code for one in known])
    times = st.sampled_from(
        [None, Times(weekdays=(1, 2)), Times(weekdays=(3,)), Times(hours=(Hours(time(8), time(9)),))]
    )
    load = st.sampled_from([None, Load(at_most=1), Load(least=True), Load(at_most=2, least=True)])
    rules = draw(
        st.lists(
            st.builds(
                lambda to, **fields: rule("", *to, **fields),
                st.lists(names, min_size=1, max_size=3, unique=True),
                capability=st.sampled_from(("", "fire", "water")),
                item=st.sampled_from(("", "a", "b")),
                area=st.one_of(st.just(""), codes),
                times=times,
                load=load,
                priority=st.integers(0, 2),
            ),
            max_size=8,
        )
    )
    numbered = [replace(one, id=str(number)) for number, one in enumerate(rules)]
    question = Question(
        draw(can),
        draw(codes),
        draw(st.sampled_from(("", "a"))),
        MONDAY + timedelta(hours=draw(st.integers(0, 72))),
        frozenset(draw(st.lists(names, max_size=3))),
    )
    busy = {one.code: draw(st.integers(0, 3)) for one in known}
    return by(*numbered, organisation=Organisation(tuple(regions), known)), question, busy


def there(tree, code, day):
    """Whether the city has a department on a day, by a look at each."""
    days = [(one.since, one.until) for one in tree.departments if one.code == code]
    return any((since is None or since <= day) and (until is None or day < until) for since, until in days)


def looking_at_everything(responsibilities, question, busy):
    """The definition of routing, without an index: every rule and every department is looked at."""
    tree, day = responsibilities.organisation, question.at.astimezone(SHANGHAI).date()
    above = tree.lineage(question.place)
    depth = {"": -1, **{code: len(tree.lineage(code)) for code in tree.region}}
    found = []
    ranked = sorted(
        enumerate(responsibilities.at(question.at).rules),
        key=lambda pair: (
            not pair[1].item,
            -depth[pair[1].area],
            not pair[1].capability,
            -((pair[1].times is not None) + (pair[1].load is not None)),
            -pair[1].priority,
            pair[0],
        ),
    )
    for _, one in ranked:
        if one.capability not in ("", question.capability) or one.item not in ("", question.task_code):
            continue
        if one.area not in ("", *above) or (one.times and not one.times.hold(question.at)):
            continue
        able = [code for code in one.to if code not in question.besides and there(tree, code, day)]
        if one.load and one.load.at_most is not None:
            able = [code for code in able if busy[code] <= one.load.at_most]
        if one.load and one.load.least:
            able.sort(key=busy.__getitem__)
        found += [Choice(code, one.id) for code in able]
    near = [
        one
        for one in tree.departments
        if on_its_day(one, question.capability, day) and one.region in above and one.code not in question.besides
    ]
    found += [Choice(one.code) for one in sorted(near, key=lambda one: -depth[one.region])]
    first: dict[str, Choice] = {}
    for choice in found:
        first.setdefault(choice.department, choice)
    return list(first.values())


@given(cities())
def test_routing_chooses_what_a_look_at_every_rule_and_department_chooses(drawn):
    responsibilities, question, busy = drawn
    expected = looking_at_everything(responsibilities, question, busy)
    found = list(candidates(responsibilities, question, load=busy.__getitem__))
    assert found == expected
    assert choose(responsibilities, question, load=busy.__getitem__) == (expected[0] if expected else None)


@given(cities())
def test_whoever_hands_it_back_is_not_asked_again_and_routing_ends(drawn):
    responsibilities, question, busy = drawn
    asked = []
    while found := choose(responsibilities, question, load=busy.__getitem__):
        assert found.department not in {*question.besides}
        asked.append(found.department)
        question = question._replace(besides=question.besides | {found.department})
    assert len(asked) == len(set(asked)) <= len(responsibilities.organisation.departments)
