"""Broken versions of the routing rules are refused with the file, the line and what to do; what nobody answers for is listed."""

from datetime import date

import pytest
from liangwang import catalogue
from liangwang.catalogue import CatalogueError
from liangwang.domain.responsibilities import Responsibilities, RoutingRule, RuleSet
from liangwang.responsibility_checks import uncovered

from tests.unit.samples import CITY, item, text
from tests.unit.test_catalogue_refuses import ITEM, ORGANISATION, write

TWO_DISTRICTS = ORGANISATION.replace(
    "departments:",
    """  - {code: "990102", name: {zh: 川西区, en: Chuanxi}, level: 4, parent: "990100"}
departments:
  - {code: D-WEST, name: {zh: 西局, en: West}, region: "990102", capabilities: [dig]}""",
)
TODAY = date(2027, 1, 1)
REASON = "reason: {zh: 因, en: because}"


def rules(*lines, version="1", day="2027-01-01"):
    """A version: its first rule stands on line 4."""
    head = [f'version: "{version}"', f'effective_from: "{day}"', "rules:" if lines else "rules: []"]
    return "\n".join([*head, *(f"  - {{{line}, {REASON}}}" for line in lines)])


def problems(tmp_path, *lines, name="2027-01-01", today=TODAY, **head):
    """What the check says of a version with these rules, on a day."""
    directory = tmp_path if (tmp_path / "items").exists() else write(tmp_path, organisation=TWO_DISTRICTS, stall=ITEM)
    (directory / "responsibilities").mkdir(exist_ok=True)
    (directory / "responsibilities" / f"{name}.yaml").write_text(rules(*lines, **head), encoding="utf-8")
    try:
        catalogue.check(directory, today=today)
    except CatalogueError as error:
        return list(error.problems)
    return []


FILE = "responsibilities/2027-01-01.yaml"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("id: a, to: [D-NONE]", "4: rules[0].to[0]: there is no department 'D-NONE'"),
        ("id: a, to: []", "4: rules[0].to: name at least one department"),
        ("id: a, to: [D-CITY, D-CITY]", "4: rules[0].to[1]: 'D-CITY' stands here a second time"),
        ('id: a, to: [D-CITY], area: "1"', "4: rules[0].area: there is no region '1'"),
        ("id: a, to: [D-CITY], item: kiosk", "4: rules[0].item: there is no item 'kiosk'"),
        (
            "id: a, to: [D-CITY], capability: fly",
            "4: rules[0].capability: no department answers for 'fly' and no item asks for it",
        ),
        (
            "id: a/b, to: [D-CITY]",
            "4: rules[0].id: 1 to 50 letters, digits and hyphens: tasks name the rule that chose",
        ),
        (
            'id: a, to: [D-WEST], area: "990101"',
            "4: rules[0].to[0]: D-WEST is of 990102, neither above nor below 990101; if that is meant, write `across: true`",
        ),
        (
            "id: a, to: [D-CITY], times: {}",
            "4: rules[0].times: says no time: name weekdays, hours or days, or take it out",
        ),
        (
            'id: a, to: [D-CITY], times: {hours: [{since: "08:00:00", until: "08:00:00"}]}',
            "4: rules[0].times.hours[0]: begins when it ends; for the whole day write no hours",
        ),
        (
            'id: a, to: [D-CITY], times: {days: [{first: "2027-02-02", last: "2027-02-01"}]}',
            "4: rules[0].times.days[0]: ends before it begins",
        ),
        (
            "id: a, to: [D-CITY], load: {}",
            "4: rules[0].load: says nothing of load: write `at_most` or `least: true`, or take it out",
        ),
        ("id: a, to: [D-CITY], load: {at_most: -1}", "4: rules[0].load.at_most: a number of open tasks, 0 or more"),
        (
            "id: a, to: [D-CITY], load: {least: true}",
            "4: rules[0].load.least: is never looked at: there is one department only",
        ),
        (
            "id: a, to: [D-CITY], day: monday",
            "4: rules[0].day: this field does not exist; take it out or correct its name",
        ),
    ],
)
def test_a_broken_rule_is_refused_with_line_and_reason(tmp_path, line, says):
    assert problems(tmp_path, line) == [f"{FILE}:{says}"]


