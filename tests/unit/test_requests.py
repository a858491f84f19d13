"""协同请求 of a case: what its item asks in turn, what officers ask, and what becomes of it."""

from datetime import timedelta

import pytest
from liangwang.domain import messages as m
from liangwang.domain import requests
from liangwang.domain.acceptance import receive, withdraw
from liangwang.domain.approval import conclude_collaboration
from liangwang.domain.case import evolve
from liangwang.domain.catalogue import Ask, Collaboration, Join, RuleFailed, Step
from liangwang.domain.course import Practice, facts
from liangwang.domain.errors import Invalid, NotFound, NotNow
from liangwang.domain.question import AskOthers, HandAsk, Wording
from liangwang.domain.working_days import Calendar

from tests.unit.samples import CASE_NO, CITY, NOON, evaluate, folded, item, kinds, rule, submitted, text, withdrawn

AFTER_STEPS = (Step("approve", "clerk"),)


def asked(name, capability="fire", *, when="yes", after=(), stops_clock=""):
    ask = Ask(capability, text("?"))
    return Collaboration(name, when, (ask,), Join(), 2, after=after, stops_clock=stops_clock)


def said(expression, known):
    """Also ``said x agree``: whether the answer on x was that."""
    match expression.split():
        case ["said", capability, wanted]:
            if capability not in known["collaboration"]["opinions"]:
                raise RuleFailed("nobody has answered yet")
            return known["collaboration"]["opinions"][capability] == wanted
    return evaluate(expression, known)


def on(kind):
    return Practice(kind, said, Calendar())


def accepted(kind):
    """A case just accepted, and the names of what it asked."""
    return folded(evolve, None, receive(None, submitted(), on=on(kind), now=NOON))


def answer(state, name, kind, opinion="agree", capability="fire"):
    """The case when this request is concluded, and what came of it."""
    message = m.CollaborationConcluded(
        case_no=CASE_NO,
        request_id=f"{CASE_NO}-{name}",
        collaboration_id=f"{CASE_NO}-{name}",
        department="EAST-MARKET",
        conclusion=opinion,
        because="all_agree",
        answers=(m.Answer(capability, "EAST-FIRE", opinion, ""),),
    )
    events = conclude_collaboration(state, message, on=on(kind), now=NOON)
    return folded(evolve, state, events), events


def names(state):
    return [one.request_id.removeprefix(f"{CASE_NO}-") for one in state.requests]


# ------------------------------------------------------------------ in turn


def test_what_stands_after_another_is_asked_in_the_write_that_takes_the_answer():
    kind = item(collaborations=(asked("second", "site", after=("first",)), asked("first")), steps=AFTER_STEPS)
    state = accepted(kind)
    assert names(state) == ["first"] and state.accepted.awaits == ("fire",)
    state, events = answer(state, "first", kind)
    assert kinds(events) == ["OpinionsReceived", "CollaborationRequested"]
    assert (names(state), state.status) == (["first", "second"], "collaborating")
    state, _ = answer(state, "second", kind, capability="site")
    assert state.status == "in_review"


def test_what_stands_after_two_waits_for_both():
    third = asked("third", "roads", after=("first", "second"))
    kind = item(collaborations=(asked("first"), asked("second", "site"), third), steps=AFTER_STEPS)
    state, _ = answer(accepted(kind), "second", kind, capability="site")
    assert names(state) == ["first", "second"]
    state, _ = answer(state, "first", kind)
    assert names(state) == ["first", "second", "third"]


def test_what_is_not_needed_is_not_waited_for():
    middle = asked("middle", "site", when="no", after=("first",))
    kind = item(collaborations=(asked("first"), middle, asked("last", "roads", after=("middle",))), steps=AFTER_STEPS)
    state, _ = answer(accepted(kind), "first", kind)
    assert names(state) == ["first", "last"]


def test_all_that_is_not_needed_lets_the_last_go_first():
    kind = item(collaborations=(asked("first", when="no"), asked("last", "roads", after=("first",))), steps=AFTER_STEPS)
    assert names(accepted(kind)) == ["last"]


@pytest.mark.parametrize(("opinion", "wanted"), [("agree", ["first"]), ("disagree", ["first", "again"])])
def test_a_condition_may_look_at_the_answers_before(opinion, wanted):
    again = asked("again", "site", when="said fire disagree", after=("first",))
    kind = item(collaborations=(asked("first"), again), steps=AFTER_STEPS)
    state, _ = answer(accepted(kind), "first", kind, opinion)
    assert names(state) == wanted


def test_the_clock_stands_again_for_what_is_asked_next():
    kind = item(
        collaborations=(
            asked("first", stops_clock="an act"),
            asked("second", "site", after=("first",), stops_clock="an act"),
        ),
        steps=AFTER_STEPS,
    )
    state, events = answer(accepted(kind), "first", kind)
    assert kinds(events) == ["OpinionsReceived", "CaseResumed", "CollaborationRequested", "CaseSuspended"]
    assert state.clock.standing_since is not None and state.status == "collaborating"


