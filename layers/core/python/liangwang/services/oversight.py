"""督查: what came before a governance centre: cases that are overdue, were escalated to it, or that it gave an order about.

A centre reads its own ledger, which the departments' messages fill, never a department's table.
"""

from datetime import datetime

from msgspec import Struct

from ..aggregates import LEDGER
from ..domain import messages as m
from ..domain.catalogue import Organisation
from ..domain.ledger import Entry, outstanding
from ..http import Request, limit_of
from ..store import Store
from .centres import Centres


class RaisedView(Struct, frozen=True, kw_only=True):
    """One matter: what it is, and the moment that had passed."""

    order: str
    stage: m.SupervisionStage
    light: m.Light
    centre: str
    since: datetime


class OverdueCase(Struct, frozen=True, kw_only=True):
    """A case before the centre. ``answers`` are what departments said to orders, by their names."""

    case_no: str
    department: str
    state: str
    raised: tuple[RaisedView, ...]
    answers: dict[str, str]


class OverdueList(Struct, frozen=True, kw_only=True):
    """A page of cases, those first of which the centre heard first."""

    cases: tuple[OverdueCase, ...]
    cursor: str | None = None


class Oversight:
    """What centres look after, as the policy shows it to their operators."""

    def __init__(self, store: Store, organisation: Organisation) -> None:
        self._store = store
        self._centres = Centres(organisation)

    def overdue(self, request: Request) -> OverdueList:
        """The cases before the caller's own centre, or before one below it: one query and one read a page.

        Raises NotFound for a centre that is not in the caller's region, Invalid when a caller without one names none.
        """
        region = self._centres.one(request, "supervision.list")
        limit, cursor = limit_of(request), request.query.get("cursor")
        keys, following = self._store.held_by(LEDGER, region, limit=limit, cursor=cursor)
        loaded = self._store.load(keys) if keys else {}
        found = [_view(key.id, loaded[key].state) for key in keys if loaded[key].history]
        return OverdueList(cases=tuple(found), cursor=following)


def _view(case_no: str, entry: Entry) -> OverdueCase:
    return OverdueCase(
        case_no=case_no,
        department=entry.department,
        state=entry.state,
        raised=tuple(
            RaisedView(order=one.order, stage=one.stage, light=one.light, centre=one.centre, since=one.at)
            for one in outstanding(entry)
        ),
        answers=entry.answers,
    )