def test_a_rule_to_another_branch_of_the_tree_says_that_it_is_meant(tmp_path):
    assert problems(tmp_path, 'id: a, to: [D-WEST], area: "990101", across: true') == []


FIRE = "to: [D-CITY], capability: fire"
TOWN_FIRE = "to: [D-TOWN], capability: fire"
LONG, SHORT, NIGHT = (
    f'times: {{hours: [{{since: "{since}:00:00", until: "{until}:00:00"}}]}}'
    for since, until in (("08", "20"), ("09", "12"), ("22", "06"))
)


@pytest.mark.parametrize(
    ("first", "second", "beaten"),
    [
        (f"{FIRE}, priority: 1", TOWN_FIRE, True),
        (FIRE, FIRE, True),
        (f"{FIRE}, item: stall", FIRE, False),
        (f'{FIRE}, area: "990101"', FIRE, False),
        (f'{FIRE}, area: "990100"', TOWN_FIRE, True),  # every place is in the city
        (f"{FIRE}, {LONG}, priority: 1", f"{TOWN_FIRE}, {SHORT}", True),
        (f"{FIRE}, {SHORT}, priority: 1", f"{TOWN_FIRE}, {LONG}", False),
        (f"{FIRE}, {LONG}, priority: 1", TOWN_FIRE, False),
        (f"{FIRE}, {LONG}", f"{TOWN_FIRE}, {NIGHT}", False),
        (f"{FIRE}, load: {{at_most: 5}}, priority: 1", f"{FIRE}, load: {{at_most: 3}}", True),
        (f"{FIRE}, load: {{at_most: 5}}, priority: 1", f"{FIRE}, load: {{at_most: 8}}", False),
        (f"{FIRE}, load: {{at_most: 5}}", TOWN_FIRE, False),
        ("to: [D-CITY, D-TOWN], capability: fire, load: {least: true}", TOWN_FIRE, True),
    ],
)
def test_a_rule_that_never_comes_first_is_refused(tmp_path, first, second, beaten):
    expected = [f"{FILE}:5: rules[1]: is never the first: a takes every question that it is for"]
    assert problems(tmp_path, f"id: a, {first}", f"id: b, {second}") == (expected if beaten else [])


@pytest.mark.parametrize(
    ("first", "second", "contradict"),
    [
        (FIRE, TOWN_FIRE, True),
        (f"{FIRE}, {LONG}", f"{TOWN_FIRE}, {SHORT}", True),
        (f"{FIRE}, {LONG}", f"{TOWN_FIRE}, load: {{at_most: 3}}", True),
        (f"{FIRE}, {NIGHT}", f"{TOWN_FIRE}, {SHORT}", False),
        (f"{FIRE}, {LONG}, priority: 1", f"{TOWN_FIRE}, {NIGHT}", False),
        (f"{FIRE}, times: {{weekdays: [1, 2]}}", f"{TOWN_FIRE}, times: {{weekdays: [2]}}", True),
        (f"{FIRE}, times: {{weekdays: [1, 2]}}", f"{TOWN_FIRE}, times: {{weekdays: [3]}}", False),
    ],
)
def test_two_rules_of_which_only_their_order_would_say_who_takes_it_are_refused(tmp_path, first, second, contradict):
    expected = [f"{FILE}:5: rules[1]: says otherwise than a of the same priority; give one of them a higher `priority`"]
    assert problems(tmp_path, f"id: a, {first}", f"id: b, {second}") == (expected if contradict else [])


def test_so_many_rules_about_the_same_that_a_question_would_wait_are_refused(tmp_path):
    days = [f'times: {{days: [{{first: "{year}-01-01", last: "{year}-01-02"}}]}}' for year in range(2000, 2101)]
    lines = [f"id: r{number}, {FIRE}, {day}" for number, day in enumerate(days)]
    assert problems(tmp_path, *lines[:100]) == []
    assert problems(tmp_path, *lines) == [
        f"{FILE}:104: rules[100]: 101 rules are about the same item, capability and area; at most 100 are"
    ]


def test_a_version_is_named_for_its_first_day_and_never_again_for_another(tmp_path):
    assert problems(tmp_path, version="1") == []
    assert problems(tmp_path, version="1", day="2027-06-01", name="2027-05-01") == [
        "responsibilities/2027-05-01.yaml:2: effective_from: the file is named for 2027-05-01; both must say the same day",
        "responsibilities/2027-05-01.yaml:1: version: '1' is the name of an earlier version; versions are never changed",
    ]