def test_an_answer_that_comes_after_the_end_asks_nobody():
    kind = item(collaborations=(asked("first"), asked("second", "site", after=("first",))), steps=AFTER_STEPS)
    state = accepted(kind)
    state = folded(evolve, state, withdraw(state, withdrawn(), on=on(kind), now=NOON))
    state, events = answer(state, "first", kind, "cancelled")
    assert kinds(events) == ["OpinionsReceived"] and state.awaited == ()


def test_nobody_answers_after_the_case_s_own_time():
    kind = item(collaborations=(asked("running"), asked("standing", "site", stops_clock="an act")), steps=AFTER_STEPS)
    state = accepted(kind)
    assert [one.within for one in state.requests] == [state.clock.due.promised_at, None]


# ------------------------------------------------------------------ officers

PLAIN = item(steps=AFTER_STEPS, personal=("owner",))
WISH = AskOthers(asks=(HandAsk(capability="fire", question=Wording(zh="通道是否畅通？")),), days=3)


def ask_others(state, wish=WISH, *, kind=PLAIN, now=NOON):
    return requests.ask_others(state, wish, organisation=CITY, on=on(kind), now=now)


def asking(state=None):
    """A case in which an officer has asked others."""
    state = state or accepted(PLAIN)
    return folded(evolve, state, ask_others(state))


def test_an_officer_asks_and_the_case_waits_for_the_answer():
    (request,) = ask_others(accepted(PLAIN))
    assert (request.request_id, request.origin, request.asks[0].place) == (f"{CASE_NO}-R1", "officer", "T1")
    assert request.asks[0].question == text("通道是否畅通？") and request.form == {"area": 10}
    assert asking().status == "collaborating"
    state, _ = answer(asking(), "R1", PLAIN, "disagree")
    assert state.status == "in_review", "the officer judges, not a rule"


def test_officers_ask_while_others_are_asked_and_each_request_has_a_number():
    second = AskOthers(asks=(HandAsk(capability="site", question=Wording(en="Is it there?")),), days=3)
    state = folded(evolve, asking(), ask_others(asking(), second))
    assert state.awaited == (f"{CASE_NO}-R1", f"{CASE_NO}-R2")


def test_what_is_asked_already_is_not_asked_twice_until_it_is_answered():
    with pytest.raises(NotNow, match="asked already"):
        ask_others(asking())
    state, _ = answer(asking(), "R1", PLAIN)
    assert kinds(ask_others(state)) == ["CollaborationRequested"]


def test_an_officer_s_question_says_nothing_to_the_item_s_rules():
    state, _ = answer(asking(), "R1", PLAIN, "disagree")
    assert facts(state, NOON)["collaboration"] == {"conclusion": "none", "opinions": {}}


