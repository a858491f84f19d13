"""网格事件: takes events in from grid workers, the hotline and sensors, takes return calls 回访, puts events to cases."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from ..access import granted
from ..aggregates import GRID, LEDGER, WATCH, Key
from ..domain import grid, grid_no, policy, sighting, speakers
from ..domain import messages as m
from ..domain.catalogue import Organisation
from ..domain.errors import DomainError, Invalid, NotFound, NotNow
from ..domain.grid import GridEvent, GridReport, ReturnCall, Told
from ..domain.grid_category import GridCategories, GridCategory
from ..domain.ledger import Entry
from ..domain.sighting import Watch
from ..domain.working_days import Calendar
from ..envelope import CloudEvent
from ..http import Request
from ..processing import Command, Decide, act
from ..store import Store, Stored

Heard = m.CollaborationConcluded | m.CollaborationExtended | m.EvidenceTaken


class UnknownGridEvent(DomainError):
    """The message is about a grid event that this centre does not have."""

    code = "unknown_grid_event"


class GridReceipt(Struct, frozen=True, kw_only=True):
    """What became of a report: the event that it belongs to. ``joined``: it repeats what another ticket had told before."""

    event_no: str
    status: str
    joined: bool = False


class OfferEvidence(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The case that an event is put to."""

    case_no: str


