"""受理 by an officer: what may be done with an application that waits, and what art. 32 does not allow."""

from datetime import timedelta

import pytest
from liangwang.domain import messages as m
from liangwang.domain.acceptance import receive, receive_supplement
from liangwang.domain.case import evolve
from liangwang.domain.course import Practice
from liangwang.domain.errors import Invalid, NotNow
from liangwang.domain.officer_acceptance import (
    AcceptCase,
    AskedPoint,
    RefuseCase,
    RequestSupplement,
    ReturnCase,
    TransferCase,
    VisibleBefore,
    accept,
    check_transfer,
    give_back,
    refuse,
    request_supplement,
    transfer,
)
from liangwang.domain.validity import day_of
from liangwang.domain.working_days import Calendar
from msgspec import structs

from tests.unit.samples import (
    CASE_NO,
    CITY,
    NOON,
    evaluate,
    example,
    folded,
    item,
    kinds,
    rule,
    submitted,
    supplemented,
    text,
)

ITEM = item(
    accepted_by="clerk", form={"type": "object", "properties": {"area": {"type": "integer"}, "use": {"type": "string"}}}
)
ON = Practice(ITEM, evaluate, Calendar())
OTHER = structs.replace(CITY.departments[3], code="WEST-MARKET", region="D2")
ORGANISATION = structs.replace(CITY, departments=(*CITY.departments, OTHER))


SECOND = timedelta(seconds=1)


def waiting(**application):
    return folded(evolve, None, receive(None, submitted(**application), on=ON, now=NOON))


def points(*fields, arose_from=""):
    return RequestSupplement(
        points=tuple(AskedPoint(field=field, reason="mend it", arose_from=arose_from) for field in fields)
    )


def asked(state, wish):
    return request_supplement(state, wish, officer="li", on=ON, now=NOON)


def fields(caught):
    return [one.field for one in caught.value.violations]


def test_an_officer_accepts_and_is_named():
    events = accept(waiting(), AcceptCase(), officer="li", on=ON, now=NOON)
    assert kinds(events) == ["CaseAccepted", "StepCompleted"]
    assert (events[0].by, events[0].deemed) == ("li", False)


def test_what_rules_find_stands_against_accepting_until_the_officer_says_why_not():
    strict = Practice(structs.replace(ITEM, eligibility=(rule("adult", "no"),)), evaluate, Calendar())
    state = waiting(materials=("identity",))
    with pytest.raises(Invalid) as caught:
        accept(state, AcceptCase(), officer="li", on=strict, now=NOON)
    assert [one.message for one in caught.value.violations] == [
        "say why it is accepted although: adult",
        "say why it is accepted although plan: Please hand in: Plan",
    ]
    accepted = accept(state, AcceptCase(explanation="seen at the window"), officer="li", on=strict, now=NOON)[0]
    assert accepted.explanation == "seen at the window"


def test_a_notice_names_fields_and_materials_and_until_when():
    (notice,) = asked(waiting(), points("area", "plan"))
    assert [point.field for point in notice.points] == ["area", "plan"]
    assert notice.until is not None and notice.by == "li"


def test_a_notice_cannot_name_what_the_applicant_cannot_answer_nor_the_same_twice():
    with pytest.raises(Invalid) as caught:
        asked(waiting(), points("area", "colour", "area"))
    assert fields(caught) == ["points[1].field", "points[2].field"]


def answered_once():
    state = folded(evolve, waiting(), asked(waiting(), points("area")))
    answer = supplemented(form={"area": 5}, materials=())
    return folded(evolve, state, receive_supplement(state, answer, on=ON, now=NOON))


def test_a_second_notice_for_what_was_visible_the_first_time_is_refused_and_names_the_points():
    with pytest.raises(VisibleBefore) as caught:
        asked(answered_once(), points("area", "plan"))
    assert fields(caught) == ["points[0].field", "points[1].arose_from"]


def test_a_point_that_arose_from_the_answer_may_be_asked_for():
    (notice,) = asked(answered_once(), points("plan", arose_from="area"))
    assert (notice.notice_no, notice.points[0].arose_from) == (f"{CASE_NO}-G2", "area")


def test_a_refusal_gives_reasons_basis_and_remedy():
    (refusal,) = refuse(waiting(), RefuseCase(reasons=("not ours",), basis="art. 1"), officer="li", on=ON, now=NOON)
    assert (refusal.reasons, refusal.basis, refusal.by) == ((text("not ours"),), "art. 1", "li")
    assert refusal.remedy == text("refusal.remedy")


def test_an_application_is_given_back_with_a_reason():
    (returned,) = give_back(waiting(), ReturnCase(reason="no permit is needed"), officer="li", on=ON, now=NOON)
    assert (returned.reasons, returned.by) == ((text("no permit is needed"),), "li")
    with pytest.raises(Invalid):
        give_back(waiting(), ReturnCase(reason=" "), officer="li", on=ON, now=NOON)


