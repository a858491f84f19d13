"""特别程序: what the clock stands for, and what that does to a case and to its dates."""

from datetime import UTC, date, datetime, timedelta

import pytest
from liangwang.domain import messages as m
from liangwang.domain import procedures
from liangwang.domain.acceptance import receive
from liangwang.domain.approval import CompleteStep, complete_step, conclude_collaboration
from liangwang.domain.case import StepAssigned, evolve
from liangwang.domain.catalogue import Extension, Procedure
from liangwang.domain.course import Practice
from liangwang.domain.errors import Forbidden, Invalid, NotFound, NotNow
from liangwang.domain.history import Recorded
from liangwang.domain.officers import Officer
from liangwang.domain.procedure_ledger import entries
from liangwang.domain.procedures import AskForProcedure
from liangwang.domain.working_days import Calendar

from tests.unit.samples import CASE_NO, NOON, collaboration, evaluate, folded, item, submitted, text

CALENDAR = Calendar(announced=frozenset({2027}))
PRACTICE = Practice(item(), evaluate, CALENDAR)
DAY = timedelta(days=1)


def accepted(kind=PRACTICE.item):
    """A case accepted on Monday 1 March 2027, promised in 5 working days, the law's limit 20."""
    return folded(evolve, None, receive(None, submitted(), on=Practice(kind, evaluate, CALENDAR), now=NOON))


def concluded_by(conclusion, request_id=f"{CASE_NO}-check"):
    """What the centre answers of a collaboration."""
    return m.CollaborationConcluded(
        case_no=CASE_NO,
        request_id=request_id,
        collaboration_id=request_id,
        department="EAST-MARKET",
        conclusion=conclusion,
        because="all_agree",
        answers=(m.Answer("fire", "EAST-FIRE", conclusion, ""),),
    )


def stopped(state, stop_id="T1", *, cause="appraisal", at=NOON, until=None):
    event = procedures.stop(
        state,
        stop_id=stop_id,
        cause=cause,
        basis="行政许可法第四十五条",
        approver="zhao",
        until=until,
        reason="load test",
        on=PRACTICE,
        now=at,
    )
    return folded(evolve, state, [event], at=at)


def resumed(state, stop_id="T1", *, at, result="sound"):
    return folded(evolve, state, [procedures.resume(state, stop_id, result, PRACTICE, at)], at=at)


def test_a_case_suspended_for_seven_working_days_is_due_exactly_seven_later_and_what_it_stood_for_stays_visible():
    before = accepted().clock
    after = resumed(stopped(accepted(), at=NOON + DAY), at=NOON + 10 * DAY).clock
    moved = [
        CALENDAR.between(*(getattr(due, name).date() for due in (before.due, after.due)))
        for name in ("statutory_at", "promised_at", "yellow_at", "red_at")
    ]
    assert moved == [7, 7, 7, 7]
    (stop,) = after.stops
    assert (stop.cause, stop.days, stop.result) == ("appraisal", 7, "sound")
    assert (stop.since, stop.until, after.stopped) == (date(2027, 3, 2), date(2027, 3, 11), 7)


def test_stops_that_overlap_move_the_due_date_once():
    state = stopped(stopped(accepted()), "T2", at=NOON + DAY)
    assert (state.status, state.clock.due) == ("suspended", accepted().clock.due)
    state = resumed(state, at=NOON + 2 * DAY)
    assert (state.status, state.clock.due, state.clock.stopped) == ("suspended", accepted().clock.due, 0)
    state = resumed(state, "T2", at=NOON + 4 * DAY)
    assert (state.status, state.clock.stopped) == ("in_review", 4)
    assert [stop.days for stop in state.clock.stops] == [2, 3]
    assert state.clock.due.promised_at.date() == date(2027, 3, 12)


def test_a_stop_is_made_once_and_ends_once():
    with pytest.raises(NotNow, match="already"):
        stopped(stopped(accepted()))
    with pytest.raises(NotNow, match="does not stand"):
        resumed(accepted(), at=NOON)
    with pytest.raises(NotNow, match="does not stand"):
        resumed(resumed(stopped(accepted()), at=NOON), at=NOON)


