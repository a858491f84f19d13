"""好差评 at the department: what the applicant thought of it is noted on the case, after its end. Pure."""

from collections.abc import Sequence

from . import messages as m
from .case import Case, Event, RatingReceived
from .history import too_late


def receive_rating(state: Case, message: m.ApplicationRated) -> Sequence[Event]:
    """Takes in what the applicant thought of it: once, and after the end. Anything else is kept as a note."""
    if not state.is_terminal:
        return [too_late(message, f"the case is {state.status}; it is rated after its end")]
    if state.rating is not None:
        return [too_late(message, "the case was rated already")]
    return [RatingReceived(rating=message)]
