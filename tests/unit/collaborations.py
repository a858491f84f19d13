"""Collaboration events for tests: raised with what a test wants of them, and what departments and time make of them."""

from datetime import timedelta

from liangwang.domain import messages as m
from liangwang.domain.centre_rules import CentreRules, Governance
from liangwang.domain.collaboration import evolve
from liangwang.domain.coordination import raise_event
from liangwang.domain.event_limits import wake
from liangwang.domain.reports import receive_report
from liangwang.domain.working_days import Calendar
from msgspec import structs

from tests.unit.samples import CASE_NO, GOVERNANCE, NOON, RESPONSIBILITIES, ask, folded, request

A_DAY = timedelta(days=1)


def ruled(**rules):
    """Governance under rules of its own."""
    return Governance(RESPONSIBILITIES, Calendar(), CentreRules(**rules))


def wanted(capability="fire", place="T1", **fields):
    """A question with more to it."""
    return structs.replace(ask(capability, place), **fields) if fields else ask(capability, place)


def raised(*asks, on=GOVERNANCE, policy="all", count=0, on_timeout="lift", days=5, **fields):
    """An event just raised, at noon."""
    wish = request(*asks, policy=policy, count=count, on_timeout=on_timeout, days=days)
    return folded(evolve, None, raise_event(structs.replace(wish, **fields), on=on, now=NOON))


def said(kind, task, **fields):
    """A department's message about a task."""
    sent = task.dispatched
    return kind(
        case_no=sent.case_no,
        task_id=sent.task_id,
        collaboration_id=sent.collaboration_id,
        department=sent.department,
        **fields,
    )


def signs(task):
    return said(m.TaskSigned, task, by="clerk")


def reports(task, opinion="agree", **fields):
    return said(m.TaskReported, task, by="clerk", opinion=opinion, explanation="", **fields)


def declines(task):
    return said(m.TaskDeclined, task, by="clerk", reason="not ours")


def wants_time(task, days):
    return said(m.TaskExtensionRequested, task, by="clerk", days=days, reason="a survey is needed")


def hear(state, message, *, on=GOVERNANCE, now=NOON):
    """The events a department's message leads to, and the state after them."""
    events = receive_report(state, message, on=on, now=now)
    return events, folded(evolve, state, events, at=now)


def then(state, events, *, now=NOON):
    """The state after an act."""
    return folded(evolve, state, events, at=now)


def at(state, moment, *, on=GOVERNANCE):
    """What a sweep at a moment finds, and the state after it."""
    events = wake(state, on=on, now=moment)
    return events, folded(evolve, state, events, at=moment)


def disclosed(task, sealed=None, **fields):
    """The requester's answer to a wish for personal fields."""
    return m.CollaborationDisclosed(
        **{
            "case_no": CASE_NO,
            "request_id": f"{CASE_NO}-check",
            "department": "EAST-MARKET",
            "task_id": task.dispatched.task_id,
            "supporter": task.dispatched.department,
            "sealed": sealed,
            **fields,
        }
    )