def test_a_case_that_is_not_accepted_has_no_clock_to_stop():
    waiting = folded(evolve, None, receive(None, submitted(), on=PRACTICE, now=NOON)[:1])
    with pytest.raises(NotNow, match="not accepted"):
        stopped(waiting)


def test_a_clock_that_jumps_back_counts_no_day_twice():
    state = resumed(stopped(accepted(), at=NOON + 7 * DAY), at=NOON + 9 * DAY)
    again = resumed(stopped(state, "T2", at=NOON + DAY), "T2", at=NOON + 2 * DAY)
    assert [stop.days for stop in again.clock.stops] == [2, 0]
    assert again.clock.due == state.clock.due


def test_a_stop_tells_when_it_should_be_over():
    until = datetime(2027, 3, 31, 9, 30, tzinfo=UTC)
    (stop,) = stopped(accepted(), until=until).clock.stops
    assert stop.ends_by == until
    assert procedures.stands_for(stopped(accepted()), "T1") and not procedures.stands_for(accepted(), CASE_NO)


# ------------------------------------------------------------------ asked for, approved, ended


SPECIAL = item(
    procedures=(Procedure("hearing", 20, "art. 45, 47"), Procedure("appraisal", 10, "art. 45")),
    extension=Extension(10, "art. 42"),
)
JOINT = item(procedures=SPECIAL.procedures, extension=Extension(15, "art. 42(2)", "government"))


def practice(kind=SPECIAL):
    return Practice(kind, evaluate, CALENDAR)


def an(officer):
    """An officer by name, or as given."""
    return officer if isinstance(officer, Officer) else Officer(name=officer, role="clerk")


def asked(state, kind="appraisal", *, at=NOON, officer="wang", on=SPECIAL, days=0, reason="needed", **days_named):
    wish = AskForProcedure(kind=kind, days=days, reason=reason, **days_named)
    return folded(evolve, state, procedures.ask(state, wish, officer=an(officer), on=practice(on), now=at), at=at)


def approved(state, number=1, *, at=NOON, approver="zhao", level="department", on=SPECIAL):
    identity = f"{CASE_NO}-T{number}"
    events = procedures.approve(state, identity, approver=approver, level=level, on=practice(on), now=at)
    return folded(evolve, state, events, at=at)


def rejected(state, number=1, *, reason="not needed", approver="zhao", level="department"):
    identity = f"{CASE_NO}-T{number}"
    events = procedures.reject(state, identity, reason, approver=approver, level=level, on=practice())
    return folded(evolve, state, events)


def ended(state, number=1, *, at=NOON, result="sound", officer="wang", oversees=False, on=SPECIAL):
    identity = f"{CASE_NO}-T{number}"
    events = procedures.end(state, identity, result, officer=an(officer), oversees=oversees, on=practice(on), now=at)
    return folded(evolve, state, events, at=at)


def in_hand(state, *officers):
    for officer in officers:
        state = folded(evolve, state, [StepAssigned(step=f"step-{officer}", officer=officer, by=officer)])
    return state


def test_what_was_asked_for_stops_the_clock_only_when_another_person_has_approved_it():
    state = asked(accepted(SPECIAL))
    assert (state.status, state.clock.stops) == ("in_review", ())
    state = approved(state)
    (stop,) = state.clock.stops
    assert (state.status, state.asked) == ("suspended", ())
    assert (stop.stop_id, stop.cause, stop.basis, stop.approver) == (f"{CASE_NO}-T1", "appraisal", "art. 45", "zhao")


def test_nobody_approves_or_rejects_what_they_asked_for_themselves():
    for act in (approved, rejected):
        with pytest.raises(Forbidden, match="yourself"):
            act(asked(accepted(SPECIAL)), approver="wang")