def test_a_case_that_is_not_in_review_asks_nobody():
    state = folded(evolve, accepted(PLAIN), withdraw(accepted(PLAIN), withdrawn(), on=on(PLAIN), now=NOON))
    with pytest.raises(NotNow, match="withdrawn"):
        ask_others(state)


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        (HandAsk(capability="magic", question=Wording(zh="?")), "asks[0].capability"),
        (HandAsk(capability="fire", question=Wording(zh=" ")), "asks[0].question"),
        (HandAsk(capability="fire", question=Wording(zh="?"), place="X9"), "asks[0].place"),
        (HandAsk(capability="fire", question=Wording(zh="?"), days=4), "asks[0].days"),
        (HandAsk(capability="fire", question=Wording(zh="?"), fields=("area", "colour")), "asks[0].fields[1]"),
        (HandAsk(capability="fire", question=Wording(zh="?"), fields=("owner",)), "asks[0].fields[0]"),
        (HandAsk(capability="fire", question=Wording(zh="?"), personal=("area",)), "asks[0].personal[0]"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_field(wish, field):
    with pytest.raises(Invalid) as refused:
        ask_others(accepted(PLAIN), AskOthers(asks=(wish,), days=3))
    assert [one.field for one in refused.value.violations] == [field]


@pytest.mark.parametrize(
    ("join", "field"),
    [(Join("quorum", 3), "join.count"), (Join("quorum", 0), "join.count"), (Join("all", 1), "join.count")],
)
def test_answers_that_can_never_be_enough_are_refused(join, field):
    wish = AskOthers(asks=WISH.asks, days=3, join=join)
    with pytest.raises(Invalid) as refused:
        ask_others(accepted(PLAIN), wish)
    assert [one.field for one in refused.value.violations] == [field]


def test_an_open_request_is_urged_with_a_reason():
    (urged,) = requests.urge(asking(), f"{CASE_NO}-R1", officer="wang", reason="明天要办结")
    assert (urged.by, urged.reason) == ("wang", "明天要办结")
    with pytest.raises(Invalid):
        requests.urge(asking(), f"{CASE_NO}-R1", officer="wang", reason=" ")
    with pytest.raises(NotFound):
        requests.urge(asking(), f"{CASE_NO}-R7", officer="wang", reason="?")
    with pytest.raises(NotNow):
        requests.urge(answer(asking(), "R1", PLAIN)[0], f"{CASE_NO}-R1", officer="wang", reason="?")


def test_nobody_urges_for_ever():
    state = asking()
    for _ in range(requests.MOST_URGES):
        state = folded(evolve, state, requests.urge(state, f"{CASE_NO}-R1", officer="wang", reason="?"))
    with pytest.raises(NotNow):
        requests.urge(state, f"{CASE_NO}-R1", officer="wang", reason="?")


def test_an_officer_s_question_is_taken_back_once_and_the_case_waits_for_the_centre_s_word():
    state = folded(evolve, asking(), requests.cancel(asking(), f"{CASE_NO}-R1", reason="已电话核实"))
    assert state.status == "collaborating"
    with pytest.raises(NotNow, match="cancelled already"):
        requests.cancel(state, f"{CASE_NO}-R1", reason="?")
    state, _ = answer(state, "R1", PLAIN, "cancelled")
    assert state.status == "in_review"


def test_what_the_item_asks_no_officer_does_without():
    kind = item(collaborations=(asked("first"),), steps=AFTER_STEPS)
    with pytest.raises(NotNow, match="rules ask"):
        requests.cancel(accepted(kind), f"{CASE_NO}-first", reason="?")


def test_the_end_of_a_case_cancels_every_open_request_once():
    kind = item(collaborations=(asked("first"),), steps=AFTER_STEPS, denial=(rule("r", "no"),))
    state = folded(evolve, accepted(kind), ask_others(accepted(kind), kind=kind))
    state = folded(evolve, state, requests.cancel(state, f"{CASE_NO}-R1", reason="?"))
    events = withdraw(state, withdrawn(), on=on(kind), now=NOON)
    assert [one.request_id for one in events if isinstance(one, m.CollaborationCancelled)] == [f"{CASE_NO}-first"]


def test_a_later_limit_is_kept_and_nothing_is_said_back():
    until = NOON + timedelta(days=9)
    message = m.CollaborationExtended(
        case_no=CASE_NO,
        request_id=f"{CASE_NO}-R1",
        collaboration_id="C",
        department="EAST-MARKET",
        due_at=until,
        reason="?",
    )
    events = requests.extend(asking(), message)
    assert kinds(events) == ["RequestExtended"] and type(events[0]) not in m.TOPIC
    assert folded(evolve, asking(), events).extended == {f"{CASE_NO}-R1": until}
    assert kinds(requests.extend(accepted(PLAIN), message)) == ["Noted"]


def test_a_case_that_stands_for_something_else_goes_on_standing_for_it_when_others_are_asked():
    request = asking().requests[0]
    state = folded(
        evolve,
        accepted(PLAIN),
        [
            m.CaseSuspended(
                case_no=CASE_NO,
                department="EAST-MARKET",
                stop_id="T",
                cause="testing",
                basis="an act",
                approver="head",
                since=NOON.date(),
                until=None,
                reason="",
            ),
            request,
        ],
    )
    assert state.status == "suspended" and state.awaited == (request.request_id,)


# ------------------------------------------------------------------ what is disclosed

PERSONAL = AskOthers(asks=(HandAsk(capability="fire", question=Wording(zh="?"), personal=("owner",)),), days=3)


def disclosure(**changes):
    fields = {
        "case_no": CASE_NO,
        "request_id": f"{CASE_NO}-R1",
        "collaboration_id": "C",
        "department": "EAST-MARKET",
        "task_id": "C-T1",
        "supporter": "EAST-FIRE",
        "personal": ("owner",),
    }
    return m.DisclosureRequested(**{**fields, **changes})


def with_personal():
    return folded(evolve, accepted(PLAIN), ask_others(accepted(PLAIN), PERSONAL))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, ""),
        ({"personal": ("owner", "phone")}, "not_asked"),
        ({"supporter": "NOBODY"}, "unknown_supporter"),
        ({"request_id": f"{CASE_NO}-R2"}, "not_awaited"),
    ],
)
def test_a_supporter_gets_what_the_ask_names_and_nothing_else(changes, reason):
    assert requests.refusal(with_personal(), disclosure(**changes), CITY) == reason


def test_a_case_that_has_ended_discloses_nothing():
    state = folded(evolve, with_personal(), withdraw(with_personal(), withdrawn(), on=on(PLAIN), now=NOON))
    assert requests.refusal(state, disclosure(), CITY) == "case_ended"


def test_each_task_s_supporter_is_told_once():
    said_once = requests.disclose(with_personal(), disclosure(), sealed=None, reason="none")
    state = folded(evolve, with_personal(), said_once)
    assert kinds(said_once) == ["CollaborationDisclosed"]
    assert requests.disclose(state, disclosure(), sealed=None, reason="none") == []