class Grid:
    """The grid events of the centres, from who tells of them and from the bus."""

    def __init__(
        self, store: Store, organisation: Organisation, categories: GridCategories, calendar: Calendar
    ) -> None:
        self.store = store
        self._organisation = organisation
        self._categories = categories
        self._calendar = calendar

    def route(self, event: CloudEvent) -> Command | None:
        """The command a message means; None for one that is not about a grid event. Raises Invalid for an answer that comes from
        another department's system."""
        message = event.data
        match message:
            case m.CollaborationConcluded() | m.CollaborationExtended() if grid_no.is_valid(message.case_no):
                number = message.case_no
            case m.EvidenceTaken():
                speakers.check(self._organisation, source=event.source, department=message.department)
                number = grid.event_of(message.evidence_id)
            case _:
                return None
        return Command(Key(GRID.name, number), event.id, lambda state, now: self._heard(state, message, now))

    def _heard(self, state: GridEvent | None, message: Heard, now: datetime) -> Sequence[grid.Event]:
        if state is None:
            raise UnknownGridEvent(f"a message about {message.case_no} names a grid event that was never told here")
        match message:
            case m.CollaborationConcluded():
                return grid.conclude(state, message, calendar=self._calendar, now=now)
            case m.CollaborationExtended():
                return grid.extend(state, message)
            case m.EvidenceTaken():
                return grid.answer(state, message, organisation=self._organisation)

    def report(self, request: Request) -> GridReceipt:
        """Takes an event in. The same ticket again is the same event; a sensor that repeats what is open is counted to it."""
        wish: GridReport = request.body
        category = self._categories.category.get(wish.category)
        found = grid.misfits(wish, self._organisation, known=category is not None, now=request.now)
        town = grid.town_of(wish.place, self._organisation)
        if found or category is None or town is None:
            raise Invalid("the report is not right", violations=tuple(found))
        told = self._told(request, town)
        key = Key(GRID.name, grid_no.build(told.reporter, wish.origin_no))
        watch = Key(WATCH.name, sighting.identity(told.reporter, wish))
        watched = bool(wish.sensor and category.repeats_within)
        loaded = self.store.load([key, watch] if watched else [key])
        stored = loaded[key]
        if stored.history:
            grid.require_same(stored.state, wish)
        elif watched:
            stored = self._sighted(request, loaded[watch], key, told, category)
        else:
            stored = self._registered(request, key, wish, told, category)
        return GridReceipt(event_no=stored.key.id, status=stored.state.status, joined=stored.key != key)

    def _told(self, request: Request, town: str) -> Told:
        """Who tells. Systems follow their own tickets; a ticket of a centre is all its operators'. Raises NotFound."""
        by = request.by
        thing = policy.Thing(centres=policy.centres(self._organisation, [town]))
        granted(by, "grid.report", thing, what=f"your centre does not look after {town}")
        owner = by.subject if policy.fields(by.role, "grid.read", ["own"]) is not None else ""
        reporter = f"system/{owner}" if owner else f"centre/{by.region}"
        return Told(region=town, reporter=reporter, owner=owner, by=by.subject)

    def _registered(self, request: Request, key: Key, report: GridReport, told: Told, category: GridCategory) -> Stored:
        def decide(state: GridEvent | None, now: datetime) -> Sequence[grid.Event]:
            if state is not None:
                grid.require_same(state, report)
                return []
            return grid.register(
                report, event_no=key.id, told=told, category=category, calendar=self._calendar, now=now
            )

        return act(self.store, request, Stored(key), decide)

    def _sighted(self, request: Request, watch: Stored, key: Key, told: Told, category: GridCategory) -> Stored:
        """Counts a sensor's report to the event that is open, or makes one of it.

        The watch is written first. Who dies then leaves a watch whose event is not there; whoever comes next writes it.
        """
        report: GridReport = request.body
        window, over = timedelta(minutes=category.repeats_within), self._over(watch.state)

        def decide(state: Watch | None, now: datetime) -> Sequence[Watch]:
            return sighting.sight(state, report, ticket=key.id, told=told, window=window, over=over, now=now)

        kept: Watch = act(self.store, request, watch, decide).state
        theirs = Key(GRID.name, kept.belongs(key.id) or key.id)
        stored = self.store.load([theirs])[theirs]
        if stored.history:
            return stored
        if theirs.id == kept.event_no:
            return self._registered(request, theirs, kept.report, kept.told, category)
        return self._registered(request, key, report, told, category)

    def _over(self, watch: Watch | None) -> frozenset[str]:
        """The event of a watch, if nothing joins it any more."""
        if watch is None:
            return frozenset()
        key = Key(GRID.name, watch.event_no)
        state: GridEvent | None = self.store.load([key])[key].state
        return frozenset({key.id}) if state is not None and state.status != "handling" else frozenset()

    def call(self, request: Request) -> GridReceipt:
        """回访: records what who told of it thinks; the first unsatisfied call leads to a second handling."""
        wish: ReturnCall = request.body

        def decide(state: GridEvent, now: datetime) -> Sequence[grid.Event]:
            return grid.call(state, wish, by=request.by.subject, calendar=self._calendar, now=now)

        return self._acted(request, self.own(request, "grid.call"), decide)

    def offer(self, request: Request) -> GridReceipt:
        """Puts an event to a case as evidence; the case must be in the line of the caller's centre. Raises NotFound, NotNow."""
        wish: OfferEvidence = request.body
        stored = self.own(request, "grid.evidence")
        entry = self._case(request, wish.case_no)
        category = stored.state.report.category

        def decide(state: GridEvent, now: datetime) -> Sequence[grid.Event]:
            return grid.offer(
                state, wish.case_no, department=entry.department, category=category, by=request.by.subject
            )

        return self._acted(request, stored, decide)

    def _case(self, request: Request, case_no: str) -> Entry:
        """A case of the ledger that is open and in the line of the caller's centre."""
        key = Key(LEDGER.name, case_no)
        entry: Entry | None = self.store.load([key])[key].state
        what = f"your centre knows no case {case_no}"
        if entry is None:
            raise NotFound(what)
        thing = policy.Thing(centres=policy.centres(self._organisation, self._places(entry)))
        granted(request.by, "grid.evidence", thing, what=what)
        if entry.is_terminal:
            raise NotNow(f"case {case_no} has ended; evidence is for open cases")
        return entry

    def _places(self, entry: Entry) -> list[str]:
        """Where a case is: its own place; its department's region, of one whose place the centre never noted."""
        if entry.place:
            return [entry.place]
        department = self._organisation.department.get(entry.department)
        return [department.region] if department else []

    def _acted(self, request: Request, stored: Stored, decide: Decide) -> GridReceipt:
        after = act(self.store, request, stored, decide)
        return GridReceipt(event_no=after.key.id, status=after.state.status)

    def own(self, request: Request, action: policy.Action) -> Stored:
        """The event that the path names. Raises NotFound when there is none, or the policy denies this."""
        key = Key(GRID.name, request.path["event_no"])
        stored = self.store.load([key])[key]
        what = f"your centre has no grid event {key.id}"
        if not stored.history:
            raise NotFound(what)
        registered = stored.state.registered
        centres = policy.centres(self._organisation, [registered.region])
        granted(request.by, action, policy.Thing(owner=registered.owner, centres=centres), what=what)
        return stored