def test_the_applicant_is_told_how_long_it_should_take():
    state = asked(accepted(SPECIAL), days=3)
    (told,) = procedures.approve(
        state, f"{CASE_NO}-T1", approver="zhao", level="department", on=practice(), now=NOON + DAY
    )
    assert (told.reason, told.basis, told.since) == ("needed", "art. 45", date(2027, 3, 2))
    assert told.until == CALENDAR.end_of(date(2027, 3, 5))
    assert isinstance(told, m.Progress)


def test_a_result_ends_it_and_the_case_goes_on_where_it_stood():
    state = approved(asked(accepted(SPECIAL)))
    with pytest.raises(Invalid):
        ended(state, result=" ")
    state = ended(state, at=NOON + 3 * DAY, result="no danger")
    (stop,) = state.clock.stops
    assert (state.status, stop.result, stop.days) == ("in_review", "no danger", 3)


def test_while_the_case_is_suspended_nobody_completes_a_step():
    state = approved(asked(accepted(SPECIAL)))
    wish = CompleteStep(step="approve", opinion="agree")
    with pytest.raises(NotNow):
        complete_step(state, wish, officer=Officer(name="li", role="clerk"), on=practice(), now=NOON)


def test_an_officer_who_does_not_have_the_case_in_hand_neither_asks_nor_ends():
    state = in_hand(accepted(SPECIAL), "wang", "li")
    with pytest.raises(Forbidden):
        asked(state, officer="chen")
    running = approved(asked(state, officer="li"))
    with pytest.raises(Forbidden):
        ended(running, officer="chen")
    assert ended(running, officer="wang").status == "in_review"
    assert ended(running, officer="chen", oversees=True).status == "in_review"


def test_an_item_says_what_may_be_asked_for_and_how_long():
    with pytest.raises(Invalid) as refused:
        asked(accepted(SPECIAL), "tender")
    assert [(one.field, one.message) for one in refused.value.violations] == [
        ("kind", "this item has: hearing, appraisal, extension")
    ]
    with pytest.raises(Invalid) as refused:
        asked(accepted(SPECIAL), days=11)
    assert refused.value.violations[0].field == "days"
    with pytest.raises(Invalid):
        asked(accepted(SPECIAL), reason="  ")
    with pytest.raises(Invalid):
        asked(accepted(), "extension", on=PRACTICE.item)


def test_each_has_an_id_of_its_own_and_several_may_go_on_at_once():
    state = asked(asked(accepted(SPECIAL)), "hearing")
    assert [one.procedure_id for one in state.asked] == [f"{CASE_NO}-T1", f"{CASE_NO}-T2"]
    both = approved(approved(state), 2)
    one = ended(both, 2, at=NOON + DAY)
    assert (both.status, one.status, ended(one, at=NOON + 2 * DAY).clock.stopped) == ("suspended", "suspended", 2)


def test_the_same_procedure_is_not_asked_for_twice_at_a_time():
    for state in (asked(accepted(SPECIAL)), approved(asked(accepted(SPECIAL)))):
        with pytest.raises(NotNow, match="already"):
            asked(state)
    again = asked(ended(approved(asked(accepted(SPECIAL)))))
    assert again.asked[0].procedure_id == f"{CASE_NO}-T2"


def test_what_was_rejected_does_not_stop_the_clock_and_may_be_asked_for_again():
    state = asked(accepted(SPECIAL))
    with pytest.raises(Invalid):
        rejected(state, reason="")
    state = rejected(state)
    assert (state.clock.stops, state.asked, state.status) == ((), (), "in_review")
    with pytest.raises(NotNow, match="any more"):
        approved(state)
    assert asked(state).asked[0].procedure_id == f"{CASE_NO}-T2"
    with pytest.raises(NotFound):
        approved(state, 7)


def test_time_that_was_given_and_has_passed_does_not_start_the_clock_again():
    state = approved(asked(accepted(SPECIAL), days=1))
    late = ended(state, at=NOON + 14 * DAY)
    assert late.clock.stopped == 10


