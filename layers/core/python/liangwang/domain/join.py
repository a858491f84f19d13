"""The join policy of a collaboration: when the answers are enough, and what they come to. Pure."""

from . import messages as m
from .collaboration import Collaboration


def joined(state: Collaboration) -> tuple[m.Opinion, str] | None:
    """The join policy over the opinions so far: the conclusion and the reason, or None while it is open.

    ``all`` waits for every answer, so that the applicant hears every objection at once; ``any`` and ``quorum`` end as
    soon as enough agree, or can no longer agree.
    """
    asks, join = state.request.asks, state.request.join
    opinions = [task.opinion for ask in asks if (task := state.held(ask)) is not None and task.opinion]
    agreed, open_asks = opinions.count("agree"), len(asks) - len(opinions)
    if join.policy == "all":
        if open_asks:
            return None
        return ("agree", "all_agree") if agreed == len(asks) else ("disagree", "not_all_agree")
    needed = 1 if join.policy == "any" else join.count
    if agreed >= needed:
        return "agree", "enough_agree"
    if agreed + open_asks < needed:
        return "disagree", "too_few_can_agree"
    return None
