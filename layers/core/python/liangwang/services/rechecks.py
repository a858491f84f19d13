"""抽查: the sample of cases decided by rule, and what officers find when they look at them again."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from .. import texts
from ..aggregates import CASE
from ..domain import recheck
from ..domain.case import Case, Event, Rechecked
from ..domain.catalogue import Text
from ..domain.recheck import Recheck
from ..http import Request, limit_of
from ..processing import act
from ..store import Stored
from .departments import Departments
from .own_cases import OwnCases


class RecheckView(Struct, frozen=True, kw_only=True):
    """A case in the sample: how rules decided it, and what was found. ``next`` says what is to be done now."""

    case_no: str
    task_code: str
    task_name: Text
    outcome: str
    decided_at: datetime | None
    next: Text
    finding: Rechecked | None = None


class RecheckList(Struct, frozen=True, kw_only=True):
    """Cases to look at again, and those found wrong that nobody has put right, oldest first; ``cursor`` leads on."""

    rechecks: tuple[RecheckView, ...]
    cursor: str | None = None


class Rechecks:
    """The sample of the caller's department. Each method is one route."""

    def __init__(self, cases: OwnCases) -> None:
        self._cases = cases
        self._departments = Departments(cases.department.catalogue.organisation)

    def waiting(self, request: Request) -> RecheckList:
        """What is to be looked at again at the caller's department, or the named one."""
        department = self._departments.one(request, "recheck.list")
        keys, cursor = self._cases.store.held_by(
            CASE, recheck.listed_at(department), limit=limit_of(request), cursor=request.query.get("cursor")
        )
        loaded = self._cases.store.load(keys)
        found = (loaded[key] for key in keys if loaded[key].history and recheck.holder(loaded[key].state))
        return RecheckList(rechecks=tuple(map(self._view, found)), cursor=cursor)

    def recheck(self, request: Request) -> RecheckView:
        """Notes what the caller found. A wrong decision stays in the list until it is corrected or revoked."""
        wish: Recheck = request.body
        stored, _ = self._cases.own(request, "case.recheck")

        def decide(state: Case, now: datetime) -> Sequence[Event]:
            return recheck.recheck(state, wish, officer=request.by.subject)

        return self._view(act(self._cases.store, request, stored, decide))

    def _view(self, stored: Stored) -> RecheckView:
        state: Case = stored.state
        item = self._cases.department.item(state.application)
        found = state.rechecked
        following = "look" if found is None else "correct" if recheck.holder(state) else "none"
        return RecheckView(
            case_no=stored.key.id,
            task_code=item.task_code,
            task_name=item.name,
            outcome=state.status,
            decided_at=state.decided_at,
            next=texts.text(f"recheck.{following}"),
            finding=found,
        )
