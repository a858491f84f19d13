"""Rules in CEL: what they may read, how they answer, and how they fail."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from liangwang.domain.catalogue import RuleFailed
from liangwang.rules import Rules

FACTS: dict[str, Any] = {
    "form": {"area": 120, "height": 2.5, "lit": True, "kind": "hotel", "start": "2031-03-03"},
    "materials": ["plan", "contract"],
    "applicant": {"type": 2},
    "place": "990101001",
    "today": date(2031, 2, 1),
    "collaboration": {"conclusion": "agree", "opinions": {"fire-inspection": "agree"}},
}


@pytest.mark.parametrize(
    "expression",
    [
        "form.area > 100 && form.lit",
        "form.height >= 2",
        'form.kind in ["hotel", "cinema"]',
        '"plan" in materials && !("photo" in materials)',
        "applicant.type == 2",
        'place.startsWith("990101")',
        "today.getFullYear() == 2031 && today.getMonth() == 1 && today.getDate() == 1",
        'timestamp(form.start + "T00:00:00Z") - today == duration("720h")',
        'collaboration.opinions["fire-inspection"] == "agree"',
        "!has(form.remark)",
    ],
)
def test_a_rule_reads_the_facts(expression: str) -> None:
    assert Rules().evaluate(expression, FACTS) is True


def test_a_rule_answers_false_as_well() -> None:
    assert Rules().evaluate("form.area > 500", FACTS) is False


def test_materials_may_come_as_a_tuple() -> None:
    assert Rules().evaluate('"plan" in materials', {**FACTS, "materials": ("plan",)})


def test_today_is_the_calendar_day_in_china() -> None:
    new_year_in_china = datetime(2030, 12, 31, 23, 0, tzinfo=UTC)
    assert Rules().evaluate("today.getFullYear() == 2031", {**FACTS, "today": new_year_in_china})


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("form.remark == 'x'", "form.remark == 'x': NOT_FOUND: Key not found in map : \"remark\""),
        ("form.kind > 3", "form.kind > 3: UNKNOWN: No matching overloads found : _>_(string, int64)"),
        ("form.area", "form.area: answers INT, not true or false"),
        ("fee > 3", "fee > 3: 1:1: undeclared reference to 'fee' (in container '')"),
        ("1 / 0 == 1", "1 / 0 == 1: INVALID_ARGUMENT: divide by zero"),
    ],
)
def test_a_rule_without_an_answer_fails_with_expression_and_reason(expression: str, reason: str) -> None:
    with pytest.raises(RuleFailed) as caught:
        Rules().evaluate(expression, FACTS)
    assert str(caught.value) == reason


def test_a_failed_rule_does_not_harm_the_next() -> None:
    rules = Rules()
    with pytest.raises(RuleFailed):
        rules.evaluate("form.remark == 'x'", FACTS)
    assert rules.evaluate("form.lit", FACTS)


@pytest.mark.parametrize("expression", ["form.area >", "materials", "today", "fee > 3", 'place + 1 == "x"'])
def test_checking_refuses_what_can_never_answer(expression: str) -> None:
    with pytest.raises(RuleFailed, match="^" + expression.split()[0]):
        Rules().check(expression)


def test_checking_accepts_a_yes_or_no_field_by_itself() -> None:
    Rules().check("form.lit")
