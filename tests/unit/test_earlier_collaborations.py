"""Events that an earlier release wrote: they are read, folded and go on as they were begun."""

import json
from datetime import timedelta

from liangwang.aggregates import COLLABORATION
from liangwang.domain.event_clock import wake_at
from liangwang.domain.event_limits import wake
from liangwang.domain.history import fold
from liangwang.domain.patience import Patience

from tests.unit.collaborations import hear, reports, then
from tests.unit.samples import CASE_NO, GOVERNANCE, kinds

ID = f"{CASE_NO}-check"
ASKED = {"capability": "fire", "question": {"zh": "?", "en": "?"}, "place": "T1"}
REQUEST = {
    "type": "collaboration.requested",
    "case_no": CASE_NO,
    "request_id": ID,
    "department": "EAST-MARKET",
    "task_code": "licence",
    "place": "T1",
    "asks": [ASKED],
    "join": {"policy": "all", "count": 0},
    "days": 2,
    "on_timeout": "lift",
    "form": {"area": 10},
}


def raised():
    return {
        "type": "collaboration.raised",
        "request": REQUEST,
        "collaboration_id": ID,
        "region": "D1",
        "level": 4,
        "due_at": "2027-03-03T09:30:00Z",
    }


def dispatched(number, department, *, forced=False):
    return {
        "type": "task.dispatched",
        "case_no": CASE_NO,
        "task_id": f"{ID}-T{number}",
        "collaboration_id": ID,
        "department": department,
        "requester": "EAST-MARKET",
        "task_code": "licence",
        "ask": ASKED,
        "path": [{"region": "D1", "level": 4, "reason": "registered"}],
        "due_at": "2027-03-03T09:30:00Z",
        "form": {"area": 10},
        "forced": forced,
    }


def earlier(*events):
    """The state that an earlier release's history comes to."""
    recorded = [["2027-03-01T04:00:00Z", "a cause", event] for event in events]
    return fold(COLLABORATION.evolve, COLLABORATION.decode(json.dumps(recorded).encode()))


def test_an_open_event_goes_on_with_the_limit_that_was_told_and_no_lights():
    state = earlier(raised(), dispatched(1, "EAST-FIRE"))
    assert wake_at(state, Patience()) == state.due_at
    assert wake(state, on=GOVERNANCE, now=state.due_at - timedelta(seconds=1)) == []
    events = wake(state, on=GOVERNANCE, now=state.due_at)
    assert kinds(events) == ["Lit", "Lifted", "CollaborationExtended", "TaskUrged"]
    assert wake(then(state, events, now=state.due_at), on=GOVERNANCE, now=state.due_at) == []


def test_a_decline_that_the_rules_decided_without_a_word_of_their_own_is_one_decline():
    declined = {"type": "collaboration.declined", "task_id": f"{ID}-T1", "reason": "no", "decided_by": "D1"}
    state = earlier(raised(), dispatched(1, "EAST-FIRE"), declined, dispatched(2, "EAST-FIRE-2"))
    assert (state.declines(state.request.asks[0]), state.unrouted) == (1, ())
    assert hear(state, reports(state.tasks[1]))[1].conclusion.conclusion == "agree"


def test_a_lifted_event_does_not_urge_a_second_time_for_the_limit_that_lifted_it():
    lifted = {
        "type": "collaboration.lifted",
        "region": "C",
        "reason": "limit_passed",
        "due_at": "2027-03-05T09:30:00Z",
    }
    urged = {
        "type": "task.urged",
        "case_no": CASE_NO,
        "task_id": f"{ID}-T1",
        "department": "EAST-FIRE",
        "reason": "limit_passed",
    }
    state = earlier(raised(), dispatched(1, "EAST-FIRE"), lifted, urged)
    assert wake_at(state, Patience()) == state.due_at


def test_a_report_of_an_earlier_release_counts_unchecked():
    reported = {
        "type": "collaboration.reported",
        "task_id": f"{ID}-T1",
        "by": "c",
        "opinion": "agree",
        "explanation": "",
    }
    concluded = {
        "type": "collaboration.concluded",
        "case_no": CASE_NO,
        "request_id": ID,
        "collaboration_id": ID,
        "department": "EAST-MARKET",
        "conclusion": "agree",
        "because": "all_agree",
        "answers": [{"capability": "fire", "department": "EAST-FIRE", "opinion": "agree", "explanation": ""}],
    }
    state = earlier(raised(), dispatched(1, "EAST-FIRE"), reported, concluded)
    assert wake_at(state, Patience()) is None
    assert wake(state, on=GOVERNANCE, now=state.due_at) == []
