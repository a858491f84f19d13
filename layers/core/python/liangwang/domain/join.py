"""The join policy of a collaboration: when the answers are enough, and what they come to. Pure."""

from . import messages as m
from .catalogue import Ask
from .collaboration import Collaboration

Verdict = tuple[m.Opinion, str]
"""The conclusion, and the code of what it rests on (i18n ``reason.``)."""


def opinion(state: Collaboration, ask: Ask) -> m.Opinion | None:
    """What counts for an ask: the report on its newest task, once it was checked where that is wanted; a refused ask counts
    as a disagreement. None while nothing counts.
    """
    if state.refusal(ask) is not None:
        return "disagree"
    task = state.held(ask)
    if task is None:
        return None
    counts = task.status == "checked" or (task.status == "reported" and state.request.checked_by == "nobody")
    return task.opinion if counts else None


def joined(state: Collaboration) -> Verdict | None:
    """The join policy over what counts so far; None while it is open.

    ``all`` waits for every answer, so that the applicant hears every objection at once; ``any`` and ``quorum`` end as
    soon as enough agree, or can no longer agree. A lead 主办 must itself have agreed before they do; its disagreement ends them.
    """
    asks, join = state.request.asks, state.request.join
    counted = [opinion(state, ask) for ask in asks]
    leads = [found for ask, found in zip(asks, counted, strict=True) if ask.lead]
    agreed, open_asks = counted.count("agree"), counted.count(None)
    if join.policy == "all":
        if open_asks:
            return None
        return ("agree", "all_agree") if agreed == len(asks) else _disagree(state, "not_all_agree")
    needed = 1 if join.policy == "any" else join.count
    if "disagree" in leads:
        return _disagree(state, "lead_disagrees")
    if agreed >= needed:
        return ("agree", "enough_agree") if None not in leads else None
    return _disagree(state, "too_few_can_agree") if agreed + open_asks < needed else None


def timed_out(state: Collaboration) -> Verdict:
    """What holds when the limit has passed: silence is agreement (``proceed``) or it is not (``deny``).

    An objection that was made is not outvoted by silence, and a lead's silence is no agreement.
    """
    if state.request.on_timeout != "proceed":
        return "disagree", "timeout_deny"
    asks = state.request.asks
    counted = {ask: opinion(state, ask) for ask in asks}
    if any(ask.lead and counted[ask] is None for ask in asks):
        return "disagree", "lead_silent"
    if state.request.join.policy == "all" and "disagree" in counted.values():
        return _disagree(state, "not_all_agree")
    return "agree", "timeout_proceed"


def _disagree(state: Collaboration, because: str) -> Verdict:
    """A disagreement rests on the refusal of asks where no department has objected."""
    asks = state.request.asks
    objected = any(opinion(state, ask) == "disagree" for ask in asks if state.refusal(ask) is None)
    return "disagree", because if objected or not state.refused else state.refused[0].because
