"""好差评: a rating is told to the department: the code alone, by the way that everything goes which the applicant says."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from ..aggregates import APPLICATION, RATING, Key
from ..changes import Change
from ..domain import application
from ..domain.application import Application
from ..processing import Command, perform
from ..store import Store


class TellingRatings:
    """A step of what follows in intake (``services/followup.py``)."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def take(self, changes: Sequence[Change], now: datetime) -> None:
        """Has each rated application say so, once. Raises what a later try may not meet."""
        rated = {one.after.key.id: one.after.state.code for one in changes if one.after.key.kind == RATING.name}
        commands = [_command(case_no, code) for case_no, code in rated.items()]
        for outcome in perform(self._store, commands, now) if commands else ():
            if not outcome.is_final:
                outcome.stored()

    def sweep(self, now: datetime) -> None:
        """Nothing is due by time: the application itself is, until it is relayed."""


def _command(case_no: str, code: int) -> Command:
    return Command(Key(APPLICATION.name, case_no), f"rating/{case_no}", partial(_decide, code=code))


def _decide(state: Application | None, now: datetime, *, code: int) -> Sequence[application.Event]:
    return application.rate(state, code) if state is not None else []
