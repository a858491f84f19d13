"""不在岗: who is away from a department, and who stands in for them."""

from collections.abc import Iterable
from datetime import date, datetime

from msgspec import Struct
from msgspec.structs import replace

from ..access import granted
from ..aggregates import ABSENCE, Key
from ..domain import absence, policy
from ..domain.absence import Absence, Absent
from ..domain.errors import NotFound
from ..http import Request
from ..processing import act
from ..store import Store, Stored


class AbsenceView(Struct, frozen=True, kw_only=True):
    """An officer's absence: both days are included."""

    officer: str
    since: date
    until: date
    delegate: str


def _key(department: str, officer: str) -> Key:
    """An absence counts in one department only: that of whoever said it, as their token states."""
    return Key(ABSENCE.name, f"{department}/{officer}")


def stands_in(store: Store, department: str, officer: str, *, name: str, now: datetime) -> bool:
    """Whether ``name`` stands in for an officer of this department now."""
    key = _key(department, officer)
    stored = store.load([key])[key]
    return bool(stored.history) and absence.stands_in(stored.state, name, now)


def standing_in(store: Store, department: str, officers: Iterable[str], *, name: str, now: datetime) -> frozenset[str]:
    """For which of these officers ``name`` stands in now."""
    return frozenset(one for one in officers if stands_in(store, department, one, name=name, now=now))


class Absences:
    """The caller's own absence; a supervisor's whole department's."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def show(self, request: Request) -> AbsenceView:
        """The absence that holds or is to come. Raises NotFound when there is none."""
        return _view(self._known(request))

    def keep(self, request: Request) -> AbsenceView:
        """Says who stands in, from when to when; what was said before no longer holds."""
        wish: Absent = request.body
        officer = self._officer(request, wish.officer)
        key = _key(request.by.department, officer)
        stored = self._store.load([key])[key]

        def decide(state: Absence | None, now: datetime) -> list[Absence]:
            new = absence.absent(
                wish, officer=officer, department=request.by.department, by=request.by.subject, now=now
            )
            return [] if new == state else [new]

        return _view(act(self._store, request, stored, decide))

    def end(self, request: Request) -> AbsenceView:
        """Nobody stands in any longer. Raises NotFound when nobody does."""
        stored = self._known(request)
        view = _view(stored)
        act(self._store, request, stored, lambda state, now: [replace(state, delegate="")] if state.delegate else [])
        return view

    def _known(self, request: Request) -> Stored:
        key = _key(request.by.department, self._officer(request, request.query.get("officer", "")))
        stored = self._store.load([key])[key]
        if not stored.history or not stored.state.delegate or absence.expires_at(stored.state) <= request.now:
            raise NotFound("no absence of this officer is known")
        return stored

    def _officer(self, request: Request, named: str) -> str:
        """Whose absence it is about, if the caller may say so."""
        officer = named.strip() or request.by.subject
        thing = policy.Thing(owner=officer, department=request.by.department)
        granted(request.by, "absence.keep", thing, what=f"your department has no absence of {officer}")
        return officer


def _view(stored: Stored) -> AbsenceView:
    state: Absence = stored.state
    return AbsenceView(officer=state.officer, since=state.since, until=state.until, delegate=state.delegate)
