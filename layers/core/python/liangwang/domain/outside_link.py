"""外部单位 an outside party answers one task by a link that works once and expires; what the centre keeps of the link. Pure.

The link holds a signed token (``services/outside.py``). Of all links of a task only the newest works, and none after an answer.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from .collaboration import Collaboration, Reported, Task
from .errors import DomainError, Invalid, NotNow, Violation
from .history import Recorded

LONGEST = timedelta(days=14)
"""How long a link works at most: whoever finds it later in a mailbox finds nothing."""

KEPT = timedelta(days=30)
"""How long it is remembered after that, to say why it does not work any more."""


class LinkIssued(Struct, frozen=True, kw_only=True, tag="link.issued", tag_field="type"):
    """The newest link of a task: its id, for whom, who issued it, and until when it works."""

    jti: str
    task_id: str
    collaboration_id: str
    party: str
    by: str
    issued_at: datetime
    expires_at: datetime


class LinkWorthless(DomainError):
    """The link does not work: it is damaged, or none of ours."""

    code = "link_worthless"
    status = 404


class LinkExpired(LinkWorthless):
    """Its time has passed."""

    code = "link_expired"
    status = 410


class LinkReplaced(LinkWorthless):
    """A newer link was issued for the task."""

    code = "link_replaced"
    status = 410


class LinkAnswered(LinkWorthless):
    """It was answered already."""

    code = "link_answered"
    status = 410


class LinkRecalled(LinkWorthless):
    """The answer is not needed any more."""

    code = "link_recalled"
    status = 410


def issue(
    before: LinkIssued | None, event: Collaboration, task_id: str, *, by: str, jti: str, now: datetime
) -> Sequence[LinkIssued]:
    """A new link for an open task, which takes the place of the one before. It works until the task is due, 14 days at most.

    A task that is overdue is waited for all the same: then the 14 days alone count. Raises NotNow for a task that is closed.
    """
    task = event.task(task_id)
    if task is None or event.conclusion is not None or not task.is_open:
        raise NotNow(f"the task is {task.status if task else 'gone'}; nobody is to answer it")
    until = now + LONGEST
    return [
        LinkIssued(
            jti=jti,
            task_id=task_id,
            collaboration_id=task.dispatched.collaboration_id,
            party=task.dispatched.department,
            by=by,
            issued_at=now,
            expires_at=min(task.due_at, until) if task.due_at > now else until,
        )
    ]


def cause_of(jti: str) -> str:
    """The cause, and the person, that an answer by a link is recorded with."""
    return f"link/{jti}"


def answered(history: Sequence[Recorded[Any]], jti: str) -> Reported | None:
    """The answer that was given by a link."""
    cause = cause_of(jti)
    return next((one.event for one in history if one.cause == cause and isinstance(one.event, Reported)), None)


def open_task(
    link: LinkIssued | None, event: Collaboration | None, history: Sequence[Recorded[Any]], *, jti: str, now: datetime
) -> Task:
    """The task that a link leads to. Raises the reason why it leads nowhere any more."""
    task = event.task(link.task_id) if link is not None and event is not None else None
    if link is None or event is None or task is None:
        raise LinkWorthless("there is no such link")
    if answered(history, jti) is not None:
        raise LinkAnswered("this link was answered; for a change, ask whoever sent it")
    if link.jti != jti:
        raise LinkReplaced("a newer link was sent to you; use that one")
    if not task.is_open or event.conclusion is not None:
        raise LinkRecalled("your answer is not needed any more; thank you")
    if link.expires_at <= now:
        raise LinkExpired("the link has expired; ask whoever sent it for a new one")
    return task


def check_answer(opinion: str, explanation: str) -> None:
    """Raises Invalid when a disagreement gives no reason."""
    if opinion == "disagree" and not explanation.strip():
        violation = Violation("explanation", "say why you disagree")
        raise Invalid("a disagreement needs a reason", violations=(violation,))