def reformed(days, *, of="[dig]}"):
    """The organisation with days of the first department, or (``of``) of another."""
    assert of in TWO_DISTRICTS
    return TWO_DISTRICTS.replace(of, f"{of[:-1]}, {days}}}")


def test_a_department_that_ends_stays_in_versions_of_its_time_and_the_newest_names_it_no_more(tmp_path):
    directory = write(tmp_path, organisation=reformed('until: "2027-05-01"'), stall=ITEM)
    assert problems(directory, "id: a, to: [D-WEST]", name="2027-01-01") == [
        f"{FILE}:4: rules[0].to[0]: D-WEST ends on 2027-05-01; name who does its work then in a version of that day"
    ]
    assert problems(directory, "id: a, to: [D-CITY]", name="2027-05-01", day="2027-05-01", version="2") == []


@pytest.mark.parametrize("today", [date(2026, 6, 1), TODAY, date(2032, 1, 1)])
def test_what_the_check_says_of_rules_does_not_change_as_time_passes(tmp_path, today):
    directory = write(tmp_path, organisation=reformed('until: "2027-05-01"'), stall=ITEM)
    assert len(problems(directory, "id: a, to: [D-WEST]", today=today)) == 1


def test_a_rule_names_nobody_who_is_there_on_none_of_its_days(tmp_path):
    directory = write(tmp_path, organisation=reformed('since: "2027-05-01", until: "2028-01-01"'), stall=ITEM)
    problems(directory, "id: a, to: [D-WEST, D-CITY]", name="2027-01-01")
    assert problems(directory, "id: a, to: [D-CITY]", name="2027-05-01", day="2027-05-01", version="2") == [
        f"{FILE}:4: rules[0].to[0]: D-WEST is not there on any day that this rule is in force; "
        "it begins on 2027-05-01 and ends on 2028-01-01"
    ]


@pytest.mark.parametrize(("last", "says"), [("2027-05-01", 1), ("2027-04-30", 0)])
def test_a_rule_for_some_days_may_name_who_is_there_on_all_of_them(tmp_path, last, says):
    directory = write(tmp_path, organisation=reformed('until: "2027-05-01"'), stall=ITEM)
    days = f'times: {{days: [{{first: "2027-04-01", last: "{last}"}}]}}'
    assert len(problems(directory, f"id: a, to: [D-WEST], {days}")) == says


def test_a_rule_may_name_a_department_that_begins_while_it_is_in_force(tmp_path):
    directory = write(tmp_path, organisation=reformed('since: "2027-05-01"'), stall=ITEM)
    assert problems(directory, "id: a, to: [D-WEST, D-CITY]") == []


@pytest.mark.parametrize(
    ("capabilities", "says"),
    [
        (
            '[dig], since: "2027-05-01", until: "2027-05-01"}',
            "departments[0].until: ends on 2027-05-01, and begins on 2027-05-01 only: `until` is the first day without it",
        ),
        (
            '[{code: dig, since: "2027-05-02", until: "2027-05-01"}]}',
            "departments[0].capabilities[0]: 'dig' is held on no day: `until` is the first day without it, "
            "and the department's own days bound it",
        ),
        (
            '[{code: dig, since: "2027-05-01"}], until: "2027-05-01"}',
            "departments[0].capabilities[0]: 'dig' is held on no day: `until` is the first day without it, "
            "and the department's own days bound it",
        ),
        (
            "[{code: dig}]}",
            "departments[0].capabilities[0]: says no day: write dig alone, or `since` or `until`",
        ),
        (
            '[dig, {code: dig, since: "2027-05-01"}]}',
            "departments[0].capabilities[1]: 'dig' stands here a second time",
        ),
    ],
)
def test_days_that_cannot_be_are_refused(tmp_path, capabilities, says):
    organisation = TWO_DISTRICTS.replace("[dig]}", capabilities)
    assert problems(write(tmp_path, organisation=organisation, stall=ITEM)) == [f"organisation.yaml:7: {says}"]


