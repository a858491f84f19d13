"""网格事件: shows them: a centre's lists, and one event with its handlings and their ways."""

from datetime import datetime

from msgspec import Struct

from ..access import granted
from ..aggregates import COLLABORATION, WATCH, Key
from ..domain import grid, policy, sighting
from ..domain import messages as m
from ..domain.catalogue import Catalogue, Text
from ..domain.collaboration import Collaboration, Task
from ..domain.errors import Invalid, Violation
from ..domain.grid import Coordinates, GridEntry, GridEvent
from ..domain.grid_category import GridCategories
from ..domain.routing import TOWN
from ..http import Request, flag_of, limit_of
from ..store import OnDesk, Store
from ..timeline import Entry, of_history
from .grid import Grid
from .grid_matches import CaseMatch, GridMatches

TOWNS_A_PAGE = 25
"""So many towns' lists are asked for one page: an empty one costs a query too."""

WAITING = ("handling", "awaiting_call")


class GridLine(Struct, frozen=True, kw_only=True):
    """An event in a list. ``due_at`` is the limit of what it waits for, ``round`` counts its handlings."""

    event_no: str
    category: Text
    origin: str
    place: str
    occurred_at: datetime
    round: int
    due_at: datetime


class GridList(Struct, frozen=True, kw_only=True):
    """A page of events: town by town, within a town the soonest due first."""

    events: tuple[GridLine, ...]
    cursor: str | None = None


class GridTask(Struct, frozen=True, kw_only=True):
    """What one department was asked, the way it took through the centres, and what became of it."""

    task_id: str
    department: str
    question: Text
    lead: bool
    status: str
    due_at: datetime
    path: tuple[m.Hop, ...]
    opinion: m.Opinion | None
    explanation: str


class GridHandling(Struct, frozen=True, kw_only=True):
    """One handling of an event, as the collaboration event ``collaboration_id``. ``centre`` has it in charge.

    Until the centre has taken the request in there are no tasks.
    """

    collaboration_id: str
    centre: str
    due_at: datetime
    tasks: tuple[GridTask, ...] = ()
    conclusion: m.CollaborationConcluded | None = None


class Sightings(Struct, frozen=True, kw_only=True):
    """How often a sensor told of it, and when last (None: it tells of a later event by now)."""

    count: int
    last_at: datetime | None = None


class GridEvidence(Struct, frozen=True, kw_only=True):
    """A case that the event was put to. ``result`` is empty until its department answers."""

    evidence_id: str
    case_no: str
    department: str
    result: str
    reason: str


class GridEventView(Struct, frozen=True, kw_only=True):
    """A grid event with all that came of it."""

    event_no: str
    status: str
    origin: str
    origin_no: str
    category: Text
    place: str
    coordinates: Coordinates | None
    occurred_at: datetime
    description: str
    due_at: datetime | None
    handlings: tuple[GridHandling, ...]
    calls: tuple[grid.Called, ...]
    sightings: Sightings | None
    matches: tuple[CaseMatch, ...]
    evidence: tuple[GridEvidence, ...]
    timeline: tuple[Entry, ...]


