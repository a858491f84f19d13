"""What operators are shown of the centre's ledger: where a case is, and what differs between the systems."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from .. import texts
from ..access import granted
from ..aggregates import COLLABORATION, DELIVERY, DIFFERENCE, LEDGER, RECONCILIATION, Key
from ..domain import policy, reconciliation
from ..domain.catalogue import Organisation, Text
from ..domain.errors import NotFound
from ..domain.ledger import Entry
from ..domain.reconciliation import Difference, Kind, Remedy, Run
from ..domain.whereabouts import Waiting, Waits, waiting
from ..http import Request, limit_of
from ..processing import Command, perform
from ..store import Store
from ..timeline import Entry as Line
from ..timeline import of_history

RUN = Key(RECONCILIATION.name, "newest")

EVENTS = 50
"""Collaboration events of one case that are looked at."""


class WaitView(Struct, frozen=True, kw_only=True):
    """One thing that a case waits for, as a code and as a sentence."""

    waits: Waits
    departments: tuple[str, ...]
    text: Text


class LedgerView(Struct, frozen=True, kw_only=True):
    """One case as the centre knows it: from which intake it is, where it is, since when, and what it waits for.

    ``undelivered`` counts news of it that its intake has not taken yet.
    """

    case_no: str
    intake: str
    task_code: str
    place: str
    applied_at: datetime | None
    department: str
    state: str
    since: datetime
    waits_for: tuple[WaitView, ...]
    undelivered: int
    timeline: tuple[Line, ...]


class RunView(Struct, frozen=True, kw_only=True):
    """One run of the reconciliation. ``unread``: intakes that could not be read to the end, and why."""

    run: str
    by: str
    asked_at: datetime
    ended_at: datetime | None
    intakes_left: tuple[str, ...]
    looked_at: int
    found: int
    unread: dict[str, str]


class DifferenceView(Struct, frozen=True, kw_only=True):
    """A case on which the systems differ: how, since when that is known, what heals it and how often that was tried."""

    case_no: str
    intake: str
    kind: Kind
    remedy: Remedy
    sequences: tuple[int, ...]
    since: datetime
    tries: int
    tried_at: datetime | None


class ReconciliationView(Struct, frozen=True, kw_only=True):
    """The newest run, if there was one, and a page of what is open, the oldest first. Nothing open: the systems agree."""

    run: RunView | None
    differences: tuple[DifferenceView, ...]
    cursor: str | None = None


class Reconciliation:
    """What operators ask. The run itself is the ``Reconciler``'s; ``intakes`` are the names of those that it looks at."""

    def __init__(self, store: Store, organisation: Organisation, *, intakes: tuple[str, ...]) -> None:
        self._store = store
        self._organisation = organisation
        self._intakes = intakes

    def begin(self, request: Request) -> RunView:
        """Asks for a run; one that is under way is the answer. Raises NotFound for a centre that does not look after the city."""
        self._whole_city(request, "reconciliation.run")
        now, by = request.now, request.by.subject

        def decide(state: Run | None, at: datetime) -> Sequence[Run]:
            return reconciliation.asked(state, run=now.isoformat(), by=by, intakes=self._intakes, now=now)

        command = Command(RUN, f"person/{by}/{request.route}/{now.isoformat()}", decide)
        return _run(perform(self._store, [command], now)[0].stored().state)

    def newest(self, request: Request) -> ReconciliationView:
        """The newest run and what is open: one query and one read a page."""
        self._whole_city(request, "reconciliation.read")
        limit, cursor = limit_of(request), request.query.get("cursor")
        keys, following = self._store.held_by(DIFFERENCE, "open", limit=limit, cursor=cursor)
        loaded = self._store.load([RUN, *keys])
        shown = [(key.id, loaded[key].state) for key in keys]
        run: Run | None = loaded[RUN].state
        return ReconciliationView(
            run=_run(run) if run is not None else None,
            differences=tuple(_difference(name, state) for name, state in shown if state and not state.healed_at),
            cursor=following,
        )

    def _whole_city(self, request: Request, action: policy.Action) -> None:
        """Reconciliation is of the whole city: the regions that have none above them."""
        tops = [one.code for one in self._organisation.regions if len(self._organisation.lineage(one.code)) == 1]
        centres = policy.centres(self._organisation, tops)
        granted(request.by, action, policy.Thing(centres=centres), what="reconciliation is the city's centre's")

    def case(self, request: Request) -> LedgerView:
        """Where one case is. Raises NotFound for one that is neither of a place nor at a department in the caller's region."""
        number = request.path["case_no"]
        keys = [Key(LEDGER.name, number), Key(DELIVERY.name, number)]
        loaded = self._store.load(keys)
        stored, kept = (loaded[key] for key in keys)
        what = f"your centre has no case {number}"
        entry: Entry | None = stored.state
        if entry is None:
            raise NotFound(what)
        department = self._organisation.department.get(entry.department)
        regions = {entry.place, department.region if department else ""}
        centres = policy.centres(self._organisation, regions)
        granted(request.by, "ledger.read", policy.Thing(centres=centres), what=what)
        found, _ = self._store.held_by(COLLABORATION, f"case/{number}", limit=EVENTS)
        events = [one.state for one in self._store.load(found).values()] if found else []
        undelivered = len(kept.state.entries) if kept.state is not None else 0
        return LedgerView(
            case_no=number,
            intake=entry.intake,
            task_code=entry.task_code,
            place=entry.place,
            applied_at=entry.applied_at,
            department=entry.department,
            state=entry.state,
            since=entry.since,
            waits_for=tuple(self._wait(one) for one in waiting(entry, events, is_kept=undelivered > 0)),
            undelivered=undelivered,
            timeline=of_history(stored.history, self._organisation),
        )

    def _wait(self, one: Waiting) -> WaitView:
        names = [
            self._organisation.department[code].name
            for code in one.departments
            if code in self._organisation.department
        ]
        zh, en = "、".join(name.zh for name in names), ", ".join(name.en for name in names)
        key = f"whereabouts.{one.waits}"
        text = Text(zh=texts.text(key, departments=zh).zh, en=texts.text(key, departments=en).en)
        return WaitView(waits=one.waits, departments=one.departments, text=text)


def _run(run: Run) -> RunView:
    return RunView(
        run=run.run,
        by=run.by,
        asked_at=run.asked_at,
        ended_at=run.ended_at,
        intakes_left=run.intakes,
        looked_at=run.looked_at,
        found=run.found,
        unread=run.unread,
    )


def _difference(case_no: str, one: Difference) -> DifferenceView:
    return DifferenceView(
        case_no=case_no,
        intake=one.intake,
        kind=one.kind,
        remedy=one.remedy,
        sequences=one.sequences,
        since=one.since,
        tries=one.tries,
        tried_at=one.tried_at,
    )
