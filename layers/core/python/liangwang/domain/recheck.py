"""抽查: a sample of the cases that rules alone decided is looked at again by an officer. Pure.

Which cases are in the sample follows from their numbers and the item's ratio, so nobody chooses and everybody can check.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Literal

from msgspec import Struct

from . import messages as m
from .case import Case, Event, Rechecked, Sampled
from .catalogue import Item
from .errors import Forbidden, NotNow, require_reason

WHOLE = 1 << 32


class Recheck(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an officer found: that the rules decided rightly, or wrongly, and why."""

    finding: Literal["right", "wrong"]
    explanation: m.Remark = ""


def is_sampled(case_no: str, ratio: float) -> bool:
    """Whether a case belongs to the sample of this ratio (0 none, 1 all)."""
    return int.from_bytes(sha256(case_no.encode()).digest()[:4]) < ratio * WHOLE


def sample(state: Case, item: Item) -> Sequence[Event]:
    """Notes of a case that rules alone have just decided that it is to be looked at again, if it is."""
    instant = state.decided is not None and state.decided.outcome != "withdrawn"
    by_rule = all(step.by == "rule" for step in state.steps) and state.accepted is not None
    if not instant or not by_rule or not is_sampled(state.application.case_no, item.recheck):
        return []
    return [Sampled(ratio=item.recheck)]


def recheck(state: Case, wish: Recheck, *, officer: str) -> Sequence[Event]:
    """An officer's finding, once. Raises NotNow for a case that is not in the sample or was looked at, Forbidden for an officer
    who had a part in it, Invalid for a wrong decision without a word of explanation.
    """
    if not state.sampled or state.rechecked is not None:
        raise NotNow("the case does not wait for a recheck")
    if officer in _involved(state):
        raise Forbidden("you had a part in this case; another officer looks at it again")
    if wish.finding == "wrong":
        require_reason(wish.explanation, field="explanation", what="finding a decision wrong")
    return [Rechecked(by=officer, finding=wish.finding, explanation=wish.explanation)]


def holder(state: Case) -> str | None:
    """In whose list an ended case stands: to be looked at again, or found wrong and not put right (correction, revocation)."""
    finding = state.rechecked.finding if state.rechecked is not None else ""
    waits = state.sampled and finding != "right" and state.corrected_at is None
    return listed_at(state.department) if waits else None


def listed_at(department: str) -> str:
    """What the list of a department's rechecks is called in the index."""
    return f"{department}/recheck"


def _involved(state: Case) -> frozenset[str]:
    acts = (state.accepted, *state.notices, *state.steps)
    return frozenset(one.by for one in acts if one is not None) - {"rule"}
