"""受理: accept, ask once for what is missing, or refuse; and what a withdrawal does."""

import pytest
from liangwang.domain import messages as m
from liangwang.domain.acceptance import receive, receive_supplement, withdraw
from liangwang.domain.case import OpinionsReceived, evolve
from liangwang.domain.catalogue import Ask, Collaboration, Join, Material, Step
from liangwang.domain.course import Practice, Undecidable
from liangwang.domain.messages import Attachment
from liangwang.domain.working_days import Calendar

from tests.unit.samples import (
    CASE_NO,
    NOON,
    collaboration,
    evaluate,
    folded,
    item,
    kinds,
    practice,
    rule,
    submitted,
    supplemented,
    text,
    withdrawn,
)


def received(kind=None, **application):
    """The events of an application that reaches the department."""
    return receive(None, submitted(**application), on=Practice(kind or item(), evaluate, Calendar()), now=NOON)


def state_after(kind=None, **application):
    return folded(evolve, None, received(kind, **application))


def answered(kind, state, **answer):
    return receive_supplement(state, supplemented(**answer), on=Practice(kind, evaluate, Calendar()), now=NOON)


# ------------------------------------------------------------------ accepting


def test_a_complete_application_is_accepted_with_a_numbered_receipt():
    events = received()
    assert kinds(events)[:2] == ["Received", "CaseAccepted"]
    assert events[1].accept_doc_no == f"{CASE_NO}-S"


def test_the_rule_steps_follow_at_once_and_the_case_stops_at_the_clerks():
    assert kinds(received()) == ["Received", "CaseAccepted", "StepCompleted"]
    assert state_after().status == "in_review"


def test_an_instant_item_is_decided_at_once_with_its_trace():
    instant = item(kind=1, steps=(Step("handle", "rule"), Step("approve", "rule")), denial=(rule("too-loud", "no"),))
    events = received(instant)
    assert kinds(events) == ["Received", "CaseAccepted", "StepCompleted", "StepCompleted", "CaseDecided"]
    assert [(finding.rule, finding.held) for finding in events[2].trace] == [("too-loud", False)]
    assert (events[-1].outcome, events[-1].certificate_no) == ("granted", f"{CASE_NO}-Z")


def test_a_denial_rule_that_holds_denies_with_its_reason():
    events = received(item(denial=(rule("too-loud", "yes"), rule("too-late", "no"))))
    assert kinds(events)[-2:] == ["StepCompleted", "CaseDecided"]
    assert (events[-1].outcome, events[-1].reasons) == ("denied", (text("too-loud"),))


def test_an_item_without_a_certificate_ends_without_one():
    instant = item(steps=(Step("handle", "rule"),), certificate=None)
    assert received(instant)[-1].certificate_no is None


# ------------------------------------------------------------------ asking once


def test_every_missing_material_is_named_in_one_notice():
    events = received(materials=())
    assert kinds(events) == ["Received", "SupplementRequested"]
    assert [point.field for point in events[-1].points] == ["identity", "plan"]
    assert events[-1].notice_no == f"{CASE_NO}-G"


def test_wrong_fields_stand_in_the_same_notice_as_missing_materials():
    events = received(item(completeness=(rule("sensible-area", "no", "area"),)), materials=("identity",))
    assert [(point.field, point.reason.en) for point in events[-1].points] == [
        ("plan", "Please hand in: Plan"),
        ("area", "sensible-area"),
    ]


def test_optional_materials_are_never_asked_for():
    assert "CaseAccepted" in kinds(received(item(materials=(Material("photo", text("Photo"), "optional"),))))


def test_a_conditional_material_is_asked_for_when_its_condition_holds():
    kind = item(materials=(Material("lease", text("Lease"), "conditional", when="form.rented"),))
    assert "SupplementRequested" in kinds(received(kind, form={"rented": True}))
    assert "CaseAccepted" in kinds(received(kind, form={"rented": False}))


@pytest.mark.parametrize(
    "kind",
    [
        item(completeness=(rule("broken", "broken", "area"),)),
        item(eligibility=(rule("adult", "broken"),)),
        item(collaborations=(collaboration("fire", when="broken"),)),
    ],
    ids=["completeness", "eligibility", "collaboration"],
)
def test_nothing_follows_from_a_rule_that_cannot_be_evaluated(kind):
    with pytest.raises(Undecidable):
        received(kind)


def test_the_supplement_completes_the_case():
    state = state_after(materials=("identity",))
    events = answered(item(), state)
    assert kinds(events)[:2] == ["SupplementReceived", "CaseAccepted"]


def test_the_supplement_changes_only_the_fields_it_names():
    kind = item(completeness=(rule("has-plan", "form.checked", "checked"),))
    state = state_after(kind, form={"area": 10, "checked": False})
    after = folded(evolve, state, answered(kind, state, form={"checked": True}, materials=()))
    assert after.form == {"area": 10, "checked": True}
    assert after.status == "in_review"


def test_a_file_handed_in_again_stands_behind_the_first_and_both_stay():
    first = Attachment(code="identity", origin="upload", material_id="1")
    state = state_after(materials=("identity",), attachments=(first,))
    second = Attachment(code="plan", origin="earlier", material_id="2")
    after = folded(evolve, state, answered(item(), state, attachments=(second,)))
    assert after.attachments == (first, second)
    assert after.materials == {"identity", "plan"}, "rules see codes, whatever they are handed in as"