def test_a_hearing_is_asked_for_within_five_working_days_of_being_told_and_held_within_twenty():
    told = date(2027, 3, 1)
    in_time = {"told_on": told, "asked_on": date(2027, 3, 8)}
    state = asked(accepted(SPECIAL), "hearing", at=NOON + 8 * DAY, **in_time)
    (message,) = procedures.approve(
        state, f"{CASE_NO}-T1", approver="zhao", level="department", on=practice(), now=NOON + 9 * DAY
    )
    assert message.until == CALENDAR.end_of(CALENDAR.after(date(2027, 3, 8), 20))
    for late in (date(2027, 3, 9), date(2027, 2, 26), date(2027, 4, 2)):
        with pytest.raises(Invalid) as refused:
            asked(accepted(SPECIAL), "hearing", at=NOON + 30 * DAY, told_on=told, asked_on=late)
        assert refused.value.violations[0].field == "asked_on"
    with pytest.raises(Invalid, match="see errors"):
        asked(accepted(SPECIAL), "hearing", at=NOON + 60 * DAY, **in_time)
    with pytest.raises(Invalid):
        asked(accepted(SPECIAL), "hearing", told_on=told)
    with pytest.raises(Invalid):
        asked(accepted(SPECIAL), "appraisal", **in_time)
    assert asked(accepted(SPECIAL), "hearing").asked[0].days == 20  # the department itself thinks it necessary


# ------------------------------------------------------------------ the extension


def test_an_extension_makes_the_limits_longer_once_for_the_reason_that_is_told():
    state = asked(accepted(SPECIAL), "extension", days=4, reason="many objections")
    (told,) = procedures.approve(state, f"{CASE_NO}-T1", approver="zhao", level="department", on=practice(), now=NOON)
    assert (told.days, told.reason, told.basis, told.approver) == (4, "many objections", "art. 42", "zhao")
    after = folded(evolve, state, [told])
    assert (after.status, after.asked, after.clock.extension.days) == ("in_review", (), 4)
    before = accepted(SPECIAL).clock.due
    for name in ("statutory_at", "promised_at"):
        assert CALENDAR.between(getattr(before, name).date(), getattr(told.due, name).date()) == 4
    with pytest.raises(NotNow, match="extended already"):
        asked(after, "extension")


def test_who_approves_an_extension_is_as_the_law_says():
    with pytest.raises(Forbidden, match="head of the department"):
        approved(asked(accepted(SPECIAL), "extension"), level="government")
    joint = asked(accepted(JOINT), "extension", on=JOINT)
    with pytest.raises(Forbidden, match="head of the government"):
        approved(joint, on=JOINT)
    assert approved(joint, level="government", on=JOINT).clock.extension.days == 15
    with pytest.raises(Forbidden, match="head of the department"):
        approved(asked(accepted(JOINT), on=JOINT), level="government", on=JOINT)


def test_a_limit_that_has_passed_is_not_extended():
    state = asked(accepted(SPECIAL), "extension")
    with pytest.raises(NotNow, match="passed"):
        approved(state, at=NOON + 40 * DAY)
    with pytest.raises(NotNow, match="passed"):
        asked(accepted(SPECIAL), "extension", at=NOON + 40 * DAY)


def test_an_extension_is_granted_while_the_clock_stands():
    state = approved(asked(accepted(SPECIAL)), at=NOON + DAY)
    state = approved(asked(state, "extension", at=NOON + 40 * DAY), 2, at=NOON + 40 * DAY)
    state = ended(state, at=NOON + 43 * DAY)
    moved = CALENDAR.between(accepted(SPECIAL).clock.due.statutory_at.date(), state.clock.due.statutory_at.date())
    assert (moved, state.clock.stopped) == (40, 30)


# ------------------------------------------------------------------ meanwhile


def test_a_conclusion_that_comes_while_the_case_is_suspended_is_taken_in_and_waits():
    asking = item(procedures=SPECIAL.procedures, collaborations=(collaboration("fire"),))
    state = approved(asked(accepted(asking), on=asking), on=asking)
    message = concluded_by("agree")
    state = folded(evolve, state, conclude_collaboration(state, message, on=practice(asking), now=NOON))
    assert (state.status, state.awaited, len(state.conclusions), state.steps) == ("suspended", (), 1, ())
    state = ended(state, on=asking)
    assert (state.status, [done.step for done in state.steps]) == ("in_review", ["handle"])


