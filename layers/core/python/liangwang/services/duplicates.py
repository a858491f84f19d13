"""重复申请: the same wish a second time is shown to the applicant, not silently made another case."""

from collections.abc import Collection

from ..aggregates import APPLICATION
from ..domain.application import Application
from ..domain.errors import DomainError, Violation
from ..store import Store

LOOKED_THROUGH = 20
"""The newest cases of an applicant that are looked through. Who has more open at once has other worries."""


class DuplicateApplication(DomainError):
    """The applicant has an open case of the same item at the same place."""

    code = "duplicate_application"
    status = 409


def refuse(store: Store, *, applicant: str, task_codes: Collection[str], place: str, own: Collection[str]) -> None:
    """Raises DuplicateApplication, naming the open cases of any of these items. One query of an index and one read.

    The index follows the table within moments: of two applications at the very same time each may miss the other
    (docs/intake.md). An ``Idempotency-Key`` is what makes a repeated request one case: those of the request's ``own``
    numbers are no other cases but these very ones, made a moment ago by the same request.
    """
    keys, _ = store.held_by(APPLICATION, applicant, limit=LOOKED_THROUGH, newest_first=True)
    loaded = store.load(keys)
    states = [loaded[key].state for key in keys if loaded[key].history and key.id not in own]
    numbers = [state.submitted.case_no for state in states if _is_the_same(state, task_codes, place)]
    if numbers:
        fix = "follow the open case, or send `allow_duplicate: true` to apply again all the same"
        raise DuplicateApplication(
            f"there is an open application for this item at this place: {', '.join(numbers)}",
            violations=(Violation("allow_duplicate", fix),),
        )


def _is_the_same(state: Application, task_codes: Collection[str], place: str) -> bool:
    submitted = state.submitted
    return not state.is_terminal and submitted.task_code in task_codes and submitted.place == place
