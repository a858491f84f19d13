"""工作清单: an officer finds the cases that are theirs to do, soonest due first, at the same cost whatever there is."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from liangwang import working_calendar
from liangwang.aggregates import CASE, Key
from liangwang.catalogue import load
from liangwang.domain import messages as m
from liangwang.domain import statutory_clock
from liangwang.domain.case import Received, StepAssigned
from liangwang.domain.history import Recorded
from liangwang.store import Stored

from tests.conftest import REPOSITORY
from tests.functional.functions import Functions
from tests.functional.test_department_access import EXPORT, LIST, OTHER, OWN, asked, told

CATALOGUE = load(REPOSITORY / "layers" / "catalogue")
CALENDAR = working_calendar.load(REPOSITORY / "layers" / "catalogue")
BY_OFFICERS = [code for code, item in CATALOGUE.items.items() if any(step.by == "clerk" for step in item.steps)]
NOW = datetime.now(UTC)


@pytest.fixture
def functions():
    return Functions()


def name(number):
    return f"20270301-{number:06d}-AAAAAAAAAAAA-A"


def history(number, *, task_code="food-business-licence", days=0, department=OWN, more=()):
    """A case that was accepted so many days ago, with what followed."""
    item, at = CATALOGUE.items[task_code], NOW - timedelta(days=days)
    case_no = name(number)
    application = m.ApplicationSubmitted(
        case_no=case_no,
        department=department,
        task_code=task_code,
        task_version=item.task_version,
        place="990101001",
        applicant_type=2,
        channel="pc",
        form={"area": 10},
        materials=(),
    )
    due = statutory_clock.start(item, CALENDAR, at)
    accepted = m.CaseAccepted(case_no=case_no, department=department, accept_doc_no=f"{case_no}-S", due=due)
    handled = [
        m.StepCompleted(case_no=case_no, department=department, step=step.key, opinion="agree", by="rule")
        for step in item.steps
        if step.by == "rule"
    ]
    events = [Received(application=application), accepted, *handled, *more]
    return Stored(Key(CASE.name, case_no), tuple(Recorded(at, f"{number}", event) for event in events))


def written(functions, *cases):
    errors = functions.store("department").save([(Stored(case.key), case) for case in cases])
    assert errors == [None] * len(cases)


def listed(functions, query=None, **who):
    status, page = told(functions, LIST, query=query, **who)
    assert status == 200, page
    return [case["case_no"] for case in page["cases"]]


def claimed(number, officer, step="review"):
    return history(number, more=[StepAssigned(step=step, officer=officer, by=officer)])


def test_lists_stay_at_a_constant_number_of_queries_whatever_the_number_of_item_types(functions):
    assert len(BY_OFFICERS) > 5
    kinds = [BY_OFFICERS[number % len(BY_OFFICERS)] for number in range(60)]
    written(functions, *[history(number, task_code=code) for number, code in enumerate(kinds)])
    for query in ({}, {"group": "true"}, {"mine": "true"}, {"light": "green"}, {"status": "in_review"}):
        for route in (LIST, EXPORT):
            before = len(functions.aws.calls)
            assert asked(functions, route, query={**query, "limit": "50"})["statusCode"] == 200
            operations = [operation for _, operation, _ in functions.aws.calls[before:]]
            assert operations in (["Query", "BatchGetItem"], ["Query"]), (query, route)


def test_the_soonest_due_come_first_and_each_once_over_all_pages(functions):
    written(functions, *[history(number, days=number % 7) for number in range(25)])
    found, cursor = [], ""
    while True:
        query = {"limit": "10", "in_hand": "any", **({"cursor": cursor} if cursor else {})}
        status, page = told(functions, LIST, query=query)
        assert status == 200 and len(page["cases"]) <= 10
        found += page["cases"]
        cursor = page.get("cursor")
        if not cursor:
            break
    assert sorted(case["case_no"] for case in found) == [name(number) for number in range(25)]
    assert [case["due_at"] for case in found] == sorted(case["due_at"] for case in found)
    (last,) = told(functions, LIST, query={"limit": "1", "sort": "-due"})[1]["cases"]
    assert last["due_at"] == found[-1]["due_at"]


def test_a_narrow_search_reads_on_to_fill_its_page_and_its_cursor_names_the_last_that_was_shown(functions):
    written(functions, *[history(number) for number in range(30)], *[claimed(number, "clerk-1") for number in (90, 95)])
    assert listed(functions, {"mine": "true", "limit": "2"}) == [name(90), name(95)]
    first = told(functions, LIST, query={"mine": "true", "limit": "1"})[1]
    assert [case["case_no"] for case in first["cases"]] == [name(90)]
    second = told(functions, LIST, query={"mine": "true", "limit": "1", "cursor": first["cursor"]})[1]
    assert [case["case_no"] for case in second["cases"]] == [name(95)]


def test_what_is_mine_is_not_the_groups_and_the_other_way_round(functions):
    written(functions, history(1), claimed(2, "clerk-1"), claimed(3, "clerk-2"))
    assert listed(functions, {"mine": "true"}) == [name(2)]
    assert listed(functions, {"group": "true"}) == [name(1)]
    assert listed(functions, {"group": "true"}, role="reviewer", subject="reviewer-1") == [name(1)]
    assert listed(functions, {"group": "true"}, role="supervisor", subject="head-1") == []
    assert listed(functions, {"mine": "true"}, subject="clerk-9") == []


def test_a_case_is_listed_with_its_open_steps_and_who_has_them(functions):
    written(functions, claimed(2, "clerk-7"))
    (case,) = told(functions, LIST)[1]["cases"]
    assert (case["step"], case["light"]) == ("review", "green")
    assert case["steps"] == [{"step": "review", "officer": "clerk-7", "due_at": None, "can": False}]


def test_cases_are_found_by_their_light_and_by_what_is_due(functions):
    written(functions, history(1), history(2, days=200))
    assert listed(functions, {"light": "overdue"}) == [name(2)]
    assert listed(functions, {"light": "green"}) == [name(1)]
    assert listed(functions, {"due_before": NOW.date().isoformat()}) == [name(2)]
    assert listed(functions, {"due_before": "2199-01-01"}) == [name(2), name(1)]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"light": "blue"}, "light"),
        ({"mine": "yes"}, "mine"),
        ({"group": "1"}, "group"),
        ({"in_hand": "maybe"}, "in_hand"),
        ({"sort": "name"}, "sort"),
        ({"due_before": "soon"}, "due_before"),
    ],
)
def test_a_criterion_that_is_none_is_named_with_the_fix(functions, query, field):
    status, problem = told(functions, LIST, query=query)
    assert (status, problem["errors"][0]["field"]) == (422, field)


def test_an_index_that_lags_behind_shows_nobody_what_they_have_no_right_to(functions):
    written(functions, history(1))
    items = functions.aws.dynamodb.tables["department"]
    stale = items[f"case#{name(1)}"]
    moved = m.CaseTransferred(case_no=name(1), department=OWN, to=OTHER, by="zhao", reason="示例")
    functions.store("department").save([(history(1), history(1, more=[moved]))])
    items[f"case#{name(1)}"] |= {key: stale[key] for key in ("desk", "due_at", "shown")}
    assert listed(functions) == [] and name(1) not in asked(functions, EXPORT)["body"]


def test_a_file_has_the_rows_of_the_list(functions):
    written(functions, *[history(number) for number in range(3)], claimed(7, "clerk-1"))
    for query in ({}, {"mine": "true"}, {"group": "true"}, {"light": "green"}):
        event = asked(functions, EXPORT, query=query)
        rows = event["body"].removeprefix("\ufeff").splitlines()[1:]
        assert [row.split(",")[0] for row in rows] == listed(functions, query)
        assert json.dumps(rows).count("clerk-1") == 0
