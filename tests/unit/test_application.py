"""申请: the citizen's side: what may be said when, what is carried, and progress in any order."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liangwang.domain import messages as m
from liangwang.domain.application import (
    EARLY_AT_MOST,
    Opened,
    Progressed,
    Relayed,
    acknowledge,
    evolve,
    progress,
    to_relay,
    wake_at,
    withdraw,
)
from liangwang.domain.errors import Invalid, NotNow
from liangwang.domain.history import Recorded
from liangwang.domain.patience import Patience, round_of
from liangwang.domain.supplement import Answerable, supplement
from liangwang.timeline import of_application
from msgspec import structs

from tests.unit.samples import CASE_NO, CITY, NOON, example, folded, kinds, submitted, supplemented, text

PATIENCE = Patience(first=timedelta(minutes=5), longest=timedelta(days=16))
FIELDS = {"case_no": CASE_NO, "department": "EAST-MARKET"}
NOTICE = m.SupplementRequested(**FIELDS, notice_no="N", points=(m.Point("plan", text("hand it in")),))
ACCEPTED = m.CaseAccepted(**FIELDS, accept_doc_no="S")
STEP = m.StepCompleted(**FIELDS, step="handle", opinion="agree", by="rule")
GRANTED = m.CaseDecided(**FIELDS, outcome="granted", certificate_no="Z")
TOLD = ((2, NOTICE), (4, ACCEPTED), (5, STEP), (6, GRANTED))
"""What a department told, by its own sequence; between 2 and 4 it heard the supplement."""


def applied(*events):
    """An application after further events."""
    return folded(evolve, None, [Opened(applicant="zhang", digest="d"), submitted(), *events])


def told(sequence, message):
    return Progressed(sequence=sequence, at=NOON + timedelta(minutes=sequence), message=message)


# ------------------------------------------------------------------ what the department tells


@given(st.lists(st.sampled_from(TOLD), min_size=1, max_size=12))
def test_progress_twice_or_out_of_order_leaves_timeline_and_status_right(deliveries):
    def after(messages):
        state = folded(evolve, None, [Opened(applicant="z", digest=""), submitted()])
        for sequence, message in messages:
            at = NOON + timedelta(minutes=sequence * 37 % 11)  # the department's clocks need not agree
            for event in progress(state, sequence=sequence, at=at, message=message):
                state = evolve(state, Recorded(NOON, "a", event))
        return [entry.event for entry in of_application(state, CITY)], state.status, state.progress

    in_order = sorted(set(deliveries), key=lambda one: one[0])
    assert after(deliveries) == after(in_order)
    assert after(deliveries)[0][1:] == [m.type_of(type(message)) for _, message in in_order]


def test_an_end_stays_whatever_is_numbered_after_it():
    state = applied(told(2, GRANTED), told(3, STEP))
    assert state.status == "granted"


def test_news_of_another_case_are_refused():
    with pytest.raises(Invalid):
        progress(applied(), sequence=2, at=NOON, message=structs.replace(GRANTED, case_no="another"))


ELSEWHERE = {"case_no": CASE_NO, "department": "WEST-MARKET"}
HANDED_OVER = m.CaseTransferred(**FIELDS, to="WEST-MARKET", by="wang", reason="theirs", sealed=(example(m.Sealed),))
REFUSED_THERE = m.CaseRefused(**ELSEWHERE, refusal_doc_no="B", reasons=(text("no"),))


def heard(state, sequence, message):
    return folded(evolve, state, progress(state, sequence=sequence, at=NOON, message=message))


def test_nobody_but_the_department_speaks_about_a_case():
    state = heard(applied(), 2, REFUSED_THERE)
    assert (state.status, state.progress) == ("submitted", ()), "it waits, unseen"
    for sequence in range(3, 3 + EARLY_AT_MOST - 1):
        state = heard(state, sequence, REFUSED_THERE)
    with pytest.raises(Invalid):
        progress(state, sequence=99, at=NOON, message=REFUSED_THERE)


def test_what_the_next_department_says_counts_even_when_it_overtakes_the_news_of_the_handing_over():
    early = heard(applied(), 3, REFUSED_THERE)
    assert progress(early, sequence=3, at=NOON, message=REFUSED_THERE) == []
    state = heard(early, 2, HANDED_OVER)
    in_order = heard(heard(applied(), 2, HANDED_OVER), 3, REFUSED_THERE)
    assert (state.status, state.progress, state.early) == ("refused", in_order.progress, ())
    assert state.departments == ("EAST-MARKET", "WEST-MARKET")


def test_intake_keeps_nothing_of_what_was_sealed_for_another_department():
    (told_it,) = progress(applied(), sequence=2, at=NOON, message=HANDED_OVER)
    assert told_it.message.sealed == ()


def test_the_applicant_speaks_to_the_department_that_has_the_case():
    state = heard(applied(), 2, HANDED_OVER)
    assert withdraw(state)[0].department == "WEST-MARKET"


def test_a_decision_that_overtakes_is_not_undone_by_what_came_before_it():
    state = applied(told(6, GRANTED), told(4, ACCEPTED))
    assert state.status == "granted"


def test_the_status_follows_the_departments_last_word():
    words = [applied(*(told(*one) for one in TOLD[:count])).status for count in range(5)]
    assert words == ["submitted", "supplementing", "accepted", "in_review", "granted"]


# ------------------------------------------------------------------ what the citizen says


KNOWN = Answerable(fields=frozenset({"area"}), materials=frozenset({"identity", "plan"}))


def answered(state, answer, fields=()):
    return supplement(state, answer, fields=fields, asked=KNOWN)


def test_a_supplement_answers_the_open_notice():
    answer = answered(applied(told(2, NOTICE)), supplemented(notice_no=""))
    assert answer[0].notice_no == "N"


def test_without_an_open_notice_nothing_can_be_added():
    with pytest.raises(NotNow):
        answered(applied(), supplemented())


def test_a_notice_is_answered_once():
    with pytest.raises(NotNow):
        answered(applied(told(2, NOTICE), supplemented()), supplemented())


def test_an_empty_supplement_is_refused_with_what_to_send():
    with pytest.raises(Invalid) as refused:
        answered(applied(told(2, NOTICE)), supplemented(form={}, materials=()))
    assert [one.field for one in refused.value.violations] == ["materials.plan"]


def test_what_the_notice_does_not_ask_for_is_refused_by_its_name():
    with pytest.raises(Invalid) as refused:
        answered(applied(told(2, NOTICE)), supplemented(materials=("plan", "identity")), fields=["area"])
    assert [one.field for one in refused.value.violations] == ["form.area", "materials.identity"]


def test_a_notice_of_another_system_that_names_nothing_we_know_takes_any_answer_but_none():
    notice = structs.replace(NOTICE, points=(m.Point("a stamp", text("Bring a stamp")),))
    assert answered(applied(told(2, notice)), supplemented(materials=("identity",)))
    with pytest.raises(Invalid):
        answered(applied(told(2, notice)), supplemented(materials=()))


def test_after_the_supplement_the_case_waits_for_the_department():
    assert applied(told(2, NOTICE), supplemented()).status == "supplemented"


def test_a_withdrawal_is_under_way_until_the_department_confirms():
    assert applied(*withdraw(applied(), "moved away")).status == "withdrawing"


def test_a_case_is_withdrawn_once_and_never_after_its_end():
    with pytest.raises(NotNow):
        withdraw(applied(*withdraw(applied(), "")), "")
    with pytest.raises(NotNow):
        withdraw(applied(told(6, GRANTED)), "")


def test_one_who_withdraws_can_no_longer_supplement():
    state = applied(told(2, NOTICE))
    with pytest.raises(NotNow):
        answered(folded(evolve, state, withdraw(state, "")), supplemented())


# ------------------------------------------------------------------ what is carried


def test_what_is_not_acknowledged_is_carried():
    assert [version for version, _, _ in to_relay(applied(), due=False)] == [2]
    assert to_relay(applied(Relayed(version=2)), due=False) == ()


def test_as_long_as_the_department_never_answered_everything_goes_in_order():
    state = applied(Relayed(version=2))
    state = folded(evolve, state, withdraw(state, ""))
    assert kinds([message for _, _, message in to_relay(state, due=False)]) == [
        "ApplicationSubmitted",
        "ApplicationWithdrawn",
    ]


def test_what_is_due_again_is_all_that_the_citizen_said():
    state = applied(told(2, NOTICE), supplemented(), Relayed(version=4))
    assert len(to_relay(state, due=True)) == 2


def test_an_acknowledgement_that_tells_nothing_new_is_no_event():
    state = applied(Relayed(version=2))
    assert acknowledge(state, version=2, round=0) == []
    assert kinds(acknowledge(state, version=2, round=7)) == ["Relayed"]


def test_an_acknowledgement_of_a_message_that_never_was_is_refused():
    with pytest.raises(Invalid):
        acknowledge(applied(), version=9, round=0)


# ------------------------------------------------------------------ when it is asked about again


def test_the_first_relay_and_the_first_answers_leave_the_moment_unchanged():
    moments = {wake_at(state, PATIENCE) for state in (applied(), applied(Relayed(version=2)), applied(told(2, NOTICE)))}
    assert moments == {NOON + timedelta(minutes=5)}


def test_each_relay_after_that_waits_longer():
    moments = []
    state, at = applied(Relayed(version=2)), NOON
    for _ in range(9):
        at = wake_at(state, PATIENCE)
        state = evolve(state, Recorded(at, "a", Relayed(version=2, round=round_of(at))))
        moments.append(wake_at(state, PATIENCE) - at)
    assert moments == sorted(moments)
    assert moments[-1] == PATIENCE.longest


def test_a_decided_case_is_never_asked_about_again():
    assert wake_at(applied(told(6, GRANTED)), PATIENCE) is None


# ------------------------------------------------------------------ promises


PROMISED = structs.replace(
    ACCEPTED, promised=tuple(m.Promise(material=one, until=NOON) for one in ("identity", "plan"))
)


def answer(state, *, fields=(), materials=()):
    return answered(state, supplemented(notice_no="", materials=tuple(materials)), fields)


def test_promised_materials_come_in_under_the_receipts_number_one_by_one_if_need_be():
    state = applied(told(2, PROMISED))
    (first,) = answer(state, materials=("plan",))
    assert first.notice_no == "S"
    state = folded(evolve, state, [first])
    assert [one.material for one in state.promised] == ["identity"]
    state = folded(evolve, state, answer(state, materials=("identity",)))
    with pytest.raises(NotNow):
        answer(state, materials=("identity",))


def test_only_what_was_promised_can_be_handed_in_later():
    with pytest.raises(Invalid) as caught:
        answer(applied(told(2, PROMISED)), fields=["area"], materials=("photo",))
    assert [one.field for one in caught.value.violations] == ["form.area", "materials.photo"]
    with pytest.raises(Invalid):
        answer(applied(told(2, PROMISED)))


def test_a_notice_is_answered_as_a_notice_though_a_promise_is_open_too():
    notice = structs.replace(NOTICE, points=(m.Point("area", text("mend it")),))
    state = applied(told(2, PROMISED), told(3, notice))
    assert answer(state, fields=["area"], materials=())[0].notice_no == "N"
    assert answer(state, fields=[], materials=("plan",))[0].notice_no == "S"
    assert state.status == "supplementing"


def resumed(stop_id):
    return m.CaseResumed(**FIELDS, stop_id=stop_id, on=NOON.date(), days=1, stood=1, due=example(m.Due))


def test_a_notice_in_review_whose_time_has_passed_is_open_no_more():
    state = applied(told(2, ACCEPTED), told(3, NOTICE), told(4, resumed("N")))
    assert (state.notice, state.status) == (None, "in_review")
    with pytest.raises((Invalid, NotNow)):
        answered(state, supplemented(notice_no=""))


def test_the_end_of_a_special_procedure_does_not_hide_that_a_supplement_is_awaited():
    state = applied(told(2, ACCEPTED), told(3, NOTICE), told(4, resumed("T1")))
    assert (state.notice, state.status) == (NOTICE, "supplementing")


def test_a_notice_can_be_answered_while_a_special_procedure_that_began_later_goes_on():
    suspended = m.CaseSuspended(
        **FIELDS, stop_id="T1", cause="appraisal", basis="art. 45", approver="head", since=NOON.date()
    )
    state = applied(told(2, ACCEPTED), told(3, NOTICE), told(4, suspended))
    assert state.status == "suspended"
    assert answered(state, supplemented(notice_no=""))[0].notice_no == "N"
