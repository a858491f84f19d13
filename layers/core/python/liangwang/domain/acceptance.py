"""受理: accept, ask once for what is missing, or refuse. Pure; one function a message.

行政许可法 art. 32: what is incomplete is told at once, one time, everything together; what the department may not
accept is refused with its reason.
"""

from collections.abc import Sequence
from datetime import datetime

from msgspec import structs

from . import messages as m
from . import policy, statutory_clock
from .case import Case, Event, Received, SupplementReceived, evolve
from .catalogue import Collaboration, Evaluate, Facts, Item, Material, Text
from .course import Practice, advance, facts, find
from .history import Recorded, too_late


def receive(state: Case | None, message: m.ApplicationSubmitted, *, on: Practice, now: datetime) -> Sequence[Event]:
    """Takes in an application and examines it. A second one for the same case is kept as a note."""
    if state is not None:
        return [too_late(message, f"the case is {state.status} already")]
    received = Received(application=message)
    case = evolve(None, Recorded(now, "", received))
    return [received, *_examine(case, on=on, now=now)]


def receive_supplement(
    state: Case, message: m.ApplicationSupplemented, *, on: Practice, now: datetime
) -> Sequence[Event]:
    """Takes in the answer to a notice and examines the whole again. One that comes too late is kept as a note."""
    if state.status != "supplementing":
        return [too_late(message, f"no supplement is awaited; the case is {state.status}")]
    received = SupplementReceived(supplement=message)
    case = evolve(state, Recorded(now, "", received))
    return [received, *_examine(case, on=on, now=now)]


def withdraw(state: Case, message: m.ApplicationWithdrawn) -> Sequence[Event]:
    """Ends the case at the applicant's wish and asks supporters to stop. After a decision it is only noted."""
    if state.is_terminal:
        return [too_late(message, f"the case is {state.status} already")]
    case_no = state.application.case_no
    cancelled = [
        m.CollaborationCancelled(
            case_no=case_no, request_id=request_id, department=state.department, reason="requester_ended"
        )
        for request_id in state.awaited
    ]
    decided = m.CaseDecided(case_no=case_no, department=state.department, outcome="withdrawn", told=state.told + 1)
    return [*cancelled, decided]


def _examine(state: Case, *, on: Practice, now: datetime) -> Sequence[Event]:
    item, evaluate = on.item, on.evaluate
    case_no, department = state.application.case_no, state.department
    known = facts(state, now)
    refused = [rule.reason for rule in item.eligibility if not find(rule.id, rule.when, evaluate, known).held]
    points = _points(state, item, evaluate, known)
    if points and state.supplemented and not refused:
        refused = [point.reason for point in points]  # art. 32 allows one notice only
    if refused:
        refusal_no = f"{case_no}-B"
        return [
            m.CaseRefused(
                case_no=case_no,
                department=department,
                refusal_doc_no=refusal_no,
                reasons=tuple(refused),
                told=state.told + 1,
            )
        ]
    if points:
        notice_no = f"{case_no}-G"
        return [m.SupplementRequested(case_no=case_no, department=department, notice_no=notice_no, points=points)]
    wanted = [one for one in item.collaborations if find(one.id, one.when, evaluate, known).held]
    return _accept(state, wanted, on=on, now=now)


def _points(state: Case, item: Item, evaluate: Evaluate, known: Facts) -> tuple[m.Point, ...]:
    missing = [
        m.Point(material.code, _hand_in(material))
        for material in item.materials
        if material.code not in state.materials and _is_needed(material, evaluate, known)
    ]
    wrong = [
        m.Point(rule.field, rule.reason)
        for rule in item.completeness
        if not find(rule.id, rule.when, evaluate, known).held
    ]
    return (*missing, *wrong)


def _is_needed(material: Material, evaluate: Evaluate, known: Facts) -> bool:
    if material.necessity == "conditional":
        return find(material.code, material.when, evaluate, known).held
    return material.necessity == "required"


def _hand_in(material: Material) -> Text:
    return Text(zh=f"请提交材料：{material.name.zh}", en=f"Please hand in: {material.name.en}")


def _accept(state: Case, wanted: Sequence[Collaboration], *, on: Practice, now: datetime) -> Sequence[Event]:
    case_no, department = state.application.case_no, state.department
    awaits = tuple(ask.capability for one in wanted for ask in one.asks)
    due = statutory_clock.start(on.item, on.calendar, now)
    accepted = m.CaseAccepted(
        case_no=case_no, department=department, accept_doc_no=f"{case_no}-S", awaits=awaits, due=due
    )
    case = state
    events: list[Event] = [accepted, *(_request(state, one, personal=on.item.personal) for one in wanted)]
    for event in events:
        case = evolve(case, Recorded(now, "", event))
    return [*events, *advance(case, on=on, now=now)]


def _request(state: Case, collaboration: Collaboration, *, personal: Sequence[str]) -> m.CollaborationRequested:
    """An ask whose place is a form field goes to that place; the request carries region codes only.

    Of the form it carries what the policy lets cross to those who support.
    """
    application = state.application
    asks = tuple(
        structs.replace(ask, place=application.place if ask.place == "case" else str(state.form.get(ask.place)))
        for ask in collaboration.asks
    )
    return m.CollaborationRequested(
        case_no=application.case_no,
        request_id=f"{application.case_no}-{collaboration.id}",
        department=state.department,
        task_code=application.task_code,
        place=application.place,
        asks=asks,
        join=collaboration.join,
        days=collaboration.days,
        on_timeout=collaboration.on_timeout,
        form=policy.crossing("crossing.collaboration", state.form, personal=personal).clear,
    )