class GridDesk:
    """Grid events as the policy shows them."""

    def __init__(self, store: Store, catalogue: Catalogue, categories: GridCategories, events: Grid) -> None:
        self._store = store
        self._organisation = catalogue.organisation
        self._categories = categories
        self._events = events
        self._matches = GridMatches(store, catalogue, categories)

    def event(self, request: Request) -> GridEventView:
        """One event. Raises NotFound for one of another centre's towns."""
        stored = self._events.own(request, "grid.read")
        state: GridEvent = stored.state
        report = state.report
        runs = [Key(COLLABORATION.name, one.request_id) for one in state.requests]
        watch = Key(WATCH.name, sighting.identity(state.registered.reporter, report))
        loaded = self._store.load([*runs, watch])
        return GridEventView(
            event_no=stored.key.id,
            status=state.status,
            origin=report.origin,
            origin_no=report.origin_no,
            category=self._name(report.category),
            place=report.place,
            coordinates=report.coordinates,
            occurred_at=report.occurred_at,
            description=report.description,
            due_at=None if state.status == "closed" else state.due_at,
            handlings=tuple(_handling(state, key.id, loaded[key].state) for key in runs),
            calls=state.calls,
            sightings=_sightings(loaded[watch].state, stored.key.id),
            matches=self._matching(request, state),
            evidence=tuple(_evidence(state, one) for one in state.offers),
            timeline=of_history(stored.history, self._organisation),
        )

    def _matching(self, request: Request, state: GridEvent) -> tuple[CaseMatch, ...]:
        """Open cases it may have to do with, for those who may put it to one; with ``nearby=true`` of the whole district."""
        centres = policy.centres(self._organisation, [state.registered.region])
        relations = policy.relations(request.by, policy.Thing(centres=centres))
        if policy.fields(request.by.role, "grid.evidence", relations) is None:
            return ()
        return self._matches.of(state, nearby=flag_of(request, "nearby"))

    def events(self, request: Request) -> GridList:
        """The open events of a centre's towns, by what they wait for: the departments, or a return call.

        ``overdue=true``: only those whose limit has passed. Raises NotFound for a centre that is not the caller's.
        """
        region = request.query.get("region") or request.by.region
        if region not in self._organisation.region:
            raise Invalid("which centre?", violations=(Violation("region", "name a region by its code"),))
        thing = policy.Thing(centres=policy.centres(self._organisation, [region]))
        granted(request.by, "grid.list", thing, what=f"no centre {region} is yours to look at")
        waiting = request.query.get("waiting_for", "handling")
        if waiting not in WAITING:
            raise Invalid("what for?", violations=(Violation("waiting_for", f"use {' or '.join(WAITING)}"),))
        until = request.now if flag_of(request, "overdue") else None
        return self._page(request, self._towns(region), waiting, until)

    def _page(self, request: Request, towns: list[str], waiting: str, until: datetime | None) -> GridList:
        """Goes on where the cursor says: in a town's list, or at the next town's."""
        limit, lines = limit_of(request), list[GridLine]()
        first, _, cursor = request.query.get("cursor", "").partition("~")
        if first and first not in towns:
            raise Invalid("not a cursor", violations=(Violation("cursor", "use the cursor of the page before"),))
        start = towns.index(first) if first else 0
        for town in towns[start : start + TOWNS_A_PAGE]:
            found, following = self._store.on_desk(
                f"grid/{town}/{waiting}", limit=limit - len(lines), cursor=cursor or None, until=until
            )
            lines += [self._line(one) for one in found]
            if following is not None:
                return GridList(events=tuple(lines), cursor=f"{town}~{following}")
            cursor = ""
            if len(lines) == limit:
                break
        rest = towns[towns.index(town) + 1 :] if towns else []
        return GridList(events=tuple(lines), cursor=f"{rest[0]}~" if rest else None)

    def _towns(self, region: str) -> list[str]:
        organisation = self._organisation
        return [
            one.code for one in organisation.regions if one.level == TOWN and region in organisation.lineage(one.code)
        ]

    def _line(self, found: OnDesk) -> GridLine:
        entry: GridEntry = found.entry
        return GridLine(
            event_no=found.key.id,
            category=self._name(entry.category),
            origin=entry.origin,
            place=entry.place,
            occurred_at=entry.occurred_at,
            round=entry.round,
            due_at=entry.due_at,
        )

    def _name(self, category: str) -> Text:
        """What a category is called; its code where the catalogue has it no longer."""
        known = self._categories.category.get(category)
        return known.name if known else Text(zh=category, en=category)


def _handling(state: GridEvent, request_id: str, run: Collaboration | None) -> GridHandling:
    if run is None:
        return GridHandling(collaboration_id=request_id, centre=state.registered.region, due_at=state.due_at)
    return GridHandling(
        collaboration_id=request_id,
        centre=run.region,
        due_at=run.due_at,
        tasks=tuple(_task(task) for task in run.tasks),
        conclusion=run.conclusion,
    )


def _task(task: Task) -> GridTask:
    sent = task.dispatched
    return GridTask(
        task_id=sent.task_id,
        department=sent.department,
        question=sent.ask.question,
        lead=sent.ask.lead,
        status=task.status,
        due_at=task.due_at,
        path=sent.path,
        opinion=task.opinion,
        explanation=task.explanation,
    )


def _sightings(watch: sighting.Watch | None, event_no: str) -> Sightings | None:
    if watch is not None and watch.event_no == event_no:
        return Sightings(count=watch.count, last_at=watch.last_at)
    known = watch.tickets(event_no) if watch is not None else 0
    return Sightings(count=known) if known else None


def _evidence(state: GridEvent, offered: m.EvidenceOffered) -> GridEvidence:
    answer = state.answers.get(offered.evidence_id)
    return GridEvidence(
        evidence_id=offered.evidence_id,
        case_no=offered.case_no,
        department=offered.department,
        result=answer.result if answer else "",
        reason=answer.reason if answer else "",
    )
