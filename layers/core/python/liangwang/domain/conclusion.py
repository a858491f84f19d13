"""How a collaboration event ends: the conclusion under its policy, and what is no longer needed recalled. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from . import messages as m
from .catalogue import Ask
from .collaboration import Collaboration, Event, following
from .join import joined, opinion


def joined_after(state: Collaboration, events: Sequence[Event], *, now: datetime) -> list[Event]:
    """The events, with the conclusion where the policy now has one. A concluded event is not concluded again."""
    after = following(state, events, now)
    verdict = joined(after) if after.conclusion is None else None
    if verdict is None:
        return [*events]
    return [*events, *concluded(after, *verdict, recall="conclusion_reached")]


def concluded(
    state: Collaboration, conclusion: Literal["agree", "disagree", "cancelled"], because: str, *, recall: str
) -> list[Event]:
    """The end: open tasks are recalled, for this reason, and the requester is told with all answers that count."""
    request = state.request
    answers = tuple(_answer(state, ask) for ask in request.asks)
    told = m.CollaborationConcluded(
        case_no=request.case_no,
        request_id=request.request_id,
        collaboration_id=state.raised.collaboration_id,
        department=request.department,
        conclusion=conclusion,
        because=because,
        answers=answers,
        partial=any(answer.opinion is None for answer in answers),
    )
    return [*to_open_tasks(state, m.TaskRecalled, recall), told]


def to_open_tasks(
    state: Collaboration, message: type[m.TaskRecalled] | type[m.TaskUrged], reason: str
) -> list[m.TaskRecalled | m.TaskUrged]:
    """A message to every department that a report is expected of."""
    return [
        message(
            case_no=state.request.case_no,
            task_id=task.dispatched.task_id,
            department=task.dispatched.department,
            reason=reason,
        )
        for task in state.open_tasks
    ]


def _answer(state: Collaboration, ask: Ask) -> m.Answer:
    task, refused, declines = state.held(ask), state.refusal(ask), state.declines(ask)
    if refused is not None or task is None:
        return m.Answer(
            capability=ask.capability,
            department="",
            opinion=opinion(state, ask),
            explanation=refused.because if refused is not None else "",
            declines=declines,
        )
    found = opinion(state, ask)
    return m.Answer(
        capability=ask.capability,
        department=task.dispatched.department,
        opinion=found,
        explanation=task.explanation if found is not None else "",
        task_id=task.dispatched.task_id,
        declines=declines,
        attachments=task.attachments if found is not None else (),
    )
