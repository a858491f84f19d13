"""办件详情: what is shown of a case is what the caller's part in it needs."""

import pytest
from liangwang.domain import messages as m

from tests.functional.functions import Functions
from tests.functional.test_department_access import DETAIL, MASKED, OTHER, UNMASK, applied, asked, carried, told
from tests.functional.test_desk import OWN, claimed, history, name, written

MATERIAL = "POST /api/cases/{case_no}/materials/{code}"
CONTENT = ("form", "materials", "attachments", "personal", "conclusions")
FRAME = ("case", "due_at", "clock", "steps", "timeline")


@pytest.fixture
def functions():
    return Functions()


def shown(functions, number, **who):
    status, case = told(functions, DETAIL, case_no=number, **who)
    assert status == 200, case
    return case


def is_frame(case):
    assert all(case[part] is not None for part in FRAME)
    return all(case[part] is None for part in CONTENT)


def test_who_has_the_step_in_hand_sees_the_case_and_a_reviewer_who_has_none_its_frame(functions):
    number = applied(functions)
    carried(functions)
    store = functions.store("department")
    handler, reviewer = {"subject": "clerk-1"}, {"role": "reviewer", "subject": "reviewer-1"}
    assert shown(functions, number, **handler)["personal"] == MASKED
    assert shown(functions, number, **reviewer)["personal"] == MASKED, "nobody has claimed it: it may be theirs"
    assert store.on_desk(OWN)[0]
    written(functions, claimed(7, "clerk-1"))
    assert shown(functions, name(7), **handler)["form"] == {"area": 10}
    for other in ({"subject": "clerk-2"}, reviewer):
        assert is_frame(shown(functions, name(7), **other))


def test_a_supervisor_and_an_auditor_oversee_the_whole_case(functions):
    written(functions, claimed(7, "clerk-1"))
    assert shown(functions, name(7), role="supervisor", subject="head-1")["form"] == {"area": 10}
    assert shown(functions, name(7), role="auditor", department="", subject="auditor-1")["form"] == {"area": 10}


@pytest.mark.parametrize(("route", "more"), [(UNMASK, {}), (MATERIAL, {"code": "layout-plan"})])
def test_who_has_no_part_in_a_case_opens_nothing_of_it_whatever_the_reason(functions, route, more):
    written(functions, claimed(7, "clerk-1"))
    body = {"reason": "示例"}
    refused = asked(functions, route, body=body, subject="clerk-2", case_no=name(7), **more)
    assert refused["statusCode"] == 403
    assert asked(functions, route, body=body, department=OTHER, case_no=name(7), **more)["statusCode"] == 404


def test_who_did_a_step_still_sees_the_case_after_its_end_and_others_its_frame(functions):
    done = m.StepCompleted(case_no=name(3), department=OWN, step="review", opinion="agree", by="clerk-1")
    ended = m.CaseDecided(case_no=name(3), department=OWN, outcome="granted", told=3)
    written(functions, history(3, more=[done, ended]))
    assert shown(functions, name(3), subject="clerk-1")["form"] == {"area": 10}
    assert is_frame({**shown(functions, name(3), subject="clerk-2"), "due_at": ""})


def test_a_case_that_rules_decided_is_shown_to_reviewers_who_look_at_it_again(functions):
    ended = m.CaseDecided(case_no=name(3), department=OWN, outcome="granted", told=3)
    written(functions, history(3, more=[ended]))
    assert shown(functions, name(3), role="reviewer", subject="reviewer-1")["form"] == {"area": 10}


def test_a_case_says_how_its_due_date_came_about_and_what_the_caller_may_do(functions):
    written(functions, claimed(7, "clerk-1"))
    mine, others = shown(functions, name(7)), shown(functions, name(7), subject="clerk-2")
    assert mine["clock"]["light"] == "green" and "法定" in mine["clock"]["explanation"]["zh"]
    assert mine["steps"] == [{"step": "review", "officer": "clerk-1", "due_at": None, "can": True}]
    assert [step["can"] for step in others["steps"]] == [False]
    assert mine["acts"] == ["case.step", "case.unmask", "case.material", "case.collaborate"]
    assert "case.unmask" not in others["acts"]
