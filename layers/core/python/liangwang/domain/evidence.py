"""A grid event 网格事件 that an operator puts to a case as evidence, at the department that has the case. Pure."""

from collections.abc import Sequence

from . import messages as m
from .case import Case, Event
from .case_events import EvidenceReceived


def take(state: Case, message: m.EvidenceOffered) -> Sequence[Event]:
    """Adds it to the case and says so; a case that has ended takes no evidence. What is there already stays as it is."""
    if any(one.evidence_id == message.evidence_id for one in state.evidence):
        return []
    if state.is_terminal:
        return [_answer(state, message, taken=False, reason="case_ended")]
    return [EvidenceReceived(offered=message), _answer(state, message, taken=True)]


def _answer(state: Case, message: m.EvidenceOffered, *, taken: bool, reason: str = "") -> m.EvidenceTaken:
    return m.EvidenceTaken(
        case_no=message.case_no,
        department=state.department,
        evidence_id=message.evidence_id,
        taken=taken,
        reason=reason,
    )