def test_when_a_procedure_ends_before_the_answers_come_the_case_waits_on_for_those():
    asking = item(procedures=SPECIAL.procedures, collaborations=(collaboration("fire"),))
    state = ended(approved(asked(accepted(asking), on=asking), on=asking), on=asking)
    assert state.status == "collaborating"


def test_the_ledger_shows_each_procedure_from_request_to_result():
    history = []

    def record(state, events, at):
        history.extend(Recorded(at, "test", event) for event in events)
        return folded(evolve, state, events, at=at)

    state = accepted(SPECIAL)
    for kind in ("appraisal", "hearing", "extension"):
        wish = AskForProcedure(kind=kind, reason="needed")
        state = record(state, procedures.ask(state, wish, officer=an("wang"), on=practice(), now=NOON), NOON)
    by = {"approver": "zhao", "level": "department", "on": practice()}
    state = record(state, procedures.approve(state, f"{CASE_NO}-T1", **by, now=NOON), NOON)
    state = record(state, procedures.reject(state, f"{CASE_NO}-T2", "no", **by), NOON)
    state = record(state, procedures.approve(state, f"{CASE_NO}-T3", **by, now=NOON), NOON)
    end = procedures.end(
        state, f"{CASE_NO}-T1", "sound", officer=an("wang"), oversees=False, on=practice(), now=NOON + DAY
    )
    record(state, end, NOON + DAY)
    assert [(one.kind, one.state, one.answered_by) for one in entries(history)] == [
        ("appraisal", "ended", "zhao"),
        ("hearing", "rejected", "zhao"),
        ("extension", "granted", "zhao"),
    ]
    first = entries(history)[0]
    assert (first.requested_by, first.lasted, first.result, first.ended_on) == ("wang", 1, "sound", date(2027, 3, 2))


def test_who_stands_in_for_an_absent_officer_asks_and_ends_in_that_name_and_neither_of_both_approves():
    state = in_hand(accepted(SPECIAL), "wang")
    li = Officer(name="li", role="clerk", stands_in_for=frozenset({"wang", "somebody else"}))
    state = asked(state, officer=li)
    assert (state.asked[0].by, state.asked[0].on_behalf_of) == ("li", "wang")
    for approver in ("li", "wang"):
        with pytest.raises(Forbidden):
            procedures.approve(state, f"{CASE_NO}-T1", approver=approver, level="department", on=practice(), now=NOON)
    assert ended(approved(state), officer=li).status == "in_review"


@pytest.mark.parametrize("end", ["granted", "withdrawn", "refused", "returned"])
def test_a_request_that_waits_when_the_case_ends_waits_no_more_and_nobody_has_a_step_in_hand(end):
    state = in_hand(asked(accepted(SPECIAL)), "wang")
    said = {"case_no": CASE_NO, "department": "EAST-MARKET", "told": 9}
    last = {
        "refused": m.CaseRefused(**said, refusal_doc_no="B", reasons=(), remedy=text("sue")),
        "returned": m.CaseReturned(**said, return_doc_no="T", reasons=()),
    }.get(end) or m.CaseDecided(**said, outcome=end)
    state = folded(evolve, state, [last])
    assert (state.asked, state.officers, state.opened, state.open_notice) == ((), {}, {}, None)


def test_a_request_that_waited_when_the_case_ended_has_lapsed_in_the_ledger():
    state, history = accepted(SPECIAL), []
    wish = AskForProcedure(kind="appraisal", reason="needed")
    events = procedures.ask(state, wish, officer=an("wang"), on=practice(), now=NOON)
    history += [Recorded(NOON, "1", one) for one in events]
    assert entries(history)[0].state == "requested"
    history.append(Recorded(NOON, "2", m.CaseDecided(case_no=CASE_NO, department="EAST-MARKET", outcome="withdrawn")))
    assert entries(history)[0].state == "lapsed"