@pytest.mark.parametrize("to", ["EAST-MARKET", "EAST-FIRE", "NOWHERE"])
def test_a_case_is_handed_over_to_a_department_that_handles_the_item_only(to):
    with pytest.raises(Invalid) as caught:
        check_transfer(waiting(), TransferCase(to=to, reason="theirs"), item=ITEM, organisation=ORGANISATION, now=NOON)
    assert fields(caught) == ["to"]


def test_a_case_is_not_handed_over_to_a_department_that_would_never_hear_of_it():
    away = tuple(structs.replace(one, connected="kafka") if one == OTHER else one for one in ORGANISATION.departments)
    wish, city = TransferCase(to="WEST-MARKET", reason="theirs"), structs.replace(ORGANISATION, departments=away)
    with pytest.raises(Invalid) as caught:
        check_transfer(waiting(), wish, item=ITEM, organisation=city, now=NOON)
    assert "system of its own" in str(caught.value.violations)


@pytest.mark.parametrize("days", [{"until": day_of(NOON)}, {"since": day_of(NOON) + timedelta(days=1)}])
def test_a_case_is_not_handed_over_to_a_department_that_has_ended_or_not_begun(days):
    reformed = tuple(structs.replace(one, **days) if one == OTHER else one for one in ORGANISATION.departments)
    wish, city = TransferCase(to="WEST-MARKET", reason="theirs"), structs.replace(ORGANISATION, departments=reformed)
    with pytest.raises(Invalid) as caught:
        check_transfer(waiting(), wish, item=ITEM, organisation=city, now=NOON)
    assert "not there today" in str(caught.value.violations)


def handed_over(state):
    wish = TransferCase(to="WEST-MARKET", reason="theirs")
    check_transfer(state, wish, item=ITEM, organisation=ORGANISATION, now=NOON)
    return folded(evolve, state, transfer(state, wish, officer="li", sealed=(example(m.Sealed),), now=NOON))


def test_a_case_that_was_handed_over_is_the_same_case_with_the_same_number_and_the_same_five_days():
    before = waiting(sealed=structs.replace(example(m.Sealed), algorithm="theirs"))
    after = handed_over(before)
    assert (after.department, after.departments) == ("WEST-MARKET", ("EAST-MARKET", "WEST-MARKET"))
    assert (after.application.case_no, after.status, after.deemed_at) == (CASE_NO, "received", before.deemed_at)
    assert (after.sealed, after.sealed_for) == ((example(m.Sealed),), ("WEST-MARKET",))


def test_the_next_department_says_everything_that_follows():
    events = accept(handed_over(waiting()), AcceptCase(), officer="wang", on=ON, now=NOON)
    assert {one.department for one in events} == {"WEST-MARKET"}


@pytest.mark.parametrize(
    "act",
    [
        lambda state: accept(state, AcceptCase(), officer="li", on=ON, now=NOON),
        lambda state: asked(state, points("area")),
        lambda state: refuse(state, RefuseCase(reasons=("no",), basis="art. 1"), officer="li", on=ON, now=NOON),
        lambda state: give_back(state, ReturnCase(reason="no"), officer="li", on=ON, now=NOON),
        lambda state: transfer(
            state, TransferCase(to="WEST-MARKET", reason="theirs"), officer="li", sealed=(), now=NOON
        ),
    ],
)
def test_what_was_accepted_waits_for_acceptance_no_more(act):
    state = folded(evolve, waiting(), accept(waiting(), AcceptCase(), officer="li", on=ON, now=NOON))
    with pytest.raises((NotNow, VisibleBefore)):
        act(state)


# ------------------------------------------------------------------ after the five days, before a sweep has looked


@pytest.mark.parametrize(
    "act",
    [
        lambda state, now: request_supplement(state, points("area"), officer="li", on=ON, now=now),
        lambda state, now: refuse(state, RefuseCase(reasons=("no",), basis="art. 1"), officer="li", on=ON, now=now),
        lambda state, now: give_back(state, ReturnCase(reason="no"), officer="li", on=ON, now=now),
        lambda state, now: transfer(state, TransferCase(to="WEST", reason="theirs"), officer="li", sealed=(), now=now),
    ],
)
def test_once_the_five_days_have_passed_it_counts_as_accepted_and_nothing_else_is_said(act):
    state = waiting()
    act(state, state.deemed_at - SECOND)
    with pytest.raises(NotNow, match="counts as accepted"):
        act(state, state.deemed_at)


def test_an_officer_who_accepts_after_the_five_days_accepts_from_the_day_it_came():
    state = waiting()
    assert not accept(state, AcceptCase(), officer="li", on=ON, now=state.deemed_at - SECOND)[0].deemed
    late = accept(state, AcceptCase(), officer="li", on=ON, now=state.deemed_at)[0]
    assert (late.deemed, late.by, late.due.started_on) == (True, "li", ON.calendar.day_of(NOON))