def test_what_is_still_missing_after_the_one_notice_leads_to_refusal():
    state = state_after(materials=())
    events = answered(item(), state)
    assert kinds(events) == ["SupplementReceived", "CaseRefused"]
    assert [reason.en for reason in events[-1].reasons] == ["Please hand in: Identity card"]


ASKED_AGAIN = item(
    materials=(Material("plan", text("Plan")), Material("lease", text("Lease"), "conditional", when="form.rented")),
    completeness=(rule("says-whether-rented", "form.says", "says"),),
)


def test_a_point_that_only_arose_from_the_supplement_may_be_asked():
    state = state_after(ASKED_AGAIN, materials=("plan",), form={})
    events = answered(ASKED_AGAIN, state, form={"says": True, "rented": True}, materials=())
    assert kinds(events) == ["SupplementReceived", "SupplementRequested"]
    assert [point.field for point in events[-1].points] == ["lease"]
    assert events[-1].notice_no == f"{CASE_NO}-G2"


def test_what_was_asked_and_is_still_wrong_is_refused_though_something_new_arose():
    state = state_after(ASKED_AGAIN, materials=("plan",), form={})
    events = answered(ASKED_AGAIN, state, form={"rented": True}, materials=())
    assert [reason.en for reason in events[-1].reasons] == ["says-whether-rented"]


def test_a_supplement_nobody_waits_for_is_kept_as_a_note():
    state = state_after()
    events = answered(item(), state)
    assert kinds(events) == ["Noted"]
    assert folded(evolve, state, events).status == state.status


def test_a_second_application_for_the_same_case_is_kept_as_a_note():
    events = receive(state_after(), submitted(), on=Practice(item(), evaluate, Calendar()), now=NOON)
    assert kinds(events) == ["Noted"]


# ------------------------------------------------------------------ refusing


def test_a_refusal_says_what_the_applicant_can_do_and_what_it_rests_on():
    refusal = received(item(eligibility=(rule("adult", "no"),)))[-1]
    assert refusal.remedy == text("refusal.remedy")
    assert "第三十二条" in refusal.basis


def test_one_who_is_not_eligible_is_refused_with_every_reason():
    kind = item(eligibility=(rule("adult", "no"), rule("resident", "no"), rule("alive", "yes")))
    events = received(kind)
    assert kinds(events) == ["Received", "CaseRefused"]
    assert [reason.en for reason in events[-1].reasons] == ["adult", "resident"]


def test_one_who_is_not_eligible_is_not_asked_for_materials_first():
    assert kinds(received(item(eligibility=(rule("adult", "no"),)), materials=())) == ["Received", "CaseRefused"]


# ------------------------------------------------------------------ asking other departments


def test_the_receipt_names_what_is_awaited_and_the_request_follows():
    events = received(item(collaborations=(collaboration("fire", "site"),)))
    assert kinds(events) == ["Received", "CaseAccepted", "CollaborationRequested"]
    assert events[1].awaits == ("fire", "site")
    assert events[2].request_id == f"{CASE_NO}-check"


def test_departments_are_asked_only_when_the_items_condition_holds():
    assert "CollaborationRequested" not in kinds(received(item(collaborations=(collaboration("fire", when="no"),))))


def test_an_ask_goes_to_the_cases_place_or_to_the_place_a_field_names():
    asks = (Ask("fire", text("?")), Ask("traffic", text("?"), place="finish"))
    kind = item(collaborations=(Collaboration("check", "yes", asks, Join(), 2),))
    request = received(kind, form={"finish": "D2"})[-1]
    assert [ask.place for ask in request.asks] == ["T1", "D2"]


def test_while_others_are_asked_no_step_is_done():
    assert state_after(item(collaborations=(collaboration("fire"),))).status == "collaborating"


# ------------------------------------------------------------------ withdrawing


def test_a_withdrawal_ends_the_case():
    events = withdraw(state_after(), withdrawn(), on=practice(), now=NOON)
    assert (kinds(events), events[-1].outcome) == (["CaseDecided"], "withdrawn")


def test_a_withdrawal_asks_those_who_help_to_stop():
    state = state_after(item(collaborations=(collaboration("fire"),)))
    events = withdraw(state, withdrawn(), on=practice(), now=NOON)
    assert kinds(events) == ["CollaborationCancelled", "CaseDecided"]
    assert events[0].request_id == f"{CASE_NO}-check"


def test_a_withdrawal_after_the_decision_is_kept_as_a_note():
    state = folded(evolve, state_after(), withdraw(state_after(), withdrawn(), on=practice(), now=NOON))
    assert kinds(withdraw(state, withdrawn(), on=practice(), now=NOON)) == ["Noted"]


def test_an_answer_after_the_withdrawal_does_not_bring_the_case_back():
    state = state_after(item(collaborations=(collaboration("fire"),)))
    state = folded(evolve, state, withdraw(state, withdrawn(), on=practice(), now=NOON))
    conclusion = m.CollaborationConcluded(
        case_no=CASE_NO,
        request_id=f"{CASE_NO}-check",
        collaboration_id=f"{CASE_NO}-check",
        department="EAST-MARKET",
        conclusion="agree",
        because="all_agree",
        answers=(),
    )
    after = folded(evolve, state, [OpinionsReceived(conclusion=conclusion)])
    assert (after.status, after.awaited) == ("withdrawn", ())