def test_a_capability_may_be_taken_away_and_given_back(tmp_path):
    twice = '[{code: dig, until: "2027-05-01"}, {code: dig, since: "2027-07-01"}]}'
    assert problems(write(tmp_path, organisation=TWO_DISTRICTS.replace("[dig]}", twice), stall=ITEM)) == []


LINE = 7
"""Where the item names its capability."""
NOBODY = "in 990101001 or above it in 990101 or above it in 990100"


@pytest.mark.parametrize("today", [date(2026, 6, 1), date(2027, 4, 30)])
def test_an_item_that_nobody_handles_from_some_day_on_is_refused(tmp_path, today):
    organisation = TWO_DISTRICTS.replace("[licensing,", '[{code: licensing, until: "2027-05-01"},')
    assert problems(write(tmp_path, organisation=organisation, stall=ITEM), today=today) == [
        f"items/stall.yaml:{LINE}: capability: no department answers for 'licensing' {NOBODY} from 2027-05-01 on"
    ]


def test_a_gap_between_two_departments_is_found_and_a_gap_that_is_over_is_not(tmp_path):
    moved = TWO_DISTRICTS.replace("[licensing,", '[{code: licensing, until: "2027-05-01"},')
    moved = moved.replace(
        "[dig]}",
        '[dig]}\n  - {code: D-NEW, name: {zh: 新局, en: New}, region: "990100", '
        'capabilities: [licensing], since: "2027-05-02"}',
    )
    directory = write(tmp_path, organisation=moved, stall=ITEM)
    assert problems(directory, today=TODAY) == [
        f"items/stall.yaml:{LINE}: capability: no department answers for 'licensing' {NOBODY} from 2027-05-01 on"
    ]
    assert problems(directory, today=date(2027, 5, 2)) == []


def test_a_rule_answers_for_an_item_only_while_one_of_its_departments_is_there(tmp_path):
    asks = ITEM.replace("capability: fire,", "capability: fly,")
    directory = write(tmp_path, organisation=reformed('since: "2027-02-01"'), stall=asks)
    line = "id: a, to: [D-WEST], capability: fly"
    assert any("no department answers for 'fly'" in one for one in problems(directory, line, today=TODAY))
    assert problems(directory, line, today=date(2027, 2, 1)) == []


def test_a_file_that_is_named_for_no_day_is_refused(tmp_path):
    assert problems(tmp_path, name="spring") == [
        "responsibilities/spring.yaml:1: a version is named for its first day, as 2027-01-01.yaml is"
    ]


def test_an_item_may_ask_what_only_a_rule_answers(tmp_path):
    asks = ITEM.replace("capability: fire,", "capability: fly,")
    directory = write(tmp_path, organisation=TWO_DISTRICTS, stall=asks)
    assert problems(directory) == [
        "items/stall.yaml:42: collaborations[0].asks[0].capability: "
        "no department answers for 'fly' in 990101001 or above it in 990101 or above it in 990100"
    ]
    assert problems(directory, "id: a, to: [D-CITY], capability: fly") == []


@pytest.mark.parametrize("condition", ['area: "990102"', "item: kiosk", LONG, "load: {at_most: 1}"])
def test_a_rule_that_answers_somewhere_or_sometimes_only_is_not_enough_for_an_item(tmp_path, condition):
    directory = write(tmp_path, organisation=TWO_DISTRICTS, stall=ITEM.replace("capability: fire,", "capability: fly,"))
    found = problems(directory, f"id: a, to: [D-CITY], capability: fly, {condition}")
    assert any("no department answers for 'fly'" in one for one in found)


def test_what_nobody_answers_for_somewhere_is_listed_with_the_items_that_need_it():
    needs_roads = item(capability="roads")
    found = uncovered(Responsibilities(CITY), RuleSet("1", TODAY), [needs_roads], day=TODAY)
    assert [(one.capability, one.places, one.items) for one in found] == [
        ("licence", ("T2",), ()),
        ("roads", ("T1",), (needs_roads.task_code,)),
        ("site", ("T2",), ()),
    ]


def test_a_rule_covers_what_no_department_does():
    everywhere = RoutingRule(id="r", to=("CITY-FIRE",), reason=text("r"))
    assert uncovered(Responsibilities(CITY), RuleSet("1", TODAY, (everywhere,)), [], day=TODAY) == ()
