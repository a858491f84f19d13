"""受理 and time: what comes about when nobody says anything: deemed acceptance, returns, promises that were not kept."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liangwang.catalogue import load_supervision
from liangwang.domain import messages as m
from liangwang.domain import steps, supervision
from liangwang.domain.acceptance import receive, receive_supplement, wake, withdraw
from liangwang.domain.case import evolve
from liangwang.domain.catalogue import Material, Step
from liangwang.domain.course import Practice
from liangwang.domain.deadlines import awaited, next_moment, raised
from liangwang.domain.examination import GRACE
from liangwang.domain.officer_acceptance import AskedPoint, RequestSupplement, VisibleBefore, request_supplement
from liangwang.domain.patience import Patience
from liangwang.domain.supervision_rule import Watch
from liangwang.domain.working_days import Calendar

from tests.unit.samples import (
    CASE_NO,
    CITY,
    NOON,
    collaboration,
    evaluate,
    folded,
    item,
    kinds,
    submitted,
    supplemented,
    text,
    withdrawn,
)

WATCH = Watch(load_supervision(Path(__file__).parents[2] / "layers" / "catalogue"), CITY)
PATIENCE = Patience()
BY_CLERK = item(accepted_by="clerk")
LATER = item(
    materials=(Material("identity", text("Identity card")), Material("plan", text("Plan"), later_days=3)),
    steps=(Step("handle", "rule"), Step("approve", "clerk")),
)
FRIDAY_EVENING = datetime(2027, 3, 5, 9, 30, tzinfo=UTC)
"""17:30 in Shanghai on the fourth working day after Monday, 1 March 2027."""


def moments(state):
    """The moments of acceptance at which something comes about by itself."""
    return [one.at for one in awaited(state) if one.kind in ("deemed", "supplement", "promise")]


def lacking(state, kind):
    """What each step that cannot be done lacks."""
    return {step.key: found for step in kind.steps if (found := steps.lacking(state, kind, step))}


def on(kind):
    return Practice(kind, evaluate, Calendar())


def arrived(kind, *, at=NOON, **application):
    return folded(evolve, None, receive(None, submitted(**application), on=on(kind), now=at), at=at)


def woken(kind, state, now):
    return folded(evolve, state, wake(state, on=on(kind), now=now), at=now)


# ------------------------------------------------------------------ deemed acceptance


def test_an_application_that_an_officer_accepts_waits_five_working_days_at_most():
    state = arrived(BY_CLERK)
    assert state.status == "received"
    assert state.deemed_at == datetime(2027, 3, 8, 9, 30, tzinfo=UTC), "Monday week, when offices close"
    assert list(moments(state)) == [state.deemed_at]


def test_when_five_working_days_pass_it_counts_as_accepted_from_the_day_it_came_and_goes_on():
    state = arrived(BY_CLERK)
    events = wake(state, on=on(BY_CLERK), now=state.deemed_at)
    assert kinds(events) == ["CaseAccepted", "StepCompleted"]
    assert events[0].deemed and events[0].basis == "《中华人民共和国行政许可法》第三十二条"
    assert events[0].due.started_on == date(2027, 3, 1)


def test_a_deemed_acceptance_asks_other_departments_as_any_other():
    kind = item(accepted_by="clerk", collaborations=(collaboration("fire"),))
    state = arrived(kind)
    assert kinds(wake(state, on=on(kind), now=state.deemed_at)) == ["CaseAccepted", "CollaborationRequested"]


@given(st.lists(st.integers(-3, 40), max_size=12))
def test_it_is_deemed_accepted_exactly_once_however_often_and_whenever_somebody_looks(hours):
    state = arrived(BY_CLERK)
    due = state.deemed_at
    accepted = 0
    for hour in hours:
        now = due + timedelta(hours=hour)
        events = wake(state, on=on(BY_CLERK), now=now)
        accepted += sum(isinstance(one, m.CaseAccepted) for one in events)
        state = folded(evolve, state, events, at=now)
    assert accepted == any(hour >= 0 for hour in hours)
    assert wake(state, on=on(BY_CLERK), now=due - timedelta(days=1)) == [], "a clock that goes back does no harm"


def test_after_a_supplement_the_five_days_begin_anew_and_the_clock_runs_from_the_day_it_came():
    state = arrived(BY_CLERK)
    notice = m.SupplementRequested(
        case_no=CASE_NO, department="EAST-MARKET", notice_no="N", points=(m.Point("plan", text("mend")),)
    )
    state = folded(evolve, state, [notice])
    came = FRIDAY_EVENING - timedelta(hours=6)
    state = folded(evolve, state, receive_supplement(state, supplemented(), on=on(BY_CLERK), now=came), at=came)
    assert (state.status, state.deemed_at) == ("received", datetime(2027, 3, 12, 9, 30, tzinfo=UTC))
    assert wake(state, on=on(BY_CLERK), now=state.deemed_at)[0].due.started_on == date(2027, 3, 5)


def test_a_rule_accepts_at_once_and_nothing_is_waited_for():
    state = arrived(item())
    assert (state.deemed_at, list(moments(state))) == (None, [])


# ------------------------------------------------------------------ a supplement in time, and not in time


def supplementing():
    return arrived(item(supplement_days=4), materials=("identity",))


def test_the_notice_tells_until_when():
    assert supplementing().notices[-1].until == FRIDAY_EVENING


def test_supplement_asked_repeatedly_within_time_never_marks_the_case_supplement_overdue():
    kind = item(supplement_days=4)
    state = supplementing()
    for hours in range(0, 96, 8):
        assert wake(state, on=on(kind), now=NOON + timedelta(hours=hours)) == []
    came = FRIDAY_EVENING
    state = folded(evolve, state, receive_supplement(state, supplemented(), on=on(kind), now=came), at=came)
    assert state.status == "in_review"
    assert wake(state, on=on(kind), now=came + timedelta(days=99)) == [], "what was answered is never overdue"


def test_a_supplement_that_is_not_made_in_time_returns_the_case_once():
    kind, state = item(supplement_days=4), supplementing()
    late = FRIDAY_EVENING + GRACE
    assert list(moments(state)) == [late]
    assert wake(state, on=on(kind), now=late - timedelta(seconds=1)) == [], "it may be on the way"
    events = wake(state, on=on(kind), now=late)
    assert (kinds(events), events[0].return_doc_no) == (["CaseReturned"], f"{CASE_NO}-T")
    after = folded(evolve, state, events)
    assert (after.status, wake(after, on=on(kind), now=late), list(moments(after))) == ("returned", [], [])


def test_a_supplement_after_the_return_is_kept_as_a_note_and_flagged():
    kind, state = item(supplement_days=4), supplementing()
    returned = woken(kind, state, FRIDAY_EVENING + GRACE)
    events = receive_supplement(returned, supplemented(), on=on(kind), now=FRIDAY_EVENING + GRACE)
    assert (kinds(events), events[0].message_type) == (["Noted"], "application.supplemented")
    assert folded(evolve, returned, events).status == "returned"


# ------------------------------------------------------------------ promises


def test_what_may_come_later_and_is_promised_does_not_stand_against_accepting():
    state = arrived(LATER, materials=("identity",), promises=("plan",))
    assert state.accepted.promised == (m.Promise(material="plan", until=datetime(2027, 3, 4, 9, 30, tzinfo=UTC)),)
    assert lacking(state, LATER) == {"approve": ("plan",)}


@pytest.mark.parametrize("promises", [("identity",), ()])
def test_what_may_not_come_later_or_was_not_promised_is_asked_for(promises):
    state = arrived(LATER, materials=(), promises=promises)
    assert [point.field for point in state.notices[-1].points] == ["identity", "plan"]


def test_a_material_that_the_case_does_not_need_needs_no_promise():
    kind = item(materials=(Material("lease", text("Lease"), "conditional", "form.rented", later_days=3),))
    assert arrived(kind, materials=(), promises=("lease",)).accepted.promised == ()


def test_a_promised_material_that_comes_is_lacking_no_more():
    state = arrived(LATER, materials=("identity",), promises=("plan",))
    answer = supplemented(notice_no=state.accepted.accept_doc_no)
    after = folded(evolve, state, receive_supplement(state, answer, on=on(LATER), now=NOON))
    assert (lacking(after, LATER), list(moments(after))) == ({}, [])
    assert after.status == "in_review"
    assert kinds(receive_supplement(after, answer, on=on(LATER), now=NOON)) == ["Noted"]


def test_a_promise_that_is_not_kept_returns_the_case_and_names_what_lacks():
    kind = item(
        materials=(Material("identity", text("Identity card")), Material("plan", text("Plan"), later_days=3)),
        collaborations=(collaboration("fire"),),
    )
    state = arrived(kind, materials=("identity",), promises=("plan",))
    (late,) = moments(state)
    events = wake(state, on=on(kind), now=late)
    assert kinds(events) == ["CollaborationCancelled", "CaseReturned"]
    assert [reason.en for reason in events[-1].reasons] == ["return.promise_overdue", "Plan"]
    assert wake(folded(evolve, state, events), on=on(kind), now=late) == []


def test_a_case_that_has_ended_keeps_nobody_to_a_promise():
    state = arrived(LATER, materials=("identity",), promises=("plan",))
    after = folded(evolve, state, withdraw(state, withdrawn(), on=on(LATER), now=NOON))
    assert list(moments(after)) == []


# ------------------------------------------------------------------ a supplement in review


def asked_in_review(kind=LATER, **application):
    state = arrived(kind, materials=("identity", "plan"), **application)
    wish = RequestSupplement(points=(AskedPoint(field="plan", reason="mend it", arose_from="the site visit"),))
    return folded(evolve, state, request_supplement(state, wish, officer="li", on=on(kind), now=NOON))


def test_a_supplement_asked_for_in_review_stops_the_clock_by_the_same_article():
    state = asked_in_review()
    assert state.status == "supplementing"
    (stop,) = state.clock.open_stops
    assert (stop.cause, stop.basis, stop.stop_id) == (
        "supplement",
        "《中华人民共和国行政许可法》第三十二条",
        f"{CASE_NO}-G",
    )


def test_the_answer_lets_the_clock_run_again_and_the_due_date_moves_by_what_it_stood():
    state = asked_in_review()
    told = state.clock.due.statutory_at
    came = NOON + timedelta(days=2)
    after = folded(evolve, state, receive_supplement(state, supplemented(), on=on(LATER), now=came), at=came)
    assert (after.status, after.clock.open_stops) == ("in_review", ())
    assert after.clock.due.statutory_at == told + timedelta(days=2)


def test_in_review_it_is_asked_for_once_and_never_for_what_was_visible_at_acceptance():
    state = arrived(LATER, materials=("identity", "plan"))
    silent = RequestSupplement(points=(AskedPoint(field="plan", reason="mend it"),))
    with pytest.raises(VisibleBefore):
        request_supplement(state, silent, officer="li", on=on(LATER), now=NOON)
    state = asked_in_review()
    state = folded(evolve, state, receive_supplement(state, supplemented(), on=on(LATER), now=NOON))
    again = RequestSupplement(points=(AskedPoint(field="identity", reason="mend it", arose_from="the plan"),))
    with pytest.raises(VisibleBefore):
        request_supplement(state, again, officer="li", on=on(LATER), now=NOON)


def test_a_supplement_in_review_that_is_not_made_lets_the_review_go_on_with_what_is_there():
    state = asked_in_review()
    (late,) = moments(state)
    after = woken(LATER, state, late)
    assert (after.status, list(moments(after))) == ("in_review", [])
    assert kinds(receive_supplement(after, supplemented(), on=on(LATER), now=late)) == ["Noted"]


# ------------------------------------------------------------------ rules that cannot be evaluated


def test_a_case_whose_rules_cannot_say_whom_to_ask_is_not_deemed_accepted_but_left_to_officers_with_a_flag_once():
    kind = item(accepted_by="clerk", collaborations=(collaboration("fire", when="broken"),))
    state = arrived(kind)
    due = state.deemed_at
    first = supervision.wake(state, on=on(kind), watch=WATCH, now=due)
    assert [(one.moment, one.stage) for one in first] == [("deemed", "escalate")]
    state = folded(evolve, state, first, at=due)
    assert (state.status, state.awaited, next_moment(state, PATIENCE)) == ("received", (), None)
    assert supervision.wake(state, on=on(kind), watch=WATCH, now=due + timedelta(days=9)) == []
    assert [one.moment for one in raised(state)] == ["deemed"], "it stays in the supervisor's list"
    wish = RequestSupplement(points=(AskedPoint(field="plan", reason="so that the rule can be asked"),))
    asked = request_supplement(state, wish, officer="li", on=on(kind), now=due + timedelta(days=1))
    assert kinds(asked) == ["SupplementRequested"], "an officer finds a way out"
    state = folded(evolve, state, asked, at=due + timedelta(days=1))
    assert raised(state) == ()
    came = due + timedelta(days=2)
    state = folded(evolve, state, receive_supplement(state, supplemented(), on=on(kind), now=came), at=came)
    assert next_moment(state, PATIENCE) == state.deemed_at, "the five days begin anew"
    mended = item(accepted_by="clerk", collaborations=(collaboration("fire"),))
    assert supervision.wake(state, on=on(mended), watch=WATCH, now=state.deemed_at)[0].deemed


def test_a_supplement_that_was_not_made_in_review_lets_the_clock_run_also_where_a_rule_is_broken():
    kind = item(accepted_by="clerk", steps=(Step("handle", "rule"), Step("approve", "clerk")))
    state = arrived(kind)
    now = NOON + timedelta(days=8)
    state = folded(evolve, state, wake(state, on=on(kind), now=now), at=now)
    wish = RequestSupplement(points=(AskedPoint(field="plan", reason="mend", arose_from="seen"),))
    state = folded(evolve, state, request_supplement(state, wish, officer="li", on=on(kind), now=now), at=now)
    broken = item(accepted_by="clerk", steps=(*kind.steps, Step("review", "clerk", after=("handle",), when="broken")))
    late = state.open_notice.until + GRACE
    events = wake(state, on=on(broken), now=late)
    assert kinds(events) == ["CaseResumed"]
    assert wake(folded(evolve, state, events, at=late), on=on(broken), now=late) == []
